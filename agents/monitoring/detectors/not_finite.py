"""NaN and infinities."""

import math
import re

from agents.monitoring.detector import Detector
from agents.monitoring.named import JUDGING, Named, shown
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_BESIDE_HEALTHY, _NEVER_FINITE = 12, 100
"""Values of a validation number beside a healthy loss: tables print NaN for what is missing."""
_NO_SIGN = frozenset({"gradient_norm", "throughput", "data_time", "step_time", "memory"})
_OF_THE_BEST = re.compile(r"(?:\A|[\W_])(?:best|min|max|lowest|highest)(?:[\W_]|\Z)", re.IGNORECASE)


class _State:
    __slots__ = ("bad", "finite", "longest")

    def __init__(self) -> None:
        self.bad, self.longest, self.finite = 0, 0, False


class NotFinite(Detector):
    """A loss, or a number that used to be finite, that is NaN or infinite and stays so.

    The definition itself (IEEE 754), with a count: one bad number may be a skipped batch, and a
    number that has been missing for a while before, and came back, is given three times as long.
    The infinity of a best that never was a number is none: programs print `best_loss=inf` before
    they have a best. Gradient norms are left to the detector of explosions: mixed precision
    overflows often and skips the step. A speed is infinite where the clock did not move. While the
    newest training loss is finite a metric is given long, and what is neither loss nor metric says
    nothing.

    Args:
        patience: values in a row before the alarm.
    """

    def __init__(self, expected: Expectations, patience: int = 2) -> None:
        self._patience, self._metric = patience, expected.metric.replace(" ", "_")
        self._names: Named[_State] = Named(_State, metric=expected.metric)
        self._trains = False
        self._healthy: int | None = None
        self._batch = ""
        self._row = 0

    def see(self, seen: Observation) -> Alarm | None:
        numbers = seen.numbers
        found: str | None = None
        bad = False
        losses = [value for name, value in numbers.items() if role(name) == "train_loss"]
        if losses:
            self._trains = any(map(math.isfinite, losses))
        for name, value in numbers.items():
            state = self._names.get(name)
            if state is None:
                continue
            if value - value == 0.0:
                if state.bad:
                    state.longest, state.bad = max(state.longest, state.bad), 0
                state.finite = True
                continue
            kind = role(name)
            loss = kind in ("train_loss", "validation_loss")
            if kind in _NO_SIGN or not (loss or state.finite):
                continue
            if self._trains and kind not in JUDGING and name != self._metric:
                continue
            if not state.finite and math.isinf(value) and _OF_THE_BEST.search(name[:80]):
                continue
            state.bad += 1
            bad = True
            patience = self._patience
            if kind != "train_loss" and self._trains and (losses or not loss):
                patience = _BESIDE_HEALTHY if state.finite else _NEVER_FINITE
            if state.bad >= max(patience, 3 * state.longest if state.longest > 1 else 0):
                found = found or name
        if bad and not self._row:
            self._batch = seen.batch[:200]
        if numbers:
            self._row = self._row + 1 if bad else 0
        if numbers and not bad and seen.step is not None:
            self._healthy = seen.step
        if found is None:
            return None
        return Alarm(
            kind="not_finite",
            diagnosis=f"{shown(found)} is {numbers[found]} and has stayed so",
            step=seen.step,
            since_step=self._healthy,
            subject=self._batch,
        )
