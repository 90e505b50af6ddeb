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
_FEW_MOVES, _NEARLY_DONE = 5, 0.25
_AT_START = 60
_AT_CHANCE = 100
_BLOCK, _FALLS, _FLATS = 20, 3, 4
_STILL_HIGH = 0.5
_LONG, _EVEN, _HARDLY = 100, 4, 0.7
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
    """A training loss that is stuck: dead units, lost gradients, or a learning rate of zero.

    Plain rules, since a flat loss alone is what convergence looks like. It is stuck where it
    stops moving to the last digit from one value to the next, while convergence slows down
    first; where it never left its first value, or the loss of a model that knows nothing
    (log k of k classes; Karpathy, A Recipe for Training Neural Networks, 2019); or where a
    steady fall ends at once, still at half of the first loss or more; or where gradients or the
    learning rate are gone from one value to the next (vanishing gradients: Hochreiter 1991).
    """

    def __init__(self, expected: Expectations) -> None:
        self._names: Named[_State] = Named(_State)
        self._collapse = {"gradient_norm": _Collapse(), "learning_rate": _Collapse()}
        self._rate, self._rising = math.nan, False
        self._healthy: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        for name, value in seen.numbers.items():
            kind = role(name)
            if kind in ("gradient_norm", "learning_rate"):
                self._collapse[kind].add(name, value)
            if kind == "learning_rate" and math.isfinite(value):
                self._rising = value > self._rate
                self._rate = value
            if kind != "train_loss" or not math.isfinite(value) or contending(name):
                continue
            state = self._names.get(name)
            if state is None:
                continue
            why = self._gone(state) or self._why(value, state)
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

    def _gone(self, state: _State) -> tuple[str, float] | None:
        for collapse in self._collapse.values():
            if collapse.gone and state.last > _NEARLY_DONE * median(state.first or [math.inf]):
                return f"{shown(collapse.name)} fell from {collapse.usual:.3g} to nothing", 0.85
        return None

    def _why(self, value: float, state: _State) -> tuple[str, float] | None:
        if not state.count and value == 0.0:
            return None  # printed before there is a loss
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
        if len(state.moves) < _FEW_MOVES or value == 0:
            return None
        usual = median(list(state.moves)[-_MOVES // 2 :])
        earlier = median(list(state.moves)[: _MOVES // 2])
        # A last digit that no longer turns is convergence, as far as it is printed.
        digit = 10.0 ** -max(len(repr(v).partition(".")[2]) for v in state.first)
        if usual < max(1e-3 * abs(value), 10 * digit) or usual < 0.4 * earlier:
            return None
        if abs(value) < _NEARLY_DONE * abs(median(state.first)):
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
        return self._flat(state) or self._fell_and_stopped(state, spread)

    def _flat(self, state: _State) -> tuple[str, float] | None:
        """A short fall at the very beginning, and nothing since."""
        if not _LONG <= state.count <= 3 * _LONG or len(state.blocks) < _EVEN:
            return None
        levels = [level for level, _ in state.blocks][-_EVEN:]
        error = 1.25 * median([spread for _, spread in state.blocks]) / math.sqrt(_BLOCK)
        first = median(state.first)
        if min(levels) < _HARDLY * first or error > 0.01 * first or first <= 0:
            return None
        if max(levels) - min(levels) > 4 * error or levels[0] - levels[-1] > 2 * error:
            return None
        return f"it began at {first:.4g}, and for {_EVEN * _BLOCK} values it hasn't moved", 0.55

    def _fell_and_stopped(self, state: _State, spread: float) -> tuple[str, float] | None:
        blocks, middle = state.blocks, state.blocks[-1][0]
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


class _Collapse:
    """Tells when a gradient norm or a learning rate is gone from one value to the next."""

    __slots__ = ("_row", "_values", "name", "usual")

    def __init__(self) -> None:
        self.name, self.usual, self._row = "", math.nan, 0
        self._values: deque[float] = deque(maxlen=9)

    def add(self, name: str, value: float) -> None:
        """Takes the next value; only the first name counts."""
        self.name = self.name or name
        if name != self.name or not math.isfinite(value):
            return
        if len(self._values) >= 5:
            self.usual = median(self._values)
            # What ends a schedule has become small before; this was not.
            if abs(value) < 1e-4 * self.usual and min(self._values) > 0.1 * self.usual:
                self._row += 1
                return
        self._row = 0
        self._values.append(abs(value))

    @property
    def gone(self) -> bool:
        """Whether it has stayed away."""
        return self._row >= 12
