"""Training and validation side by side: what the detectors that compare them have in common."""

import math
from collections import deque
from collections.abc import Iterator

from agents.monitoring.robust import median
from labcrew.domain.monitoring import Observation
from tools.metric_names import role

_SINCE = 25


class Level:
    """The level of one training number since the last evaluation: the median, not the newest."""

    __slots__ = ("_level", "_since", "first")

    def __init__(self) -> None:
        self._since: deque[float] = deque(maxlen=_SINCE)
        self._level: float | None = None
        self.first: float | None = None

    def add(self, value: float) -> None:
        """Takes the next finite value."""
        if self.first is None:
            self.first = value
        self._since.append(value)

    def take(self) -> float | None:
        """The level at this evaluation; the last one where nothing came since, None at first."""
        if self._since:
            self._level = median(self._since)
            self._since.clear()
        return self._level


class Evaluations:
    """Follows the first training loss and metric, and yields the numbers of each evaluation."""

    __slots__ = ("_loss_name", "_metric_name", "loss", "metric")

    def __init__(self) -> None:
        self._loss_name, self._metric_name = "", ""
        self.loss, self.metric = Level(), Level()

    def see(self, seen: Observation) -> Iterator[tuple[str, float, bool]]:
        """Name, finite value, and whether it is a loss, of each validation number of a line."""
        found = []
        for name, value in seen.numbers.items():
            kind = role(name)
            if kind == "other" or not math.isfinite(value):
                continue
            if kind == "train_loss":
                self._loss_name = self._loss_name or name
                if name == self._loss_name:
                    self.loss.add(value)
            elif kind == "train_metric":
                self._metric_name = self._metric_name or name
                if name == self._metric_name:
                    self.metric.add(value)
            elif kind in ("validation_loss", "validation_metric") and seen.done is None:
                found.append((name, value, kind == "validation_loss"))
        yield from found
