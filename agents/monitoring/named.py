"""State for each printed name, capped: a log that invents names can't fill the memory."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Generic, TypeVar

from tools.metric_names import role, words_of

T = TypeVar("T")

MOST_NAMES = 200
JUDGING = frozenset({"train_loss", "validation_loss", "train_metric", "validation_metric"})
"""Roles of the numbers that a run is judged by."""


class Named(Generic[T]):
    """One state a name; names beyond the cap get none.

    Losses and metrics have places of their own, and one number always has its place: what a run is
    judged by is not lost among two hundred other names.

    Args:
        make: makes the state of a new name.
        most: names that are kept, of losses and metrics and of all others.
        metric: the name of the number that always has a place; may be empty.
    """

    def __init__(self, make: Callable[[], T], most: int = MOST_NAMES, metric: str = "") -> None:
        self._make, self._most = make, most
        self._metric = metric.replace(" ", "_")
        self._states: dict[str, T] = {}
        self._taken: Counter[bool] = Counter()

    def get(self, name: str) -> T | None:
        """The state of a name, made where it is new; None beyond the cap."""
        state = self._states.get(name)
        if state is None:
            judging = role(name) in JUDGING
            if self._taken[judging] < self._most or name == self._metric:
                self._taken[judging] += 1
                state = self._states[name] = self._make()
        return state

    @property
    def states(self) -> Mapping[str, T]:
        """Those that were made, in the order in which their names came."""
        return self._states


_CONTENDING = frozenset(
    {"d", "g", "disc", "discriminator", "gen", "generator", "critic", "actor", "policy", "value",
     "adv", "adversarial", "entropy"}
)  # fmt: skip
_RISING_PARTS = frozenset(
    {"kl", "kld", "reg", "regularization", "regularizer", "penalty", "commitment", "aux",
     "auxiliary"}
)  # fmt: skip
"""Parts of a loss that begin near zero and rise while the whole falls. "l2" is none: LightGBM calls
the squared error so."""
_HARMLESS = {("cross", "entropy"), ("loss", "value")}
"""Pairs that tell of nobody to contend with: "loss value" is a table's heading."""


@lru_cache(maxsize=1024)
def contending(name: str) -> bool:
    """Whether a loss has no reason to fall: one of adversaries or of reinforcement learning, or a
    part that rises by nature.
    """
    words = words_of(name[:80])
    unbound = _CONTENDING | _RISING_PARTS
    harmless = {word for pair in _HARMLESS & set(pairwise(words)) for word in pair}
    return any(word in unbound and word not in harmless for word in words)


def shown(name: str) -> str:
    """A printed name as a diagnosis may quote it: it is untrusted and may be long."""
    return name[:60]
