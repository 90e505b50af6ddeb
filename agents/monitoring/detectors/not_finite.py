"""NaN and infinities."""

import math

from agents.monitoring.detector import Detector
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import is_loss

_MOST_NAMES = 200
"""A log that invents names can't fill the memory."""


class NotFinite(Detector):
    """A loss, or any number beside one, that is NaN or infinite.

    An infinity that never was a number isn't an alarm: programs print `best=inf` before they have
    a best.

    Args:
        patience: lines in a row before the alarm; one bad number may be a skipped batch.
    """

    def __init__(self, expected: Expectations, patience: int = 2) -> None:
        self._patience = patience
        self._bad = 0
        self._finite: set[str] = set()

    def see(self, seen: Observation) -> Alarm | None:
        numbers = seen.numbers
        if not numbers:
            return None
        bad = []
        for name, value in numbers.items():
            if math.isfinite(value):
                if len(self._finite) < _MOST_NAMES:
                    self._finite.add(name)
            elif math.isnan(value) or is_loss(name) or name in self._finite:
                bad.append(name)
        self._bad = self._bad + 1 if bad else 0
        if self._bad < self._patience:
            return None
        value = numbers[bad[0]]
        return Alarm(kind="not_finite", diagnosis=f"{bad[0]} is {value} and has stayed so")
