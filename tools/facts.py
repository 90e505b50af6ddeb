"""The facts that the policy table asks for, read from the ledger when they are asked for."""

from pathlib import Path

from labcrew.domain.experiment import Plan, Trial
from labcrew.domain.review import GateKind
from labcrew.domain.ticket import AssignedTicket
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.policy_conditions import Approval
from labcrew.taint import tainted


def environment_effect(ticket: str, plan: Plan) -> str:
    """The key of the effect that prepares a plan's environment: another one, another effect."""
    return f"{ticket}/environment/{plan.environment_key[:16]}"


def change_effect(assigned: AssignedTicket) -> str:
    """The key of the effect that makes a revision's change."""
    return f"{assigned.id}/r{assigned.revision}/change"


def prepared_image(ledger: Ledger, ticket: str) -> str | None:
    """The image that was prepared last, None before any was."""
    for plan in reversed(ledger.plans.of(ticket)):
        effect = ledger.effect(environment_effect(ticket, plan))
        if effect is not None and effect.result is not None:
            return str(effect.result["image"])
    return None


def approval(ledger: Ledger, assigned: AssignedTicket, kind: GateKind) -> Approval | None:
    """What a person let pass at this revision's newest gate of a kind, bound to what it shows."""
    begins = f"{assigned.id}-{kind}-r{assigned.revision}."
    gates = [gate for gate in ledger.gates.of(assigned.id) if gate.id.startswith(begins)]
    decision = ledger.decisions.find(gates[-1].id) if gates else None
    if (
        decision is None
        or decision.kind not in ("accept", "edit")
        or decision.payload_hash != gates[-1].payload_hash
    ):
        return None
    return Approval(shown=gates[-1].shown, edits=decision.edits, by=decision.by)


class LedgerFacts:
    """A ticket's facts as the ledger has them.

    Args:
        assigned: the ticket, as it stood when the step began.
        ledger: the truth.
        home: where its files lie.
    """

    def __init__(self, assigned: AssignedTicket, ledger: Ledger, home: Home) -> None:
        self.assigned = assigned
        self._ledger = ledger
        self._home = home

    @property
    def artefacts(self) -> Path:
        return self._home.artefacts(self.assigned.id)

    @property
    def outputs(self) -> Path:
        return self._home.root / "outputs" / self.assigned.id

    @property
    def tainted(self) -> bool:
        return tainted(self._ledger, self.assigned.id)

    @property
    def image(self) -> str | None:
        return prepared_image(self._ledger, self.assigned.id)

    @property
    def change(self) -> str | None:
        effect = self._ledger.effect(change_effect(self.assigned))
        return str(effect.result["commit"]) if effect is not None and effect.result else None

    def approval(self, gate: GateKind) -> Approval | None:
        return approval(self._ledger, self.assigned, gate)

    def trial(self, id: str) -> Trial | None:
        return self._ledger.trials.find(id)
