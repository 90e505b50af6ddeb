"""A server that is a command: one session a call, in a sandbox container of its own."""

import inspect
import json
import threading
from collections.abc import Mapping
from typing import Any

from labcrew import __version__
from labcrew.domain.mcp import McpAnswer, McpServer, McpTool
from labcrew.domain.sandbox import Limits, ReadOnlyInput, Sandboxes, SandboxSpec
from labcrew.errors import EngineError, RunnerLost, ToolError
from tools.mcp_servers import bridge
from tools.mcp_servers.answers import answer_of, same_tool, shown, tools_of

_MOST_LISTED = 512 * 1024
"""Bytes that descriptions of tools may take, beside an answer."""
_GRACE_S = 10.0


class SandboxedServer:
    """Sessions with a command; each container is fresh and removed, so calls share nothing.

    Args:
        name: as settings name it.
        server: its settings.
        sandboxes: where it runs.
        base_image: the image where settings name none.
    """

    def __init__(self, name: str, server: McpServer, sandboxes: Sandboxes, base_image: str) -> None:
        self._name, self._server = name, server
        self._sandboxes, self._base_image = sandboxes, base_image
        self._alone: dict[str, threading.Lock] = {}

    def tools(self, owner: str) -> tuple[McpTool, ...]:
        """What it offers. Raises ToolError, EngineError."""
        return tools_of(self._session(owner, None, {}).get("tools", ()), self._name)

    def call(self, tool: McpTool, arguments: Mapping[str, Any], owner: str) -> McpAnswer:
        """Calls a tool. Raises ToolChanged, ToolError, EngineError."""
        said = self._session(owner, tool, arguments)
        same_tool(tool, tools_of(said.get("tools", ()), self._name), self._name)
        return answer_of(said.get("result"), self._server.answer_kb, self._name)

    def _session(
        self, owner: str, wanted: McpTool | None, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """One at a time for an owner: agents that work side by side would share a container."""
        with self._alone.setdefault(owner, threading.Lock()):
            return self._spoken(owner, wanted, arguments)

    def _spoken(
        self, owner: str, wanted: McpTool | None, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        server = self._server
        request = {
            "command": list(server.command),
            "environment": server.environment,
            "client": {"name": "labcrew", "version": __version__},
            "wanted": wanted.model_dump(mode="json") if wanted else None,
            "arguments": dict(arguments),
            "timeout_s": server.timeout_s,
            "most_bytes": _MOST_LISTED + 2 * server.answer_kb * 1024,
        }
        container = f"{owner or 'home'}-mcp-{self._name}".lower()
        self._sandboxes.remove(container)  # left by a call that was killed
        try:
            self._sandboxes.start(self._spec(container, owner))
            result = self._sandboxes.exec(
                container,
                ("python3", "-I", "-c", inspect.getsource(bridge)),
                stdin=json.dumps(request).encode(),
                timeout_s=server.timeout_s + _GRACE_S,
            )
        except RunnerLost:
            raise ToolError(f"The server {self._name} brought its sandbox down.") from None
        finally:
            self._put_away(container)
        if result.timed_out:
            raise ToolError(
                f"The server {self._name} did not answer within {server.timeout_s:g} s."
            )
        try:
            said = json.loads(result.stdout)
        except (ValueError, RecursionError):
            raise ToolError(
                f"The session with the server {self._name} failed (exit code {result.exit_code}):"
                f" {shown(result.stderr, 300)}"
            ) from None
        if not isinstance(said, dict):
            raise ToolError(f"The session with the server {self._name} answered nonsense.")
        if "error" in said:
            log = shown(str(said.get("log", "")).strip(), 500)
            raise ToolError(
                f"The server {self._name} failed: {shown(str(said['error']), 400)}."
                f"{f' Its log ends: {log}' * bool(log)}"
            )
        return said

    def _spec(self, container: str, owner: str) -> SandboxSpec:
        server = self._server
        folder = server.folder
        return SandboxSpec(
            name=container,
            purpose="tools",
            ticket=owner,
            image=server.image or self._base_image,
            inputs=(ReadOnlyInput(source=folder.absolute(), target="/mcp"),) if folder else (),
            limits=Limits(
                memory_mb=1024, pids=256, timeout_s=server.timeout_s + 60, workspace_mb=64
            ),
            hosts=server.hosts,
        )

    def _put_away(self, container: str) -> None:
        try:
            self._sandboxes.remove(container)
        except EngineError:
            return  # it goes when the name is next used, or with its home's orphans
