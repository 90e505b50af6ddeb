"""The proposers, one a file: its function `make(chat)` makes it.

A new one is a file here and its name in the table.
"""

import importlib
from collections.abc import Sequence

from agents.evolution.proposing import Proposer
from labcrew.domain.chat import ChatModel

PROPOSERS = (
    "parameters",
    "effects",
    "mutation",
    "guidelines",
    "crossover",
    "model_diff",
)
_LIBRARIES = ("libcst", "optuna", "scipy.stats")


def load_libraries() -> None:
    """Loads what proposers and the keep rule rest on, which takes a second or two."""
    for name in _LIBRARIES:
        importlib.import_module(name)


def proposers(names: Sequence[str] = (), chat: ChatModel | None = None) -> tuple[Proposer, ...]:
    """Proposers by name, in the order of the table.

    Args:
        names: which; empty: all.
        chat: for those that ask a model; without one they have nothing to say.

    Raises:
        ValueError: a name that is not in the table.
    """
    unknown = [name for name in names if name not in PROPOSERS]
    if unknown:
        raise ValueError(f"there is no proposer {unknown[0]!r}; known are {', '.join(PROPOSERS)}")
    chosen = [name for name in PROPOSERS if not names or name in names]
    # By name, so that none is imported, with what it needs, before it is asked for.
    modules = [importlib.import_module(f"{__name__}.{name}") for name in chosen]
    return tuple(module.make(chat) for module in modules)
