"""What people see and decide of outside servers and their tools."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from labcrew import mcp_approvals
from labcrew.domain.base import Model
from labcrew.domain.mcp import McpServer, McpServers, McpTool
from labcrew.errors import InputError, NotFound
from labcrew.json_schema import misfit
from labcrew.ledger import Ledger

State = Literal["approved", "changed", "new", "not listed", "gone"]
_SHORTEST = 12


class SeenTool(Model):
    """A tool as a server describes it now, and how it stands here.

    `not listed`: settings do not name it, so nobody may use it. `gone`: approved, and not offered
    any more.
    """

    state: State
    sha256: str
    tool: McpTool = Field(description="untrusted text")


@dataclass(frozen=True)
class McpDesk:
    """Approvals of the tools that settings name.

    Args:
        servers: the servers, which are asked when tools are looked at or approved.
    """

    ledger: Ledger
    servers: McpServers

    def seen(self, server: str) -> tuple[SeenTool, ...]:
        """What a server offers now. Raises NotFound, ToolError."""
        settings = self._settings(server)
        known = {
            tool: was
            for (name, tool), was in mcp_approvals.approved(
                self.ledger, self.servers.settings
            ).items()
            if name == server
        }
        now = {tool.name: tool for tool in self.servers.tools(server, "")}
        found = []
        for name in sorted({*now, *known}):
            state: State = "new"
            if name not in now:
                state = "gone"
            elif name not in settings.tools:
                state = "not listed"
            elif name in known:
                state = "approved" if known[name] == now[name] else "changed"
            tool = now.get(name) or known[name]
            found.append(SeenTool(state=state, sha256=tool.sha256, tool=tool))
        return tuple(found)

    def approve(self, server: str, tool: str, shown: str, by: str) -> McpTool:
        """Approves a tool as it was shown.

        Args:
            shown: the beginning of the hash that `seen` gave, 12 digits at least.
            by: a person's name.

        Raises:
            InputError: the tool is another now, or its schema can't be used.
            NotFound, ToolError.
        """
        settings = self._settings(server)
        if tool not in settings.tools:
            raise InputError(
                f"Settings do not list {tool} among the tools of {server}.",
                f"Add it to mcp.{server}.tools first.",
            )
        now = next((t for t in self.servers.tools(server, "") if t.name == tool), None)
        if now is None:
            raise NotFound(f"The server {server} offers no tool {tool} now.")
        if len(shown) < _SHORTEST or not now.sha256.startswith(shown):
            raise InputError(
                f"The tool {tool} of {server} is not what was shown as {shown[:64]}.",
                f"Look at it again: labcrew mcp tools {server}",
            )
        wrong = misfit({}, now.input_schema)
        if wrong is not None and wrong.startswith("the tool's schema"):
            raise InputError(f"{tool}: {wrong}.", "Ask the server's authors for a plain schema.")
        mcp_approvals.approve(self.ledger, server, settings, now, actor=f"person:{by}")
        return now

    def revoke(self, server: str, tool: str, by: str) -> None:
        """Takes an approval back. Raises NotFound."""
        known = mcp_approvals.approved(self.ledger, self.servers.settings)
        if (server, tool) not in known:
            raise NotFound(f"The tool {tool} of {server} is not approved.")
        mcp_approvals.revoke(self.ledger, server, tool, actor=f"person:{by}")

    def _settings(self, server: str) -> McpServer:
        found = self.servers.settings.get(server)
        if found is None:
            known = ", ".join(sorted(self.servers.settings)) or "none"
            raise NotFound(f"Settings name no server {server}.", f"They name: {known}.")
        return found
