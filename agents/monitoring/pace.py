"""How long a step takes: from the times of lines, in blocks that the clock can tell apart."""

from agents.monitoring.robust import Window
from labcrew.domain.monitoring import Observation
from tools.metric_names import role

_BLOCK_S = 0.1
"""Shorter blocks would measure how output is buffered and read."""
_SKIPPED, _NEEDED = 2, 8
_KEPT = 96
_SLOW = 3.0
_ROW, _LASTING_S = 8, 3.0
_FORGIVEN = 400


class Pace:
    """Seconds a step, of blocks of at least 0.1 s; lines of validation are left out."""

    __slots__ = ("_from_s", "_lines", "_name", "_step")

    def __init__(self) -> None:
        self._from_s: float | None = None
        self._lines = 0
        self._step: int | None = None
        self._name = ""

    def see(self, seen: Observation) -> float | None:
        """Takes a line; answers the seconds a step of a block that it closes."""
        if not self._counts(seen):
            return None
        if self._from_s is None:
            self._begin(seen)
            return None
        self._lines += 1
        elapsed = seen.at_s - self._from_s
        if elapsed < _BLOCK_S:
            return None
        steps: int | None = self._lines
        if seen.step is not None and self._step is not None:
            # Where the step began anew, the block spans an epoch's end.
            steps = seen.step - self._step if seen.step > self._step else None
        self._begin(seen)
        return elapsed / steps if steps else None

    def _begin(self, seen: Observation) -> None:
        self._from_s, self._step, self._lines = seen.at_s, seen.step, 0

    def _counts(self, seen: Observation) -> bool:
        numbers = seen.numbers
        if self._name:
            return self._name in numbers
        for name in numbers:
            if role(name) == "train_loss":
                self._name = name
                self._from_s = None
                return True
        return seen.step is not None


class Slowness:
    """Tells a lasting slowdown from the odd slow block, against the run's own pace.

    Eight blocks in a row, and three seconds at least, each at two and a half times the median of
    the blocks before, their median at three times. An evaluation each few steps makes single
    blocks long, never a row of them.
    """

    __slots__ = ("_all", "_blocks", "_since_s", "healthy", "row", "times", "usual")

    def __init__(self) -> None:
        self.usual = Window(_KEPT)
        self.row = Window(_ROW)
        self._all = Window(_KEPT)
        self.times = 0.0
        self.healthy: int | None = None
        self._blocks = 0
        self._since_s = 0.0

    def add(self, per_step_s: float, seen: Observation) -> bool:
        """Takes a block; answers whether the run is slow by now. `times` tells how much."""
        self._blocks += 1
        if self._blocks <= _SKIPPED:
            self._since_s = seen.at_s
            return False
        usual = self.usual
        if len(usual) < _NEEDED or per_step_s < (_SLOW - 0.5) * usual.median:
            usual.add(per_step_s)
            for slow in (*self.row.values, per_step_s):
                self._all.add(slow)
            self.row.clear()
            self._since_s = seen.at_s
            self.healthy = seen.step
            return False
        self.row.add(per_step_s)
        self.times = self.row.median / usual.median
        slow_s = seen.at_s - self._since_s
        if slow_s > _FORGIVEN * max(_BLOCK_S, usual.median):
            usual.clear()
            return False
        lasting = max(_LASTING_S, 2 * usual.quantile(0.95))
        # Where every few blocks were as slow before, a row of them is chance.
        new = self.row.low > self._all.quantile(0.85)
        return len(self.row) >= _ROW and self.times >= _SLOW and new and slow_s >= lasting
