"""Where the steps are used up a person is asked; with more it goes on with the change, else it is
given up as where nobody can be asked. Shares of them are warned of once each.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from agents.programming.turns import Turn
from graphs.nodes.code import gate_code, gate_models, weigh_patch
from graphs.programming.machine import programming_graph
from graphs.programming.session import Session
from graphs.state import TicketState
from graphs.work import Work
from labcrew.deciding import decide
from labcrew.domain.base import content_hash
from labcrew.domain.chat import Message, Tokens
from labcrew.domain.programming import Patch
from labcrew.errors import Conflict
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import MemoryHands
from tests.programming.sessions import MENDED, WRONG, ledger_at, session_of
from tests.programming.test_calling import FINE, MEND, calls, finish
from tests.programming.test_machine import Bench

TICKET = "T-0001"
STEPS = f"{TICKET}-budget-r0.0-steps-2"
CODE = f"{TICKET}-escalation-r0.0-code"
ANSWERS: dict[str, list[Any]] = {
    "direct": [WRONG, "no code", MENDED],
    "tools": [calls(("read_file", {"path": "data.py"})), calls(MEND), finish(), FINE],
}


class Way(Bench):
    """The loop with the nodes behind it, as the ticket machine has them."""

    def __init__(self, ledger: Ledger, style: str, steps: int = 2, *answers: Any) -> None:
        self.model = ScriptedChat(*(answers or ANSWERS[style]))
        super().__init__(ledger, "write_code", self.model, style, budget={"steps": steps})
        graph = StateGraph(TicketState, context_schema=Work)
        hands = cast(Any, lambda work, assigned: self.hands)
        graph.add_node("write_code", programming_graph("write_code", hands))
        for node in (weigh_patch, gate_models, gate_code):
            graph.add_node(node.__name__, node)
        graph.add_edge(START, "write_code")
        graph.add_edge("write_code", "weigh_patch")
        known: dict[Hashable, str] = {n: n for n in ("write_code", "gate_models", "gate_code")}
        ends: dict[Hashable, str] = {"close": END, "open_merge_request": END, "design_trials": END}
        for source in ("weigh_patch", "gate_models", "gate_code"):
            graph.add_conditional_edges(source, lambda s: s["route"], {**known, **ends})
        self.graph = graph.compile(checkpointer=InMemorySaver())

    async def decided(self, gate: str, kind: Any, **more: Any) -> Any:
        """Decides the gate that is waited at, and goes on as another process does."""
        (pause,) = await self.interrupts()
        assert pause.value["action_request"]["action"].partition(":")[2] == gate
        decide(self.ledger, SystemClock(), gate, kind, by="ada", **more)
        self.work.sessions.clear()
        return await self.run(Command(resume={pause.id: kind}))

    @property
    def steps(self) -> int:
        return self.ledger.tickets.get(TICKET).budget.steps

    def patch(self) -> Patch | None:
        return self.ledger.patches.find(f"{TICKET}-C0")

    def gates(self) -> list[str]:
        return [gate.id for gate in self.ledger.gates.of(TICKET)]


@pytest.mark.parametrize("style", ["direct", "tools"])
async def test_with_more_steps_it_goes_on_with_its_change(tmp_path: Path, style: str) -> None:
    with ledger_at(tmp_path) as ledger:
        way = Way(ledger, style)
        await way.run()
        assert way.patch() is None
        assert len(way.model.asked) == 2
        before = dict(way.hands.changed)
        gate = ledger.gates.get(STEPS)
        assert (gate.kind, gate.safe_default) == ("budget", "ignore")
        assert "2 answers of a model were acted on" in gate.description
        ended = await way.decided(STEPS, "accept")
        assert (ended["route"], way.steps) == ("design_trials", 4)
        patch = way.patch()
        assert patch is not None
        assert (patch.status, patch.steps) == ("ready", 3)
        if style == "tools":
            assert way.hands.changed == before != {}
        assert len(way.model.asked) == len(ANSWERS[style])
        assert way.gates() == [STEPS]
        assert ledger.verify() == []


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("ignore", {}),
        ("edit", {"edits": {"budget": {"model_tokens": 7000}}}),  # no more steps
    ],
)
async def test_turned_down_it_ends_as_where_nobody_is_asked(
    tmp_path: Path, kind: str, more: dict[str, Any]
) -> None:
    with ledger_at(tmp_path) as ledger:
        way = Way(ledger, "direct", 2, WRONG, "no code", MENDED)
        await way.run()
        await way.decided(STEPS, kind, **more)
        patch = way.patch()
        assert patch is not None
        assert (patch.status, patch.steps, way.steps) == ("gave_up", 2, 2)
        assert patch.because.startswith("Given up: the budget's 2 steps are used up.")
        assert len(way.model.asked) == 2
        assert way.gates() == [STEPS, CODE]
        ended = await way.decided(CODE, "ignore")
    assert ended["outcome"].startswith("failed: the code could not be written: Given up")


async def test_another_try_has_all_steps_and_a_gate_of_its_own(tmp_path: Path) -> None:
    with ledger_at(tmp_path) as ledger:
        way = Way(ledger, "direct", 2, "no", "no code", "nor here", "none", MENDED)
        await way.run()
        await way.decided(STEPS, "ignore")
        await way.decided(CODE, "accept")
        again = f"{TICKET}-budget-r0.1-steps-2"
        ended = await way.decided(again, "edit", edits={"budget": {"steps": 3}})
        assert (ended["route"], way.steps) == ("design_trials", 3)
        assert way.gates() == [STEPS, CODE, again]


async def test_steps_that_were_given_elsewhere_are_used_though_it_is_turned_down(
    tmp_path: Path,
) -> None:
    with ledger_at(tmp_path) as ledger:
        way = Way(ledger, "direct")
        await way.run()
        assigned = ledger.tickets.get(TICKET)
        budget = assigned.budget.model_copy(update={"steps": 3})
        ledger.tickets.put(assigned.model_copy(update={"budget": budget}), actor="person:bo")
        ended = await way.decided(STEPS, "ignore")
        assert (ended["route"], way.gates()) == ("design_trials", [STEPS])


async def test_more_than_there_may_be_is_not_given(tmp_path: Path) -> None:
    with ledger_at(tmp_path) as ledger:
        way = Way(ledger, "direct")
        await way.run()
        (gate,) = ledger.gates.of(TICKET)
        shown = gate.shown | {"add": {"steps": 9_999}}
        ledger.gates.put(gate.model_copy(update={"shown": shown}), actor="worker")
        await way.decided(STEPS, "accept")
        assert way.steps == 10_000


@pytest.mark.parametrize(
    ("style", "answers", "because"),
    [
        ("direct", ["no code"] * 12, "None of the last 12 answers could be tried."),
        ("tools", [calls(("read_file", {"path": "data.py"}))] * 12, "It was stuck"),
    ],
)
async def test_nobody_is_asked_for_more_of_what_leads_nowhere(
    tmp_path: Path, style: str, answers: list[Any], because: str
) -> None:
    with ledger_at(tmp_path) as ledger:
        free = Way(ledger, style, 60, *answers)
        await free.run()
        whole = free.patch()
    assert whole is not None
    with ledger_at(tmp_path / "bound") as ledger:
        way = Way(ledger, style, whole.steps, *answers)
        await way.run()
        patch = way.patch()
        assert patch is not None
        assert patch.because.startswith(because)
        assert way.gates() == [CODE]


@pytest.mark.parametrize("word", ["accept", "ignore"])
@pytest.mark.parametrize("style", ["direct", "tools"])
async def test_killed_at_every_write_it_comes_to_the_same(
    tmp_path: Path, style: str, word: str
) -> None:
    async def lived(folder: Path, killed: bool) -> tuple[Any, list[str], int, int]:
        with ledger_at(folder) as ledger:
            way = Way(ledger, style)
            done = set[str]()

            def dies(real: Any) -> Any:
                def write(*what: Any, **line: Any) -> Any:
                    written = real(*what, **line)
                    name = line.get("key") or content_hash(what[0])
                    if killed and name not in done:
                        done.add(name)
                        raise RuntimeError("killed")
                    return written

                return write

            for table in ("gates", "tickets", "patches"):
                records = getattr(ledger, table)
                records.put = dies(records.put)
            for name in ("append", "note"):
                setattr(ledger.events, name, dies(getattr(ledger.events, name)))
            given: Any = {"ticket": TICKET, "revision": 0}
            for _ in range(60):
                try:
                    await way.graph.ainvoke(given, way.config, context=way.work)
                except RuntimeError:
                    way.work.sessions.clear()
                    given = None
                    continue
                pauses = await way.interrupts()
                if not pauses or way.gates()[-1] == CODE:
                    break
                for _ in range(2):  # a person whose word was lost says it again
                    with suppress(RuntimeError, Conflict):
                        decide(ledger, SystemClock(), STEPS, cast(Any, word), by="ada")
                given = Command(resume={pauses[0].id: word})
            warned = [e.data["share"] for e in ledger.events.of(TICKET, kind="spending.warned")]
            assert len(done) > 3 or not killed
            return way.patch(), [*way.gates(), *map(str, warned)], way.steps, len(way.model.asked)

    whole = await lived(tmp_path / "whole", False)
    assert await lived(tmp_path / "killed", True) == whole
    assert whole[2] == (4 if word == "accept" else 2)
    assert whole[1].count("0.5") == (2 if word == "accept" else 1)


@contextmanager
def a_session(steps: int) -> Iterator[Session]:
    with TemporaryDirectory() as folder, ledger_at(Path(folder)) as ledger:
        yield session_of(
            ledger, ScriptedChat(""), hands=MemoryHands({}, {}), budget={"steps": steps}
        )


@settings(max_examples=15)
@given(
    begin=st.integers(1, 12),
    taken=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=12),
)
def test_each_share_of_the_steps_is_warned_of_once(
    begin: int, taken: list[tuple[int, bool]]
) -> None:
    """Whatever the budget is changed to between steps, and whoever takes it up between them."""
    with a_session(begin) as session:
        expected = dict[tuple[int, float], int]()
        for used, (most, restarted) in enumerate(taken, 1):
            if restarted:
                session.turns.clear()
                session.memo.clear()
                session.recall()
            budget = session.assigned.budget.model_copy(update={"steps": most})
            session.assigned = session.assigned.model_copy(update={"budget": budget})
            said = Message(role="assistant", content="")
            session.note(Turn(step=used - 1, reply=said, model="m", tokens=Tokens()))
            for share in (0.5, 0.8):
                if used >= share * most:
                    expected.setdefault((most, share), used)
        lines = session.ledger.events.of(kind="spending.warned")
        assert all(line.data["bound"] == "steps" for line in lines)
        found = [((line.data["of"], line.data["share"]), line.data["used"]) for line in lines]
        assert found == list(expected.items())


async def test_a_look_before_the_plan_warns_of_nothing(tmp_path: Path) -> None:
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, ScriptedChat(""), budget={"steps": 3})
        session.phase = "investigate"
        said = Message(role="assistant", content="")
        session.note(Turn(step=0, reply=said, model="m", tokens=Tokens()))
        assert ledger.events.of(kind="spending.warned") == []
