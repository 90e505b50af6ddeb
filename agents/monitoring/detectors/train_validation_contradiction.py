"""Training and validation that contradict each other."""

from collections import deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, shown
from agents.monitoring.robust import median
from agents.monitoring.side_by_side import Evaluations
from labcrew.domain.monitoring import Alarm, Expectations, Observation

_LASTING = 8
_FELL = 3


class _State:
    __slots__ = ("at_chance", "best", "first", "good_step", "recent", "too_good", "train_best")

    def __init__(self) -> None:
        self.first: float | None = None
        self.best: float | None = None
        self.train_best: float | None = None
        self.good_step: int | None = None
        self.at_chance, self.too_good = 0, 0
        self.recent: deque[float] = deque(maxlen=5)


class TrainValidationContradiction(Detector):
    """Training gets better and validation stands at chance, falls back to it, or is far too good.

    A plain rule of comparison: the two measure the same model, so they may part (overfitting) but
    not turn their backs. Chance is the training loss of the first line, or the first value of a
    metric; far too good is a tenth of the training loss, which dropout and augmentation don't do.
    """

    def __init__(self, expected: Expectations) -> None:
        self._names: Named[_State] = Named(_State)
        self._evaluations = Evaluations()

    def see(self, seen: Observation) -> Alarm | None:
        for name, value, loss in self._evaluations.see(seen):
            train, first = self._evaluations.loss.take(), self._evaluations.loss.first
            state = self._names.get(name)
            if state is None or train is None or first is None or first <= 0:
                continue
            why = (
                self._loss(state, value, train, first, seen)
                if loss
                else self._metric(state, value, train, first, seen)
            )
            if why is not None:
                return Alarm(
                    kind="train_validation_contradiction",
                    diagnosis=f"{shown(name)} is {value:.4g}: {why}",
                    confidence=0.7,
                    step=seen.step,
                    since_step=state.good_step,
                    subject=shown(name),
                )
        return None

    def _loss(
        self, state: _State, value: float, train: float, first: float, seen: Observation
    ) -> str | None:
        learnt = train < 0.4 * first
        if state.first is None:
            state.first = value
        best = state.best
        if (
            best is not None
            and best < 0.5 * first
            and learnt
            and value > max(0.9 * first, 3 * best)
            and train < 1.2 * (state.train_best or train)
        ):
            state.at_chance += 1
            if state.at_chance >= _FELL and self._sudden(state):
                return (
                    f"it had been {best:.4g} and is back where training began ({first:.4g}), "
                    f"but the training loss is {train:.4g}"
                )
            return None
        if (
            learnt
            and value >= 0.9 * first
            and (best is None or best >= max(0.9 * first, 0.9 * (state.first or 0.0)))
        ):
            state.at_chance += 1
            if state.at_chance >= _LASTING:
                return (
                    f"no better than before any training ({first:.4g}) for {state.at_chance} "
                    f"evaluations, but the training loss is {train:.4g}"
                )
        else:
            state.at_chance = 0
        state.too_good = state.too_good + 1 if 0 < value < 0.1 * train else 0
        if state.too_good >= _LASTING:
            return f"far below the training loss of {train:.4g}, for {state.too_good} evaluations"
        self._keep(state, value, train, best is None or value < best, seen)
        return None

    def _metric(
        self, state: _State, value: float, train: float, first: float, seen: Observation
    ) -> str | None:
        if state.first is None:
            state.first = value
        best = state.best
        if best is not None and best > state.first and train < 0.6 * first:
            gained = best - state.first
            fell = value < state.first + 0.15 * gained and gained > max(
                0.3 * abs(best), 0.1 if best <= 1 else 1.0
            )
            if fell and train < 1.2 * (state.train_best or train):
                state.at_chance += 1
                if state.at_chance >= _FELL and self._sudden(state):
                    return (
                        f"it had been {best:.4g} and is back near its first value "
                        f"({state.first:.4g}), but the training loss is {train:.4g}"
                    )
                return None
        state.at_chance = 0
        self._keep(state, value, train, best is None or value > best, seen)
        return None

    def _sudden(self, state: _State) -> bool:
        """Whether it was good until it fell: a slow decay is overfitting."""
        best = state.best
        if best is None or len(state.recent) < 3:
            return False
        return abs(median(state.recent) - best) < 0.3 * max(abs(best), 1e-9)

    def _keep(
        self, state: _State, value: float, train: float, better: bool, seen: Observation
    ) -> None:
        state.recent.append(value)
        state.good_step = seen.step
        state.train_best = train if state.train_best is None else min(train, state.train_best)
        if better:
            state.best = value
