"""A workspace that will be full."""

from agents.monitoring.detector import Detector
from agents.monitoring.filling import Filling
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage

_MIB = 2**20


class DiskFilling(Detector):
    """A workspace that fills steadily, from 85% of its size on.

    A robust slope (Theil 1950, Sen 1968): programs write checkpoints in stairs, and tidy up.

    Args:
        expected: `disk_mb` stands in where the workspace tells no size.
    """

    def __init__(self, expected: Expectations) -> None:
        self._limit = expected.disk_mb * _MIB
        self._filling = Filling()
        self._step: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        if seen.step is not None:
            self._step = seen.step
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        if usage is None:
            return None
        limit = usage.disk_limit_bytes or self._limit
        if limit <= 0:
            return None
        left = self._filling.left_s(at_s, usage.disk_bytes, limit)
        if left is None:
            return None
        return Alarm(
            kind="disk_filling",
            diagnosis=f"the workspace holds {usage.disk_bytes / _MIB:.0f} of "
            f"{limit / _MIB:.0f} MiB and fills steadily: it will be full in about {left:.0f} s",
            confidence=0.85,
            step=self._step,
            since_step=self._step,
        )
