"""Losses that grow away."""

import math
from collections import deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, contending, shown
from agents.monitoring.onset import Onset
from agents.monitoring.rates import LearningRate
from agents.monitoring.robust import Window, median
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role, words_of

_LASTING = 40
"""Values that a loss must stand far too high where no single one is beyond doubt."""
_KEPT = 64
_TIMES_USUAL = 20.0
_MIDDLE, _TIMES_FIRST, _TIMES_MEDIAN = 9, 1.5, 5.0
"""The median of nine values is above where it began, and far above the usual: noise can't do it."""
_FAR = 1e6
_KEEPS = 0.75
"""The share of its fall that a training loss must hold to be near its best."""
_AFTER_LEAP, _EVALUATIONS, _WORSE = 400, 4, 0.25
"""Lines after a leap of the learning rate, evaluations before it, and how much worse is worse."""


class _State:
    __slots__ = (
        "best",
        "early",
        "excursion",
        "first",
        "growth",
        "healthy",
        "longest",
        "recent",
        "usual",
        "worse",
    )

    def __init__(self) -> None:
        self.first: float | None = None
        self.best = math.inf
        self.early = Window(5)
        self.recent: deque[float] = deque(maxlen=_LASTING)
        self.usual = Window(_KEPT)
        self.growth = _Growth()
        self.excursion, self.longest, self.worse = 0, 0, 0
        self.healthy = Onset()


class Divergence(Detector):
    """A loss that grows far above its best and above where it began, or falls back to the start.

    Rules of thumb of practice (Goodfellow, Bengio and Courville, Deep Learning, 2016, 11.4): a
    factor over the best for a few values in a row; or, for long and with no way down, twenty
    times its usual level, or its level before any learning. A loss that was that high before and
    came back is given three times as long. A sum that grows through each epoch is no divergence.
    After a leap of the printed learning rate beyond all that it was, a validation loss a quarter
    above its best, twice, is enough. What a line tells of training beside its whole loss, the one
    called the total or else the first, may rise as it will while that one is near its best.

    Args:
        factor: how far above the best loss so far.
        window: values in a row that must stand there.
    """

    def __init__(self, expected: Expectations, factor: float = 20.0, window: int = 4) -> None:
        self._factor, self._window = factor, window
        self._names: Named[_State] = Named(_State)
        self._rate = LearningRate()

    def see(self, seen: Observation) -> Alarm | None:
        self._rate.see(seen)
        for name, value in seen.numbers.items():
            if role(name) not in ("train_loss", "validation_loss") or not math.isfinite(value):
                continue
            state = self._names.get(name)
            if state is None:
                continue
            why = self._loss(name, value, state, seen)
            if why is not None and not self._part_of_what_is_well(name, seen):
                return Alarm(
                    kind="diverged",
                    diagnosis=f"{shown(name)} stands at {value:.4g}, {why}",
                    confidence=0.95,
                    step=seen.step,
                    since_step=state.healthy.step,
                    subject=shown(name),
                )
        return None

    def _loss(self, name: str, value: float, state: _State, seen: Observation) -> str | None:
        if state.first is None:
            if value == 0.0:
                return None  # printed before there is a loss
            state.first = value
        state.growth.add(value)
        leapt = self._leapt(name, value, state)
        state.best = min(state.best, value)
        if leapt:
            return leapt
        recent, usual = state.recent, state.usual
        recent.append(value)
        if len(state.early) < 5:
            state.early.add(value)
        # Above the first value too: a loss near zero may well grow twentyfold and be fine.
        floor = max(self._factor * abs(state.best), 2 * abs(state.first), 1e-6)
        contends = contending(name)
        far = "" if contends or state.growth.sums else self._far(value, state)
        if far:
            return far
        level = self._level(value, state)
        if value <= min(floor, level):
            if 2 * sum(v > level for v in list(recent)[-_MIDDLE:]) <= _MIDDLE:
                usual.add(value)
            state.longest, state.excursion = max(state.longest, state.excursion), 0
            state.healthy.add(value, seen.step)
            return None
        state.excursion += 1
        if contends:
            floor *= _FAR
        patience = max(self._window, 3 * state.longest)
        if value > floor and state.excursion >= patience and len(recent) >= self._window:
            last = list(recent)[-self._window :]
            if min(last) > floor and not state.growth.sums:
                return f"its best was {state.best:.4g}"
        if state.excursion < max(_LASTING, 3 * state.longest) or contends or state.growth.sums:
            return None
        values = list(recent)
        if median(values[-_LASTING // 3 :]) < 0.97 * median(values[: _LASTING // 3]):
            return None
        return f"its usual level was {usual.median:.4g}; it doesn't come down"

    def _part_of_what_is_well(self, name: str, seen: Observation) -> bool:
        """Whether a training loss stands beside a whole one that is finite and near its best."""
        losses = [other for other in seen.numbers if role(other) == "train_loss"]
        whole = next((n for n in losses if "total" in words_of(n)), losses[0] if losses else name)
        if name not in losses or name == whole or not math.isfinite(seen.numbers[whole]):
            return False
        state = self._names.get(whole)
        if state is None or state.first is None:
            return False
        newest = min(list(state.recent)[-self._window :])
        return newest <= state.best + (1 - _KEEPS) * max(0.0, state.first - state.best)

    def _leapt(self, name: str, value: float, state: _State) -> str:
        """Whether a validation loss leaps up and stays, after the learning rate leapt."""
        usual = state.usual
        high = (
            role(name) == "validation_loss"
            and self._rate.leapt_within(_AFTER_LEAP)
            and len(usual) >= _EVALUATIONS
            and value > (1 + _WORSE) * state.best > 0
        )
        state.worse = state.worse + 1 if high else 0
        if state.worse < 2:
            return ""
        return f"its best was {state.best:.4g}, and the learning rate leapt before"

    def _far(self, value: float, state: _State) -> str:
        """What tells that most of the newest values are above where it began; else empty."""
        early, usual, recent = state.early.median, state.usual, state.recent
        if not 0 < _TIMES_FIRST * early < value or len(usual) < 2 * _MIDDLE:
            return ""
        newest = median(list(recent)[-_MIDDLE:])
        if newest <= max(_TIMES_FIRST * early, _TIMES_MEDIAN * abs(usual.median)):
            return ""
        return f"it began at {early:.4g} and was at {usual.median:.4g}"

    def _level(self, value: float, state: _State) -> float:
        """What a loss shouldn't exceed for long: the level before learning, or far above usual."""
        usual = state.usual
        if len(usual) < 2 * _MIDDLE or state.first is None:
            return math.inf
        early, now = state.early.median, usual.median
        if now > 0 and value <= 2 * now:
            return math.inf
        # Of the newest only: the first fall of the loss is no noise.
        high = max(list(usual.values)[-2 * _MIDDLE :])
        spread = max(high - now, 2 * usual.scale, 1e-6)
        if now > 0 and early > 0 and now < 0.7 * early:
            return max(now + 2 * spread, min(0.9 * early, max(_TIMES_USUAL * now, 0.02 * early)))
        if now > 0:
            return max(_TIMES_USUAL * now, now + 2 * spread)
        return max(now + 10 * spread, now + 10 * abs(now), early)


class _Growth:
    """Tells a sum over the epoch, which grows by about the same at each value, from growth."""

    __slots__ = ("count", "first", "last", "recent", "summed", "total", "values")

    def __init__(self) -> None:
        self.values, self.summed = 0, 0
        self.last, self.first, self.count, self.total = math.nan, math.nan, 0, 0.0
        self.recent: deque[float] = deque(maxlen=4)

    def add(self, value: float) -> None:
        """Takes the next value; a fall begins a new sum."""
        rise = value - self.last
        if not rise > 0:
            self.first, self.count, self.total = value, 0, 0.0
            self.recent.clear()
        else:
            self.count += 1
            self.total += rise
            self.recent.append(rise)
        self.last = value
        self.values += 1
        self.summed += self._sums_now()

    @property
    def sums(self) -> bool:
        """Whether the values since the last fall, or most so far, look like sums of like parts."""
        return self.summed > 0.5 * self.values or self._sums_now()

    def _sums_now(self) -> bool:
        if self.count < 4:
            return False
        part = self.total / self.count
        now = sum(self.recent) / len(self.recent)
        return part / 5 <= self.first <= 5 * part and now <= 2 * part
