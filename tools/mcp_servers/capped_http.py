"""HTTP whose answers are counted as they come: a session may bring so many bytes and no more."""

from collections.abc import AsyncIterator

import httpx2

from labcrew.errors import ToolError

_FAREWELL_S = 2.0


class CappedTransport(httpx2.AsyncHTTPTransport):
    """A transport for one session.

    Args:
        most: bytes of all bodies together.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ToolError for a packed answer: what it unpacks to could not be counted."""
        if request.method == "DELETE":  # a session's end: a courtesy that nobody waits for
            times = dict.fromkeys(("connect", "read", "write", "pool"), _FAREWELL_S)
            request.extensions = {**request.extensions, "timeout": times}
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise ToolError("The server packed its answer, which it was asked not to.")
        response.stream = _Counted(response.stream, self)
        return response

    def count(self, size: int) -> None:
        """Raises ToolError once too much came."""
        self._left -= size
        if self._left < 0:
            raise ToolError("The server answered more than may be read.")


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: object, transport: CappedTransport) -> None:
        assert isinstance(stream, httpx2.AsyncByteStream)
        self._stream, self._transport = stream, transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._transport.count(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
