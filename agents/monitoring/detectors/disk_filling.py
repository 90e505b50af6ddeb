"""A workspace that will be full."""

from agents.monitoring.detector import Detector
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage

_MIB = 2**20
_STAIR, _STAIRS = 0.01, 4
"""Of the limit: a rise that counts; and how many in a row, with nothing tidied up between."""
_HIGH = 0.6


class DiskFilling(Detector):
    """A workspace that only ever grows, from 60% of its size on.

    A rule of thumb for what is written in stairs: programs that keep their newest checkpoints
    tidy up between, so that their use stops rising; a slope would see the last stair too late.

    Args:
        expected: `disk_mb` stands in where the workspace tells no size.
    """

    def __init__(self, expected: Expectations) -> None:
        self._limit = expected.disk_mb * _MIB
        self._level, self._stairs, self._rise = 0, 0, 0
        self._step: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        if seen.step is not None:
            self._step = seen.step
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        if usage is None:
            return None
        used, limit = usage.disk_bytes, usage.disk_limit_bytes or self._limit
        if limit <= 0:
            return None
        if used < self._level - _STAIR * limit:
            self._level, self._stairs, self._rise = used, 0, 0
        elif used > self._level + _STAIR * limit:
            self._rise += used - self._level
            self._level, self._stairs = used, self._stairs + 1
        if used < _HIGH * limit or self._stairs < _STAIRS:
            return None
        each = self._rise / self._stairs
        return Alarm(
            kind="disk_filling",
            diagnosis=f"the workspace holds {used / _MIB:.0f} of {limit / _MIB:.0f} MiB and has"
            f" grown {self._stairs} times in a row by {each / _MIB:.0f} MiB:"
            f" {max(0.0, (limit - used) / each):.0f} more fit",
            confidence=0.85,
            step=self._step,
            since_step=self._step,
        )
