"""State for each printed name, capped: a log that invents names can't fill the memory."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_NAMES = 200


class Named(Generic[T]):
    """One state a name; names beyond the cap get none.

    Args:
        make: makes the state of a new name.
        most: names that are kept.
    """

    def __init__(self, make: Callable[[], T], most: int = MOST_NAMES) -> None:
        self._make, self._most = make, most
        self._states: dict[str, T] = {}

    def get(self, name: str) -> T | None:
        """The state of a name, made where it is new; None beyond the cap."""
        state = self._states.get(name)
        if state is None and len(self._states) < self._most:
            state = self._states[name] = self._make()
        return state

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[T]:
        return iter(self._states.values())


_CONTENDING = ("disc", "gen", "critic", "actor", "policy", "value", "adv", "entropy")


@lru_cache(maxsize=1024)
def contending(name: str) -> bool:
    """Whether a loss is of adversaries or reinforcement learning, and has no reason to fall."""
    lowered = name[:80].lower()
    return lowered.startswith(("d_", "g_")) or any(word in lowered for word in _CONTENDING)


def shown(name: str) -> str:
    """A printed name as a diagnosis may quote it: it is untrusted and may be long."""
    return name[:60]
