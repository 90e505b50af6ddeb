"""Validation that gets worse while training gets better."""

from collections import deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, shown
from agents.monitoring.robust import median
from agents.monitoring.side_by_side import Evaluations
from labcrew.domain.monitoring import Alarm, Expectations, Observation

_RECENT, _APART = 5, 4


class _State:
    __slots__ = ("apart", "best", "best_step", "count", "first", "recent", "since", "train")

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=2 * _RECENT)
        self.best, self.first, self.train = 0.0, 0.0, 0.0
        self.count, self.since, self.apart = 0, 0, 0
        self.best_step: int | None = None


class Overfitting(Detector):
    """A validation loss that has risen for long while the training loss went on falling.

    Generalisation loss with patience (Prechelt, Early Stopping - But When?, 1998), on medians of
    five evaluations: small sets are noisy. A rise of a tenth is daily life; it must be a third of
    the best, and of what had been gained. Or a validation loss that stands still at a third of the
    first training loss and at ten times the present one: the training set is known by heart.

    Args:
        patience: evaluations since the best one.
        rise: of the validation loss, as a share of its best.
    """

    def __init__(self, expected: Expectations, patience: int = 10, rise: float = 0.3) -> None:
        self._patience, self._rise = patience, rise
        self._names: Named[_State] = Named(_State)
        self._evaluations = Evaluations()

    def see(self, seen: Observation) -> Alarm | None:
        for name, value, loss in self._evaluations.see(seen):
            train = self._evaluations.loss.take()
            state = self._names.get(name) if loss and train is not None else None
            if state is None or train is None:
                continue
            state.recent.append(value)
            state.count += 1
            if state.count == 1:
                state.first = value
            now = median(list(state.recent)[-_RECENT:])
            if state.count == 1 or now <= state.best:
                state.best, state.train, state.since = now, train, 0
                state.best_step = seen.step
                continue
            state.since += 1
            gap = self._gap(state, now, train)
            if gap:
                return self._alarm(name, seen, state, gap, 0.65)
            if state.since < max(self._patience, state.count // 4) or state.best <= 0:
                continue
            gained = max(state.first - state.best, 0.0)
            rising = now > median(list(state.recent)[:_RECENT])
            rose = now - state.best
            if rose < max(self._rise * state.best, self._rise * gained) or not rising:
                continue
            if train > 0.8 * state.train or now < 2 * train:
                continue
            return self._alarm(
                name,
                seen,
                state,
                f"rose from {state.best:.4g} to {now:.4g} over {state.since} evaluations while the "
                f"training loss fell from {state.train:.4g} to {train:.4g}",
                0.8,
            )
        return None

    def _gap(self, state: _State, now: float, train: float) -> str:
        """Training is done and validation is poor by its own first loss, for some evaluations."""
        first = self._evaluations.loss.first
        if first is None or not 0 <= train < 0.1 * first or now < max(10 * train, 0.35 * first):
            state.apart = 0
            return ""
        state.apart += 1
        if min(state.apart, state.since) < _APART:
            return ""
        return (
            f"stands at {now:.4g} and gets no better, while the training loss fell from "
            f"{first:.4g} to {train:.4g}"
        )

    def _alarm(
        self, name: str, seen: Observation, state: _State, what: str, confidence: float
    ) -> Alarm:
        return Alarm(
            kind="overfitting",
            diagnosis=f"{shown(name)} {what}",
            confidence=confidence,
            step=seen.step,
            since_step=state.best_step,
            subject=shown(name),
        )
