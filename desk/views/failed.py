"""What failed and waits for a person, who has it tried again or ends it."""

from collections.abc import Iterable

from pydantic import Field

from desk.commissions import again, title_of
from desk.views.evolutions import EvolutionHead
from labcrew.domain.base import Model
from labcrew.domain.evolution import Evolution
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger


class Failed(Model):
    """A ticket or a loop that failed and that nobody took up or stopped since."""

    id: str
    title: str
    because: str = Field(description="untrusted text; may be empty")
    again: str = Field(description="the command that has it tried again")


def failed_in(ledger: Ledger) -> list[Failed]:
    """All that failed in a home: tickets, then loops, oldest first."""
    return failed_of(
        [*ledger.tickets.all(status="failed"), *ledger.evolutions.all(status="failed")]
    )


def failed_count(ledger: Ledger) -> int:
    """How many `failed_in` answers."""
    return ledger.tickets.count(status="failed") + ledger.evolutions.count(status="failed")


def failed_of(found: Iterable[AssignedTicket | Evolution | EvolutionHead]) -> list[Failed]:
    """Those of them that failed."""
    return [
        Failed(
            id=one.id,
            title=one.title if isinstance(one, EvolutionHead) else title_of(one),
            because=one.outcome.removeprefix("failed: "),
            again=again(one.id),
        )
        for one in found
        if one.status == "failed"
    ]
