"""A server over HTTP, reached from this process by the protocol's own SDK (`labcrew[mcp]`)."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from labcrew import __version__
from labcrew.domain.mcp import McpAnswer, McpServer, McpTool
from labcrew.errors import ToolError
from tools.mcp_servers.answers import answer_of, same_tool, shown, tools_of
from tools.mcp_servers.bridge import Ended, definition

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")
_PAGES = 20
_CONNECT_S = 10.0


class HttpServer:
    """Sessions with a URL that settings name; each is one connection, closed at its end.

    Args:
        name: as settings name it.
        server: its settings.
    """

    def __init__(self, name: str, server: McpServer) -> None:
        self._name, self._server = name, server

    def tools(self, owner: str) -> tuple[McpTool, ...]:
        """What it offers. Raises ToolError."""
        del owner
        return self._in_time(self._listed())

    def call(self, tool: McpTool, arguments: Mapping[str, Any], owner: str) -> McpAnswer:
        """Calls a tool. Raises ToolChanged, ToolError."""
        del owner
        return self._in_time(self._called(tool, arguments))

    async def _listed(self) -> tuple[McpTool, ...]:
        async with self._client() as client:
            return await self._tools(client)

    async def _called(self, tool: McpTool, arguments: Mapping[str, Any]) -> McpAnswer:
        async with self._client() as client:
            same_tool(tool, await self._tools(client), self._name)
            result = await client.call_tool(tool.name, dict(arguments))
        plain = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        return answer_of(plain, self._server.answer_kb, self._name)

    async def _tools(self, client: "Client") -> tuple[McpTool, ...]:
        found: list[dict[str, Any]] = []
        cursor = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                raw = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
                found.append(definition(raw))
            cursor = page.next_cursor
            if not cursor:
                break
        return tools_of(found, self._name)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator["Client"]:
        try:
            import httpx2
            from mcp import Client
            from mcp.client.streamable_http import streamable_http_client
            from mcp.types import Implementation

            from tools.mcp_servers.capped_http import CappedTransport
        except ImportError as error:
            raise ToolError(
                f"The server {self._name} needs the SDK of its protocol: {error.name} is missing.",
                "pip install 'labcrew[mcp]'",
            ) from None
        server = self._server
        assert server.url is not None
        token = server.token.get_secret_value() if server.token else ""
        headers = {"Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        most = 1024 * 1024 + 4 * server.answer_kb * 1024
        async with (
            httpx2.AsyncClient(
                headers=headers,
                timeout=httpx2.Timeout(server.timeout_s, connect=_CONNECT_S),
                transport=CappedTransport(most),
                trust_env=False,  # no credentials of this machine's files, no proxy
            ) as connection,
            Client(
                streamable_http_client(server.url, http_client=connection),
                read_timeout_seconds=server.timeout_s,
                client_info=Implementation(name="labcrew", version=__version__),
                cache=None,
            ) as client,
        ):
            yield client

    def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(self._server.timeout_s):
                return await work

        try:
            return asyncio.run(bounded())
        except ToolError:
            raise
        except BaseExceptionGroup as group:
            raise self._failure(_first(group)) from None
        except (TimeoutError, Exception) as error:
            # An SDK and a stranger's server fail in more ways than can be listed.
            raise self._failure(error) from None

    def _failure(self, error: BaseException) -> ToolError:
        if isinstance(error, ToolError):
            return error
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise error
        if isinstance(error, Ended):
            return ToolError(f"The server {self._name} failed: {error}.")
        if isinstance(error, TimeoutError):
            wait = self._server.timeout_s
            return ToolError(f"The server {self._name} did not answer within {wait:g} s.")
        said = shown(" ".join(str(error).split()), 300)
        if self._server.token:
            said = said.replace(self._server.token.get_secret_value(), "…")
        return ToolError(f"The server {self._name} failed: {type(error).__name__}: {said}")


def _first(error: BaseException) -> BaseException:
    """The first plain error of a group, ours before others."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_first(one) for one in error.exceptions]
    return next((one for one in inner if isinstance(one, ToolError)), inner[0])
