"""Conversations with the coordinator: each person's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from desk.api.common import ACT, READ, AnyLab, Id, Viewer, problems
from desk.api.once import Key, OnceOnly
from desk.chat.coordinator import Said
from desk.web.access import Caller
from desk.web.lab import Lab
from labcrew.domain.base import Model
from labcrew.domain.conversation import MOST_CHARACTERS, ChatMessage, Proposal, Thread
from labcrew.errors import LabcrewError

router = APIRouter(prefix="/chat/threads", tags=["chat"])
_MOST = 200


class Title(Model):
    """What a thread is called."""

    title: str = Field(default="", max_length=120, description="empty: its first message's words")


class Words(Model):
    """What a person says."""

    text: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    seen: int | None = Field(
        default=None,
        ge=0,
        le=2**53,
        description="number of the newest message that was seen: a yes to a later one is none",
    )


class Answer(Model):
    """A person's yes or no to a proposal."""

    proposal: str = Field(min_length=1, max_length=200)
    payload_hash: str = Field(
        min_length=64, max_length=64, pattern="^[0-9a-f]+$", description="of what was seen"
    )
    accept: bool


class ShownProposal(Model):
    """A proposal, and the hash that a yes to it must name."""

    proposal: Proposal
    payload_hash: str


class Turn(Model):
    """A reply of the coordinator."""

    message: ChatMessage
    proposal: ShownProposal | None = None


class ThreadList(Model):
    """A person's threads, newest first."""

    items: tuple[Thread, ...]


class Conversation(Model):
    """A thread with its newest messages, oldest first."""

    thread: Thread
    messages: tuple[ChatMessage, ...]
    proposals: tuple[ShownProposal, ...]


@router.post("", status_code=201, responses=problems())
def open_thread(caller: Viewer, lab: AnyLab, once: OnceOnly, called: Title) -> Thread:
    """Begin a thread."""
    return once.answer(lambda: lab.coordinator.threads.open(caller.name, called.title), Thread)


@router.get("", responses=problems())
def list_threads(caller: Viewer, lab: AnyLab) -> ThreadList:
    """The caller's newest threads."""
    return ThreadList(items=tuple(lab.coordinator.threads.of(caller.name)))


@router.get("/{id}", responses=READ)
def get_thread(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="messages")] = _MOST,
) -> Conversation:
    """A thread of the caller's."""
    thread = lab.coordinator.open(id, caller)
    messages = tuple(lab.coordinator.threads.newest(id, limit))
    named = {message.proposal for message in messages}
    proposals = lab.coordinator.threads.proposals(id).values()
    return Conversation(
        thread=thread,
        messages=messages,
        proposals=tuple(_shown(one) for one in proposals if one.id in named),
    )


@router.patch("/{id}", responses=ACT)
def rename_thread(caller: Viewer, lab: AnyLab, once: OnceOnly, id: Id, called: Title) -> Thread:
    """Give a thread another name."""
    return once.answer(
        lambda: lab.coordinator.threads.rename(id, caller.name, called.title), Thread
    )


@router.post(
    "/{id}/messages",
    status_code=201,
    response_model=Turn,
    responses={
        **ACT,
        201: {
            "model": Turn,
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "The reply. With `Accept: text/event-stream`: `piece` events with a"
            " model's words as they come, then one `reply`, or one `problem`.",
        },
    },
)
def send_message(
    caller: Viewer,
    lab: AnyLab,
    request: Request,
    id: Id,
    words: Words,
    key: Key = None,
    accept: Annotated[str, Header(max_length=1000)] = "application/json",
) -> Response | Turn:
    """Say something; the coordinator's reply is the answer. Nothing is done without a yes."""
    lab.coordinator.open(id, caller)
    if "text/event-stream" in accept:
        return EventSourceResponse(_streamed(lab, caller, id, words, key), status_code=201)
    reply = asyncio.run(lab.coordinator.say(id, words.text, caller, key=key or "", seen=words.seen))
    return _turn(lab, reply)


@router.post("/{id}/confirm", responses=ACT)
def confirm(caller: Viewer, lab: AnyLab, id: Id, answer: Answer) -> Turn:
    """Say yes or no to what was proposed; it is done once, however often this is sent."""
    if answer.accept:
        reply = lab.coordinator.confirm(id, answer.proposal, answer.payload_hash, caller)
    else:
        reply = lab.coordinator.refuse(id, answer.proposal, caller)
    return _turn(lab, reply)


async def _streamed(
    lab: Lab, caller: Caller, id: str, words: Words, key: str | None
) -> AsyncIterator[ServerSentEvent]:
    """The reply as it comes. It is thought out in a thread of its own, for it reads the ledger."""
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def heard(piece: str) -> None:
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

    def think() -> ChatMessage:
        try:
            return asyncio.run(_say(lab, caller, id, words, key, heard))
        finally:
            loop.call_soon_threadsafe(pieces.put_nowait, None)

    thinking = asyncio.ensure_future(asyncio.to_thread(think))
    while (piece := await pieces.get()) is not None:
        yield ServerSentEvent(event="piece", data=json.dumps({"text": piece}))
    try:
        turn = await asyncio.to_thread(_turn, lab, await thinking)
    except LabcrewError as error:
        told = {"detail": error.message, "remedy": error.remedy}
        yield ServerSentEvent(event="problem", data=json.dumps(told))
    else:
        yield ServerSentEvent(event="reply", data=turn.model_dump_json())


async def _say(
    lab: Lab, caller: Caller, id: str, words: Words, key: str | None, heard: Said
) -> ChatMessage:
    return await lab.coordinator.say(
        id, words.text, caller, key=key or "", seen=words.seen, say=heard
    )


def _turn(lab: Lab, reply: ChatMessage) -> Turn:
    proposal = lab.ledger.proposals.find(reply.proposal) if reply.proposal else None
    return Turn(message=reply, proposal=_shown(proposal) if proposal else None)


def _shown(proposal: Proposal) -> ShownProposal:
    return ShownProposal(proposal=proposal, payload_hash=proposal.payload_hash)
