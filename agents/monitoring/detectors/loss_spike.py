"""Losses that leap."""

import math

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, contending, shown
from agents.monitoring.onset import Onset
from agents.monitoring.rates import LearningRate
from agents.monitoring.robust import Window
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_KEPT, _NEEDED = 64, 32
_SCORE = 10.0
_TIMES = 5.0


class _State:
    __slots__ = ("first", "healthy", "highest", "row", "window")

    def __init__(self) -> None:
        self.window = Window(_KEPT)
        self.row, self.highest = 0, -math.inf
        self.first: float | None = None
        self.healthy = Onset()


class LossSpike(Detector):
    """A training loss that leaps to five times its usual level and stays for some values.

    The Hampel identifier: a robust score over the median of a moving window (Hampel 1974; Davies
    and Gather 1993), here beyond ten. One value is noise; what a cycle of the learning rate has
    reached before, once learning was under way, is no news.

    Args:
        patience: values in a row before the alarm.
    """

    def __init__(self, expected: Expectations, patience: int = 3) -> None:
        self._patience = patience
        self._names: Named[_State] = Named(_State)
        self._rate = LearningRate()

    def see(self, seen: Observation) -> Alarm | None:
        alarm: Alarm | None = None
        self._rate.see(seen)
        for name, value in seen.numbers.items():
            if role(name) == "train_loss" and alarm is None and math.isfinite(value):
                if contending(name):
                    continue
                state = self._names.get(name)
                if state is not None:
                    alarm = self._loss(name, value, state, seen)
        return alarm

    def _loss(self, name: str, value: float, state: _State, seen: Observation) -> Alarm | None:
        window = state.window
        if state.first is None:
            if value == 0.0:
                return None  # printed before there is a loss
            state.first = value
        if len(window) < _NEEDED:
            window.add(value)
            state.healthy.add(value, seen.step)
            return None
        usual = window.median
        bar = max(
            usual + _SCORE * window.scale,
            usual + (_TIMES - 1) * abs(usual),
            1.5 * window.high if window.high > 0 else 0.0,
            state.highest,
            usual + 1e-3,
        )
        if value <= bar:
            if state.row:
                # A spike that went by: the next of its size is no news.
                state.row = 0
            window.add(value)
            state.healthy.add(value, seen.step)
            return None
        state.row += 1
        # A learning rate that rose explains a higher loss, but none above the first.
        explained = self._rate.rose_within(2 * _KEPT) and value < 1.5 * abs(state.first)
        if state.row < self._patience or explained:
            if state.row > _KEPT:
                state.highest, state.row = value, 0
            return None
        state.highest = max(state.highest, value)
        return Alarm(
            kind="loss_spike",
            diagnosis=f"{shown(name)} leapt from {usual:.4g} to {value:.4g} and has stood there "
            f"for {state.row} values",
            confidence=0.6,
            step=seen.step,
            since_step=state.healthy.step,
            subject=shown(name),
        )
