"""The gate at which a merge request waits: the one that shows it, not a newer one's."""

from collections.abc import Iterable

from desk.commissions import command
from labcrew.domain.review import Gate, MergeRequest
from labcrew.errors import Conflict, InputError


def merge_gate(request: MergeRequest, waiting: Iterable[Gate]) -> Gate:
    """The gate that asks about a merge request.

    Args:
        request: the one that a person named.
        waiting: the open gates, of its ticket or loop and perhaps of others.

    Raises:
        Conflict: another merge request of the same ticket waits in its place.
        InputError: none waits.
    """
    gates = [gate for gate in waiting if gate.ticket == request.ticket and gate.kind == "merge"]
    for gate in gates:
        if gate.shown.get("merge_request") == request.id:
            return gate
    if gates:
        newer = str(gates[-1].shown.get("merge_request"))
        raise Conflict(
            f"{request.id} is {request.status}; what waits for a decision is {newer}.",
            f"Look at it: labcrew mr show {newer}",
            status=request.status,
        )
    raise InputError(
        f"{request.id} does not wait for a decision; it is {request.status}.",
        f"See `{command(request.ticket)}`.",
    )
