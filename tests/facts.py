"""Facts of a ticket as a test says them, in place of the ledger's."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcrew.domain.draft import Draft
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Trial
from labcrew.domain.mcp import McpServer, McpTool
from labcrew.domain.programming import Patch
from labcrew.domain.review import GateKind
from labcrew.domain.ticket import AssignedTicket
from labcrew.policy_facts import Approval


@dataclass(frozen=True)
class KnownFacts:
    """What the policy table may ask, each part given.

    Args:
        gates: gate → what was shown there; a gate that isn't named was not accepted.
    """

    assigned: AssignedTicket
    artefacts: Path = Path("/home/artefacts/T-0001")
    outputs: Path = Path("/home/outputs/T-0001")
    tainted: bool = False
    image: str | None = "image"
    change: str | None = "c" * 40
    patch: Patch | None = None
    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    edits: dict[str, Any] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    known_draft: Draft | None = None
    known_evolution: Evolution | None = None
    servers: dict[str, McpServer] = field(default_factory=dict)
    approved: dict[tuple[str, str], McpTool] = field(default_factory=dict)

    @property
    def draft(self) -> Draft:
        if self.known_draft is None:
            raise LookupError("a ticket is meant")
        return self.known_draft

    @property
    def evolution(self) -> Evolution:
        if self.known_evolution is None:
            raise LookupError("a ticket is meant")
        return self.known_evolution

    def approval(self, gate: GateKind) -> Approval | None:
        if gate not in self.gates:
            return None
        return Approval(shown=self.gates[gate], edits=self.edits, by="ada")

    def mcp_server(self, name: str) -> McpServer | None:
        return self.servers.get(name)

    def mcp_tool(self, server: str, tool: str) -> McpTool | None:
        return self.approved.get((server, tool))

    def trial(self, id: str) -> Trial | None:
        return next((trial for trial in self.trials if trial.id == id), None)
