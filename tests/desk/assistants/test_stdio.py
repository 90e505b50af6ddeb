"""A coding assistant uses labcrew over standard input and output, under its person's role."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from desk.assistants.offers import offers
from desk.web.access import Role
from desk.wiring import Opened
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET
from tests.desk.front.conftest import Served, served
from tests.desk.records import plan_gate
from tests.desk.web.clients import lab_at

__all__ = ["served"]
WRITING = {"assign", "pause", "resume", "stop", "retry", "change_budget", "comment", "verify"}


@asynccontextmanager
async def assistant(token: str, *where: str) -> AsyncIterator[ClientSession]:
    program = "from desk.cli import main; main()"
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-c", program, "mcp", "serve", *where],
        env={"LABCREW_TOKEN": token, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    async with (
        stdio_client(parameters) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        yield session


async def use(session: ClientSession, tool: str, **arguments: Any) -> Any:
    """What a tool answers; its words where it refuses."""
    answer = await session.call_tool(tool, arguments)
    [content] = answer.content
    text = getattr(content, "text", "")
    return text if answer.is_error else json.loads(text)


@pytest.fixture
def home(opened: Opened, toy: Path) -> str:
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    plan_gate(opened, "T-001", expires_at=None)
    return str(opened.home.root)


async def test_an_approver_does_the_whole_job(opened: Opened, toy: Path, home: str) -> None:
    token = lab_at(opened).access.add("ada", "approver")
    async with assistant(token, "--home", home) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert {"decide", "finish_merge"} | WRITING <= set(tools)
        hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
        assert hints["list_tickets"].read_only_hint
        assert not hints["pause"].read_only_hint
        assert hints["decide"].destructive_hint
        made = await use(session, "assign", text=TICKET, beside=str(toy))
        assert made["id"] == "T-002"
        listed = await use(session, "list_tickets", limit=1)
        assert [ticket["id"] for ticket in listed["items"]] == ["T-002"]
        [waiting] = (await use(session, "list_gates", status="open"))["items"]
        gate, seen = waiting["gate"]["id"], waiting["payload_hash"]
        assert "payload_hash is missing" in await use(session, "decide", id=gate, kind="accept")
        stale = await use(session, "decide", id=gate, kind="accept", payload_hash="0" * 64)
        assert "shows something else now" in stale
        done = await use(session, "decide", id=gate, kind="accept", payload_hash=seen)
        assert done["by"] == "ada"
        late = await use(session, "decide", id=gate, kind="ignore", payload_hash=seen)
        assert "already decided: accept, by ada" in late
        assert "There is no bogus" in await use(session, "get_ticket", id="T-001", bogus=1)
        for elsewhere in ("..", ".", ""):
            assert "names nothing" in await use(session, "list_events", id=elsewhere)
        assert "Did you mean T-001" in await use(session, "get_ticket", id="T-01")
    assert opened.ledger.decisions.get(gate).by == "ada"


@pytest.mark.parametrize("role", ["viewer", "researcher"])
async def test_a_role_has_its_tools_and_no_others(opened: Opened, home: str, role: Role) -> None:
    token = lab_at(opened).access.add("bo", role)
    async with assistant(token, "--home", home) as session:
        tools = {tool.name for tool in (await session.list_tools()).tools}
        assert "decide" not in tools
        assert (tools >= WRITING) == (role == "researcher")
        assert (tools & WRITING == set()) == (role == "viewer")
        assert (await use(session, "get_ticket", id="T-001"))["status"] == "assigned"
        seen = opened.ledger.gates.get("T-001-plan-r0.0").payload_hash
        refused = await use(
            session, "decide", id="T-001-plan-r0.0", kind="accept", payload_hash=seen
        )
        assert "There is no tool decide" in refused
    assert opened.ledger.decisions.find("T-001-plan-r0.0") is None


async def test_over_a_server(served: Served, toy: Path) -> None:
    async with assistant(served.token(), "--server", served.url) as session:
        await use(session, "assign", text=TICKET, beside=str(toy))
        assert (await use(session, "pause", id="T-001"))["status"] == "paused"
        assert (await use(session, "whoami"))["name"] == "ada"


def test_every_offer_is_described() -> None:
    every = offers("approver")
    assert len({offer.name for offer in every}) == len(every)
    for offer in every:
        assert offer.description, offer.name
        assert set(offer.places) <= set(offer.schema_["properties"])
        assert "#/components" not in json.dumps(offer.schema_)
    assert [offer.name for offer in offers("viewer") if not offer.reads] == []
