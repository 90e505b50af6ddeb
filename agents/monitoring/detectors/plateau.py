"""Losses that don't move though learning should go on."""

import math
from collections import deque
from itertools import pairwise

from agents.monitoring.detector import Detector
from agents.monitoring.named import Named, contending, shown
from agents.monitoring.robust import median
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_FROZEN, _MOVES = 16, 20
_AT_START = 60
_AT_CHANCE = 100
_BLOCK, _FALLS, _FLATS = 20, 3, 4
_STILL_HIGH = 0.5
_CHANCE = (1.0, *(math.log(classes) for classes in range(2, 21)), math.log(100), math.log(1000))
"""Losses of a model that knows nothing: cross-entropy of k classes, error of scaled targets."""


class _State:
    __slots__ = (
        "blocks",
        "count",
        "first",
        "habit",
        "high",
        "last",
        "low",
        "moves",
        "newest",
        "same",
    )

    def __init__(self) -> None:
        self.first: list[float] = []
        self.count, self.same, self.habit = 0, 0, 0
        self.last, self.low, self.high = math.nan, math.inf, -math.inf
        self.moves: deque[float] = deque(maxlen=_MOVES)
        self.newest: deque[float] = deque(maxlen=_BLOCK)
        self.blocks: deque[tuple[float, float]] = deque(maxlen=_FALLS + _FLATS + 1)


class Plateau(Detector):
    """A training loss that is stuck: dead units, or a learning rate of zero.

    Plain rules, since a flat loss alone is what convergence looks like. It is stuck where it
    stops moving to the last digit from one value to the next, while convergence slows down
    first; where it never left its first value, or the loss of a model that knows nothing
    (log k of k classes; Karpathy, A Recipe for Training Neural Networks, 2019); or where a
    steady fall ends at once, still at half of the first loss or more.
    """

    def __init__(self, expected: Expectations) -> None:
        self._names: Named[_State] = Named(_State)
        self._rate, self._rising = math.nan, False
        self._healthy: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        for name, value in seen.numbers.items():
            kind = role(name)
            if kind == "learning_rate" and math.isfinite(value):
                self._rising = value > self._rate
                self._rate = value
            if kind != "train_loss" or not math.isfinite(value) or contending(name):
                continue
            state = self._names.get(name)
            if state is None:
                continue
            why = self._why(value, state)
            if why is not None and not self._rising:
                return Alarm(
                    kind="plateau",
                    diagnosis=f"{shown(name)} is stuck at {value:.4g}: {why[0]}",
                    confidence=why[1],
                    step=seen.step,
                    since_step=self._healthy,
                    subject=shown(name),
                )
            if state.same == 0:
                self._healthy = seen.step
        return None

    def _why(self, value: float, state: _State) -> tuple[str, float] | None:
        state.count += 1
        if len(state.first) < 5:
            state.first.append(value)
        state.low, state.high = min(state.low, value), max(state.high, value)
        move = abs(value - state.last)
        state.last = value
        if move == 0:
            state.same += 1
        elif move > 0:
            if (state.same and len(state.moves) == _MOVES) or state.same > 1:
                state.habit = max(state.habit, state.same)
            state.same = 0
            state.moves.append(move)
        return self._frozen(value, state) or self._unlearned(state) or self._stopped(value, state)

    def _frozen(self, value: float, state: _State) -> tuple[str, float] | None:
        if state.same < max(_FROZEN, 4 * state.habit):
            return None
        if state.count == state.same + 1:
            if state.count < _AT_START or value == 0:
                return None
            return f"it has been the same number for all {state.count} values", 0.7
        if len(state.moves) < _MOVES or value == 0:
            return None
        smallest, usual = min(state.moves), median(list(state.moves)[-_MOVES // 2 :])
        earlier = median(list(state.moves)[: _MOVES // 2])
        if usual < 1e-3 * abs(value) or usual < 0.4 * earlier or usual <= 2 * smallest:
            return None
        return f"the same number {state.same} times, after moves of {usual:.2g} each", 0.8

    def _unlearned(self, state: _State) -> tuple[str, float] | None:
        if state.count != _AT_CHANCE:
            return None
        first = median(state.first)
        if first <= 0 or state.high - state.low > 0.1 * first:
            return None
        chance = next((c for c in _CHANCE if abs(first - c) < 0.01 * c), None)
        if chance is None or state.low < 0.95 * first:
            return None
        return f"{state.count} values around {chance:.4g}, what a model that knows nothing has", 0.6

    def _stopped(self, value: float, state: _State) -> tuple[str, float] | None:
        state.newest.append(value)
        if state.count % _BLOCK:
            return None
        middle = median(state.newest)
        spread = median([abs(v - middle) for v in state.newest]) * 1.4826
        state.blocks.append((middle, spread))
        if state.habit > 2:
            return None
        blocks = state.blocks
        if len(blocks) < _FALLS + _FLATS + 1 or middle < _STILL_HIGH * median(state.first):
            return None
        levels = [level for level, _ in blocks]
        error = 1.25 * max(spread for _, spread in blocks) / math.sqrt(_BLOCK)
        falls = [a - b for a, b in pairwise(levels[: _FALLS + 1])]
        flats = levels[_FALLS + 1 :]
        slow = min(falls)
        if slow < 5 * error or falls[-1] < 0.7 * max(falls):
            return None
        if max(flats) - min(flats) > max(0.15 * slow, 2 * error) or min(flats) < flats[0] - error:
            return None
        return (
            f"it fell by {slow:.2g} each {_BLOCK} values, and for {_BLOCK * _FLATS} by nothing",
            0.55,
        )
