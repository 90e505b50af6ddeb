"""The machine around the loop: gates for questions, parking, killed between any two steps."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from agents.programming.options import LoopOptions
from graphs.nodes.code import investigated
from graphs.nodes.spending import ask_steps, steps_gate
from graphs.programming.ended import steps_used
from graphs.programming.machine import programming_graph
from graphs.programming.session import TERMS
from graphs.state import TicketState
from graphs.work import Halted, Work
from labcrew.deciding import decide
from labcrew.errors import LabcrewError, ModelFailure
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from labcrew.taint import tainted
from labcrew.tracing import OFF
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import MemoryHands
from tests.programming.sessions import ASKED, MENDED, SPLIT, TESTS, WRONG, ledger_at
from tests.programming.test_calling import FINE, MEND, calls, finish
from tests.tickets import make_assigned


class Bench:
    """The machine within a parent, as the ticket machine has it."""

    def __init__(self, ledger: Ledger, phase: Any, model: Any, style: Any, **changes: Any) -> None:
        ledger.tickets.put(make_assigned(**{**ASKED, **changes}), actor="person:ada")
        self.hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
        self.ledger = ledger
        bench = SimpleNamespace(ledger=ledger, clock=SystemClock(), tracer=OFF)
        self.work = Work(
            bench=cast(Any, bench),
            crew=cast(Any, None),
            rules=cast(Any, None),
            programmer=model,
            loop=LoopOptions(style=style),
        )
        graph = StateGraph(TicketState, context_schema=Work)
        graph.add_node(phase, programming_graph(phase, lambda work, assigned: self.hands))
        graph.add_edge(START, phase)
        graph.add_edge(phase, END)
        self.graph: Any = graph.compile(checkpointer=InMemorySaver())
        self.config = {"configurable": {"thread_id": "T-0001"}, "recursion_limit": 1000}

    async def run(self, given: Any = None) -> Any:
        start = {"ticket": "T-0001", "revision": 0}
        return await self.graph.ainvoke(given or start, self.config, context=self.work)

    async def to_the_end(self) -> Any:
        """Runs; a person who is asked for more steps turns it down."""
        ended = await self.run()
        if used := steps_used(ended["write_code"]):
            assigned = self.work.assigned("T-0001")
            ask_steps(self.work, assigned, 0, used)
            decide(self.ledger, SystemClock(), steps_gate(assigned, 0, used), "ignore", by="ada")
            self.config["configurable"] = {"thread_id": "turned down"}
            ended = await self.run()
        return ended

    async def go_on(self) -> Any:
        return await self.graph.ainvoke(None, self.config, context=self.work)

    async def interrupts(self) -> Any:
        return (await self.graph.aget_state(self.config, subgraphs=True)).interrupts


@pytest.mark.parametrize("style", ["direct", "tools"])
async def test_from_the_ticket_to_a_patch(tmp_path: Path, style: str) -> None:
    tools = [calls(MEND), finish(), FINE]
    model = ScriptedChat(*([WRONG, MENDED] if style == "direct" else tools))
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", model, style)
        ended = await bench.run()
        patch = ledger.patches.get("T-0001-C0")
        assert tainted(ledger, "T-0001")
    assert ended["write_code"] == "done"
    assert patch.status == "ready"
    assert patch.by == "model:scripted"


async def test_a_question_waits_at_a_gate(tmp_path: Path) -> None:
    model = ScriptedChat(
        calls(("ask_person", {"question": "Halves\x1b[31m or <b>thirds</b>?"})),
        calls(MEND),
        finish(),
        FINE,
    )
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", model, "tools")
        await bench.run()
        (pause,) = await bench.interrupts()
        gate = ledger.gates.get("T-0001-escalation-r0.0-question-write_code.0.0")
        assert pause.value["action_request"]["action"] == f"escalation:{gate.id}"
        assert "\x1b" not in gate.description
        assert "<b>" not in gate.description
        decide(ledger, SystemClock(), gate.id, "respond", by="ada", comment="Halves.")
        bench.work.sessions.clear()  # another process
        await bench.run(Command(resume={pause.id: "respond"}))
        patch = ledger.patches.get("T-0001-C0")
    assert patch.status == "ready"
    assert model.asked[1][-1].content == "Halves."
    assert len(model.asked) == 4


async def test_an_answer_is_to_one_question_alone(tmp_path: Path) -> None:
    looking = ScriptedChat(calls(("ask_person", {"question": "May I rename split?"})))
    writing = ScriptedChat(calls(("ask_person", {"question": "May I drop the last row?"})))
    with ledger_at(tmp_path) as ledger:
        look = Bench(ledger, "investigate", looking, "tools")
        await look.run()
        (asked,) = ledger.gates.of("T-0001")
        decide(ledger, SystemClock(), asked.id, "respond", by="ada", comment="Yes.")
        write = Bench(ledger, "write_code", writing, "tools")
        await write.run()
        assert await write.interrupts()
        assert len(ledger.gates.of("T-0001")) == 2
    assert len(writing.asked) == 1


async def test_an_endpoint_that_is_down_parks_the_ticket(tmp_path: Path) -> None:
    down = ModelFailure("it answers 503.", kind="unavailable")
    model = ScriptedChat(WRONG, down, MENDED)
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", model, "direct")
        with pytest.raises(LabcrewError, match="labcrew ticket retry T-0001") as parked:
            await bench.run()
        assert "it answers 503" in parked.value.message
        await bench.go_on()
        patch = ledger.patches.get("T-0001-C0")
    assert patch.status == "ready"
    assert patch.steps == 2


async def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", None, None)
        with pytest.raises(LabcrewError, match="settings"):
            await bench.run()


async def test_a_paused_ticket_takes_no_step(tmp_path: Path) -> None:
    model = ScriptedChat(MENDED)
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", model, "direct")
        bench.work.update("T-0001", status="paused")
        with pytest.raises(Halted):
            await bench.run()
        assert not model.asked
        bench.work.update("T-0001", status="running")
        await bench.go_on()
        assert ledger.patches.get("T-0001-C0").status == "ready"


@pytest.mark.parametrize("style", ["direct", "tools"])
async def test_raised_at_every_step_it_goes_on(tmp_path: Path, style: str) -> None:
    """After each step the process ends; another takes it up by checkpoint and ledger alone."""
    tools = [calls(("read_file", {"path": "data.py"})), calls(MEND), finish(), FINE]
    model = ScriptedChat(*([WRONG, "nothing", MENDED] if style == "direct" else tools))
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", model, style)
        real, died = bench.work.ledger.events.note, 0

        def note(**line: Any) -> None:
            nonlocal died
            real(**line)
            if line["kind"] == "programming.turn":
                died += 1
                raise RuntimeError("killed")

        bench.work.ledger.events.note = note  # type: ignore[method-assign]
        given: Any = {"ticket": "T-0001", "revision": 0}
        for _ in range(10):
            try:
                await bench.graph.ainvoke(given, bench.config, context=bench.work)
                break
            except RuntimeError:
                given = None
        patch = ledger.patches.get("T-0001-C0")
    assert patch.status == "ready"
    assert patch.steps == died == 3
    assert len(model.asked) == (3 if style == "direct" else 4)


async def test_a_look_before_the_plan_by_a_model(tmp_path: Path) -> None:
    summary = "split in data.py gives the first part twice.\n- return rows[cut:]\n- run the tests"
    edit = calls(("replace_text", MEND[1]))
    model = ScriptedChat(edit, calls(("read_file", {"path": "data.py"})), finish(summary))
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "investigate", model, "tools")
        await bench.run()
        found = investigated(bench.work, bench.work.assigned("T-0001"), 0)
        assert await bench.hands.change() == {}
    assert found is not None
    assert found.steps == ("return rows[cut:]", "run the tests")
    assert found.files == ("data.py",)
    assert found.by == "model:scripted"
    offered = {offer.name for offer in model.offered[0]}
    assert offered == {"read_file", "run_command", "run_tests", "note", "ask_person", "finish"}
    assert "There is no tool 'replace_text'" in model.asked[1][-1].content


@pytest.mark.parametrize("model", [None, ScriptedChat("hm")])
async def test_a_look_by_rule(tmp_path: Path, model: Any) -> None:
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "investigate", model, "tools")
        await bench.run()
        found = investigated(bench.work, bench.work.assigned("T-0001"), 0)
    assert found is not None
    assert found.by == "rule"
    assert found.files == ("data.py",)
    assert "split in data.py" in found.summary


async def test_what_steps_go_by_is_noted_where_it_changes(tmp_path: Path) -> None:
    """So that a replay decides by it, whatever the ticket and the settings are then."""
    with ledger_at(tmp_path) as ledger:
        down = ModelFailure("the endpoint answered 503", kind="unavailable")
        bench = Bench(ledger, "write_code", ScriptedChat(WRONG, WRONG, down), "direct")
        with pytest.raises(LabcrewError):
            await bench.run()
        with pytest.raises(LabcrewError):
            await bench.go_on()
        assigned = bench.work.assigned("T-0001")
        bench.work.update("T-0001", budget=assigned.budget.model_copy(update={"steps": 90}))
        bench.work = replace(bench.work, programmer=ScriptedChat(MENDED, name="other"))
        await bench.go_on()
        noted = [event.data for event in ledger.events.of("T-0001") if event.kind == TERMS]
    assert noted == [
        {"model": "scripted", "style": "direct", "steps": 60},
        {"model": "other", "style": "direct", "steps": 90},
    ]


async def test_the_state_stays_small(tmp_path: Path) -> None:
    model = ScriptedChat(*[f"no {number}" for number in range(11)], MENDED)
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", model, "direct")
        await bench.run()
        sizes = [
            len(json.dumps(state.values))
            async for state in bench.graph.aget_state_history(bench.config)
        ]
    assert max(sizes) < 200


async def test_a_question_before_the_plan_is_asked_once(tmp_path: Path) -> None:
    model = ScriptedChat(
        calls(("read_file", {"path": "data.py"})),
        calls(("ask_person", {"question": "Halves?"})),
        finish("split in data.py"),
    )
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "investigate", model, "tools")
        await bench.run()
        (pause,) = await bench.interrupts()
        (gate,) = ledger.gates.of("T-0001")
        decide(ledger, SystemClock(), gate.id, "ignore", by="ada")
        await bench.run(Command(resume={pause.id: "ignore"}))
        found = investigated(bench.work, bench.work.assigned("T-0001"), 0)
    assert found is not None
    assert found.by == "model:scripted"
    assert len(model.asked) == 3
    assert "Decide it yourself" in model.asked[2][-1].content
