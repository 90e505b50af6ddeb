"""The crew: the agents that the graph's nodes ask."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agents.coordinator import Coordinator
from agents.data_pipeline import DataPipeline
from agents.experiment_launcher import ExperimentLauncher
from agents.literature_review import LiteratureReview
from agents.log_monitor import LogMonitor
from agents.merge_request import MergeRequestAgent
from labcrew.domain.research import AgentName, Embedder
from labcrew.judgement import Judge


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
            experiment_launcher=ExperimentLauncher(judge),
            log_monitor=LogMonitor(judge),
            merge_request=MergeRequestAgent(judge),
            judge=judge,
            embedder=embedder,
        )

    def with_rules_of_the_house(self, told: Callable[[AgentName], str]) -> "Crew":
        """The same crew, whose models are told a lab's skills: agent → what it is told."""
        return Crew.of(replace(self.judge, told=told), self.embedder)

    def without_models(self) -> "Crew":
        """The same crew with every question answered by its rule, for rerouting."""
        return Crew.of(Judge(models={}), self.embedder)
