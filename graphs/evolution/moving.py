"""The round under way: found in the ledger, and written there with its verdict."""

from typing import Any

from graphs.evolution.loop import Loop
from graphs.evolution.state import goes
from labcrew.domain.evolution import Round, Verdict


def current(loop: Loop) -> Round:
    """The round under way."""
    found = loop.round
    assert found is not None
    return found


def decided(
    loop: Loop, round_: Round, verdict: Verdict, reason: str, **fields: Any
) -> dict[str, Any]:
    """Writes a verdict down, and leads on to what follows from it."""
    changed = {"status": "decided", "verdict": verdict, "reason": reason, **fields}
    loop.put(round_.model_copy(update=changed), "decided")
    return goes("keep" if verdict == "kept" else "revert")


def finished(evolution: str) -> str:
    """The key of the effect that ends a loop's rounds."""
    return f"{evolution}/finished"
