"""Merge requests at the lab's forge: proposed, kept up to date, withdrawn; all from the ledger."""

import re
from contextlib import suppress
from typing import Any

from labcrew.domain.base import Model
from labcrew.domain.forge import (
    LONGEST_DESCRIPTION,
    CommitState,
    Forge,
    ForgeRequest,
    Proposal,
)
from labcrew.domain.review import MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ForgeError, ToolError
from labcrew.ledger import Ledger
from tools.facts import shown_forge
from tools.forges.local import LocalForge
from tools.toolbox import Tool, Workbench

_COMMAND = re.compile(r"^[ \t]*(?=/)", re.MULTILINE)


class ProposeChange(Model):
    """Pushes the change's branch to the forge and opens its request, or brings it up to date."""

    merge_request: str
    commit: str
    forge: str


class WithdrawChange(Model):
    """Closes the request at the forge."""

    merge_request: str


class Proposed(Model):
    """Where a merge request stands at the forge.

    Args:
        pushed: the commit that labcrew put there.
        seen: approvals that stood there when it came, which do not count for it.
    """

    number: int
    url: str
    branch: str
    pushed: str
    seen: tuple[tuple[str, str], ...] = ()


def proposal_effect(request: str) -> str:
    """The key of the effect that proposes a merge request."""
    return f"{request}/forge"


def push_effect(request: str) -> str:
    """The key of the effect that pushes a merge request's commit."""
    return f"{proposal_effect(request)}/pushed"


def proposed(ledger: Ledger, request: str) -> Proposed | None:
    """Where a merge request stands at the forge; None where it does not."""
    effect = ledger.effect(proposal_effect(request))
    if effect is None or effect.result is None:
        return None
    return Proposed.model_validate(effect.result)


def forge_of(request: str, assigned: AssignedTicket, bench: Workbench) -> tuple[Forge, int]:
    """Where a merge request is merged, and its number there.

    Raises:
        ForgeError: that is a forge, and it does not stand there yet, or settings name another one.
    """
    shown = shown_forge(bench.ledger, assigned.id, assigned.revision)
    if shown:
        forge, there = _forge(bench, shown), proposed(bench.ledger, request)
        if there is None:
            raise ForgeError(
                f"{request} does not stand at {shown} yet.",
                "`labcrew up` and `labcrew board` take it there as soon as they can.",
                kind="missing",
            )
        return forge, there.number
    number = request.rpartition("-MR")[2]
    local = LocalForge(bench.ledger, bench.repositories, assigned)
    return local, int(number) if number.isdigit() else 0


def _propose(call: ProposeChange, assigned: AssignedTicket, bench: Workbench) -> Proposed:
    """Found again by its branch, whatever an earlier process did before it was killed."""
    forge = _forge(bench, call.forge)
    request = bench.ledger.merge_requests.get(call.merge_request)
    if request.target is None:
        raise ToolError(f"{request.id} has no target branch to be merged into there.")
    # One branch for all revisions: a new one is new commits of the same request.
    branch = f"labcrew/{assigned.id}"
    there = forge.find(branch)
    known = there if there is not None and there.state == "open" else None

    def push() -> dict[str, Any]:
        _push(forge, bench.ledger, assigned.id, call.commit, branch)
        return {"seen": _approved(forge, known) if known is not None else []}

    # Noted before anything else is tried: when that is tried again, the commit stands there, and
    # nothing at the forge tells an approval of earlier commits from one that was given since.
    pushed = bench.ledger.once(
        push_effect(request.id), assigned.id, {"commit": call.commit}, push, lambda: None
    )
    proposal = Proposal(
        branch=branch, target=request.target, title=request.title, text=_text(request)
    )
    made = known or forge.open(proposal)
    if known is not None:
        forge.update(known.number, proposal)
    _say_status(forge, request, call.commit)
    return Proposed(
        number=made.number, url=made.url, branch=branch, pushed=call.commit, seen=pushed["seen"]
    )


def _push(forge: Forge, ledger: Ledger, ticket: str, commit: str, branch: str) -> None:
    """Puts the commit there over nothing, or over a commit that was labcrew's own."""
    # A process that was killed after an earlier push may not have noted it, so each is tried.
    own = [r.commit for r in ledger.merge_requests.of(ticket) if r.commit != commit]
    tried: list[str | None] = list(dict.fromkeys(reversed(own)))
    for number, expected in enumerate([*tried, None]):
        try:
            forge.publish(ticket, commit, branch, expected)
        except ForgeError as error:
            if error.kind != "moved" or number == len(tried):
                raise
        else:
            return


def _approved(forge: Forge, request: ForgeRequest) -> list[list[str]]:
    return [[each.by, each.at] for each in forge.approvals(request.number)]


def _say_status(forge: Forge, request: MergeRequest, commit: str) -> None:
    smoke = request.smoke
    state: CommitState = "pending"
    if smoke is not None:
        state = "success" if smoke.passed else "failure"
    text = smoke.detail if smoke is not None else "not run yet"
    # A token may be allowed to open requests and not to set a status: the description tells it too.
    with suppress(ForgeError):
        forge.set_status(commit, state, text)


def _text(request: MergeRequest) -> str:
    """The description, of which no line is a command: a forge would do it with labcrew's token."""
    harmless = _COMMAND.sub(r"\g<0>\\", request.description)
    end = f"\n\n---\n{request.id}, opened by labcrew."
    return fitting(harmless, LONGEST_DESCRIPTION - len(end), request.id) + end


def fitting(text: str, most: int, request: str) -> str:
    """A description without paragraphs of its middle, if it is too long: results stand at the
    beginning, smoke test and cost at the end.

    Args:
        text: Markdown.
        most: characters.
        request: the merge request's id, by which all of it is shown.
    """
    if len(text) <= most:
        return text
    gap = f"**Cut here, as it is too long for the forge. All of it: `labcrew mr show {request}`.**"
    room = (most - len(gap)) // 2 - 2
    head, tail = text[:room], text[-room:]
    return "\n\n".join((head.rpartition("\n\n")[0] or head, gap, tail.partition("\n\n")[2]))


def _withdraw(call: WithdrawChange, assigned: AssignedTicket, bench: Workbench) -> None:
    there = proposed(bench.ledger, call.merge_request)
    if there is not None:
        revision = bench.ledger.merge_requests.get(call.merge_request).revision
        _forge(bench, shown_forge(bench.ledger, assigned.id, revision)).close(there.number)


def _forge(bench: Workbench, shown: str) -> Forge:
    """The forge that settings name, if it is the one that was shown."""
    if bench.forge is None or bench.forge.name != shown:
        raise ForgeError(
            f"[forge] in labcrew.toml does not name {shown} any more.",
            "Name it there again.",
            kind="missing",
        )
    return bench.forge


propose_change = Tool("propose_change", ProposeChange, _propose)
withdraw_change = Tool("withdraw_change", WithdrawChange, _withdraw)
