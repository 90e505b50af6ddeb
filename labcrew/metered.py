"""A chat model whose every call is paid from a ticket's account, recorded and traced."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from labcrew import calling
from labcrew.attempts import Attempts, most_of
from labcrew.domain.chat import ChatModel, Message, Reply, Tokens, ToolOffer
from labcrew.domain.programming import ModelCall
from labcrew.errors import LeaseLost, LedgerError, ModelFailure, StorageFull
from labcrew.ports import Clock
from labcrew.recordings import Kept, Recordings, Request, sha256
from labcrew.redaction import Redaction
from labcrew.spending import Account, Reservation
from labcrew.tracing import OFF, Attribute, Tracer

ANSWERED = "answered"
CANCELLED = "cancelled: nobody waits for it any more"
_OUTCOME_CHARACTERS = 1000


@dataclass
class Desk:
    """What a ticket's metered models share.

    Args:
        account: pays.
        recordings: keep prompts and answers.
        clock: times the calls.
        tracer: is told of each call.
        recorded: answers of earlier processes that were not used again yet, by step, turn and
            request; each is used once, so that a question asked anew is asked.
    """

    account: Account
    recordings: Recordings
    clock: Clock
    tracer: Tracer = OFF
    recorded: dict[tuple[str, int, str], list[ModelCall]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for call in self.account.ledger.model_calls.of(self.account.ticket):
            if call.step and call.exact and call.outcome == ANSWERED:
                key = (call.step, call.turn, call.prompt_sha256)
                self.recorded.setdefault(key, []).append(call)


class MeteredChat:
    """A chat model behind an account.

    A call is one line of accounts whatever it takes inside: retries and fallbacks of `model` are
    part of it. Each of them is checked against the budget before it is sent.

    Args:
        model: is asked.
        desk: account, records and traces of the ticket.
    """

    def __init__(self, model: ChatModel, desk: Desk) -> None:
        self._model, self._desk = model, desk
        self.name = model.name
        self._names: tuple[str, ...] = getattr(model, "names", ()) or (model.name,)

    def __getattr__(self, name: str) -> Any:
        """What an endpoint says of itself; what it does is behind the account."""
        value = getattr(self._model, name)
        if name == "in_manner":
            return lambda manner: MeteredChat(value(manner), self._desk)
        if callable(value):
            raise AttributeError(name)
        return value

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks once, or answers what an earlier process was told in the same step.

        Raises ModelFailure.
        """
        desk, step = self._desk, calling.current()
        request = Request.of(self.name, messages, tools, schema)
        sent = sha256(request.text)
        turn = len(step.calls) + 1
        found = self._recorded(step, turn, sent)
        if found is not None:
            return found
        call = ModelCall(
            id="",
            ticket=desk.account.ticket,
            agent=step.agent,
            purpose=purpose,
            model=self.name,
            prompt_sha256=sent,
            tokens=most_of(request, self._model),
            duration_s=0,
            outcome="",
            step=step.key,
            turn=turn,
        )
        try:
            held = desk.account.reserve(call, prices_of=self._names)
        except ModelFailure as failure:
            step.refused = failure.message  # no call says it
            raise
        step.calls.append(held.call.id)
        try:
            kept = desk.recordings.keep_request(request)
        except StorageFull:
            nothing = {"tokens": Tokens(), "outcome": "invalid: the question could not be kept"}
            with suppress(LeaseLost, LedgerError, StorageFull):
                desk.account.settle(held, held.call.model_copy(update=nothing))
            raise
        return await self._ask(held, kept, messages, tools, schema, purpose)

    async def _ask(
        self,
        held: Reservation,
        kept: Kept,
        messages: Sequence[Message],
        tools: Sequence[ToolOffer],
        schema: type[BaseModel] | None,
        purpose: str,
    ) -> Reply:
        desk = self._desk
        known: dict[str, Any] = {"prompt": kept.sha256, "exact": kept.exact}
        started = desk.clock.monotonic()

        def took() -> float:
            return max(0.0, desk.clock.monotonic() - started)

        attempts = Attempts(desk.account, held, self._names, took)
        with desk.tracer.span(
            f"chat {self.name}", self._asked(held.call, schema is not None), kind="client"
        ) as span:
            try:
                with calling.metered(attempts):
                    reply = await self._model.reply(
                        messages, tools=tools, schema=schema, purpose=purpose
                    )
            except ModelFailure as failure:
                said = f"{failure.kind}: {failure.message}"[:_OUTCOME_CHARACTERS]
                outcome = desk.recordings.redact(said)
                failure.message = desk.recordings.redact(failure.message)
                span.failed(failure.kind, failure.message)
                exact = kept.exact and outcome == said
                if failure.said:  # what was written of it is made use of
                    failure.said = desk.recordings.redact.without_known(failure.said)
                    part = desk.recordings.keep_reply(_part(failure, self.name))
                    exact = exact and part.exact
                    known["answer"] = part.sha256
                known |= {"outcome": outcome, "exact": exact, "duration_s": took()}
                if not attempts.any:
                    attempts.begin(self.name)
                    attempts.failed(failure)
                known |= _used(attempts)
                desk.account.settle(attempts.held, attempts.held.call.model_copy(update=known))
                raise
            except (asyncio.CancelledError, Exception) as error:
                cancelled = isinstance(error, asyncio.CancelledError)
                said = CANCELLED if cancelled else f"invalid: {type(error).__name__}"
                span.failed(type(error).__name__)
                known |= {"outcome": said, "duration_s": took()}
                if attempts.any:
                    known |= _used(attempts)
                # A lease may be lost by now: the reservation then counts until it is reconciled.
                with suppress(LeaseLost, LedgerError, StorageFull):
                    desk.account.settle(attempts.held, attempts.held.call.model_copy(update=known))
                raise
            # Before anything is made of it: what follows goes to the ledger, and into code.
            reply = _without_secrets(reply, desk.recordings.redact)
            span.note(_answered(reply))
            span.said(messages, reply.message)
            if not attempts.any:
                attempts.begin(reply.model)
                attempts.answered(reply.tokens)
            known |= _used(attempts) | {"model": reply.model, "duration_s": took()}
            try:
                answer = desk.recordings.keep_reply(reply)
            except StorageFull:  # it was paid for all the same
                known |= {"outcome": "invalid: the answer could not be kept"}
                with suppress(LeaseLost, LedgerError, StorageFull):
                    desk.account.settle(attempts.held, attempts.held.call.model_copy(update=known))
                raise
            known |= {
                "outcome": ANSWERED,
                "answer": answer.sha256,
                "exact": kept.exact and answer.exact,
            }
            settled = attempts.held.call.model_copy(update=known)
            desk.account.answered(attempts.held, settled)
            desk.account.settle(attempts.held, settled)
        return reply

    def _asked(self, call: ModelCall, structured: bool) -> dict[str, Attribute]:
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": str(getattr(self._model, "provider", "openai")),
            "gen_ai.request.model": call.model,
            "gen_ai.request.max_tokens": call.tokens.completion,
            "server.address": str(getattr(self._model, "address", "")),
            "gen_ai.output.type": "json" if structured else "text",
            "gen_ai.conversation.id": call.ticket,
            "gen_ai.agent.name": call.agent,
            "labcrew.purpose": call.purpose,
            "labcrew.step": call.step,
            "labcrew.call": call.id,
        }

    def _recorded(self, step: calling.Step, turn: int, sent: str) -> Reply | None:
        """What an earlier process was answered at this very place, if its record is sound."""
        left = self._desk.recorded.get((step.key, turn, sent)) if step.key else None
        while left:
            call = left.pop(0)
            reply = self._desk.recordings.reply(call.answer)
            if reply is not None:
                step.calls.append(call.id)
                return reply
        return None


def _part(failure: ModelFailure, model: str) -> Reply:
    """What had been written of an answer that failed."""
    return Reply(
        message=Message(role="assistant", content=failure.said),
        model=model,
        tokens=failure.tokens or Tokens(),
        finish=failure.kind,
    )


def _used(attempts: Attempts) -> dict[str, Any]:
    """What a call used: as its endpoints say, nothing, or all it could."""
    used = attempts.tokens
    return {
        "tokens": used,
        "usd": attempts.usd if used.total else 0.0,
        "unpriced": attempts.unpriced,
        "estimated": used.estimated,
    }


def _answered(reply: Reply) -> dict[str, Attribute]:
    return {
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": (reply.finish,),
        "gen_ai.usage.input_tokens": reply.tokens.prompt,
        "gen_ai.usage.output_tokens": reply.tokens.completion,
        "gen_ai.usage.cache_read.input_tokens": reply.tokens.cached,
    }


def _without_secrets(reply: Reply, redact: Redaction) -> Reply:
    """The reply without this process's own secrets; no honest answer holds one."""
    message = reply.message
    cleaned = message.model_copy(
        update={
            "content": redact.without_known(message.content),
            "calls": tuple(
                call.model_copy(update={"arguments": redact.without_known(call.arguments)})
                for call in message.calls
            ),
        }
    )
    return reply if cleaned == message else reply.model_copy(update={"message": cleaned})
