"""Tools of outside servers for agents that judge: what to look up before a question is answered.

An agent that writes code calls tools in its own loop; the others are asked questions. Before a
model answers one, it may look things up with the tools that settings give its agent; what they
said stands below the question. A rule looks nothing up.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from agents.programming.calls import CallError, checked, renumbered
from graphs.programming.session import capped
from labcrew import calling
from labcrew.domain.base import canonical_json, content_hash
from labcrew.domain.chat import ChatModel, Message, ToolCall
from labcrew.domain.mcp import McpServers
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ModelFailure, ToolError
from labcrew.judgement import UNTRUSTED, Judgement
from tools.call_mcp_tool import call_mcp_tool
from tools.facts import approval
from tools.mcp_offers import McpArguments, McpOffer, mcp_offers
from tools.toolbox import Toolbox, Workbench

MOST_REPLIES, MOST_CALLS = 4, 4
"""Replies a question, and calls of one reply; further ones are not run."""
_ANSWER_CHARACTERS, _CHARACTERS = 6_000, 20_000
_HOW = (
    "You will be asked a question; it is shown to you now, so that you can look things up first."
    " Call the tools that can tell something which the answer depends on, each once. When nothing"
    " is left to look up, answer with the one word: enough. Do not answer the question yet."
)
_LOST = "labcrew was stopped while this was looked up, and what came of it is lost."


def consultation(bench: Workbench, ticket: str, *, trusted_alone: bool) -> "Consultation | None":
    """What looks things up for a ticket's questions; None: settings name no outside server.

    Args:
        bench: its ledger is fenced by the worker's lease.
        trusted_alone: use no server that answers with untrusted text: it would cut off the runs of
            a ticket with hosts.
    """
    if bench.mcp is None or not bench.mcp.settings:
        return None
    return Consultation(bench, bench.mcp, ticket, trusted_alone)


@dataclass(frozen=True)
class Consultation:
    """A `labcrew.judgement.Consult` of one ticket; see `consultation` for its fields."""

    bench: Workbench
    servers: McpServers
    ticket: str
    trusted_alone: bool

    async def __call__(
        self,
        judgement: Judgement[Any, Any],
        question: BaseModel,
        model: ChatModel,
        timeout_s: float,
    ) -> str:
        """What tools said that the model chose to call; empty where there are none, or it called
        none. A model that fails is asked no further: what was looked up until then stays.
        """
        assigned = self.bench.ledger.tickets.get(self.ticket)
        said: list[str] = []
        conversation = _beginning(judgement, question)
        key = f"{assigned.id}/r{assigned.revision}/lookup/{judgement.name}/{content_hash(question)}"
        with calling.step(judgement.agent, key):
            for number in range(MOST_REPLIES):
                offers = self._offers(judgement, assigned)
                if not offers:
                    break
                try:
                    async with asyncio.timeout(timeout_s):
                        reply = await model.reply(
                            conversation,
                            tools=[one.offer for one in offers.values()],
                            purpose=judgement.name,
                        )
                except (TimeoutError, ModelFailure):
                    break
                message = renumbered(reply.message, number)
                if not message.calls:
                    break
                conversation.append(message)
                for index, call in enumerate(message.calls):
                    text, failed = await self._called(judgement, assigned, key, call, offers, index)
                    conversation.append(Message(role="tool", content=text, answers=call.id))
                    if not failed:
                        said.append(f"{call.name} {call.arguments[:500]}\n{text}")
        return capped("\n\n".join(said), _CHARACTERS)

    def _offers(
        self, judgement: Judgement[Any, Any], assigned: AssignedTicket
    ) -> dict[str, McpOffer]:
        """What the policy would let through now: a call may have tainted the ticket meanwhile."""
        servers = self.servers.settings
        planned = approval(self.bench.ledger, assigned, "plan") is not None
        return {
            name: one
            for name, one in mcp_offers(judgement.agent, assigned, self.bench).items()
            if (planned or servers[one.server].gate == "none")
            and not (self.trusted_alone and servers[one.server].reads_untrusted)
        }

    async def _called(
        self,
        judgement: Judgement[Any, Any],
        assigned: AssignedTicket,
        key: str,
        call: ToolCall,
        offers: Mapping[str, McpOffer],
        index: int,
    ) -> tuple[str, bool]:
        """What a call came to, once, and whether it failed."""
        if index >= MOST_CALLS:
            return f"Not run: at most {MOST_CALLS} calls of one reply are.", True
        try:
            arguments = checked(call, dict.fromkeys(offers, McpArguments))
        except CallError as error:
            return str(error), True
        assert isinstance(arguments, McpArguments)
        asked = offers[call.name].call(arguments)
        box: Toolbox[AssignedTicket] = Toolbox(judgement.agent, assigned, self.bench, key)

        async def perform() -> dict[str, Any]:
            try:
                text = (await box.use(call_mcp_tool, asked)).text
            except ToolError as error:
                return {"text": f"{error.message} {error.remedy}".strip(), "failed": True}
            return {"text": capped(text, _ANSWER_CHARACTERS), "failed": False}

        async def lost() -> dict[str, Any]:
            return {"text": _LOST, "failed": True}  # nobody knows what it did elsewhere

        payload = asked.model_dump(mode="json")
        once = f"{key}/{content_hash(payload)[:16]}"
        found = await self.bench.ledger.once_async(once, assigned.id, payload, perform, lost)
        return str(found["text"]), bool(found["failed"])


def _beginning(judgement: Judgement[Any, Any], question: BaseModel) -> list[Message]:
    shown = canonical_json(question.model_dump(mode="json"))
    return [
        Message(role="system", content=f"{_HOW}\n\n{UNTRUSTED}"),
        Message(role="user", content=f"{judgement.prompt}\n\nThe question:\n{shown}"),
    ]
