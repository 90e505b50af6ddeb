"""The ledger's lines of a loop of self-evolution in words."""

from labcrew.domain.event import Event
from labcrew.ledger import Ledger


def loop_line(event: Event, ledger: Ledger) -> str | None:
    """What became of a loop; None for what only machines care for."""
    found = ledger.evolutions.find(str(event.data.get("id", "")))
    if found is None:
        return None
    by = event.actor.removeprefix("person:")
    noise, sealed = found.noise, found.sealed
    if event.kind == "evolution.ended":
        return f"The loop is {found.status}{f': {_outcome(found.outcome)}' * bool(found.outcome)}"
    if event.kind == "evolution.measured" and noise is not None:
        return f"The noise is measured: the baseline's mean is {noise.mean:.4g}; {noise.seen}"
    if event.kind == "evolution.sealed_opened" and sealed is not None:
        gain = sealed.comparison
        return (
            f"The sealed split is opened: {sealed.baseline:.4g} becomes {sealed.final:.4g}, gain"
            f" {gain.gain:+.4g}, from {gain.low:+.4g} to {gain.high:+.4g}"
        )
    return {
        "evolution.started": f"{by} started the loop",
        "evolution.paused": f"{by} paused the loop",
        "evolution.assigned": f"{by} let the loop go on",
        "evolution.stopped": f"{by} stopped the loop",
        "evolution.prepared": "The environment is made, the program is read",
        "evolution.left_out": "Each kept change was left out, to see what it brings",
    }.get(event.kind)


def _outcome(outcome: str) -> str:
    return outcome.removeprefix("failed: ").removeprefix("done: ")


def round_line(event: Event, ledger: Ledger) -> str | None:
    """What was tried in a round, and what was decided."""
    round_ = ledger.rounds.find(str(event.data.get("id", "")))
    if round_ is None or round_.proposal is None:
        return None
    about = f"Round {round_.number}: {round_.proposal.title}"
    if event.kind == "round.proposed":
        return f"{about} ({round_.proposal.proposer.replace('_', ' ')})"
    if event.kind == "round.ended" and round_.verdict is not None:
        return f"{about}: {round_.verdict}, {round_.reason}"
    return None
