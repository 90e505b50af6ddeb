"""Tools of outside servers for agents that judge: what to look up before a question is answered.

An agent that writes code calls tools in its own loop; the others are asked questions. Before a
model answers one, it may look things up with the tools that settings give its agent; what they
said stands below the question. A rule looks nothing up.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from agents.programming.calls import CallError, checked, renumbered
from graphs.work import HALTED
from labcrew import calling
from labcrew.domain.base import canonical_json, content_hash
from labcrew.domain.chat import ChatModel, Message, ToolCall
from labcrew.domain.mcp import McpServers
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import JudgementError, ToolError
from labcrew.json_schema import MOST_CHARACTERS, misfit
from labcrew.judgement import UNTRUSTED, Judgement, shortened
from labcrew.taint import taint
from tools.call_mcp_tool import CallMcpTool, call_mcp_tool
from tools.facts import approval
from tools.mcp_offers import McpArguments, McpOffer, mcp_offers
from tools.programming.telling import capped
from tools.toolbox import Toolbox, Workbench

MOST_REPLIES, MOST_CALLS = 4, 4
"""Replies a question, and calls of one reply; further ones are not run."""
MOST_S = 600.0
"""Seconds after which nothing more is looked up: a slow server must not hold a ticket for hours."""
_ANSWER_CHARACTERS, _CHARACTERS = 6_000, 20_000
_ROOM_SHARE = 4
"""What was looked up fills at most this part of the prompt that a model has room for."""
_ARGUMENT_CHARACTERS = 500
_HOW = (
    "You will be asked a question; it is shown to you now, so that you can look things up first."
    " Call the tools that can tell something which the answer depends on, each once. When nothing"
    " is left to look up, answer with the one word: enough. Do not answer the question yet."
)
_LOST = "labcrew was stopped while this was looked up, and what came of it is lost."
_TOO_MANY = f"Not run: at most {MOST_CALLS} calls of one reply are."


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
        """What tools said that the model chose to call, a JSON object a line; empty where there are
        none, or it called none. A model that fails is asked no further: what was looked up until
        then stays.
        """
        ledger = self.bench.ledger
        assigned = ledger.tickets.get(self.ticket)
        key = f"{assigned.id}/r{assigned.revision}/lookup/{judgement.name}/{content_hash(question)}"
        lookup = _Lookup(
            Toolbox(judgement.agent, assigned, self.bench, key),
            self.servers,
            self.trusted_alone,
            self.bench.clock.monotonic() + MOST_S,
        )
        if not lookup.offers():
            return ""
        for source in judgement.reads(question):
            # Before a model reads it: what it asks for then must not leave by the network.
            because = f"{model.name} was shown {judgement.name}, with outside tools at hand"
            taint(ledger, assigned.id, source, actor=judgement.agent, because=because)
        with calling.step(judgement.agent, key):
            await lookup.run(_beginning(judgement, question), model, timeout_s, judgement.name)
        return _told(lookup.said, getattr(model, "prompt_characters", None))


@dataclass
class _Lookup:
    """What is looked up for one question.

    Args:
        box: the agent's hands.
        ends: when, by the bench's clock.
        said: what was asked of a tool → what it said; the same call is told once.
    """

    box: Toolbox[AssignedTicket]
    servers: McpServers
    trusted_alone: bool
    ends: float
    said: dict[str, str] = field(default_factory=dict)

    async def run(
        self, conversation: list[Message], model: ChatModel, timeout_s: float, purpose: str
    ) -> None:
        """Lets the model call tools until it has enough, or may call no more."""
        for number in range(MOST_REPLIES):
            offers = self.offers()
            if not offers or self._over():
                return
            tools = [one.offer for one in offers.values()]
            try:
                async with asyncio.timeout(timeout_s):
                    reply = await model.reply(conversation, tools=tools, purpose=purpose)
            except (TimeoutError, JudgementError):
                return
            message = renumbered(reply.message, number)
            if not message.calls:
                return
            conversation.append(message)
            for index, call in enumerate(message.calls):
                if self._over():
                    return
                text = await self._called(call, offers) if index < MOST_CALLS else _TOO_MANY
                conversation.append(Message(role="tool", content=text, answers=call.id))

    def offers(self) -> dict[str, McpOffer]:
        """What the policy would let through now: a call may have tainted the ticket meanwhile."""
        box, servers = self.box, self.servers.settings
        planned = approval(box.bench.ledger, box.assigned, "plan") is not None
        return {
            name: one
            for name, one in mcp_offers(box.agent, box.assigned, box.bench).items()
            if (planned or servers[one.server].gate == "none")
            and not (self.trusted_alone and servers[one.server].reads_untrusted)
        }

    def _over(self) -> bool:
        """Whether it took too long, or a person has halted the ticket meanwhile."""
        bench = self.box.bench
        halted = bench.ledger.tickets.get(self.box.assigned.id).status in HALTED
        return halted or bench.clock.monotonic() > self.ends

    async def _called(self, call: ToolCall, offers: Mapping[str, McpOffer]) -> str:
        """What a call came to, once."""
        try:
            asked = _asked(call, offers)
        except CallError as error:
            self.box.refuse(call.name, call.arguments, str(error))
            return str(error)

        async def perform() -> dict[str, Any]:
            try:
                text = (await self.box.use(call_mcp_tool, asked)).text
            except ToolError as error:
                return {"text": f"{error.message} {error.remedy}".strip(), "failed": True}
            return {"text": capped(text, _ANSWER_CHARACTERS), "failed": False}

        async def lost() -> dict[str, Any]:
            return {"text": _LOST, "failed": True}  # nobody knows what it did elsewhere

        # By their hash: a model may write as much as it likes before the policy says no.
        digest = content_hash(asked.arguments)
        payload = {"server": asked.server, "tool": asked.tool, "arguments": digest}
        found = await self.box.bench.ledger.once_async(
            f"{self.box.step}/{content_hash(payload)[:16]}",
            self.box.assigned.id,
            payload,
            perform,
            lost,
        )
        text = str(found["text"])
        if not found["failed"]:
            spelt = canonical_json(asked.arguments)[:_ARGUMENT_CHARACTERS]
            self.said[f"{call.name} {spelt}"] = text
        return text


def _asked(call: ToolCall, offers: Mapping[str, McpOffer]) -> CallMcpTool:
    """Raises CallError: what was asked for is none of the offers, or does not fit it."""
    if len(call.arguments) > MOST_CHARACTERS:
        raise CallError(f"{shortened(call.name, 60)}: over {MOST_CHARACTERS} characters.")
    arguments = checked(call, dict.fromkeys(offers, McpArguments))
    assert isinstance(arguments, McpArguments)
    offer = offers[call.name]
    # The policy holds them against it too, but says of any that they do not fit, not why.
    if (wrong := misfit(arguments.root, offer.offer.parameters)) is not None:
        raise CallError(shortened(f"{call.name}: {wrong}"))
    return offer.call(arguments)


def _beginning(judgement: Judgement[Any, Any], question: BaseModel) -> list[Message]:
    shown = canonical_json(question.model_dump(mode="json"))
    return [
        Message(role="system", content=f"{_HOW}\n\n{UNTRUSTED}"),
        Message(role="user", content=f"{judgement.prompt}\n\nThe question:\n{shown}"),
    ]


def _told(said: Mapping[str, str], room: int | None) -> str:
    """What was said, each as a JSON object: a text can't pass for the question, or for another's.

    Args:
        room: characters that the model's prompts may have; None: nobody knows.
    """
    if not said:
        return ""
    most = _CHARACTERS if room is None else min(_CHARACTERS, room // _ROOM_SHARE)
    each = most // len(said)
    return "\n".join(
        canonical_json({"asked": asked, "said": capped(text, max(0, each - len(asked)))})
        for asked, text in said.items()
    )
