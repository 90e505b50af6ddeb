"""Memory that will run out."""

from agents.monitoring.detector import Detector
from agents.monitoring.filling import Filling
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage

_MIB = 2**20
_TRAINING_LINES = 5


class MemoryRising(Detector):
    """Memory use that rises steadily, from 85% of the limit on: a leak.

    A robust slope (Theil 1950, Sen 1968) over the time since training began: what is loaded
    before the first numbers come is no leak, and neither is what levels off.

    Args:
        expected: `memory_mb` stands in where the engine tells no limit.
    """

    def __init__(self, expected: Expectations) -> None:
        self._limit = expected.memory_mb * _MIB
        self._filling = Filling()
        self._lines = 0
        self._step: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        if seen.numbers:
            self._lines += 1
            if seen.step is not None:
                self._step = seen.step
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        if usage is None or self._lines < _TRAINING_LINES:
            return None
        limit = usage.memory_limit_bytes or self._limit
        if limit <= 0:
            return None
        left = self._filling.left_s(at_s, usage.memory_bytes, limit)
        if left is None:
            return None
        return Alarm(
            kind="memory_rising",
            diagnosis=f"memory use is {usage.memory_bytes / _MIB:.0f} of {limit / _MIB:.0f} MiB "
            f"and rises steadily: it will be full in about {left:.0f} s",
            confidence=0.8,
            step=self._step,
            since_step=self._step,
        )
