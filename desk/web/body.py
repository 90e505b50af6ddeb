"""How large a request may be, found out before it is read."""

from fastapi import Request
from starlette.types import Message, Receive

from labcrew.errors import InputError

MOST_BYTES = 2_000_000
_MOST_THROWN_AWAY = 64_000_000


class TooLarge(InputError):
    """A request's body is over the cap (413)."""


async def bounded(request: Request, receive: Receive) -> Receive:
    """What gives a body of at most MOST_BYTES; one that does not say its length is read first.

    Raises:
        TooLarge: what was sent of it is thrown away, so that the sender reads the answer.
    """
    said = request.headers.get("content-length", "")
    if said.isdigit() and "transfer-encoding" not in request.headers:
        if int(said) <= MOST_BYTES:
            return receive
        await _throw_away(receive)
        raise _too_large()
    if "transfer-encoding" not in request.headers:
        return receive
    held: list[Message] = []
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size > MOST_BYTES:
            held.clear()
            if message.get("more_body"):
                await _throw_away(receive)
            raise _too_large()
        held.append(message)
        if not message.get("more_body"):
            break
    held.reverse()

    async def again() -> Message:
        return held.pop() if held else await receive()

    return again


async def _throw_away(receive: Receive) -> None:
    size = 0
    while size <= _MOST_THROWN_AWAY:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return


def _too_large() -> TooLarge:
    return TooLarge(
        f"The request is over {MOST_BYTES / 1e6:g} MB.",
        "Send less. A ticket has at most 1 MB; what is larger belongs into the repository.",
    )
