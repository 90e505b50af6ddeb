"""Tool that writes a finished trial to the lab's experiment tracker; MLflow is the one built in."""

import posixpath
import re
import threading
from typing import Any

from labcrew.domain.base import Model
from labcrew.domain.experiment import TrackedRun
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.toolbox import Tool, Workbench

_MOST_METRICS = 500
"""In one request: MLflow takes 1,000 items, settings and tags counted."""
_LONGEST_NAME, _LONGEST_VALUE = 200, 500


class TrackRun(Model):
    """Records one run."""

    run: TrackedRun


class MlflowTracker:
    """Runs in MLflow, one experiment a ticket.

    Args:
        uri: a tracking server's address or a store, e.g. sqlite:////…/mlflow.db.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._client: Any = None
        self._experiments: dict[str, str] = {}
        # Trials end side by side: two threads would make the same experiment, or run, twice.
        self._lock = threading.Lock()

    def _connected(self) -> Any:
        if self._client is None:
            import logging

            from mlflow import MlflowClient

            # It tells of every table it makes, on the terminal where people watch the crew.
            logging.getLogger("mlflow").setLevel(logging.WARNING)
            logging.getLogger("alembic").setLevel(logging.WARNING)

            self._client = MlflowClient(tracking_uri=self._uri)
        return self._client

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            client = self._connected()
            found = client.get_experiment_by_name(name)
            self._experiments[name] = (
                found.experiment_id if found is not None else client.create_experiment(name)
            )
        return self._experiments[name]

    def record(self, experiment: str, run: TrackedRun) -> str:
        """Records a finished run and answers its id; the same trial is recorded once."""
        with self._lock:
            return self._record(experiment, run)

    def _record(self, experiment: str, run: TrackedRun) -> str:
        from mlflow.entities import Metric, Param, RunTag

        client = self._connected()
        trial = run.trial
        place = self._experiment(experiment)
        known = client.search_runs([place], f"tags.labcrew_trial = '{trial.id}'", max_results=1)
        if known and known[0].info.status != "RUNNING":
            return str(known[0].info.run_id)
        made = (
            known[0]
            if known
            else client.create_run(place, run_name=trial.id, tags={"labcrew_trial": trial.id})
        )
        run_id = str(made.info.run_id)
        at = int(made.info.start_time)
        settings = {"seed": trial.seed, "data": trial.data} | dict(trial.values)
        params = [
            Param(tracked_name(name), str(value)[:_LONGEST_VALUE])
            for name, value in settings.items()
        ]
        tags = [RunTag("kind", trial.kind), RunTag("outcome", trial.status)]
        found = []
        if trial.score is not None:
            label = "reported" if trial.score.source == "reported" else "score"
            found.append(Metric(f"{label}.{trial.score.split}", trial.score.value, at, 0))
        found += [Metric(tracked_name(p.name), p.value, at, p.step) for p in run.metrics]
        client.log_batch(run_id, metrics=found[:_MOST_METRICS], params=params, tags=tags)
        for start in range(_MOST_METRICS, len(found), _MOST_METRICS):
            client.log_batch(run_id, metrics=found[start : start + _MOST_METRICS])
        client.set_terminated(run_id, "FINISHED" if trial.status == "scored" else "FAILED")
        return run_id


def tracked_name(printed: str) -> str:
    """A name that a program printed, as MLflow takes it: known characters, a plain path, short."""
    name = re.sub(r"[^\w\-. /:]", "_", printed, flags=re.ASCII)[:_LONGEST_NAME].strip() or "_"
    if name.startswith("/") or posixpath.normpath(name) != name or name.startswith(".."):
        name = name.replace("/", "_").replace("..", "__") or "_"
    return "_" if name in (".", "..") else name


def _track(call: TrackRun, assigned: AssignedTicket, bench: Workbench) -> str:
    # Several homes may share a server: each has a T-001.
    place = f"labcrew/{bench.home.id}/{assigned.id}"
    try:
        return bench.tracker.record(place, call.run)
    except Exception as error:  # whatever the tracker's libraries raise
        raise ToolError(f"the tracker did not take {call.run.trial.id}: {error}") from error


track_run = Tool("track_run", TrackRun, _track)
