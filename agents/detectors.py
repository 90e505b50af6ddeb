"""What can be wrong with a run while it trains: one small class a detector, in one tuple.

A detector sees each line's metrics as they come, keeps constant memory, and answers at most once.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

from labcrew.domain.base import Model
from labcrew.domain.experiment import IncidentKind


class Alarm(Model):
    """A detector's answer."""

    kind: IncidentKind
    diagnosis: str


class Detector(Protocol):
    """Sees a run line by line."""

    def see(self, numbers: dict[str, float]) -> Alarm | None:
        """Takes the metrics of one line, and answers when something is wrong."""


_MOST_NAMES = 200
"""A log that invents names can't fill the memory."""


def _is_loss(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in ("loss", "nll", "perplexity", "cross_entropy"))


class NotFinite:
    """A loss, or any number beside one, that is NaN or infinite.

    An infinity that never was a number isn't an alarm: programs print `best=inf` before they have
    a best.

    Args:
        patience: lines in a row before the alarm; one bad number may be a skipped batch.
    """

    def __init__(self, patience: int = 2) -> None:
        self._patience = patience
        self._bad = 0
        self._finite: set[str] = set()

    def see(self, numbers: dict[str, float]) -> Alarm | None:
        if not numbers:
            return None
        bad = []
        for name, value in numbers.items():
            if math.isfinite(value):
                if len(self._finite) < _MOST_NAMES:
                    self._finite.add(name)
            elif math.isnan(value) or _is_loss(name) or name in self._finite:
                bad.append(name)
        self._bad = self._bad + 1 if bad else 0
        if self._bad < self._patience:
            return None
        value = numbers[bad[0]]
        return Alarm(kind="not_finite", diagnosis=f"{bad[0]} is {value} and has stayed so")


class Divergence:
    """A loss that grows far above its best: the rule of thumb of a factor, over a window.

    Args:
        factor: how far above the best loss so far.
        window: lines in a row that must stand there.
    """

    def __init__(self, factor: float = 20.0, window: int = 4) -> None:
        self._factor, self._window = factor, window
        self._best: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._recent: dict[str, deque[float]] = {}

    def see(self, numbers: dict[str, float]) -> Alarm | None:
        for name, value in numbers.items():
            if not _is_loss(name) or not math.isfinite(value):
                continue
            if name not in self._first and len(self._first) >= _MOST_NAMES:
                continue
            first = self._first.setdefault(name, value)
            best = self._best[name] = min(self._best.get(name, value), value)
            recent = self._recent.setdefault(name, deque(maxlen=self._window))
            recent.append(value)
            # Above the first value too: a loss near zero may well grow twentyfold and be fine.
            floor = max(self._factor * abs(best), 2 * abs(first), 1e-6)
            if len(recent) == self._window and min(recent) > floor:
                return Alarm(
                    kind="diverged",
                    diagnosis=f"{name} stands at {value:.4g}, its best was {best:.4g}",
                )
        return None


DETECTORS: tuple[Callable[[], Detector], ...] = (NotFinite, Divergence)
