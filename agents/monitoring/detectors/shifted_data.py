"""Data that is not what it was."""

import math
import re
from collections import deque
from functools import lru_cache

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, shown
from agents.monitoring.rates import LearningRate
from agents.monitoring.robust import Window, median
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_KEPT, _NEEDED = 64, 24
_INPUT = re.compile(
    r"(?:input|feature|pixel|image|data|target|label|batch|x|y)s?[_/ .-]?"
    r"(?:mean|std|var|min|max|norm|avg|rms|entropy|positive|share|rate)$",
    re.IGNORECASE,
)
_STATISTIC_ROW = 6
_SLACK, _CLIP = 1.5, 8.0
_SHIFT, _SHARD_SHIFT = 0.25, 0.8
"""Least rise, as a share of the usual level; shards differ by their nature."""
_AT_SHARD, _WITH_RATE, _ALONE = 15, 40, 160
"""Values that a new level of the loss must last: where it begins with a new shard; where the
printed learning rate did not rise; and where nothing else is known."""


class _Statistic:
    __slots__ = ("row", "window")

    def __init__(self) -> None:
        self.window, self.row = Window(_KEPT), 0


class ShiftedData(Detector):
    """A lasting new level of the loss, or of a printed statistic of the inputs.

    A cumulative sum of robust scores with slack (Page 1954; the test of Page and Hinkley), so
    that noise never adds up; the level must last, must not fall back as after a restart of the
    learning rate, and must begin at once.
    """

    def __init__(self, expected: Expectations) -> None:
        self._statistics: Named[_Statistic] = Named(_Statistic, most=32)
        self._rate = LearningRate()
        self._usual = Window(_KEPT)
        self._loss = ""
        self._sum = 0.0
        self._above: deque[float] = deque(maxlen=_ALONE)
        self._count = 0
        self._batch, self._in_batch, self._batches = "", 0, 0
        self._long, self._begins_batch = False, ""
        self._healthy: int | None = None
        self._before: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        self._rate.see(seen)
        if seen.batch and seen.batch != self._batch:
            self._long = self._in_batch >= 3
            self._batch, self._in_batch = seen.batch[:200], 0
            self._batches += 1
        found: Alarm | None = None
        for name, value in seen.numbers.items():
            if not math.isfinite(value):
                continue
            kind = role(name)
            if kind == "train_loss" and (not self._loss or name == self._loss):
                self._loss = name
                found = found or self._level(value, seen)
                self._in_batch += 1
            elif kind == "other" and _is_input(name):
                found = self._statistic(name, value, seen) or found
        return found

    def _statistic(self, name: str, value: float, seen: Observation) -> Alarm | None:
        state = self._statistics.get(name)
        if state is None:
            return None
        window = state.window
        if len(window) < _NEEDED:
            window.add(value)
            return None
        usual = window.median
        spread = max(window.high - window.low, 6 * window.scale, 0.02 * abs(usual), 1e-6)
        if abs(value - usual) <= 1.5 * spread:
            window.add(value)
            state.row = 0
            self._healthy = seen.step if not self._sum else self._healthy
            return None
        state.row += 1
        if state.row < _STATISTIC_ROW:
            return None
        return Alarm(
            kind="shifted_data",
            diagnosis=f"{shown(name)} stands at {value:.4g}; it was {usual:.4g} "
            f"(spread {spread:.2g})",
            confidence=0.85,
            step=seen.step,
            since_step=self._healthy,
            subject=self._batch,
        )

    def _level(self, value: float, seen: Observation) -> Alarm | None:
        usual = self._usual
        if not usual.values and value == 0.0:
            return None  # printed before there is a loss
        if len(usual) < _NEEDED:
            usual.add(value)
            self._healthy = seen.step
            return None
        scale = max(usual.scale, 1e-3 * abs(usual.median), 1e-9)
        score = (value - usual.median) / scale
        before = self._sum
        self._sum = max(0.0, self._sum + min(score, _CLIP) - _SLACK)
        if self._sum == 0.0:
            if before:
                for past in self._above:
                    usual.add(past)
                self._above.clear()
            usual.add(value)
            self._count = 0
            self._healthy = seen.step
            return None
        if not before:
            self._before = self._healthy
            self._begins_batch = self._batch if self._in_batch == 0 and self._long else ""
            self._above.clear()
            self._count = 0
        self._above.append(value)
        self._count += 1
        return self._lasting(seen, scale)

    def _lasting(self, seen: Observation, scale: float) -> Alarm | None:
        usual, count = self._usual, self._count
        shard = self._begins_batch if self._batches > 3 else ""
        if count not in (_AT_SHARD, _WITH_RATE, _ALONE):
            return None
        if count == _AT_SHARD and not shard:
            return None
        if count == _WITH_RATE and not (self._rate.printed or shard):
            return None
        values = list(self._above)
        third = max(len(values) // 3, 1)
        begin, end = median(values[:third]), median(values[-third:])
        shift = median(values) - usual.median
        least = _SHARD_SHIFT if shard else _SHIFT
        if shift < max(4 * scale, least * abs(usual.median)) or self._rate.rose_within(count + 20):
            return None
        low = sorted(values)[len(values) // 10]
        if low <= usual.quantile(0.95) or (begin - end > 0.3 * shift and not shard):
            return None
        if end > begin + shift or min(values[:3]) - usual.median < 0.5 * shift:
            return None
        where = f" since {shown(shard)} began" if shard else ""
        return Alarm(
            kind="shifted_data",
            diagnosis=f"{shown(self._loss)} stands at {end:.4g} for {count} values{where}; it was "
            f"{usual.median:.4g}, with a spread of {scale:.2g}",
            confidence=0.7 if shard else 0.55,
            step=seen.step,
            since_step=self._before,
            subject=shard,
        )


@lru_cache(maxsize=1024)
def _is_input(name: str) -> bool:
    return _INPUT.search(name[:80]) is not None
