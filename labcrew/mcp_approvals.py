"""Which tools of outside servers a person approved, by the hash of what was shown."""

from collections.abc import Mapping

from labcrew.domain.mcp import McpServer, McpTool
from labcrew.ledger import Ledger

APPROVED, REVOKED, CHANGED = "mcp.approved", "mcp.revoked", "mcp.tool_changed"
_KINDS = (APPROVED, REVOKED, CHANGED)


def approve(ledger: Ledger, name: str, server: McpServer, tool: McpTool, *, actor: str) -> None:
    """Writes down that a person approved a tool as it is described now, at the place it is now."""
    _write(ledger, APPROVED, name, tool.name, actor, {
        "place": server.place, "sha256": tool.sha256, "tool": tool.model_dump(mode="json"),
    })  # fmt: skip


def revoke(ledger: Ledger, name: str, tool: str, *, actor: str) -> None:
    """Takes an approval back."""
    _write(ledger, REVOKED, name, tool, actor, {})


def changed(ledger: Ledger, name: str, tool: McpTool, found: McpTool | None) -> None:
    """Writes down that a server describes an approved tool otherwise: nobody approved that."""
    _write(ledger, CHANGED, name, tool.name, "rule", {
        "approved": tool.sha256, "found": found.sha256 if found else "",
    })  # fmt: skip


def approved(ledger: Ledger, servers: Mapping[str, McpServer]) -> dict[tuple[str, str], McpTool]:
    """Server and tool → the tool as it was approved; those that settings still allow alone."""
    found: dict[tuple[str, str], McpTool] = {}
    for event in ledger.events.of(""):
        if event.kind not in _KINDS:
            continue
        name, tool = event.data["server"], event.data["name"]
        found.pop((name, tool), None)
        server = servers.get(name)
        if (
            event.kind == APPROVED
            and server is not None
            and tool in server.tools
            and event.data["place"] == server.place
        ):
            found[name, tool] = McpTool.model_validate(event.data["tool"])
    return found


def _write(
    ledger: Ledger, kind: str, server: str, tool: str, actor: str, data: dict[str, object]
) -> None:
    count = sum(event.kind in _KINDS for event in ledger.events.of(""))
    ledger.events.append(
        ticket="",
        actor=actor,
        kind=kind,
        key=f"mcp/{count}/{kind}/{server}/{tool}",
        data={"server": server, "name": tool, **data},
    )
