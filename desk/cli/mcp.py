"""Commands on outside servers of tools: list, tools, approve, revoke; and serve, our own tools."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import (
    ByOption,
    HomeOption,
    JsonOption,
    ServerOption,
    answer,
    group,
    guarded,
    plain,
    say,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from desk.mcp import McpDesk, SeenTool
    from desk.wiring import Opened
    from labcrew.domain.mcp import McpServer

app = group(
    "Tools of outside servers (MCP): settings name them, people approve them; and labcrew's own."
)
_SERVER = Annotated[str, typer.Argument(metavar="SERVER", help="As settings name it.")]
_TOOL = Annotated[str, typer.Argument(metavar="TOOL")]


@app.command()
@guarded
def serve(
    home: HomeOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """Offer labcrew's own actions to a coding assistant, on standard input and output."""
    del as_json  # the protocol is JSON already
    from desk.assistants.serving import run_for_home, run_for_server
    from desk.front.opening import server_meant, token_for

    address = server_meant(home, server)
    token = token_for(address or "This home")
    if address is not None:
        run_for_server(address, token)
        return
    from desk.web.lab import Lab
    from desk.wiring import open_home

    with open_home(home) as opened:
        run_for_home(Lab.of(opened), token)


@app.command("list")
@guarded
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the servers of the settings; none of them is asked."""
    from desk.wiring import open_home
    from labcrew.mcp_approvals import approved

    with open_home(home) as opened:
        servers = opened.settings.mcp
        known = approved(opened.ledger, servers)
    value = {
        "servers": [
            {
                "name": name,
                "where": server.url or "a sandbox",
                "network": server.networked,
                "note": _note(server),
                "agents": list(server.agents),
                "gate": server.gate,
                "reads_untrusted": server.reads_untrusted,
                "tools": {tool: (name, tool) in known for tool in server.tools},
            }
            for name, server in sorted(servers.items())
        ]
    }
    answer(value, as_json, lambda: _servers(value["servers"]))


@app.command()
@guarded
def tools(server: _SERVER, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Ask a server for its tools, and show how each stands; what it says is untrusted."""
    from desk.wiring import open_home

    with open_home(home) as opened, _desk(opened, server) as desk:
        seen = desk.seen(server)
    value = {"server": server, "tools": [one.model_dump(mode="json") for one in seen]}
    answer(value, as_json, lambda: _tools(server, seen))


@app.command()
@guarded
def approve(
    server: _SERVER,
    tool: _TOOL,
    shown: Annotated[
        str, typer.Option(metavar="HASH", help="What `labcrew mcp tools` showed for it.")
    ],
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a tool as it was shown; once it changes, it is refused until approved again."""
    from desk.wiring import open_home, person

    who = by or person()
    with open_home(home) as opened, _desk(opened, server) as desk:
        found = desk.approve(server, tool, shown, who)
    value = {"server": server, "tool": found.name, "sha256": found.sha256, "by": who}
    answer(value, as_json, lambda: f"{server}: {found.name} is approved, by {who}.")


@app.command()
@guarded
def revoke(
    server: _SERVER,
    tool: _TOOL,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an approval back; the server is not asked."""
    from desk.mcp import McpDesk
    from desk.wiring import open_home, person
    from tools.mcp_servers.configured import ConfiguredServers

    who = by or person()
    with open_home(home) as opened:
        servers = ConfiguredServers(opened.settings.mcp, None, "")
        McpDesk(opened.ledger, servers).revoke(server, tool, who)
    value = {"server": server, "tool": tool, "by": who}
    answer(value, as_json, lambda: f"{server}: {tool} may not be used any more.")


@contextmanager
def _desk(opened: "Opened", server: str) -> "Iterator[McpDesk]":
    """A server over HTTP is asked from here; a command needs the home to itself, and the engine."""
    from desk.mcp import McpDesk
    from desk.wiring import at_work
    from tools.mcp_servers.configured import ConfiguredServers

    named = opened.settings.mcp.get(server)
    if named is None or named.url is not None:
        yield McpDesk(opened.ledger, ConfiguredServers(opened.settings.mcp, None, ""))
        return
    with at_work(opened, say) as parts:
        assert parts.bench.mcp is not None
        yield McpDesk(opened.ledger, parts.bench.mcp)


def _note(server: "McpServer") -> str:
    """What of its settings can't come true, for people; empty: nothing."""
    if server.networked and "merge_request" in server.agents:
        return (
            "not offered while code is written: the model reads the repository then, and no server"
            " that reaches the network may be asked after that"
        )
    return ""


def _servers(servers: "list[dict[str, object]]") -> "RenderableType | str":
    from rich.console import Group
    from rich.table import Table

    if not servers:
        return "Settings name no outside servers; docs/mcp.md shows how."
    table = Table("server", "where", "network", "agents", "gate", "tools", box=None, pad_edge=False)
    for one in servers:
        own, agents = one["tools"], one["agents"]
        assert isinstance(own, dict)
        assert isinstance(agents, list)
        stand = [f"{tool}{'' if ok else ' (not approved)'}" for tool, ok in own.items()]
        table.add_row(
            plain(one["name"]), plain(one["where"]), "yes" if one["network"] else "no",
            plain(", ".join(agents)), plain(one["gate"]), plain(", ".join(stand) or "none"),
        )  # fmt: skip
    notes = [plain(f"{one['name']}: {one['note']}.") for one in servers if one["note"]]
    return Group(table, *notes)


def _tools(server: str, seen: "tuple[SeenTool, ...]") -> "RenderableType | str":
    if not seen:
        return f"{server} offers no tools."
    parts = []
    for one in seen:
        tool = one.tool
        parts.append(f"{tool.name}: {one.state}, hash {one.sha256[:16]}")
        said = {
            "title": tool.title, "description": tool.description, "arguments": tool.input_schema,
            "answers": tool.output_schema, "hints": tool.annotations,
        }  # fmt: skip
        parts += [
            f"  {name}: {value if isinstance(value, str) else json.dumps(value)}"
            for name, value in said.items()
            if value
        ]
    return plain("\n".join(parts))
