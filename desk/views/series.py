"""What a run printed, as series of numbers: for plots, whole and thinned to a constant size."""

import math
import threading
from pathlib import Path

from pydantic import Field

from agents.monitoring.history import Series
from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.experiment import Trial
from labcrew.errors import NotFound
from labcrew.home import Home
from tools.live_numbers import shown_numbers
from tools.log_lines import STEPS, metrics, step_of

_LOG_BYTES = 64 << 20
_LINE_BYTES = 1 << 14
_NAMES = 64
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


_KNOWN: dict[tuple[Path, str, str], TrialSeries] = {}
_TURN = threading.Lock()


def series_of(home: Home, trial: Trial) -> TrialSeries:
    """A trial's numbers: of its kept log, or while it runs what its follower wrote down.

    What was read of an ended trial is kept in mind, for its log does not change any more.

    Args:
        home: where logs are kept.
        trial: whose log is read, at most 64 MiB of it.

    Raises BoundaryError: something else stands where the log should be.
    """
    folder = home.artefacts(trial.ticket) / "logs"
    if trial.result is None:
        return _read(home, trial)
    key = (folder, trial.id, trial.result.model_dump_json())
    with _TURN:
        known = _KNOWN.get(key)
    if known is not None:
        return known
    read = _read(home, trial)
    if read.series:
        with _TURN:
            _KNOWN[key] = read
            while len(_KNOWN) > _MOST_KNOWN:
                del _KNOWN[next(iter(_KNOWN))]
    return read


def _read(home: Home, trial: Trial) -> TrialSeries:
    folder = home.artefacts(trial.ticket) / "logs"
    found: dict[str, Series] = {}
    seen, complete = 0, True
    try:
        for position, line in enumerate(
            beneath.lines(folder, f"{trial.id}.log", line_cap=_LINE_BYTES)
        ):
            seen += len(line)
            if seen > _LOG_BYTES:
                complete = False
                break
            numbers = metrics(line)
            step = step_of(numbers, position)
            for name, value in numbers.items():
                if name.lower() in STEPS or not math.isfinite(value):
                    continue
                if name not in found and len(found) >= _NAMES:
                    continue
                found.setdefault(name, Series()).add(step, value)
    except (NotFound, FileNotFoundError):
        for point in shown_numbers(home, trial):
            found.setdefault(point.name, Series()).add(point.step, point.value)
    return TrialSeries(
        trial=trial.id,
        series=tuple(
            MetricSeries(
                name=name,
                steps=tuple(step for step, _ in one.points()),
                values=tuple(value for _, value in one.points()),
            )
            for name, one in found.items()
        ),
        complete=complete,
    )
