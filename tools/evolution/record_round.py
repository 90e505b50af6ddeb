"""Tool that commits what a round tried, and takes it back where it was not kept."""

from datetime import datetime

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.evolution import CodeFile, Evolution, Round
from tools.toolbox import Tool, Workbench

_LINE = 72


class RecordRound(Model):
    """Puts a round on the rounds' branch."""

    parent: str = Field(description="the branch's head before it")
    round: Round
    champion: tuple[CodeFile, ...] = Field(description="what a revert goes back to")


class Recorded(Model):
    """The commits that were made."""

    commit: str = Field(description="of the change")
    tip: str = Field(description="the branch's head: the same, or its revert")


def rounds_ref(evolution: str) -> str:
    """The branch on which every round is a commit."""
    return f"refs/labcrew/{evolution}/rounds"


def message_of(round_: Round) -> str:
    """A round's commit message."""
    assert round_.proposal is not None
    title = _plain(round_.proposal.title)
    first = round_.first
    gain = f"Gate gain {first.gain:+.4g} [{first.low:+.4g}, {first.high:+.4g}]\n" if first else ""
    return (
        f"Round {round_.number}: {title}"[:_LINE]
        + f"\n\n{_plain(round_.proposal.rationale)}\n\n{gain}"
        + f"Verdict: {round_.verdict}, {_plain(round_.reason)}\n"
        + f"Proposer: {round_.proposal.proposer}\n"
    )


def _plain(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:1000]


def _record(call: RecordRound, evolution: Evolution, bench: Workbench) -> Recorded:
    round_ = call.round
    assert round_.proposal is not None
    proposed = round_.proposal.files
    paths = (*evolution.spec.editable, *evolution.widened)
    # A fixed time: made again after a crash, the commits have the same ids.
    at = datetime.fromisoformat(round_.began_at)

    def base(path: str) -> bytes | None:
        """What a path that is not the champion's held at first, which a person let be changed."""
        if path not in bench.repositories.files(evolution.id, evolution.base_commit):
            return None
        return bench.repositories.read(evolution.id, evolution.base_commit, path)

    def write(parent: str, files: tuple[CodeFile, ...], message: str) -> str:
        contents: dict[str, bytes | None] = {file.path: None for file in call.champion}
        contents |= {file.path: base(file.path) for file in proposed if file.path not in contents}
        contents |= {file.path: file.text.encode() for file in files}
        there = set(bench.repositories.files(evolution.id, parent))
        return bench.repositories.write(
            evolution.id,
            parent,
            {path: text for path, text in contents.items() if text is not None or path in there},
            message=message,
            at=at,
            ref=rounds_ref(evolution.id),
            editable=paths,
        )

    commit = write(call.parent, proposed, message_of(round_))
    if round_.verdict == "kept":
        return Recorded(commit=commit, tip=commit)
    said = f"Revert round {round_.number}\n\n{_plain(round_.reason)}\n"
    return Recorded(commit=commit, tip=write(commit, call.champion, said))


record_round: Tool[RecordRound, Recorded, Evolution] = Tool("record_round", RecordRound, _record)
