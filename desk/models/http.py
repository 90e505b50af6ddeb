"""HTTP for one call at a time: bounded, without redirects, shared by nobody."""

import ssl
from collections.abc import AsyncIterator
from functools import cache

import httpx2

from desk.loopback import is_loopback
from desk.models.assembly import ASSEMBLY, not_the_protocol

MOST_BYTES = 32 << 20
"""Of one response, whatever it holds."""


def one_shot_client() -> httpx2.AsyncClient:
    """A client whose every request has a connection of its own.

    A pool of connections belongs to one event loop; judgements are asked from several threads.
    Redirects are not followed: the key and the question go where settings say and nowhere else.
    """
    return httpx2.AsyncClient(transport=OneShot(), follow_redirects=False)


class OneShot(httpx2.AsyncBaseTransport):
    """Makes a client for each request, and closes it with the response.

    A proxy that the environment names is for other machines: what is asked of this one stays on it.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        request.headers["Connection"] = "close"
        by_proxy = not is_loopback(request.url.host)
        client = httpx2.AsyncClient(verify=_tls(), follow_redirects=False, trust_env=by_proxy)
        try:
            response = await client.send(request, stream=True)
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise not_the_protocol("it is compressed, which was not asked for")
        except BaseException:
            await client.aclose()
            raise
        kind = response.headers.get("content-type", "")
        if (heard := ASSEMBLY.get(None)) is not None:
            heard.content_type = kind.partition(";")[0].strip()[:100]
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=_Bounded(response, client)
        )


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, client: httpx2.AsyncClient) -> None:
        self._response, self._client = response, client

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        async for piece in self._response.aiter_raw():
            left -= len(piece)
            if left < 0:
                raise not_the_protocol(f"it has more than {MOST_BYTES >> 20} MB")
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()
        await self._client.aclose()


@cache
def never_used() -> httpx2.Client:
    """A client for what asks without waiting, which nothing here does."""
    return httpx2.Client(verify=_tls(), follow_redirects=False)


@cache
def _tls() -> ssl.SSLContext:
    """Read from disk once: it takes longer than all the rest of a call."""
    return httpx2.create_ssl_context()
