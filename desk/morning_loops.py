"""What loops of self-evolution did since a time, for the morning report."""

from collections.abc import Iterator, Mapping, Sequence

from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.evidence import as_text, table
from labcrew.ledger import Ledger

_MOST_ROWS = 100


class LoopNight(Model):
    """A loop's rounds since the time, and where it stands."""

    evolution: str
    title: str
    status: str
    rounds: int
    kept: int
    reverted: int
    other: int
    stands: str


def loop_nights(ledger: Ledger, recent: Mapping[str, Sequence[Event]]) -> tuple[LoopNight, ...]:
    """The loops that are at work or did something.

    Args:
        recent: id → its lines since the time.
    """
    found = []
    for loop in ledger.evolutions.all():
        if loop.id not in recent and loop.status != "running":
            continue
        ended = {e.data.get("id") for e in recent.get(loop.id, ()) if e.kind == "round.ended"}
        verdicts = [r.verdict for r in ledger.rounds.of(loop.id) if r.id in ended]
        kept, reverted = verdicts.count("kept"), verdicts.count("reverted")
        found.append(
            LoopNight(
                evolution=loop.id,
                title=loop.spec.title,
                status=loop.status,
                rounds=len(verdicts),
                kept=kept,
                reverted=reverted,
                other=len(verdicts) - kept - reverted,
                stands=loop.outcome or f"round {loop.rounds} of {loop.spec.budget.rounds}",
            )
        )
    return tuple(found)


def loops_text(nights: Sequence[LoopNight]) -> Iterator[str]:
    """The loops as Markdown; nothing where there are none."""
    if not nights:
        return
    yield "## Loops of self-evolution"
    head = ["loop", "title", "status", "rounds", "kept", "reverted", "other", "stands at"]
    yield table(
        head,
        [
            [
                night.evolution,
                as_text(night.title),
                night.status,
                *(str(n) for n in (night.rounds, night.kept, night.reverted, night.other)),
                as_text(night.stands),
            ]
            for night in nights[:_MOST_ROWS]
        ],
    )
