"""The writing of code comes out again from the records, with every sandbox out of reach."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.programming.options import LoopOptions, Style
from desk.replay import Replayed
from desk.replay import replay as replayed
from evals.lab import take
from graphs.crew import Crew
from graphs.failed_runs import failed_runs, keep_failed_runs
from graphs.gates import gate_id
from graphs.programming.machine import looked
from graphs.programming.session import Phase, Session, Waits, alone
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import write_all
from graphs.work import Work
from labcrew import mcp_approvals
from labcrew.deciding import decide
from labcrew.domain.experiment import Trial
from labcrew.domain.review import Gate
from labcrew.domain.spending import Bounds
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ModelFailure
from labcrew.judgement import Judge
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.skills.house import House
from labcrew.spending import Account
from tests.doubles.chat import ScriptedChat
from tests.doubles.embedder import WordEmbedder
from tests.doubles.hands import Killed
from tests.programming.test_calling import FINE, calls, finish
from tests.programming.test_on_an_engine import HOUSE, NEW, OLD, REST, bench, user
from tests.sandboxes.fixtures import UserFolder
from tests.tickets import failed, make_trial
from tests.tools.programming.conftest import make_fix
from tests.tools.test_call_mcp_tool import FIND, GATED, OWN, Servers
from tools.programming.container import put_code_away
from tools.toolbox import Workbench

__all__ = ["bench", "user"]
pytestmark = pytest.mark.engine


def given(bench: Workbench, user: UserFolder, id: str, **fields: Any) -> AssignedTicket:
    """A ticket whose plan was accepted."""
    fix = make_fix(user, **{"tests": {"timeout_s": 60, "fail_to_pass": [REST]}} | fields)
    assigned = take(bench, fix, Path("/"), id)
    bench.ledger.tickets.put(assigned, actor="person:ada")
    gate = Gate.model_validate(
        {
            "id": f"{id}-plan-r0.0", "ticket": id, "kind": "plan", "title": "Plan",
            "description": "", "shown": {"plan": {}}, "allowed": ("accept",),
            "safe_default": "ignore", "opened_at": bench.clock.now(), "expires_at": None,
        }
    )  # fmt: skip
    bench.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")
    decide(bench.ledger, bench.clock, gate.id, "accept", by="ada")
    return assigned


async def work_on(
    bench: Workbench,
    id: str,
    model: ScriptedChat,
    style: Style = "direct",
    people: Callable[[str, str], str | None] = alone,
    phase: Phase = "write_code",
    failures: Sequence[Trial] = (),
) -> Session:
    """A process that works on a ticket to its end, by a model that is paid for.

    Args:
        failures: runs with what an earlier round wrote.
    """
    assigned = bench.ledger.tickets.get(id)
    folder = bench.home.model_calls(id)
    account = Account(bench.ledger, id, folder / "h", lambda: Bounds(tokens=10**7), {})
    desk = Desk(account, Recordings(folder / "kept", Redaction()), SystemClock())
    house = House(bench.skills, WordEmbedder())
    crew = Crew.of(Judge(models={}), WordEmbedder()).with_rules_of_the_house(
        lambda agent: house.told(assigned.ticket, agent)
    )
    work = Work(bench=bench, crew=crew, rules=crew)
    if failures:
        keep_failed_runs(work, assigned, 0, failures)
    session = Session(
        ledger=bench.ledger,
        assigned=assigned,
        model=MeteredChat(model, desk),
        hands=ToolboxHands(work, assigned),
        options=LoopOptions(style=style),
        phase=phase,
        people=people,
        round=1 if failures else 0,
        failed_runs=failed_runs(work, assigned, 1),
    )
    try:
        if phase == "write_code":
            await write_all(session)
        else:
            session.recall()
            while not await looked(work, session, {"ticket": id, "revision": 0}):
                pass
    finally:
        put_code_away(id, bench.sandboxes)
    return session


async def written(
    bench: Workbench,
    user: UserFolder,
    id: str,
    *answers: Any,
    room: int | None = None,
    failures: Sequence[Trial] = (),
) -> Session:
    """A ticket that one process worked on."""
    given(bench, user, id)
    model = ScriptedChat(*answers)
    model.prompt_characters = room
    style: Style = "direct" if isinstance(answers[0], str) else "tools"
    return await work_on(bench, id, model, style, failures=failures)


def allow(bench: Workbench, id: str, steps: int) -> None:
    """A person sets the budget's steps."""
    assigned = bench.ledger.tickets.get(id)
    budget = assigned.budget.model_copy(update={"steps": steps})
    changed = assigned.model_copy(update={"budget": budget})
    bench.ledger.tickets.put(changed, actor="person:ada", kind="ticket.budget")


async def again(bench: Workbench, id: str) -> Replayed:
    before = bench.ledger.events.count()
    done = await asyncio.to_thread(replayed, bench.home, bench.ledger, id, bench.repositories)
    assert bench.ledger.events.count() == before
    return done


WRONG = "```python\ndef split(rows, share):\n    return rows, rows\n```"
RIGHT = f"```\n    4 |     {NEW}\n```"
BY_TOOLS = (
    calls(("read_file", {"path": "lab/split.py"})),
    calls(("replace_text", {"path": "lab/split.py", "old": OLD, "new": NEW})),
    finish(),
    FINE,
)


CUT = ModelFailure("it was cut off", kind="cut_off", said=f"{WRONG}\nOr, to be su")
"""Its whole block is tried, as that of a whole answer is."""
LARGE = f"""```python
def split(rows, share):
    cut = int(share * len(rows))
    {NEW}
```"""
"""One line of it is not needed, and taken out."""
STUCK = (*[calls(("read_file", {"path": "lab/split.py"}))] * 3, *BY_TOOLS[1:])
"""The third of the same calls changes the strategy."""

RED = (*[calls(("run_tests", {"names": [REST]}))] * 3, *BY_TOOLS[1:])
"""So does the third run of the same tests, though each takes another time."""


@pytest.mark.parametrize(
    ("id", "answers"),
    [
        ("T-301", (WRONG, RIGHT)),
        ("T-302", BY_TOOLS),
        ("T-304", STUCK),
        ("T-305", (WRONG, CUT, RIGHT)),
        ("T-306", (LARGE,)),
        ("T-307", RED),
    ],
)
async def test_each_step_comes_out_again(
    bench: Workbench, user: UserFolder, id: str, answers: tuple[Any, ...]
) -> None:
    session = await written(bench, user, id, *answers)
    assert bench.ledger.patches.get(f"{id}-C0").status == "ready"
    if answers in (STUCK, RED):
        assert [turn.ask for turn in session.turns] == ["", "", "rethink", "", ""]
    done = await again(bench, id)
    assert done.difference is None, done.difference
    assert done.left_out == ()
    # Each reply, each turn, and the patch at the end.
    assert done.decisions >= 2 * len(session.turns) + 1
    assert done.calls == len(bench.ledger.model_calls.of(id)) >= len(session.turns)


@pytest.mark.parametrize(("id", "answers"), [("T-330", (RIGHT,)), ("T-331", BY_TOOLS)])
async def test_what_was_told_of_failed_runs_comes_out_again(
    bench: Workbench, user: UserFolder, id: str, answers: tuple[Any, ...]
) -> None:
    ran = failed(make_trial(0, id=f"{id}-000", ticket=id, code="a" * 64), reason="KeyError: 'lr'")
    session = await written(bench, user, id, *answers, failures=[ran])
    assert session.failed_runs[0].diagnosis == "KeyError: 'lr'"
    done = await again(bench, id)
    assert (done.difference, done.left_out) == (None, ())
    assert done.decisions >= 2 * len(session.turns) + 1


async def test_a_prompt_that_fits_a_small_context_comes_out_again(
    bench: Workbench, user: UserFolder
) -> None:
    await written(bench, user, "T-308", WRONG, RIGHT, room=1_200)
    done = await again(bench, "T-308")
    assert (done.difference, done.left_out) == (None, ())


async def test_another_prompt_is_found(
    bench: Workbench, user: UserFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(bench, user, "T-303", WRONG, RIGHT)
    monkeypatch.setattr("graphs.programming.direct._SHOWN", 20)
    done = await again(bench, "T-303")
    assert done.difference is not None
    assert "T-303/r0.0/write_code/" in done.difference.what


DOWN = ModelFailure("the endpoint answered 503: it failed", kind="unavailable")
EDIT = ("replace_text", {"path": "lab/split.py", "old": OLD, "new": NEW})
ASK_OUTSIDE = ("mcp__notes__find_notes", {"topic": "splits"})


def by_schema(wanted: tuple[str, Any]) -> dict[str, Any]:
    """The call as an endpoint without native calls spells it."""
    return {"thought": "next", "action": {"tool": wanted[0], "arguments": wanted[1]}}


@pytest.fixture
def with_notes(bench: Workbench) -> Iterator[tuple[Workbench, Servers]]:
    """The lab with house rules, and a server whose tool is approved."""
    servers = Servers({"notes": GATED})
    mcp_approvals.approve(bench.ledger, "notes", GATED, FIND, actor="person:ada")
    yield replace(bench, skills=(HOUSE,), mcp=servers), servers
    mcp_approvals.revoke(bench.ledger, "notes", "find_notes", actor="person:ada")


@pytest.mark.parametrize(("id", "native"), [("T-310", True), ("T-311", False)])
async def test_tools_from_outside_come_out_as_they_were_offered(
    with_notes: tuple[Workbench, Servers], user: UserFolder, id: str, native: bool
) -> None:
    """An approval that was taken back since, and skills that are gone, change nothing in it; nor in
    what a later process tells the model, which the policy then refuses."""
    bench, servers = with_notes

    def model(*wanted: tuple[str, Any] | Exception) -> ScriptedChat:
        spelt = calls if native else by_schema
        made = ScriptedChat(*(w if isinstance(w, Exception) else spelt(w) for w in wanted), FINE)
        made.native_tools = native  # type: ignore[attr-defined]
        return made

    given(bench, user, id)
    first = model(ASK_OUTSIDE, DOWN)
    with pytest.raises(ModelFailure):
        await work_on(bench, id, first, "tools")
    assert servers.heard == [{"topic": "splits"}]
    mcp_approvals.revoke(bench.ledger, "notes", "find_notes", actor="person:ada")
    later = model(ASK_OUTSIDE, EDIT, ("finish", {"summary": "Done."}))
    await work_on(replace(bench, skills=(), mcp=None), id, later, "tools")
    assert bench.ledger.patches.get(f"{id}-C0").status == "ready"
    assert later.offered[0] == first.offered[0]
    assert later.asked[0][0] == first.asked[0][0]
    assert "Log, please." in later.asked[0][0].content
    assert OWN in later.asked[0][-1].content
    assert "merge_request may not use call_mcp_tool" in later.asked[1][-1].content
    assert len(servers.heard) == 1
    done = await again(bench, id)
    assert (done.difference, done.left_out) == (None, ())
    assert done.decisions >= 9


async def test_outside_tools_that_an_older_labcrew_offered_are_left_out_and_said_to_be(
    with_notes: tuple[Workbench, Servers], user: UserFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _ = with_notes
    real = Session.once

    async def once(
        self: Session, what: str, payload: Any, perform: Callable[[], Awaitable[Any]], *more: Any
    ) -> Any:
        async def older() -> Any:
            return {name: value for name, value in (await perform()).items() if name != "outside"}

        return await real(self, what, payload, older if what == "house" else perform, *more)

    monkeypatch.setattr(Session, "once", once)
    await written(bench, user, "T-312", *BY_TOOLS)
    done = await again(bench, "T-312")
    assert done.difference is None
    assert done.left_out == (
        "T-312/r0.0/write_code/: an older labcrew did not keep which tools of outside servers it"
        " offered",
    )


async def test_another_model_and_a_fallback_go_on_where_one_was_out(
    bench: Workbench, user: UserFolder
) -> None:
    """From edits of a small model that fails to calls of a large one; another model answers for it
    once."""
    given(bench, user, "T-313")
    with pytest.raises(ModelFailure):
        await work_on(bench, "T-313", ScriptedChat("nothing", DOWN, name="small"))
    large = ScriptedChat(
        calls(EDIT), finish().model_copy(update={"model": "fallback"}), FINE, name="large"
    )
    session = await work_on(bench, "T-313", large, "tools")
    assert [turn.model for turn in session.turns] == ["small", "scripted", "fallback"]
    assert bench.ledger.patches.get("T-313-C0").by == "model:large"
    done = await again(bench, "T-313")
    assert (done.difference, done.left_out) == (None, ())
    assert done.decisions >= 2 * 3 + 1


async def test_a_look_before_the_plan_comes_out_again(bench: Workbench, user: UserFolder) -> None:
    """Cut short by its budget of steps, which was raised since, after another model took over."""
    given(bench, user, "T-318", budget={"memory_mb": 512, "steps": 6})
    first = ScriptedChat(BY_TOOLS[0], DOWN, name="first")
    with pytest.raises(ModelFailure):
        await work_on(bench, "T-318", first, "tools", phase="investigate")
    second = ScriptedChat(BY_TOOLS[0], name="second")
    session = await work_on(bench, "T-318", second, "tools", phase="investigate")
    assert len(session.turns) == 2
    allow(bench, "T-318", 60)
    done = await again(bench, "T-318")
    assert (done.difference, done.left_out) == (None, ())
    assert done.decisions == 2 * 2 + 1


async def test_another_model_ends_a_step_that_was_cut_off(
    bench: Workbench, user: UserFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(bench, user, "T-314")
    real = Session.tests

    async def dies(self: Session, what: str, names: Any) -> Any:
        report = await real(self, what, names)
        if what.startswith("0/end/"):
            raise Killed
        return report

    with monkeypatch.context() as patched:
        patched.setattr(Session, "tests", dies)
        with pytest.raises(Killed):
            await work_on(bench, "T-314", ScriptedChat(RIGHT, name="first"))
    asked = ScriptedChat("unasked", name="second")
    await work_on(bench, "T-314", asked)
    assert asked.asked == []
    assert bench.ledger.patches.get("T-314-C0").by == "model:second"
    done = await again(bench, "T-314")
    assert (done.difference, done.left_out) == (None, ())


async def test_what_a_budget_allowed_then_is_what_it_allows_again(
    bench: Workbench, user: UserFolder
) -> None:
    """Raised while the code was written, and again when it was: no more tries than there were."""
    given(bench, user, "T-315", budget={"memory_mb": 512, "steps": 2})
    with pytest.raises(ModelFailure):
        await work_on(bench, "T-315", ScriptedChat(WRONG, DOWN))
    allow(bench, "T-315", 3)
    await work_on(bench, "T-315", ScriptedChat(LARGE))
    allow(bench, "T-315", 60)
    notes = bench.ledger.patches.get("T-315-C0").notes
    assert any("Tries ran out" in note for note in notes)
    done = await again(bench, "T-315")
    assert (done.difference, done.left_out) == (None, ())


async def test_a_budget_that_an_older_labcrew_did_not_keep_is_said_to_have_changed(
    bench: Workbench, user: UserFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "begin_step", lambda _: None)
    await written(bench, user, "T-316", RIGHT)
    done = await again(bench, "T-316")
    assert (done.difference, done.left_out) == (None, ())
    allow(bench, "T-316", 61)
    done = await again(bench, "T-316")
    assert done.difference is None
    assert "its budget of 60 steps became 61" in done.left_out[0]
    assert done.decisions == 0


async def test_a_question_that_waits_is_the_end_of_the_records(
    bench: Workbench, user: UserFolder
) -> None:
    """Whether or not its gate expired while labcrew was not running."""
    given(bench, user, "T-317")
    names: list[str] = []

    def waits(name: str, _question: str) -> None:
        names.append(name)

    model = ScriptedChat(BY_TOOLS[0], calls(("ask_person", {"question": "Which half?"})))
    with pytest.raises(Waits):
        await work_on(bench, "T-317", model, "tools", waits)
    done = await again(bench, "T-317")
    assert (done.difference, done.left_out, done.decisions) == (None, (), 3)
    now = bench.clock.now()
    gate = Gate.model_validate(
        {
            "id": gate_id("T-317", "escalation", 0, 0, f"question-{names[0]}"), "ticket": "T-317",
            "kind": "escalation", "title": "A question", "description": "", "shown": {},
            "allowed": ("respond", "ignore"), "safe_default": "ignore", "opened_at": now,
            "expires_at": now + timedelta(microseconds=1),
        }
    )  # fmt: skip
    bench.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")
    assert await again(bench, "T-317") == done
