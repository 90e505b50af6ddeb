"""A validation metric that leaps with no cause."""

import math
from collections import deque
from itertools import pairwise

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, shown
from agents.monitoring.robust import median
from agents.monitoring.side_by_side import Evaluations
from labcrew.domain.monitoring import Alarm, Expectations, Observation

_BEFORE, _STAYS = 8, 2
_NEEDED = 4
_GAP = 0.5
"""Share of the way to the best possible value that a leap must cover in one evaluation."""
_TIMES, _SHARE, _GOOD = 6.0, 0.4, 0.85
_SIDES = 0.1


class _State:
    __slots__ = ("after", "before", "high", "step", "train", "train_after", "train_metric")

    def __init__(self) -> None:
        self.before: deque[float] = deque(maxlen=_BEFORE)
        self.after: list[float] = []
        self.train: float | None = None
        self.train_after: float | None = None
        self.train_metric: float | None = None
        self.high = 0.0
        self.step: int | None = None


class MetricJump(Detector):
    """A validation metric that leaps towards its best value while training goes on as before.

    Leaks and hacked rewards show as a success without a cause (Kaufman, Rosset and Perlich,
    Leakage in Data Mining, 2012; Amodei et al., Concrete Problems in AI Safety, 2016). A leap
    counts where the evaluations before moved far less, it stays, the training loss did not fall
    with it, and training itself isn't as good: a model that has learnt its training set by heart
    may well generalise late (grokking).
    """

    def __init__(self, expected: Expectations) -> None:
        self._names: Named[_State] = Named(_State)
        self._evaluations = Evaluations()

    def see(self, seen: Observation) -> Alarm | None:
        for name, value, loss in self._evaluations.see(seen):
            state = self._names.get(name)
            if state is None:
                continue
            train, metric = self._evaluations.loss.take(), self._evaluations.metric.take()
            if not self._leap(state, value, loss):
                state.after.clear()
                state.before.append(value)
                state.train, state.train_metric, state.step = train, metric, seen.step
                continue
            if not state.after:
                state.train_after = train
            state.after.append(value)
            if len(state.after) < _STAYS:
                continue
            if self._explained(state, value, loss, state.train_after, metric):
                state.before.extend(state.after)
                state.after.clear()
                continue
            usual = median(state.before)
            told = (
                ""
                if train is None or state.train is None
                else (f"; the training loss went from {state.train:.4g} to {train:.4g}")
            )
            return Alarm(
                kind="metric_jump",
                diagnosis=f"{shown(name)} leapt from {usual:.4g} to {value:.4g} in one "
                f"evaluation and stays{told}",
                confidence=0.75,
                step=seen.step,
                since_step=state.step,
                subject=shown(name),
            )
        return None

    def _leap(self, state: _State, value: float, loss: bool) -> bool:
        """Whether a value leaps past all before it, towards the best possible."""
        before = state.before
        if len(before) < _NEEDED:
            return False
        moves = [abs(b - a) for a, b in pairwise(before)]
        usual, spread = median(before), max(before) - min(before)
        newest = list(before)[-_NEEDED:]
        if loss:
            return self._loss_leap(state, value)
        if max(before) > 100 or value > 100 or min(before) < 0:
            return self._reward(before, value, spread)
        ceiling = 1.0 if max(before) <= 1.0 and value <= 1.0 else 100.0
        gap, gain = ceiling - usual, value - max(before)
        if gain < 0.05 * ceiling or value < _GOOD * ceiling:
            return False
        return gap > 0 and gain >= max(
            _GAP * gap, _TIMES * median(moves), 2 * (max(newest) - min(newest))
        )

    def _loss_leap(self, state: _State, value: float) -> bool:
        """Losses fall by shares: a leap is a share many times those of the evaluations before."""
        before = list(state.before)
        if len(before) <= _NEEDED or min(before) <= 0 or value <= 0:
            return False
        logs = [math.log(v) for v in before]
        moves = [abs(b - a) for a, b in pairwise(logs)]
        fall = math.log(min(before)) - math.log(value)
        return fall > max(_SHARE, 3 * max(moves[-3:]), 2.5 * max(moves[-6:]))

    def _reward(self, before: deque[float], value: float, spread: float) -> bool:
        """Rewards have no best value: a leap is one of many times all that was seen."""
        size = max(spread, 0.1 * max(abs(v) for v in before))
        return len(before) == _BEFORE and value - max(before) > 10 * size

    def _explained(
        self, state: _State, value: float, loss: bool, train: float | None, metric: float | None
    ) -> bool:
        if loss:
            # Validation that is merely as good as training is generalisation.
            if train is None or state.train is None or train <= 0 or value > 0.8 * train:
                return True
            return train < state.train * 0.6
        if (
            state.train is not None
            and train is not None
            and train < state.train - 0.3 * abs(state.train)
        ):
            return True
        if metric is not None:
            scale = 100.0 if max(value, metric) > 1.0 else 1.0
            return metric > value - _SIDES * scale
        first = self._evaluations.loss.first
        # Without a metric of training its loss must tell that it isn't nearly done.
        return train is None or first is None or train < 0.1 * first
