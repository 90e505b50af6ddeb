"""Gradients that grow by orders of magnitude."""

import math

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, shown
from agents.monitoring.onset import Onset
from agents.monitoring.robust import Window
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_KEPT, _NEEDED = 64, 16
_TENFOLD = math.log(10)
_FORGIVEN = 60
"""Values after which a new level is the level: then whatever it was is over or is no explosion."""


class _State:
    __slots__ = ("high", "since", "window", "wrong")

    def __init__(self) -> None:
        self.window = Window(_KEPT)
        self.high, self.wrong = 0, 0
        self.since = Onset()


class GradientExplosion(Detector):
    """A gradient norm that stands at ten times its usual size or more, or is not finite.

    Gradient norms spread over magnitudes, so the robust score is taken of their logarithm:
    median and quartiles of the last 64 (Pascanu, Mikolov and Bengio 2013 on what explodes and
    why norms show it; Hampel 1974 on the rule). A single high norm is what clipping is for, and a
    few infinite ones are the search for a loss scale in mixed precision.

    Args:
        patience: norms in a row before the alarm.
    """

    def __init__(self, expected: Expectations, patience: int = 4) -> None:
        self._patience = patience
        self._names: Named[_State] = Named(_State)

    def see(self, seen: Observation) -> Alarm | None:
        for name, value in seen.numbers.items():
            if role(name) != "gradient_norm":
                continue
            state = self._names.get(name)
            if state is None:
                continue
            alarm = self._norm(name, value, state, seen)
            if alarm is not None:
                return alarm
        return None

    def _norm(self, name: str, value: float, state: _State, seen: Observation) -> Alarm | None:
        window = state.window
        if not math.isfinite(value):
            # What is no number from one value to the next has not exploded.
            state.wrong += 1
            if state.high and state.wrong >= self._patience:
                return self._alarm(name, seen, state, f"{shown(name)} is {value} and stays so")
            return None
        state.wrong = 0
        size = math.log(max(abs(value), 1e-30))
        if len(window) < _NEEDED:
            window.add(size)
            state.since.add(size, seen.step)
            return None
        usual = window.median
        if size - usual < max(_TENFOLD, 6 * window.scale, window.high - usual + 1.0):
            window.add(size)
            state.high = 0
            state.since.add(size, seen.step)
            return None
        state.high += 1
        if state.high > _FORGIVEN:
            window.clear()
            state.high = 0
            return None
        if state.high < self._patience:
            return None
        return self._alarm(
            name,
            seen,
            state,
            f"{shown(name)} stands at {value:.3g}, {math.exp(min(size - usual, 700)):.0f} times "
            f"its usual {math.exp(usual):.3g}",
        )

    def _alarm(self, name: str, seen: Observation, state: _State, diagnosis: str) -> Alarm:
        return Alarm(
            kind="gradient_explosion",
            diagnosis=diagnosis,
            confidence=0.85,
            step=seen.step,
            since_step=state.since.step,
            subject=shown(name),
        )
