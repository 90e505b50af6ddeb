"""What a sandbox asked the network for, as lines of the ledger."""

from collections.abc import Iterable

from labcrew.domain.sandbox import NetworkRequest
from tools.toolbox import Workbench


def note_requests(
    bench: Workbench, ticket: str, subject: str, requests: Iterable[NetworkRequest]
) -> None:
    """Notes requests under what made them, alike ones as one line; noted again, they stay one.

    Args:
        bench: its ledger takes them.
        ticket: whose they are.
        subject: a trial's id, or an environment's key.
        requests: as the proxy's journal says.
    """
    for number, request in enumerate(requests):
        bench.ledger.events.note(
            ticket=ticket,
            actor="worker",
            kind="network.request",
            key=f"{ticket}/network/{subject}/{number}",
            data={"subject": subject, **request.model_dump(mode="json")},
        )
