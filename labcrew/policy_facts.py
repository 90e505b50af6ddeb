"""What the conditions of the policy table are asked: who calls for what, and what is known.

A condition answers whether a value fits; its docstring is how people read it in the table. One
that can't read the value (it is None, or of another shape) may raise: that is no fit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.draft import Draft
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Trial
from labcrew.domain.mcp import McpServer, McpTool
from labcrew.domain.programming import Patch
from labcrew.domain.research import AgentName
from labcrew.domain.review import GateKind
from labcrew.domain.ticket import AssignedTicket


class Approval(Model):
    """A gate that a person let pass.

    Args:
        shown: what they saw.
        edits: what they changed in it.
        by: who.
    """

    shown: dict[str, Any]
    edits: dict[str, Any] = Field(default_factory=dict)
    by: str


class Facts(Protocol):
    """What conditions may ask about the ticket; read from the ledger when asked."""

    @property
    def assigned(self) -> AssignedTicket:
        """The ticket as it stands; raises LookupError for a draft."""

    @property
    def draft(self) -> Draft:
        """The draft as it stands; raises LookupError for a ticket."""

    @property
    def evolution(self) -> Evolution:
        """The loop of self-evolution as it stands; raises LookupError for anything else."""

    @property
    def artefacts(self) -> Path:
        """The folder of the ticket's artefacts."""

    @property
    def outputs(self) -> Path:
        """The folder of the ticket's outputs, a folder a run."""

    @property
    def tainted(self) -> bool:
        """Whether untrusted text can have steered the ticket."""

    @property
    def image(self) -> str | None:
        """The image of the environment that was prepared as approved."""

    @property
    def patch(self) -> Patch | None:
        """The code of this revision, once it was written and passed its tests."""

    @property
    def change(self) -> str | None:
        """The commit of this revision's change, once it landed."""

    def approval(self, gate: GateKind) -> Approval | None:
        """The newest gate of a kind and this revision, if it was accepted as shown."""

    def trial(self, id: str) -> Trial | None:
        """A trial as the ledger has it."""

    def mcp_server(self, name: str) -> McpServer | None:
        """An outside server as settings name it."""

    def mcp_tool(self, server: str, tool: str) -> McpTool | None:
        """A tool of an outside server, as a person approved it."""


@dataclass(frozen=True)
class Call:
    """Who asks for what.

    Args:
        arguments: as JSON.
        facts: about the ticket that it is done for.
    """

    agent: AgentName
    tool: str
    arguments: Mapping[str, Any]
    facts: Facts


Condition = Callable[[Call, Any], bool]
