"""Losses that grow away."""

import math
from collections import deque

from agents.monitoring.detector import Detector
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import is_loss

_MOST_NAMES = 200
"""A log that invents names can't fill the memory."""


class Divergence(Detector):
    """A loss that grows far above its best: the rule of thumb of a factor, over a window.

    Args:
        factor: how far above the best loss so far.
        window: lines in a row that must stand there.
    """

    def __init__(self, expected: Expectations, factor: float = 20.0, window: int = 4) -> None:
        self._factor, self._window = factor, window
        self._best: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._recent: dict[str, deque[float]] = {}

    def see(self, seen: Observation) -> Alarm | None:
        for name, value in seen.numbers.items():
            if not is_loss(name) or not math.isfinite(value):
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
