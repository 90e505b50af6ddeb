"""Where the evolution machine stands within one turn; all else is in the ledger."""

from typing import Any, Literal, TypedDict

Route = Literal[
    "gate_spec",
    "prepare",
    "measure_noise",
    "analyse",
    "propose",
    "screen",
    "evaluate",
    "compare",
    "keep",
    "revert",
    "note",
    "open_sealed",
    "leave_out",
    "open_merge_request",
    "gate_merge",
    "merge",
    "close",
    "wait",
]


class EvolutionState(TypedDict, total=False):
    """Cursors of a fixed size."""

    route: Route
    said: str


def goes(route: Route, said: str = "") -> dict[str, Any]:
    """Where a node leads, and what is said of it to a person."""
    return {"route": route, "said": said}
