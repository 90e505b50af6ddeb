"""A batch, shard or file that is bad while its neighbours are healthy."""

import math
from collections import OrderedDict, deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import shown
from agents.monitoring.rates import LearningRate
from agents.monitoring.robust import Window, median
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_KEPT, _NEEDED = 64, 8
_MOST_BATCHES = 500
_SCORE, _HIGH = 8.0, 0.95
_HEALTHY_AFTER, _WRONG_AFTER = 3, 2
_MANY = 0.1
"""Share of all names: where more are out of line, the data is of many kinds, not corrupt."""
_PASSES = 3
"""Passes in a row in which a batch of one line must be far out: odd rows come by chance."""
_AT_ONCE, _LEAP, _POISONED = 8.0, 50.0, 3
"""Times the usual loss or gradient, in one step, that no step explains; bad lines after it."""
_RATE_LINES, _BEYOND = 64, 1000.0


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
    the weights. Where the learning rate rose, that is the nearer cause.
    """

    def __init__(self, expected: Expectations) -> None:
        self._usual = Window(_KEPT)
        self._newest: deque[float] = deque(maxlen=3)
        self._batches: OrderedDict[str, _Batch] = OrderedDict()
        self._outliers: OrderedDict[str, int] = OrderedDict()
        self._rate = LearningRate()
        self._norms, self._norm = Window(_KEPT), ""
        self._grew, self._leapt = False, ""
        self._name, self._loss = "", ""
        self._suspect = ""
        self._after, self._wrong_after = 0, 0
        self._healthy: int | None = None
        self._before: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        self._rate.see(seen)
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
            found = self._bad(batch, value, seen)
            if math.isfinite(value):
                self._newest.append(value)
            return self._gradient(seen) or found
        leapt = self._gradient(seen)
        if leapt is not None:
            return leapt
        self._usual.add(value)
        self._newest.append(value)
        if self._suspect and self._name != self._suspect:
            self._after += 1
            if self._after >= _HEALTHY_AFTER:
                return self._neighbours_healthy(seen)
        elif self._name != self._suspect:
            self._outliers.pop(self._name, None)
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
        # Not the highest: a bad batch that was let through once would hide those that follow.
        high = usual.quantile(_HIGH)
        return value > max(
            usual.median + _SCORE * usual.scale,
            usual.median + abs(usual.median),
            high + 0.5 * (high - usual.median),
        )

    def _bad(self, batch: _Batch, value: float, seen: Observation) -> Alarm | None:
        batch.wrong += 1
        batch.value, batch.line = value, seen.text[:300]
        finite = math.isfinite(value)
        if self._suspect and self._name != self._suspect:
            return self._goes_on(seen)
        explained = self._grew or (finite and self._rate.rose_within(_RATE_LINES))
        if not self._suspect and len(self._usual) >= _NEEDED and self._calm() and not explained:
            self._suspect, self._after, self._wrong_after = self._name, 0, 0
            self._before = self._healthy
            if not finite:
                return self._alarm(batch, seen, "out of healthy values", 0.85)
            if value - self._usual.median > _BEYOND * abs(self._usual.median) > 0:
                return self._alarm(batch, seen, "at once", 0.8)
        if self._suspect == self._name and self._outliers.get(self._name, 0) >= _PASSES - 1:
            return None if self._varied() else self._alarm(batch, seen, "pass after pass", 0.9)
        return None

    def _goes_on(self, seen: Observation) -> Alarm | None:
        """The batches after a suspect are bad as well: it may have spoilt the weights."""
        self._wrong_after += 1
        suspect = self._batches.get(self._suspect)
        if suspect is not None and not math.isfinite(suspect.value):
            if self._wrong_after >= _WRONG_AFTER:
                return self._alarm(suspect, seen, "and from there on", 0.7)
        elif suspect is not None and self._wrong_after >= _POISONED:
            usual = self._usual.median
            at_once = suspect.value > usual + _AT_ONCE * abs(usual) or (
                self._leapt == self._suspect
            )
            if at_once and self._after == 0:
                return self._alarm(suspect, seen, "at once, and bad from there on", 0.65)
            self._suspect = ""
        return None

    def _gradient(self, seen: Observation) -> Alarm | None:
        """Notes whether gradients had grown before a line: then it is not the batch."""
        if not self._norm:
            self._norm = next((n for n in seen.numbers if role(n) == "gradient_norm"), "")
            if not self._norm:
                return None
        value = seen.numbers.get(self._norm)
        if value is None or not math.isfinite(value):
            return None
        norms, grew = self._norms, self._grew
        self._grew = len(norms) >= _NEEDED and value > 2 * max(norms.high, 1.5 * norms.median)
        if len(norms) >= _NEEDED and value > _LEAP * norms.high and not grew:
            self._leapt = self._name
            if not self._suspect:
                self._suspect, self._after, self._wrong_after = self._name, 0, 0
                self._before = self._healthy
                batch = self._batches[self._name]
                batch.value, batch.line = seen.numbers.get(self._loss, 0.0), seen.text[:300]
            if value > _BEYOND * norms.high and not self._rate.rose_within(_RATE_LINES):
                what = f"{shown(self._norm)} is {value:.3g}, it was {norms.median:.3g}"
                return self._alarm(self._batches[self._name], seen, f"where {what}", 0.8)
        if not self._grew:
            norms.add(value)
        return None

    def _calm(self) -> bool:
        """Whether the loss was as usual just before."""
        usual = self._usual
        return median(self._newest) <= usual.median + max(4 * usual.scale, 0.2 * abs(usual.median))

    def _neighbours_healthy(self, seen: Observation) -> Alarm | None:
        name, self._suspect = self._suspect, ""
        batch = self._batches.get(name)
        if batch is None:
            return None
        if not math.isfinite(batch.value):
            return self._alarm(batch, seen, "its neighbours are healthy", 0.9)
        if batch.wrong < batch.lines:
            return None
        self._outliers[name] = self._outliers.get(name, 0) + 1
        if len(self._outliers) > _MOST_BATCHES:
            self._outliers.popitem(last=False)
        if batch.wrong >= 3 and not self._varied():
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
