"""The ledger's lines as they are written, as server-sent events."""

import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from desk.web.access import Caller, needs
from desk.web.feed import Line
from desk.web.lab import Lab, lab_of
from desk.web.sessions import Session

router = APIRouter(prefix="/events", tags=["events"])
HEARTBEAT_S = 15
_RETRY_MS = 1000
STUCK_S = 30
CLOSING_S = 3.0
"""A stream ends with the feed, whole; one that has not by then is cut off at the server's end."""
_NUMBER = 2**53
_LOG = logging.getLogger(__name__)


@router.get(
    "",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow_events(
    request: Request,
    caller: Annotated[Caller, Depends(needs("viewer"))],
    lab: Annotated[Lab, Depends(lab_of)],
    ticket: Annotated[
        str | None, Query(min_length=1, max_length=200, description="only this ticket's lines")
    ] = None,
    after: Annotated[
        int | None,
        Query(ge=0, le=_NUMBER, description="lines with numbers above it; none: from now on"),
    ] = None,
    once: Annotated[
        bool, Query(description="end with the newest line there is now; else it goes on")
    ] = False,
    last_event_id: Annotated[
        str | None, Header(description="the number of the last line received; goes before `after`")
    ] = None,
) -> EventSourceResponse:
    """The lines of the ledger as they are written, each with its number as the event's id.

    The stream goes on until one side ends it, or with `once` until what there was is told. It is
    resumed with Last-Event-ID; no line is lost.
    """
    said = (last_event_id or "").strip()
    if said.isascii() and said.isdigit() and int(said) <= _NUMBER:
        after = int(said)
    return _Stream(
        _events(
            lab.feed.lines(after, ticket, once=once),
            partial(_welcome, lab, caller, request.state.session),
        ),
        ping=HEARTBEAT_S,
        send_timeout=STUCK_S,
        shutdown_grace_period=CLOSING_S,
        sep="\n",
        ping_message_factory=lambda: ServerSentEvent(comment="alive", sep="\n"),
    )


class _Stream(EventSourceResponse):
    """A stream that is cut off where its reader has stopped to read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _LOG.info("A stream of events was cut off: its reader took nothing for %s s", STUCK_S)


async def _events(
    found: AsyncIterator[tuple[Line, ...]], welcome: Callable[[], bool]
) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY_MS}\n\n".encode()
    async for lines in found:
        if not welcome():
            return
        yield "".join(
            f"id: {line.sequence}\nevent: ledger\ndata: {line.model_dump_json()}\n\n"
            for line in lines
        ).encode()


def _welcome(lab: Lab, caller: Caller, session: Session | None) -> bool:
    """Whether the listener's token and session still stand."""
    if session is not None:
        return lab.sessions.stands(session)
    return lab.access.caller_by_id(caller.id) is not None
