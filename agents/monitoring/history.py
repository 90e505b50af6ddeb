"""The numbers of a run as they came, thinned to a constant size: for plots and for judging."""

import math
from collections.abc import Iterable

from agents.monitoring.named import Named
from labcrew.domain.experiment import MetricPoint
from labcrew.domain.monitoring import Observation
from tools.log_lines import STEPS
from tools.logs.reader import LogReader

_POINTS, _NAMES = 256, 64


class Series:
    """One number over the run; when it is full, every second point goes and the stride doubles.

    The first and the newest value are always there.

    Args:
        cap: most points that are kept, even and at least 4.
    """

    def __init__(self, cap: int = _POINTS) -> None:
        self._cap, self._stride, self._count = cap, 1, 0
        self._points: list[tuple[int, float]] = []
        self.last: float = math.nan

    def add(self, step: int, value: float) -> None:
        """Takes the next value."""
        self.last = value
        if self._count % self._stride == 0:
            self._points.append((step, value))
            if len(self._points) > self._cap:
                del self._points[1::2]
                self._stride *= 2
        self._count += 1
        self._newest = (step, value)

    def points(self) -> tuple[tuple[int, float], ...]:
        """Steps and values, oldest first."""
        if not self._points or self._points[-1] == self._newest:
            return tuple(self._points)
        return (*self._points, self._newest)


class History:
    """The series of one run, by their printed names; names beyond a cap are not kept.

    A number stands at the newest step that was named; in a log that names none, at the newest whole
    epoch; in one without either, at its line.

    Args:
        metric: the name of the number that is kept however many there are; may be empty.
    """

    def __init__(self, metric: str = "") -> None:
        self._series: Named[Series] = Named(Series, most=_NAMES, metric=metric)
        self._step: int | None = None
        self._epoch: int | None = None

    def add(self, seen: Observation, line: int) -> None:
        """Takes what a line says.

        Args:
            line: its number in the log.
        """
        if seen.step is not None:
            self._step = seen.step
        if seen.epoch is not None and float(seen.epoch).is_integer():
            self._epoch = int(seen.epoch)
        at = next((n for n in (self._step, self._epoch) if n is not None), line)
        for name, value in seen.numbers.items():
            if name.lower() in STEPS:
                continue
            series = self._series.get(name)
            if series is not None:
                series.add(at, value)

    def points(self) -> tuple[MetricPoint, ...]:
        """The finite points of all series, by name."""
        return tuple(
            MetricPoint(name=name, step=step, value=value)
            for name, series in self._series.states.items()
            for step, value in series.points()
            if math.isfinite(value)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """In the order in which they came."""
        return tuple(self._series.states)

    def last(self, name: str) -> float | None:
        """The newest value of a name; None where it never came."""
        series = self._series.states.get(name)
        return None if series is None else series.last


def history_of(chunks: Iterable[bytes], metric: str = "") -> History:
    """The numbers of a whole log, given in pieces that are cut anywhere.

    Args:
        metric: the name of the number that is kept however many there are; may be empty.
    """
    reader, history = LogReader(), History(metric)
    for chunk in chunks:
        for seen in reader.feed(chunk, 0.0):
            history.add(seen, reader.lines)
    for seen in reader.end(0.0):
        history.add(seen, reader.lines)
    return history
