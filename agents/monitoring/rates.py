"""What the printed learning rate did lately: a rise explains a rise of the loss."""

import math

from labcrew.domain.monitoring import Observation
from tools.metric_names import role

_LEAP, _SETTLED = 3.0, 20


class LearningRate:
    """Follows the first learning rate that a run prints, if it prints one."""

    __slots__ = ("_count", "_most", "_name", "_since_leap", "_since_rise", "_value")

    def __init__(self) -> None:
        self._name, self._value, self._since_rise = "", math.nan, 10**9
        self._most, self._count, self._since_leap = 0.0, 0, 10**9

    def see(self, seen: Observation) -> None:
        """Takes a line."""
        self._since_rise += 1
        self._since_leap += 1
        name = self._name
        if not name:
            name = next((n for n in seen.numbers if role(n) == "learning_rate"), "")
            if not name:
                return
            self._name = name
        value = seen.numbers.get(name)
        if value is None or not math.isfinite(value):
            return
        if value > 1.001 * self._value and value > 0:
            self._since_rise = 0
        self._value = value
        if self._count >= _SETTLED and value > _LEAP * self._most > 0:
            self._since_leap = 0
        self._count += 1
        self._most = max(self._most, value)

    @property
    def printed(self) -> bool:
        """Whether there is one."""
        return bool(self._name)

    def leapt_within(self, lines: int) -> bool:
        """Whether it went, within the last so many lines, to three times all it had been before.

        Cycles and warm restarts come back to where they were; a warm-up rises in small steps.
        """
        return self._since_leap <= lines

    def rose_within(self, lines: int) -> bool:
        """Whether it rose within the last so many lines."""
        return self._since_rise <= lines
