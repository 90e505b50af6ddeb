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
from labcrew.tracing import OFF, Tracer
from tests.facts import KnownFacts
from tests.tickets import make_assigned
from tools.facts import LedgerFacts
from tools.toolbox import Tool, Toolbox, Workbench

WELL, FAILS, BREAKS = "T-0001-000", "T-0001-001", "T-0001-002"


class Watch(Model):
    trial: str = WELL


class Prepare(Model):
    key: str = "k"
    approved: bool = True


class Odd(Model):
    says: str = "well"
    files: tuple[OverlayFile, ...] = ()


def _watch(call: Watch, assigned: AssignedTicket, bench: Workbench) -> str:
    if call.trial == FAILS:
        raise ToolError("it did not work", "try again")
    if call.trial == BREAKS:
        raise ZeroDivisionError("a bug")
    return call.trial


def _never(call: Any, assigned: AssignedTicket, bench: Workbench) -> str:
    raise AssertionError("this must not run")


WATCH = Tool("watch_trial", Watch, _watch)
PREPARE = Tool("prepare_environment", Prepare, lambda call, assigned, bench: call.key)
NEVER = Tool("prepare_environment", Prepare, _never)
UNKNOWN = Tool("open_network", Odd, _never)


@dataclass(frozen=True)
class LedgerOnly:
    """All of a workbench that the toolbox itself uses."""

    ledger: Ledger
    home: Home
    mcp: None = None
    tracer: Tracer = OFF


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[LedgerOnly]:
    home = Home(tmp_path / "home")
    home.create()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()) as ledger:
        yield LedgerOnly(ledger, home)


def toolbox(bench: LedgerOnly, agent: Any = "log_monitor", key: str = "") -> Toolbox:
    """An agent's hands; with a key, behind a plan gate that showed that environment."""
    assigned = make_assigned()
    shown = {"plan": {"plan": {"environment_key": key}}}
    facts = KnownFacts(assigned, gates=shown) if key else None
    return Toolbox(agent, assigned, cast(Workbench, bench), "r0/step", facts)


def events(bench: LedgerOnly) -> list[Event]:
    return list(bench.ledger.events.of("T-0001"))


async def test_an_allowed_call_runs_and_is_written_down(bench: LedgerOnly) -> None:
    tools = toolbox(bench)
    assert await tools.use(WATCH, Watch()) == WELL
    assert await tools.use(WATCH, Watch(trial="T-0001-007")) == "T-0001-007"
    first, second = events(bench)
    assert (first.actor, first.kind) == ("log_monitor", "tool.used")
    assert (first.data["verdict"], first.data["gate"]) == ("allowed", "")
    assert first.data["because"] == "reading only"
    assert first.data["outcome"] == "done"
    assert first.key != second.key


async def test_the_same_step_done_again_is_the_same_event(bench: LedgerOnly) -> None:
    await toolbox(bench).use(WATCH, Watch())
    await toolbox(bench).use(WATCH, Watch())
    assert len(events(bench)) == 1


@pytest.mark.parametrize(
    ("agent", "tool", "call", "key", "error", "verdict"),
    [
        ("log_monitor", NEVER, Prepare(), "k", PolicyRefused, "refused"),
        ("experiment_launcher", UNKNOWN, Odd(), "k", PolicyRefused, "refused"),
        ("experiment_launcher", NEVER, Prepare(), "", GateRequired, "waits"),
        ("experiment_launcher", NEVER, Prepare(), "other", PolicyRefused, "refused"),
    ],
)
async def test_what_the_table_does_not_allow_never_runs(
    bench: LedgerOnly,
    agent: str,
    tool: Tool[Any, str],
    call: Model,
    key: str,
    error: type[Exception],
    verdict: str,
) -> None:
    with pytest.raises(error):
        await toolbox(bench, agent, key).use(tool, call)
    (event,) = events(bench)
    assert event.actor == agent
    assert event.data["verdict"] == verdict
    assert event.data["because"]
    assert event.data["outcome"].startswith(error.__name__)


async def test_a_gate_that_was_accepted_opens(bench: LedgerOnly) -> None:
    assert await toolbox(bench, "experiment_launcher", "k").use(PREPARE, Prepare()) == "k"
    data = events(bench)[0].data
    assert (data["verdict"], data["gate"]) == ("allowed", "plan")


@pytest.mark.parametrize(
    ("trial", "error", "outcome"),
    [
        (FAILS, ToolError, "ToolError: it did not work"),
        (BREAKS, ZeroDivisionError, "ZeroDivisionError: a bug"),
    ],
)
async def test_a_failure_is_written_down_as_one(
    bench: LedgerOnly, trial: str, error: type[Exception], outcome: str
) -> None:
    with pytest.raises(error):
        await toolbox(bench).use(WATCH, Watch(trial=trial))
    assert events(bench)[0].data["outcome"] == outcome


async def test_arguments_are_capped_and_any_bytes_are_taken(bench: LedgerOnly) -> None:
    call = Odd(says="x" * 5000, files=(OverlayFile(path="a", content=b"\xff\xfe"),))
    with pytest.raises(PolicyRefused):
        await toolbox(bench).use(UNKNOWN, call)
    data = events(bench)[0].data
    assert len(data["arguments"]) == 400
    assert len(data["arguments_sha256"]) == 64
    assert Odd.model_validate_json(call.model_dump_json()) == call


def test_an_empty_ledger_approves_nothing(bench: LedgerOnly) -> None:
    facts = LedgerFacts(make_assigned(), bench.ledger, bench.home)
    assert facts.approval("plan") is facts.approval("merge") is None
    assert facts.image is facts.change is None
    assert facts.trial("T-0001-000") is None
    assert not facts.tainted
