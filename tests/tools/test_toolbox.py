"""Every call goes past the policy and into the ledger, whatever comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import GateRequired, PolicyRefused, ToolError
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from tests.tickets import make_assigned
from tools.toolbox import Tool, Toolbox, Workbench


class Call(Model):
    says: str = "well"
    files: tuple[OverlayFile, ...] = ()


def _run(call: Call, assigned: AssignedTicket, bench: Workbench) -> str:
    if call.says == "tool error":
        raise ToolError("it did not work", "try again")
    if call.says == "fault":
        raise ZeroDivisionError("a bug")
    return call.says


WATCH = Tool("watch_trial", Call, _run)
START = Tool("start_trial", Call, _run)
UNKNOWN = Tool("open_network", Call, _run)


@dataclass(frozen=True)
class LedgerOnly:
    """All of a workbench that the toolbox itself uses."""

    ledger: Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    home = Home(tmp_path / "home")
    home.create()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()) as ledger:
        yield ledger


def toolbox(ledger: Ledger, agent: Any = "log_monitor", *, approved: bool = False) -> Toolbox:
    bench = cast(Workbench, LedgerOnly(ledger))
    return Toolbox(agent, make_assigned(), bench, "r0/step", lambda kind: approved)


def events(ledger: Ledger) -> list[Event]:
    return list(ledger.events.of("T-0001"))


async def test_an_allowed_call_runs_and_is_written_down(ledger: Ledger) -> None:
    tools = toolbox(ledger)
    assert await tools.use(WATCH, Call()) == "well"
    assert await tools.use(WATCH, Call(says="other")) == "other"
    first, second = events(ledger)
    assert (first.actor, first.kind) == ("log_monitor", "tool.used")
    assert first.data["verdict"] == "allowed"
    assert first.data["outcome"] == "done"
    assert first.key != second.key


async def test_the_same_step_done_again_is_the_same_event(ledger: Ledger) -> None:
    await toolbox(ledger).use(WATCH, Call())
    await toolbox(ledger).use(WATCH, Call())
    assert len(events(ledger)) == 1


@pytest.mark.parametrize(
    ("agent", "tool", "error"),
    [
        ("log_monitor", START, PolicyRefused),
        ("experiment_launcher", UNKNOWN, PolicyRefused),
        ("experiment_launcher", START, GateRequired),
    ],
)
async def test_what_the_table_does_not_allow_never_runs(
    ledger: Ledger, agent: str, tool: Tool[Call, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await toolbox(ledger, agent).use(tool, Call(says="fault"))
    (event,) = events(ledger)
    assert event.data["outcome"].startswith(error.__name__)


async def test_a_gate_that_was_accepted_opens(ledger: Ledger) -> None:
    tools = toolbox(ledger, "experiment_launcher", approved=True)
    assert await tools.use(START, Call()) == "well"
    assert events(ledger)[0].data["verdict"] == "plan"


@pytest.mark.parametrize(
    ("says", "error", "outcome"),
    [
        ("tool error", ToolError, "ToolError: it did not work"),
        ("fault", ZeroDivisionError, "ZeroDivisionError: a bug"),
    ],
)
async def test_a_failure_is_written_down_as_one(
    ledger: Ledger, says: str, error: type[Exception], outcome: str
) -> None:
    with pytest.raises(error):
        await toolbox(ledger).use(WATCH, Call(says=says))
    assert events(ledger)[0].data["outcome"] == outcome


async def test_arguments_are_capped_and_any_bytes_are_taken(ledger: Ledger) -> None:
    call = Call(says="x" * 5000, files=(OverlayFile(path="a", content=b"\xff\xfe"),))
    await toolbox(ledger).use(WATCH, call)
    data = events(ledger)[0].data
    assert len(data["arguments"]) == 400
    assert len(data["arguments_sha256"]) == 64
    assert Call.model_validate_json(call.model_dump_json()) == call
