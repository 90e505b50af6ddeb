"""What the loop that writes code costs a step, beyond model and tools: both answer at once here."""

import asyncio
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

from pydantic import BaseModel

from agents.programming.options import LoopOptions
from evals.bench.figures import Figure, median
from graphs.programming.machine import programming_graph
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.chat import Message, Reply, ToolCall, ToolOffer
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import LabcrewError
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from labcrew.tracing import OFF
from tools.mcp_offers import McpOffer
from tools.programming.looking_back import Undone
from tools.programming.telling import Told

BOUND_MS = 5.0
_FEW, _MANY = 10, 50
_ANSWER = "\n".join(f"    row {n} = values[{n}] * scale" for n in range(60))
_TEST = "tests/test_program.py::test_result"
_PEER_WORKER = Path(__file__).with_name("programming_peer.py")


class ReadFile(Model):
    """The only tool of the measurement."""

    path: str


class InstantChat:
    """Asks for one file after the other, at once."""

    name = "instant"
    native_tools = True

    def __init__(self) -> None:
        self._calls = 0

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """One call, another each time."""
        self._calls += 1
        arguments = json.dumps({"path": f"part_{self._calls}.py"})
        call = ToolCall(id=str(self._calls), name="read_file", arguments=arguments)
        return Reply(message=Message(role="assistant", calls=(call,)), model=self.name)


class InstantHands:
    """Tools that answer at once, two kilobytes a file, and tests that fail."""

    outside: Mapping[str, McpOffer] = {}
    offers: Mapping[str, ToolOffer] = {
        "read_file": ToolOffer(
            name="read_file",
            description="Reads a file.",
            parameters=ReadFile.model_json_schema(),
        )
    }
    calls: Mapping[str, type[BaseModel]] = {"read_file": ReadFile}

    async def use(self, step: str, name: str, call: BaseModel) -> Told:
        """A file's text."""
        return Told(text=f"{call.model_dump_json()}\n{_ANSWER}")

    async def write(self, step: str, path: str, text: str) -> str:
        """Nothing is kept."""
        return ""

    async def restore(self, step: str, path: str) -> str:
        """Nothing was kept."""
        return ""

    async def tests(self, step: str, names: Sequence[str]) -> TestReport:
        """They fail."""
        return TestReport(outcomes={_TEST: "failed"}, exit_code=1)

    async def baseline(self, step: str, names: Sequence[str]) -> TestReport:
        """They fail."""
        return TestReport(outcomes={_TEST: "failed"}, exit_code=1)

    async def change(self) -> dict[str, str]:
        """None."""
        return {}

    async def editable(self) -> dict[str, str]:
        """One file."""
        return {"program.py": "def result():\n    return 1\n"}

    async def base(self, paths: Sequence[str]) -> dict[str, str]:
        """None."""
        return {}

    async def test_files(self) -> dict[str, str]:
        """One file."""
        return {"tests/test_program.py": "def test_result():\n    assert result() == 2\n"}

    async def alike(self, step: str) -> tuple[str, ...]:
        """None."""
        return ()

    def house(self) -> str:
        """None."""
        return ""

    async def rules(self, step: str) -> tuple[RuleResult, ...]:
        """None."""
        return ()

    async def left_behind(self, step: str) -> Undone:
        """Nothing."""
        return Undone(text="", places=())


def loop_ms(rounds: int = 3) -> float:
    """Milliseconds a step of the real graph, with a ledger and checkpoints on disk.

    Args:
        rounds: of a short and a long run each; their difference holds no start and no end.
    """
    return median([_a_step(_run) for _ in range(rounds)])


def _a_step(run: Any) -> float:
    few, many = run(_FEW), run(_MANY)
    return float(1000 * (many - few) / (_MANY - _FEW))


def _run(steps: int) -> float:
    with TemporaryDirectory(prefix="labcrew-bench-") as folder:
        home = Home(Path(folder) / "home")
        home.create()
        clock = SystemClock()
        with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
            assigned = _assigned(steps)
            ledger.tickets.put(assigned, actor="person:bench")
            work = Work(
                bench=cast(Any, SimpleNamespace(tracer=OFF, ledger=ledger, clock=clock)),
                crew=cast(Any, None),
                rules=cast(Any, None),
                programmer=InstantChat(),
                loop=LoopOptions(style="tools"),
            )
            seconds = asyncio.run(_worked(work, assigned, home))
            done = ledger.events.count(assigned.id, "programming.turn")
        if done != steps:
            raise LabcrewError(f"The loop took {done} steps, not {steps}.")
        return seconds


async def _worked(work: Work, assigned: AssignedTicket, home: Home) -> float:
    from langgraph.graph import END, START, StateGraph

    from graphs.checkpoints import checkpoints

    graph = StateGraph(TicketState, context_schema=Work)
    graph.add_node("write_code", programming_graph("write_code", lambda work, a: InstantHands()))
    graph.add_edge(START, "write_code")
    graph.add_edge("write_code", END)
    async with checkpoints(home.checkpoints) as saver:
        compiled: Any = graph.compile(checkpointer=saver)
        began = time.perf_counter()
        await compiled.ainvoke(
            {"ticket": assigned.id, "revision": 0},
            {"configurable": {"thread_id": assigned.id}, "recursion_limit": 1000},
            context=work,
        )
        return time.perf_counter() - began


def _assigned(steps: int) -> AssignedTicket:
    ticket = Ticket.model_validate(
        {
            "title": "The result is wrong",
            "question": "result() gives 1 where 2 is right.",
            "kind": "fix",
            "repository": "program",
            "editable": ["program.py"],
            "tests": {"fail_to_pass": [_TEST]},
            "budget": Budget(steps=steps).model_dump(),
        }
    )
    return AssignedTicket(
        id="T-0001",
        ticket=ticket,
        source="bench",
        assigned_by="bench",
        assigned_at="2026-01-01T00:00:00+00:00",
        repository="program",
        base_commit="0" * 40,
        target_branch="main",
        budget=ticket.budget,
    )


def peer_ms() -> dict[str, float]:
    """The same of mini-swe-agent: with its trajectory in memory, and kept on disk each step.

    Raises:
        LabcrewError: it can't be installed, or does not run.
    """
    from evals.repair.arms.mini_swe import mini_swe_environment, mini_swe_python

    asked = {"few": _FEW, "many": _MANY, "answer": _ANSWER}
    done = subprocess.run(
        [str(mini_swe_python()), str(_PEER_WORKER)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env=mini_swe_environment(),
        check=False,
    )
    if done.returncode != 0:
        raise LabcrewError(f"mini-swe-agent could not be measured: {done.stderr[-1000:]}")
    return {name: float(ms) for name, ms in json.loads(done.stdout.splitlines()[-1]).items()}


def programming_figure(rounds: int = 3) -> Figure:
    """The loop's own time a step, mini-swe-agent's beside it where it can be installed."""
    parts, note = {}, "A ledger and checkpoints on disk, each step once whatever is killed"
    try:
        parts = {f"mini_swe_agent_{name}_ms": ms for name, ms in peer_ms().items()}
    except LabcrewError as error:
        note += f". No mini-swe-agent: {error.message[:120]}"
    return Figure(
        name="the code loop's own time a step",
        value=loop_ms(rounds),
        unit="ms",
        bound=BOUND_MS,
        parts=parts,
        note=note,
    )
