"""What settings let each agent spend on models for a ticket, with what people gave beyond it."""

from collections.abc import Mapping

from labcrew.domain.research import AgentName
from labcrew.domain.spending import Limits
from labcrew.ledger import Ledger

RAISED = "spending.raised"
"""A line: a person let an agent use more for a ticket than settings do."""


def agent_limits(
    ledger: Ledger, spending: Mapping[AgentName, Limits], ticket: str
) -> dict[str, Limits]:
    """Agent → what it may use for a ticket.

    Args:
        spending: what settings say.
    """
    limits = {str(agent): most for agent, most in spending.items()}
    if limits and ledger.events.count(ticket, RAISED):
        for event in ledger.events.of(ticket, kind=RAISED):
            agent = str(event.data["agent"])
            if agent in limits:
                limits[agent] = limits[agent].raised(event.data)
    return limits
