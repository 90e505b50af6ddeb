"""What a run printed, as series of numbers: for plots, whole and thinned to a constant size."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from agents.monitoring.history import history_of
from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.experiment import MetricPoint, Trial
from labcrew.errors import NotFound
from labcrew.home import Home
from tools.live_numbers import shown_numbers

_LOG_BYTES = 64 << 20
_MOST_KNOWN = 32


class MetricSeries(Model):
    """One printed number over a run; finite values alone."""

    name: str = Field(description="as the run prints it: untrusted text")
    steps: tuple[int, ...]
    values: tuple[float, ...]


class TrialSeries(Model):
    """What a trial's kept log says."""

    trial: str
    series: tuple[MetricSeries, ...]
    complete: bool = Field(description="false: the log is longer than what was read of it")


_KNOWN: dict[tuple[Path, str, str, str], TrialSeries] = {}
_TURN = threading.Lock()


def series_of(home: Home, trial: Trial, metric: str = "") -> TrialSeries:
    """A trial's numbers: of its kept log, or while it runs what its follower wrote down.

    What was read of an ended trial is kept in mind, for its log does not change any more.

    Args:
        home: where logs are kept.
        trial: whose log is read, at most 64 MiB of it.
        metric: the ticket's, which is kept however many numbers there are; may be empty.

    Raises BoundaryError: something else stands where the log should be.
    """
    folder = home.artefacts(trial.ticket) / "logs"
    if trial.result is None:
        return _read(home, trial, metric)
    key = (folder, trial.id, metric, trial.result.model_dump_json())
    with _TURN:
        known = _KNOWN.get(key)
    if known is not None:
        return known
    read = _read(home, trial, metric)
    if read.series:
        with _TURN:
            _KNOWN[key] = read
            while len(_KNOWN) > _MOST_KNOWN:
                del _KNOWN[next(iter(_KNOWN))]
    return read


def _read(home: Home, trial: Trial, metric: str) -> TrialSeries:
    folder, log = home.artefacts(trial.ticket) / "logs", f"{trial.id}.log"
    complete = True
    try:
        points = history_of(beneath.chunks(folder, log, _LOG_BYTES), metric).points()
        with beneath.opened(folder, log) as file:
            complete = os.fstat(file.fileno()).st_size <= _LOG_BYTES
    except (NotFound, FileNotFoundError):
        points = shown_numbers(home, trial)
    return TrialSeries(trial=trial.id, series=_by_name(points), complete=complete)


def _by_name(points: Iterable[MetricPoint]) -> tuple[MetricSeries, ...]:
    found: dict[str, list[MetricPoint]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point)
    return tuple(
        MetricSeries(
            name=name,
            steps=tuple(point.step for point in one),
            values=tuple(point.value for point in one),
        )
        for name, one in found.items()
    )
