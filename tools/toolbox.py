"""The one way an agent acts: look the call up in the policy table, run it, write it down."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from pydantic import BaseModel
from typing_extensions import TypeVar

from labcrew.domain.base import content_hash
from labcrew.domain.commission import Commission
from labcrew.domain.evolution import ModelBroker
from labcrew.domain.experiment import Tracker
from labcrew.domain.forge import Forge
from labcrew.domain.mcp import McpServers
from labcrew.domain.repository import Repositories
from labcrew.domain.research import AgentName, LiteratureSource, Memory
from labcrew.domain.sandbox import Environments, Sandboxes
from labcrew.domain.skills import Skill
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import GateRequired, LabcrewError, PolicyRefused
from labcrew.home import Home
from labcrew.judgement import shortened
from labcrew.ledger import Ledger
from labcrew.policy import Ruling, decide
from labcrew.policy_facts import Call, Facts
from labcrew.ports import Clock
from labcrew.redaction import Redaction
from labcrew.tracing import OFF, Attribute, Tracer
from tools.facts import facts_of

C = TypeVar("C", bound=BaseModel)
R = TypeVar("R")
W = TypeVar("W", bound=Commission, contravariant=True, default=AssignedTicket)
K = TypeVar("K", bound=Commission, default=AssignedTicket)
_SHOWN_CHARACTERS = 400
_NAME_CHARACTERS = 60


@dataclass(frozen=True)
class Workbench:
    """The adapters that tools reach the world through; built by desk/, handed down."""

    home: Home
    ledger: Ledger
    sandboxes: Sandboxes
    repositories: Repositories
    environments: Environments
    memory: Memory
    tracker: Tracker
    sources: Sequence[LiteratureSource]
    clock: Clock
    base_image: str
    output_cap_mb: int = 256
    redact: Redaction = field(default_factory=Redaction)
    tracer: Tracer = OFF
    skills: tuple[Skill, ...] = ()
    mcp: McpServers | None = None
    forge: Forge | None = None
    broker: ModelBroker | None = None


@dataclass(frozen=True)
class Tool(Generic[C, R, W]):
    """A typed action.

    Args:
        name: as the policy table knows it.
        call: the arguments' type.
        run: does it; blocks, raises ToolError for what the agent should hear.
    """

    name: str
    call: type[C]
    run: Callable[[C, W, Workbench], R]


@dataclass
class Toolbox(Generic[K]):
    """One agent's hands for one logical step of one ticket, or of the draft of one.

    Args:
        agent: who acts.
        assigned: the ticket or draft.
        bench: the adapters.
        step: names the step in the ledger; the same on every re-run, so that a call that is
            repeated after a crash is still one event.
        facts: what the policy table asks about it; default: what the ledger says.
    """

    agent: AgentName
    assigned: K
    bench: Workbench
    step: str
    facts: Facts | None = None

    async def use(self, tool: Tool[C, R, K], call: C) -> R:
        """Runs a tool in a thread, after the policy said yes.

        Raises:
            PolicyRefused, GateRequired: the table's verdict.
            ToolError: what the tool says of its failure; other errors stop the ticket.
        """
        arguments = call.model_dump(mode="json")
        bench = self.bench
        servers = bench.mcp.settings if bench.mcp is not None else {}
        facts = self.facts or facts_of(self.assigned, bench.ledger, bench.home, servers)
        ruling = decide(Call(self.agent, tool.name, arguments, facts))
        with self.bench.tracer.span(f"execute_tool {tool.name}", self._traced(tool.name)) as span:
            span.note({"labcrew.verdict": ruling.verdict})
            return await self._use(tool, call, ruling, arguments)

    def refuse(self, tool: str, arguments: str, because: str) -> None:
        """Writes down a call that a model asked for and that was none.

        Args:
            tool, arguments: as the model wrote them.
            because: no such tool, or no arguments of its type.
        """
        tool, arguments = shortened(tool, _NAME_CHARACTERS), shortened(arguments, _SHOWN_CHARACTERS)
        ruling = Ruling("refused", "it is no call of a tool that was offered")
        self._write_down(tool, ruling, {"arguments": arguments}, f"refused: {shortened(because)}")

    async def _use(
        self, tool: Tool[C, R, K], call: C, ruling: Ruling, arguments: dict[str, Any]
    ) -> R:
        try:
            if ruling.verdict == "refused":
                raise PolicyRefused(f"{self.agent} may not use {tool.name}: {ruling.because}.")
            if ruling.verdict == "waits":
                raise GateRequired(
                    f"{tool.name} waits for the {ruling.gate} gate: {ruling.because}.",
                    "Decide it with `labcrew decide`.",
                )
            result = await _to_its_end(tool.run, call, self.assigned, self.bench)
        except Exception as error:
            said = error.message if isinstance(error, LabcrewError) else str(error)
            self._write_down(tool.name, ruling, arguments, f"{type(error).__name__}: {said}")
            raise
        self._write_down(tool.name, ruling, arguments, "done")
        return result

    def _traced(self, tool: str) -> dict[str, Attribute]:
        return {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.type": "function",
            "gen_ai.agent.name": self.agent,
            "gen_ai.conversation.id": self.assigned.id,
            "labcrew.step": self.step,
        }

    def _write_down(
        self, tool: str, ruling: Ruling, arguments: dict[str, Any], outcome: str
    ) -> None:
        digest = content_hash(arguments)
        failed = "" if outcome == "done" else f"/{content_hash(outcome)[:8]}"
        self.bench.ledger.events.note(
            ticket=self.assigned.id,
            actor=self.agent,
            kind="tool.used",
            # By what was asked, not by a count: a re-run may leave out what was done before.
            key=f"{self.assigned.id}/{self.step}/{tool}/{digest[:12]}{failed}",
            data={
                "tool": tool,
                "verdict": ruling.verdict,
                "gate": ruling.gate or "",
                "because": ruling.because,
                "arguments": _shown(arguments),
                "arguments_sha256": digest,
                "outcome": outcome[:_SHOWN_CHARACTERS],
            },
        )


def _shown(arguments: dict[str, Any]) -> str:
    """The arguments' beginning, each cut before it is spelt: a file's bytes may be among them."""
    spelt = ", ".join(
        f"{name}={str(value)[:_SHOWN_CHARACTERS] if isinstance(value, str) else value!r}"
        for name, value in arguments.items()
    )
    return spelt[:_SHOWN_CHARACTERS]


async def _to_its_end(
    run: Callable[[C, K, Workbench], R],
    call: C,
    assigned: K,
    bench: Workbench,
) -> R:
    """Runs a tool in a thread. Cancelled, it waits for the thread first: an effect that is under
    way can't be called back, and the ticket must not be let go while it happens.
    """
    running = asyncio.ensure_future(asyncio.to_thread(run, call, assigned, bench))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # looked at, so that it is not reported as forgotten
        raise
