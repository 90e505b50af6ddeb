"""The crew: the agents that the graph's nodes ask."""

from dataclasses import dataclass, replace

from agents.coordinator import Coordinator
from agents.data_pipeline import DataPipeline
from agents.experiment_launcher import ExperimentLauncher
from agents.literature_review import LiteratureReview
from agents.log_monitor import LogMonitor
from agents.merge_request import MergeRequestAgent
from labcrew.domain.research import Embedder
from labcrew.judgement import Judge, Record


@dataclass(frozen=True)
class Crew:
    """One agent a role, all asking the same judge."""

    coordinator: Coordinator
    literature_review: LiteratureReview
    data_pipeline: DataPipeline
    experiment_launcher: ExperimentLauncher
    log_monitor: LogMonitor
    merge_request: MergeRequestAgent
    judge: Judge
    embedder: Embedder

    @classmethod
    def of(cls, judge: Judge, embedder: Embedder) -> "Crew":
        """The crew around a judge."""
        return cls(
            coordinator=Coordinator(judge),
            literature_review=LiteratureReview(judge, embedder),
            data_pipeline=DataPipeline(judge),
            experiment_launcher=ExperimentLauncher(),
            log_monitor=LogMonitor(judge),
            merge_request=MergeRequestAgent(judge),
            judge=judge,
            embedder=embedder,
        )

    def recording(self, record: Record, *, closed: bool = False) -> "Crew":
        """The same crew, telling of every answer that a model gave or failed to give.

        Args:
            closed: whether untrusted text is kept from models.
        """
        return Crew.of(replace(self.judge, record=record, closed=closed), self.embedder)

    def without_models(self) -> "Crew":
        """The same crew with every question answered by its rule, for rerouting."""
        return Crew.of(Judge(models={}), self.embedder)
