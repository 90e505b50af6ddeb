"""The facts that the policy table asks for, read from the ledger when they are asked for."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from labcrew import mcp_approvals
from labcrew.domain.commission import Commission
from labcrew.domain.draft import Draft
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Plan, Trial
from labcrew.domain.mcp import McpServer, McpTool
from labcrew.domain.programming import Patch
from labcrew.domain.review import GateKind
from labcrew.domain.ticket import AssignedTicket
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.policy_facts import Approval, Facts
from labcrew.taint import tainted


def environment_effect(ticket: str, plan: Plan) -> str:
    """The key of the effect that prepares a plan's environment: another one, another effect."""
    return f"{ticket}/environment/{plan.environment_key[:16]}"


def change_effect(assigned: AssignedTicket) -> str:
    """The key of the effect that makes a revision's change."""
    return f"{assigned.id}/r{assigned.revision}/change"


def patch_id(assigned: AssignedTicket) -> str:
    """The id of a revision's patch."""
    return f"{assigned.id}-C{assigned.revision}"


def ready_patch(ledger: Ledger, assigned: AssignedTicket) -> Patch | None:
    """The code that was written for this revision, if its tests let it pass."""
    patch = ledger.patches.find(patch_id(assigned))
    return patch if patch is not None and patch.status == "ready" else None


def prepared_image(ledger: Ledger, ticket: str) -> str | None:
    """The image that was prepared last, None before any was."""
    for plan in reversed(ledger.plans.of(ticket)):
        effect = ledger.effect(environment_effect(ticket, plan))
        if effect is not None and effect.result is not None:
            return str(effect.result["image"])
    return None


def approval(ledger: Ledger, assigned: AssignedTicket, kind: GateKind) -> Approval | None:
    """What a person let pass at this revision's newest gate of a kind, bound to what it shows."""
    return _approved(ledger, assigned.id, assigned.revision, kind)


def shown_forge(ledger: Ledger, id: str, revision: int) -> str:
    """The forge that a revision's plan gate showed, where its change is proposed and merged; empty
    where it showed none.
    """
    plan = _approved(ledger, id, revision, "plan")
    return str(plan.shown.get("forge", "")) if plan is not None else ""


def _approved(ledger: Ledger, id: str, revision: int, kind: GateKind) -> Approval | None:
    begins = f"{id}-{kind}-r{revision}."
    gates = [gate for gate in ledger.gates.of(id) if gate.id.startswith(begins)]
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
        mcp: outside servers, as settings name them.
    """

    def __init__(
        self,
        assigned: AssignedTicket,
        ledger: Ledger,
        home: Home,
        mcp: Mapping[str, McpServer] = MappingProxyType({}),
    ) -> None:
        self.assigned = assigned
        self._ledger = ledger
        self._home = home
        self._mcp = mcp

    @property
    def draft(self) -> Draft:
        raise LookupError("it is done for a ticket, not for a draft")

    @property
    def evolution(self) -> Evolution:
        raise LookupError("it is done for a ticket, not for a loop of self-evolution")

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
    def patch(self) -> Patch | None:
        return ready_patch(self._ledger, self.assigned)

    @property
    def change(self) -> str | None:
        effect = self._ledger.effect(change_effect(self.assigned))
        return str(effect.result["commit"]) if effect is not None and effect.result else None

    def approval(self, gate: GateKind) -> Approval | None:
        return approval(self._ledger, self.assigned, gate)

    def trial(self, id: str) -> Trial | None:
        return self._ledger.trials.find(id)

    def mcp_server(self, name: str) -> McpServer | None:
        return self._mcp.get(name)

    def mcp_tool(self, server: str, tool: str) -> McpTool | None:
        return mcp_approvals.approved(self._ledger, self._mcp).get((server, tool))


def install_effect(draft: str, environment: str) -> str:
    """The key of the effect that installs an environment for a draft, by its plan's key."""
    return f"{draft}/install/{environment[:16]}"


class _WithoutTicket:
    """What holds for a draft and for a loop of self-evolution alike: no ticket's tool fits.

    Args:
        id: the draft's or loop's.
        ledger: the truth.
        home: where its files lie.
    """

    tainted = True
    """They read the repository, or candidates' outputs: nothing that reaches the network fits."""
    change: str | None = None
    patch: Patch | None = None

    def __init__(self, id: str, ledger: Ledger, home: Home) -> None:
        self._id = id
        self._ledger = ledger
        self._home = home

    @property
    def assigned(self) -> AssignedTicket:
        raise LookupError("it is not done for a ticket")

    @property
    def draft(self) -> Draft:
        raise LookupError("it is not done for a draft")

    @property
    def evolution(self) -> Evolution:
        raise LookupError("it is not done for a loop of self-evolution")

    @property
    def artefacts(self) -> Path:
        return self._home.artefacts(self._id)

    @property
    def outputs(self) -> Path:
        return self._home.root / "outputs" / self._id

    def trial(self, id: str) -> Trial | None:
        return None

    def mcp_server(self, name: str) -> McpServer | None:
        return None

    def mcp_tool(self, server: str, tool: str) -> McpTool | None:
        return None


class DraftFacts(_WithoutTicket):
    """A draft's facts as the ledger has them: nobody decides anything before there is a ticket."""

    def __init__(self, draft: Draft, ledger: Ledger, home: Home) -> None:
        super().__init__(draft.id, ledger, home)
        self._draft = draft

    @property
    def draft(self) -> Draft:
        return self._draft

    @property
    def image(self) -> str | None:
        """The image of the draft that was installed last."""
        prefix = f"{self._id}/install/"
        images = [
            str(effect.result["image"])
            for effect in self._ledger.effects.of(self._id)
            if effect.key.startswith(prefix) and effect.result and effect.result.get("image")
        ]
        return images[-1] if images else None

    def approval(self, gate: GateKind) -> Approval | None:
        return None


class EvolutionFacts(_WithoutTicket):
    """A loop's facts as the ledger has them."""

    def __init__(self, evolution: Evolution, ledger: Ledger, home: Home) -> None:
        super().__init__(evolution.id, ledger, home)
        self._evolution = evolution

    @property
    def evolution(self) -> Evolution:
        return self._evolution

    @property
    def image(self) -> str | None:
        """The image that was made for it."""
        return self._evolution.image or None

    def approval(self, gate: GateKind) -> Approval | None:
        return _approved(self._ledger, self._id, 0, gate)


def facts_of(
    work: Commission,
    ledger: Ledger,
    home: Home,
    mcp: Mapping[str, McpServer] = MappingProxyType({}),
) -> Facts:
    """The facts of a ticket, of a draft, or of a loop of self-evolution."""
    if isinstance(work, Draft):
        return DraftFacts(work, ledger, home)
    if isinstance(work, Evolution):
        return EvolutionFacts(work, ledger, home)
    if isinstance(work, AssignedTicket):
        return LedgerFacts(work, ledger, home, mcp)
    raise TypeError(f"there are no facts about a {type(work).__name__}")
