"""A batch, shard or file that is bad while its neighbours are healthy."""

import math
from collections import OrderedDict, deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import shown
from agents.monitoring.robust import Window, median
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_KEPT, _NEEDED = 64, 8
_MOST_BATCHES = 500
_SCORE = 8.0
_HEALTHY_AFTER, _WRONG_AFTER = 3, 2
_MANY = 0.1
"""Share of all names: where more are out of line, the data is of many kinds, not corrupt."""


class _Batch:
    __slots__ = ("line", "lines", "passes", "value", "wrong")

    def __init__(self) -> None:
        self.lines, self.wrong, self.passes = 0, 0, 0
        self.value, self.line = 0.0, ""


class CorruptBatch(Detector):
    """A named batch whose loss is not finite, or far out, amid healthy ones, or again next epoch.

    The Hampel identifier on the training loss (Hampel 1974), asked a batch at a time: all lines of
    the batch are out, those before and after are not. One far value of a batch that has only one
    line counts when the batch comes round again. A loss that is NaN from a batch on, after healthy
    values that did not grow, tells of that batch too, with less confidence: it may have spoilt
    the weights.
    """

    def __init__(self, expected: Expectations) -> None:
        self._usual = Window(_KEPT)
        self._newest: deque[float] = deque(maxlen=3)
        self._batches: OrderedDict[str, _Batch] = OrderedDict()
        self._outliers: OrderedDict[str, None] = OrderedDict()
        self._name, self._loss = "", ""
        self._suspect = ""
        self._after, self._wrong_after = 0, 0
        self._healthy: int | None = None
        self._before: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        if seen.batch and seen.batch != self._name:
            self._enter(seen.batch[:200])
        if not self._name:
            return None
        value = self._value(seen)
        if value is None:
            return None
        batch = self._batches[self._name]
        batch.lines += 1
        if self._wrong(value):
            return self._bad(batch, value, seen)
        self._usual.add(value)
        self._newest.append(value)
        if self._suspect and self._name != self._suspect:
            self._after += 1
            if self._after >= _HEALTHY_AFTER:
                return self._neighbours_healthy(seen)
        if not self._suspect:
            self._healthy = seen.step
        return None

    def _enter(self, name: str) -> None:
        self._name = name
        batch = self._batches.get(name)
        if batch is None:
            batch = self._batches[name] = _Batch()
            if len(self._batches) > _MOST_BATCHES:
                self._batches.popitem(last=False)
        else:
            self._batches.move_to_end(name)
        batch.passes += 1
        batch.lines = batch.wrong = 0

    def _value(self, seen: Observation) -> float | None:
        if self._loss:
            return seen.numbers.get(self._loss)
        for name, value in seen.numbers.items():
            if role(name) == "train_loss":
                self._loss = name
                return value
        return None

    def _wrong(self, value: float) -> bool:
        if not math.isfinite(value):
            return True
        usual = self._usual
        if len(usual) < 2 * _NEEDED:
            return False
        return value > max(
            usual.median + _SCORE * usual.scale,
            usual.median + abs(usual.median),
            usual.high + 0.5 * (usual.high - usual.median),
        )

    def _bad(self, batch: _Batch, value: float, seen: Observation) -> Alarm | None:
        batch.wrong += 1
        batch.value, batch.line = value, seen.text[:300]
        finite = math.isfinite(value)
        if self._suspect and self._name != self._suspect:
            self._wrong_after += 1
            suspect = self._batches.get(self._suspect)
            poisoned = suspect is not None and not math.isfinite(suspect.value) and not finite
            if poisoned and self._wrong_after >= _WRONG_AFTER and suspect is not None:
                return self._alarm(suspect, seen, "and from there on", 0.7)
            if self._wrong_after > 2 * _WRONG_AFTER:
                self._suspect = ""
            return None
        if not self._suspect and len(self._usual) >= _NEEDED and (finite or self._calm()):
            self._suspect, self._after, self._wrong_after = self._name, 0, 0
            self._before = self._healthy
        if self._name in self._outliers and self._suspect == self._name and not self._varied():
            return self._alarm(batch, seen, "as in the epoch before", 0.9)
        return None

    def _calm(self) -> bool:
        """Whether the loss was as usual just before."""
        usual = self._usual
        return median(self._newest) <= usual.median + max(4 * usual.scale, 0.2 * abs(usual.median))

    def _neighbours_healthy(self, seen: Observation) -> Alarm | None:
        batch, self._suspect = self._batches.get(self._suspect), ""
        if batch is None:
            return None
        name = next(n for n, b in self._batches.items() if b is batch)
        if not math.isfinite(batch.value):
            return self._alarm(batch, seen, "its neighbours are healthy", 0.9)
        if batch.wrong < batch.lines:
            return None
        whole = batch.wrong >= 3 and not self._varied()
        self._outliers[name] = None
        if len(self._outliers) > _MOST_BATCHES:
            self._outliers.popitem(last=False)
        if whole:
            return self._alarm(batch, seen, "in all of its lines; its neighbours are healthy", 0.8)
        return None

    def _varied(self) -> bool:
        return len(self._outliers) > max(1, _MANY * len(self._batches))

    def _alarm(self, batch: _Batch, seen: Observation, how: str, confidence: float) -> Alarm:
        name = next((n for n, b in self._batches.items() if b is batch), self._name)
        self._suspect = ""
        return Alarm(
            kind="corrupt_batch",
            diagnosis=f"{shown(self._loss)} is {batch.value:.4g} at {shown(name)}, {how}; usual "
            f"is {self._usual.median:.4g}",
            confidence=confidence,
            step=seen.step,
            since_step=self._before,
            subject=name,
            lines=(batch.line,),
        )
