"""What a loop kept: each step from one champion to the next, with what it brings."""

from pydantic import Field

from desk.views.diffs import FileDifference, between
from desk.views.patches import patch
from labcrew.domain.base import Model
from labcrew.domain.evolution import CodeFile, Comparison, Evolution, Round
from labcrew.errors import NotFound
from labcrew.ledger import Ledger


class Step(Model):
    """One kept round."""

    number: int
    title: str
    proposer: str
    rationale: str
    gain: Comparison | None = Field(description="of the re-test, when it was kept")
    left_out: Comparison | None = Field(
        description="what it brings at the end: the result over the result without it"
    )
    weighed: bool = Field(description="leaving it out was tried")
    insertions: int
    deletions: int


def steps_of(ledger: Ledger, evolution: Evolution) -> tuple[Step, ...]:
    """The kept rounds, oldest first."""
    brought = {kept.round: kept for kept in evolution.kept}
    found = []
    for before, round_ in _kept(ledger, evolution):
        assert round_.proposal is not None
        differences = _differences(before, round_.proposal.files)
        known = brought.get(round_.number)
        found.append(
            Step(
                number=round_.number,
                title=round_.proposal.title,
                proposer=round_.proposal.proposer,
                rationale=round_.proposal.rationale,
                gain=round_.retest or round_.first,
                left_out=known.left_out if known is not None else None,
                weighed=known is not None,
                insertions=sum(d.file.insertions or 0 for d in differences),
                deletions=sum(d.file.deletions or 0 for d in differences),
            )
        )
    return tuple(found)


def change_of(ledger: Ledger, evolution: Evolution, number: int) -> tuple[FileDifference, ...]:
    """What a kept round changed, file by file. Raises NotFound: no such round was kept."""
    for before, round_ in _kept(ledger, evolution):
        if round_.number == number and round_.proposal is not None:
            return _differences(before, round_.proposal.files)
    raise NotFound(f"{evolution.id} kept no round {number}.")


def patches_of(ledger: Ledger, evolution: Evolution) -> dict[int, str]:
    """What each kept round changed, as a patch that `git apply` takes, by the round's number."""
    return {
        round_.number: patch(before, round_.proposal.files)
        for before, round_ in _kept(ledger, evolution)
        if round_.proposal is not None
    }


def _kept(ledger: Ledger, evolution: Evolution) -> list[tuple[tuple[CodeFile, ...], Round]]:
    """Each kept round with the program that stood before it."""
    found, champion = [], evolution.baseline
    for round_ in ledger.rounds.of(evolution.id):
        if round_.verdict == "kept" and round_.proposal is not None:
            found.append((champion, round_))
            champion = round_.proposal.files
    return found


def _differences(
    before: tuple[CodeFile, ...], after: tuple[CodeFile, ...]
) -> tuple[FileDifference, ...]:
    old, new = ({file.path: file.text for file in files} for files in (before, after))
    return tuple(
        between(path, old.get(path, ""), new.get(path, ""))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )
