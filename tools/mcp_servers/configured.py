"""The servers that settings name, each by its own way."""

from collections.abc import Mapping
from typing import Any

from labcrew.domain.mcp import McpAnswer, McpServer, McpTool
from labcrew.domain.sandbox import Sandboxes
from labcrew.errors import NotFound
from tools.mcp_servers.http import HttpServer
from tools.mcp_servers.sandboxed import SandboxedServer


class ConfiguredServers:
    """Commands run in sandboxes, never on the host; URLs are reached from this process.

    Args:
        settings: name → server.
        sandboxes: where commands run; None: only URLs can be reached.
        base_image: for commands without an image of their own.
    """

    def __init__(
        self, settings: Mapping[str, McpServer], sandboxes: Sandboxes | None, base_image: str
    ) -> None:
        self.settings = settings
        self._ways: dict[str, HttpServer | SandboxedServer] = {
            name: HttpServer(name, server)
            for name, server in settings.items()
            if server.url is not None
        }
        if sandboxes is not None:
            self._ways |= {
                name: SandboxedServer(name, server, sandboxes, base_image)
                for name, server in settings.items()
                if server.url is None
            }

    def tools(self, server: str, owner: str) -> tuple[McpTool, ...]:
        return self._way(server).tools(owner)

    def call(
        self, server: str, tool: McpTool, arguments: Mapping[str, Any], owner: str
    ) -> McpAnswer:
        return self._way(server).call(tool, arguments, owner)

    def _way(self, server: str) -> HttpServer | SandboxedServer:
        if server not in self._ways:
            known = ", ".join(sorted(self._ways)) or "none"
            raise NotFound(f"Settings name no server {server}.", f"They name: {known}.")
        return self._ways[server]
