"""A ticket with all that a terminal shows of it, and a list of tickets with their runs."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from desk.views.costs import Costs, costs_of, runs_used
from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.research import AgentName
from labcrew.domain.review import Gate, MergeRequest
from labcrew.domain.spending import Limits
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger


class ListedTicket(AssignedTicket):
    """A ticket in a list."""

    runs: int = Field(
        description="of its budget, used or promised; a lost one that was started again is none"
    )

    def plain(self) -> AssignedTicket:
        """The ticket alone."""
        return AssignedTicket.model_construct(
            **{name: getattr(self, name) for name in AssignedTicket.model_fields}
        )


class TicketSheet(Model):
    """A ticket and what belongs to it."""

    ticket: AssignedTicket
    gates: tuple[Gate, ...] = Field(description="those that wait for a person")
    trials: tuple[Trial, ...]
    merge_requests: tuple[MergeRequest, ...]
    incidents: tuple[Incident, ...]
    costs: Costs


def listed(ledger: Ledger, tickets: Sequence[AssignedTicket]) -> list[ListedTicket]:
    """Tickets with the number of their runs."""
    runs = runs_used(ledger, [t.id for t in tickets])
    return [
        ListedTicket.model_construct(**dict(ticket), runs=runs.get(ticket.id, 0))
        for ticket in tickets
    ]


def sheet_of(
    ledger: Ledger,
    assigned: AssignedTicket,
    gates: Sequence[Gate] = (),
    spending: Mapping[AgentName, Limits] | None = None,
) -> TicketSheet:
    """A ticket's sheet, with the gates that are known to wait.

    Args:
        spending: what settings let agents use.
    """
    return TicketSheet(
        ticket=assigned,
        gates=tuple(gates),
        trials=tuple(ledger.trials.of(assigned.id)),
        merge_requests=tuple(ledger.merge_requests.of(assigned.id)),
        incidents=tuple(ledger.incidents.of(assigned.id)),
        costs=costs_of(ledger, assigned, spending),
    )
