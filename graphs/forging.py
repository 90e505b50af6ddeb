"""A ticket's merge request at the lab's forge: proposed before its gate, merged or withdrawn after.

What the forge does not allow stops no ticket: the gate here can be decided all the same, and
graphs.following tries again.
"""

from typing import Any

from graphs.work import Work
from labcrew.domain.base import content_hash
from labcrew.domain.repository import MergeOutcome
from labcrew.domain.review import MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ForgeError, LabcrewError, ToolError
from tools.facts import shown_forge
from tools.forge_requests import (
    ProposeChange,
    WithdrawChange,
    proposal_effect,
    propose_change,
    proposed,
    withdraw_change,
)
from tools.make_change import MergeBranch, merge_branch


def withdrawal_effect(request: str) -> str:
    """The key of the effect that closes a merge request at the forge."""
    return f"{request}/forge/closed"


async def propose(work: Work, assigned: AssignedTicket, request: MergeRequest) -> bool:
    """Brings a merge request to the forge, once; answers whether it stands there."""
    forge = work.bench.forge
    if forge is None or request.target is None:
        return False
    shown = shown_forge(work.ledger, assigned.id, assigned.revision)
    if forge.name != shown:  # settings changed since: nothing is begun that may not be done
        said = f"The plan gate showed {shown or 'no forge'}, so nothing is sent to {forge.name}."
        trouble(work, request, ToolError(said))
        return False
    tools = work.toolbox("merge_request", assigned, "forge")
    call = ProposeChange(merge_request=request.id, commit=request.commit, forge=forge.name)

    async def perform() -> dict[str, Any]:
        return (await tools.use(propose_change, call)).model_dump(mode="json")

    async def find() -> dict[str, Any] | None:
        return None  # proposing looks for the branch's request itself

    try:
        await work.ledger.once_async(
            proposal_effect(request.id), assigned.id, call.model_dump(mode="json"), perform, find
        )
    except ToolError as error:
        trouble(work, request, error)
        return False
    return True


async def merge(work: Work, assigned: AssignedTicket, request: MergeRequest) -> MergeOutcome:
    """Merges what was approved, where its plan gate said; proposes it there if that is still to do.

    Raises:
        ForgeError: the forge does not do it now.
    """
    assert request.target is not None, "what has no target is for a person to merge"
    await propose(work, assigned, request)
    call = MergeBranch(target=request.target, commit=request.commit, merge_request=request.id)
    return await work.toolbox("merge_request", assigned, "merge").use(merge_branch, call)


async def withdraw(work: Work, assigned: AssignedTicket, request: MergeRequest) -> None:
    """Closes a merge request at the forge, where it stands and no later revision took it over."""
    there = proposed(work.ledger, request.id)
    newest = work.ledger.merge_requests.of(assigned.id)[-1]
    if work.bench.forge is None or there is None or newest.id != request.id:
        return
    tools = work.toolbox("merge_request", assigned, "forge")

    async def perform() -> dict[str, Any]:
        await tools.use(withdraw_change, WithdrawChange(merge_request=request.id))
        return {"number": there.number}

    async def find() -> dict[str, Any] | None:
        return None  # closing what is closed does nothing

    try:
        await work.ledger.once_async(
            withdrawal_effect(request.id), assigned.id, {"number": there.number}, perform, find
        )
    except ToolError as error:
        trouble(work, request, error)


def trouble(work: Work, request: MergeRequest, error: LabcrewError) -> None:
    """Notes what the forge does not allow; the same trouble once."""
    kind = error.kind if isinstance(error, ForgeError) else "refused"
    work.ledger.events.note(
        ticket=request.ticket,
        actor="merge_request",
        kind="forge.trouble",
        key=f"{request.id}/forge/trouble/{content_hash(error.message)[:16]}",
        data={
            "merge_request": request.id,
            "kind": kind,
            "because": error.message,
            "remedy": error.remedy,
        },
    )
