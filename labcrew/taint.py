"""Taint: that untrusted text can have steered a ticket; written once a source, never taken back.

A rule that reads typed numbers or closed vocabulary out of a text is not steered by it. Settings
that a text suggests are, and so is whatever a chat model answers that was shown the text.
"""

from datetime import datetime

from labcrew.domain.base import Model
from labcrew.domain.research import UntrustedText
from labcrew.ledger import Ledger

KIND = "ticket.tainted"


class Taint(Model):
    """One kind of untrusted text that reached a ticket.

    Args:
        at: when it first did.
        because: through what.
    """

    source: UntrustedText
    at: datetime
    because: str


def taint(ledger: Ledger, ticket: str, source: UntrustedText, *, actor: str, because: str) -> None:
    """Writes down that text of a source can steer a ticket; once written it stands."""
    ledger.events.append(
        ticket=ticket,
        actor=actor,
        kind=KIND,
        key=f"{ticket}/tainted/{source}",
        data={"source": source, "because": because},
    )


def taints(ledger: Ledger, ticket: str) -> tuple[Taint, ...]:
    """What untrusted text can have steered a ticket, oldest first."""
    return tuple(
        Taint(source=event.data["source"], at=event.at, because=event.data["because"])
        for event in ledger.events.of(ticket)
        if event.kind == KIND
    )


def tainted(ledger: Ledger, ticket: str) -> bool:
    """Whether untrusted text can have steered a ticket: no run of it gets the network."""
    return ledger.events.count(ticket, KIND) > 0
