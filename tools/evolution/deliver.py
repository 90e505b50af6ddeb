"""Tools that hand over what a loop kept: a branch in the user's repository, and its merge."""

from datetime import datetime
from pathlib import Path

from labcrew.domain.base import Model
from labcrew.domain.evolution import CodeFile, Evolution, Round
from labcrew.domain.repository import MergeOutcome
from tools.evolution.record_round import message_of
from tools.toolbox import Tool, Workbench


class PublishKept(Model):
    """Commits the kept changes one after the other and puts both branches where people look."""

    kept: tuple[Round, ...]
    tip: str


class Published(Model):
    """Where the branches stand."""

    branch: str
    commit: str
    rounds_branch: str
    rounds_commit: str


class MergeKept(Model):
    """Fast-forwards the target branch."""

    target: str
    commit: str


def _publish(call: PublishKept, evolution: Evolution, bench: Workbench) -> Published:
    paths = (*evolution.spec.editable, *evolution.widened)
    head, before = evolution.base_commit, evolution.baseline
    for round_ in call.kept:
        assert round_.proposal is not None
        files: tuple[CodeFile, ...] = round_.proposal.files
        contents: dict[str, bytes | None] = {file.path: None for file in before}
        contents |= {file.path: file.text.encode() for file in files}
        head = bench.repositories.write(
            evolution.id,
            head,
            contents,
            message=message_of(round_),
            at=datetime.fromisoformat(round_.began_at),
            ref=f"refs/labcrew/{evolution.id}/kept",
            editable=paths,
        )
        before = files
    branch = f"labcrew/{evolution.id}"
    there = Path(evolution.repository)
    bench.repositories.publish(evolution.id, head, there, branch)
    if call.tip:
        bench.repositories.publish(evolution.id, call.tip, there, f"{branch}-rounds")
    return Published(
        branch=branch, commit=head, rounds_branch=f"{branch}-rounds", rounds_commit=call.tip
    )


def _merge(call: MergeKept, evolution: Evolution, bench: Workbench) -> MergeOutcome:
    return bench.repositories.merge(Path(evolution.repository), call.target, call.commit)


publish_kept: Tool[PublishKept, Published, Evolution] = Tool("publish_kept", PublishKept, _publish)
merge_kept: Tool[MergeKept, MergeOutcome, Evolution] = Tool("merge_kept", MergeKept, _merge)
