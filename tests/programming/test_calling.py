"""The loop in tools style: calls checked, run once, answered; the end looked at."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.programming.options import LoopOptions
from graphs.programming.looking import take_look
from graphs.programming.session import Waits
from graphs.programming.writing import take_step, write_all
from labcrew.domain.chat import Message, Reply, Tokens, ToolCall, ToolOffer
from labcrew.domain.testing import TestReport as Report
from labcrew.errors import ModelFailure
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import Killed, MemoryHands
from tests.programming.sessions import SPLIT, TESTS, killed_after, ledger_at, session_of
from tools.mcp_offers import McpOffer

TOOLS = LoopOptions(style="tools")
MEND = (
    "replace_text",
    {"path": "data.py", "old": "rows[:cut], rows[:cut]", "new": "rows[:cut], rows[cut:]"},
)
FINE: dict[str, list[str]] = {"problems": []}


def calls(*wanted: tuple[str, Any], said: str = "") -> Reply:
    """A reply with native calls; arguments that are text go as they are."""
    made = tuple(
        ToolCall(id="same", name=name, arguments=a if isinstance(a, str) else json.dumps(a))
        for name, a in wanted
    )
    message = Message(role="assistant", content=said, calls=made)
    return Reply(message=message, model="scripted", tokens=Tokens(prompt=10, completion=5))


def finish(text: str = "The second part is the rest.") -> Reply:
    return calls(("finish", {"summary": text}))


async def test_from_reading_to_a_patch(tmp_path: Path) -> None:
    model = ScriptedChat(
        calls(("read_file", {"path": "data.py"})),
        calls(MEND, ("run_tests", {"names": ["tests/test_data.py"]})),
        finish(),
        FINE,
    )
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        patch = await write_all(session)
    assert patch.status == "ready"
    assert patch.summary == "The second part is the rest."
    assert patch.steps == 3
    assert patch.tokens.completion == 15
    first, second = model.asked[0], model.asked[1]
    assert "The validation rows are the training rows" in first[1].content
    assert "def test_halves" in first[1].content
    assert "data.py:8 split" in first[1].content
    assert [m.role for m in second] == ["system", "user", "assistant", "tool"]
    assert second[3].answers == second[2].calls[0].id
    assert SPLIT in second[3].content


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("rm_everything", {}), "There is no tool 'rm_everything'"),
        (("read_file", {"path": 5}), "read_file: path:"),
        (("read_file", "{path: data.py"), "read_file: the whole: Invalid JSON"),
        (("read_file", {"path": "data.py", "mode": "w"}), "Extra inputs"),
        (("read_file", {}), "Field required"),
        (("read_file", {"path": "x" * 600_000}), "over 500000"),
    ],
)
async def test_a_call_that_does_not_fit_is_told_and_not_run(
    tmp_path: Path, call: tuple[str, Any], told: str
) -> None:
    model = ScriptedChat(calls(call), calls(MEND), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        patch = await write_all(session)
        used = session.hands.used  # type: ignore[attr-defined]
    assert told in model.asked[1][-1].content
    assert patch.steps == 3
    assert [u.rpartition(" ")[2] for u in used] == ["replace_text", "finish"]


async def test_same_ids_and_too_many_calls(tmp_path: Path) -> None:
    many = [("read_file", {"path": "data.py"})] * 10
    model = ScriptedChat(calls(*many), calls(MEND), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        await write_all(session_of(ledger, model, options=TOOLS))
    answers = [m for m in model.asked[1] if m.role == "tool"]
    assert len({m.answers for m in answers}) == 10
    assert [m.content.startswith("Not run") for m in answers] == [False] * 8 + [True] * 2


async def test_an_early_finish_is_refused(tmp_path: Path) -> None:
    model = ScriptedChat(finish("done"), calls(MEND), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=TOOLS))
    assert "Not finished yet:\n- Nothing was changed." in model.asked[1][-1].content
    assert patch.status == "ready"


_CUT_OFF = ("finish", '{"summary": "half')


@pytest.mark.parametrize(
    "last",
    [
        [calls(("finish", {"summary": "I give up."}), MEND, ("finish", {"summary": "taken"}))],
        [calls(MEND), calls(_CUT_OFF, ("finish", {"summary": "taken"}))],
        [calls(MEND), calls(("finish", {"summary": "taken"}), ("finish", {"summary": "later"}))],
    ],
)
async def test_of_several_ends_in_one_reply_the_taken_one_counts(
    tmp_path: Path, last: list[Reply]
) -> None:
    model = ScriptedChat(*last, FINE)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=TOOLS))
    assert (patch.status, patch.summary) == ("ready", "taken")


@pytest.mark.parametrize(
    "ends",
    [
        (("finish", {"summary": "taken"}), ("finish", {"summary": "later"})),
        (("finish", {}), ("finish", {"summary": "taken"})),
        (_CUT_OFF, ("finish", {"summary": "taken"})),
    ],
)
async def test_a_look_too_goes_by_the_end_that_was_taken(
    tmp_path: Path, ends: tuple[tuple[str, Any], ...]
) -> None:
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, ScriptedChat(calls(*ends)), options=TOOLS)
        session.phase = "investigate"
        session.recall()
        found = await take_look(session)
    assert found is not None
    assert (found.summary, found.by) == ("taken", "model:scripted")


async def test_a_critic_is_heard_and_alike_places_are_looked_at(tmp_path: Path) -> None:
    hands = MemoryHands(
        {"data.py": SPLIT}, {"tests/test_data.py": TESTS}, alike=("other.py:3 rows[:cut]",)
    )
    model = ScriptedChat(
        calls(MEND),
        finish(),
        finish(),
        {"problems": ["an empty list fails"]},
        calls(("read_file", {"path": "data.py"})),
        finish("last"),
        FINE,
    )
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands, options=TOOLS))
    assert "other.py:3" in model.asked[2][-1].content
    assert "rows[cut:]" in model.asked[3][1].content
    assert "A review says: an empty list fails" in model.asked[4][-1].content
    assert patch.status == "ready"
    assert patch.alike == ("other.py:3 rows[:cut]",)


async def test_what_a_critic_is_shown_fits_the_models_context(tmp_path: Path) -> None:
    long = "\n".join(f"# a line that says nothing, number {n}" for n in range(2000))
    mend = (
        "replace_text",
        {"path": "data.py", "old": "rows[:cut]\n", "new": f"rows[cut:]\n{long}\n"},
    )
    model = ScriptedChat(calls(mend), finish(), FINE)
    options = replace(TOOLS, prompt_characters=8000)
    question = "split gives the first part twice. " * 500
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=options, question=question))
    shown = model.asked[2][1].content
    assert len(shown) < 8000
    assert "rows[cut:]" in shown
    assert shown.count("characters left out") == 2
    assert patch.status == "ready"


async def test_without_a_critic_nobody_is_asked(tmp_path: Path) -> None:
    options = LoopOptions(style="tools", critique=False)
    model = ScriptedChat(calls(MEND), finish())
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=options))
    assert patch.status == "ready"
    assert len(model.asked) == 2


async def test_a_todo_is_found_before_the_end(tmp_path: Path) -> None:
    todo = (
        "replace_text",
        {"path": "data.py", "old": "return list(rows)", "new": "return list(rows)  # TODO"},
    )
    back = ("replace_text", {"path": "data.py", "old": "  # TODO", "new": ""})
    model = ScriptedChat(calls(MEND, todo), finish(), calls(back), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=TOOLS))
    assert "Left unfinished: data.py:5" in model.asked[2][-1].content
    assert patch.status == "ready"


async def test_a_person_is_asked(tmp_path: Path) -> None:
    model = ScriptedChat(
        calls(("ask_person", {"question": "Halves or thirds?"})), calls(MEND), finish(), FINE
    )
    answers: dict[str, str] = {}
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        session.people = lambda name, question: answers.get(name)
        with pytest.raises(Waits, match="Halves or thirds") as waits:
            await take_step(session)
        answers[waits.value.name] = "Halves."
        assert await take_step(session) == "step"
        patch = await write_all(session)
    assert model.asked[1][-1].content == "Halves."
    assert patch.status == "ready"
    assert len(model.asked) == 4


async def test_by_schema_where_there_are_no_native_calls(tmp_path: Path) -> None:
    class WithoutTools(ScriptedChat):
        native_tools = False

    def step(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"thought": "next", "action": {"tool": tool, "arguments": arguments}}

    model = WithoutTools(
        "I would read the file.",
        step("read_file", {"path": "data.py", "line": 3}),
        step(*MEND),
        step("finish", {"summary": "done"}),
        FINE,
    )
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=TOOLS))
    assert patch.status == "ready"
    assert patch.steps == 4
    assert all(not offered for offered in model.offered)
    assert "The answer is not a step as JSON" in model.questions[1]
    assert "action.read_file.arguments.line" in model.questions[2]
    assert model.questions[3].startswith("Result:\n")


async def test_an_endpoint_may_turn_out_to_know_no_tools(tmp_path: Path) -> None:
    """Its answer by schema has become calls by then; from the next step on it is asked so."""

    class Turning(ScriptedChat):
        native_tools = True

        async def reply(self, *messages: Any, **more: Any) -> Reply:
            self.native_tools = False
            return await super().reply(*messages, **more)

    mend = {"thought": "so", "action": {"tool": MEND[0], "arguments": MEND[1]}}
    end = {"thought": "done", "action": {"tool": "finish", "arguments": {"summary": "done"}}}
    model = Turning(calls(("read_file", {"path": "data.py"})), mend, end, FINE)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        patch = await write_all(session)
    assert patch.status == "ready"
    assert [bool(offered) for offered in model.offered] == [True, False, False, False]
    assert [[o.name for o in turn.outcomes] for turn in session.turns] == [
        ["read_file"], ["replace_text"], ["finish"],
    ]  # fmt: skip


async def test_a_stuck_loop_changes_its_strategy_then_gives_up(tmp_path: Path) -> None:
    model = ScriptedChat(calls(MEND), calls(("read_file", {"path": "data.py"})))
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        patch = await write_all(session)
        change = await session.hands.change()
    told = [turn.ask for turn in session.turns if turn.ask]
    assert told == ["rethink", "elsewhere", "start_over"]
    assert patch.status == "gave_up"
    assert patch.steps == 13
    assert "same_call" in patch.because
    assert "read_file" in patch.because
    assert change == {}
    # Begun afresh, the conversation is short again.
    assert len(model.asked[7]) == 2
    assert "What you did before" in model.asked[7][1].content
    assert "The cause may lie elsewhere" in model.asked[7][1].content


class Timed(MemoryHands):
    """Runs of the tests take another time each, as real ones do."""

    async def tests(self, step: str, names: Sequence[str]) -> Report:
        report = await super().tests(step, names)
        return report.model_copy(update={"duration_s": 0.8 + len(self.runs)})


def edits() -> Iterator[Reply]:
    """Another edit each time that mends nothing, and the tests."""
    for number in itertools.count():
        text = SPLIT.replace("share)\n", f"share) + {number} * 0\n", 1)
        yield calls(("write_file", {"path": "data.py", "text": text}), ("run_tests", {}))


@pytest.mark.parametrize("script", ["the tests", "edits and the tests"])
async def test_a_loop_of_test_runs_is_seen_though_their_times_differ(
    tmp_path: Path, script: str
) -> None:
    runs = itertools.repeat(calls(("run_tests", {})))
    model = ScriptedChat(*itertools.islice(edits() if "edits" in script else runs, 40))
    hands = Timed({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, hands=hands, options=TOOLS)
        patch = await write_all(session)
    asks = [turn.ask for turn in session.turns if turn.ask]
    assert asks == ["rethink", "elsewhere", "start_over"]
    assert patch.status == "gave_up"
    pattern = "repeated_error" if "edits" in script else "same_call"
    assert f"stuck ({pattern})" in patch.because
    run = session.turns[0].outcomes[-1]
    assert "in 1.8 s" in run.text
    assert "test_halves" in run.trouble
    assert not run.failed, "the tool did its work"


@pytest.mark.parametrize("room", [None, 192, 12_000, 21_504])
async def test_a_conversation_fits_the_models_context(tmp_path: Path, room: int | None) -> None:
    files = {f"long_{n}.py": f"rows = {n}\n" * 400 for n in range(8)} | {"data.py": SPLIT}
    reads = [calls(("read_file", {"path": path})) for path in sorted(files)]
    model = ScriptedChat(*reads, calls(MEND), finish(), FINE)
    model.prompt_characters = room
    with ledger_at(tmp_path) as ledger:
        hands = MemoryHands(files, {"tests/test_data.py": TESTS})
        patch = await write_all(session_of(ledger, model, hands=hands, options=TOOLS))
    assert patch.status == "ready"
    longest = max(
        sum(len(message.content) for message in asked) + sum(len(str(tool)) for tool in tools)
        for asked, tools in zip(model.asked, model.offered, strict=True)
    )
    if room is None:
        assert longest > 21_504
    elif room > 192:  # where not even the task fits, it is asked for all the same
        assert longest <= room


async def test_a_prompt_that_is_too_long_is_asked_shorter_once(tmp_path: Path) -> None:
    long = ModelFailure("too long", kind="too_long")
    model = ScriptedChat(calls(MEND), long, finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=TOOLS))
    assert patch.status == "ready"
    assert len(model.asked) == 4


async def test_a_step_with_huge_arguments_is_shown_cut(tmp_path: Path) -> None:
    """Whole files of a reply would be more than the model's context holds, in either asking."""

    class Bounded(ScriptedChat):
        async def reply(self, messages: Any, **more: Any) -> Reply:
            if (
                sum(len(m.content) + sum(len(c.arguments) for c in m.calls) for m in messages)
                > 80_000
            ):
                raise ModelFailure("too long", kind="too_long")
            return await super().reply(messages, **more)

    text = f"{SPLIT}\n# {'long ' * 60_000}\n"
    write = ("write_file", {"path": "data.py", "text": text})
    unknown = ("read_file", {"path": "data.py", "x" * 200_000: 1})
    many = calls(write, unknown, ("read_file", {"path": "y" * 400_000}))
    model = Bounded(many, calls(MEND), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        patch = await write_all(session)
    assert patch.status == "ready"
    assert patch.steps == 3
    assert b"long long" in patch.files[0].content
    assert all(len(came.text) < 7000 for came in session.turns[0].outcomes)
    shown = json.loads(model.asked[1][2].calls[0].arguments)
    assert shown["text"].endswith(f"it was {len(text)} characters long]")
    told = model.asked[1][4].content
    assert told.endswith("x: Extra inputs are not permitted.")


@pytest.mark.parametrize("kind", ["rate_limited", "unavailable", "timed_out", "over_budget"])
async def test_an_endpoint_that_fails_leaves_the_step_open(tmp_path: Path, kind: Any) -> None:
    model = ScriptedChat(calls(MEND), ModelFailure("not now", kind=kind), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        with pytest.raises(ModelFailure, match="not now"):
            await write_all(session)
        patch = await write_all(session)
    assert patch.status == "ready"
    assert patch.steps == 2


@pytest.mark.parametrize("kind", ["cut_off", "refused", "invalid"])
async def test_a_step_without_an_answer_is_told(tmp_path: Path, kind: Any) -> None:
    model = ScriptedChat(ModelFailure("none", kind=kind), calls(MEND), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=TOOLS))
    assert patch.status == "ready"
    assert patch.steps == 3


async def test_tests_that_the_model_writes_are_tried_on_the_base(tmp_path: Path) -> None:
    weak = "def test_rest():\n    assert True\n"
    sound = (
        "from data import split\n\n\n"
        "def test_rest():\n    assert split([1, 2], 0.5) == ([1], [2])\n"
    )
    hands = MemoryHands({"data.py": SPLIT}, {}, ("data.py", "tests/*"))
    model = ScriptedChat(
        calls(MEND),
        finish(),
        calls(("write_file", {"path": "tests/test_new.py", "text": weak})),
        finish(),
        calls(("write_file", {"path": "tests/test_new.py", "text": sound})),
        finish(),
        FINE,
    )
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, hands=hands, options=TOOLS, tests=None)
        patch = await write_all(session)
    assert "no test that failed before" in model.asked[2][-1].content
    assert "no test that failed before" in model.asked[4][-1].content
    assert patch.status == "ready"
    assert patch.fail_to_pass == ("tests/test_new.py::test_rest",)
    assert patch.before is not None
    assert patch.before.outcomes["tests/test_new.py::test_rest"] == "failed"


async def test_a_command_that_was_cut_short_is_told_and_not_run_again(tmp_path: Path) -> None:
    """Killed in the middle of it: whether it did its work nobody knows."""
    model = ScriptedChat(calls(("run_command", {"command": "make"})), calls(MEND), finish(), FINE)
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    hands.dies_at = "run_command"
    with ledger_at(tmp_path) as ledger:
        with pytest.raises(Killed):
            await write_all(session_of(ledger, model, hands=hands, options=TOOLS))
        patch = await write_all(session_of(ledger, model, hands=hands, options=TOOLS))
    assert "what came of it is lost" in model.asked[1][-1].content
    assert sum(used.endswith("run_command") for used in hands.used) == 1
    assert patch.status == "ready"


@pytest.mark.parametrize("at", range(1, 8))
async def test_killed_in_its_first_step_its_edit_stands(tmp_path: Path, at: int) -> None:
    model = ScriptedChat(calls(MEND), finish(), FINE)
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    with ledger_at(tmp_path) as ledger:
        session = killed_after(session_of(ledger, model, hands=hands, options=TOOLS), at)
        with suppress(Killed):
            await write_all(session)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands, options=TOOLS))
    assert patch.status == "ready"
    assert (patch.steps, len(model.asked)) == (2, 3)


@pytest.mark.parametrize("at", range(1, 12))
async def test_killed_anywhere_nothing_is_done_twice(tmp_path: Path, at: int) -> None:
    model = ScriptedChat(
        calls(("read_file", {"path": "data.py"})),
        calls(MEND, ("run_tests", {})),
        finish(),
        FINE,
    )
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    with ledger_at(tmp_path) as ledger:
        session = killed_after(session_of(ledger, model, hands=hands, options=TOOLS), at)
        with suppress(Killed):
            await write_all(session)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands, options=TOOLS))
    assert patch.status == "ready"
    assert patch.steps == 3
    assert len(model.asked) == 4
    assert len(hands.used) == 4


async def test_tools_from_outside_are_those_that_a_writing_began_with(tmp_path: Path) -> None:
    """Whatever was approved or revoked since a process was stopped: prompts begin alike."""
    note = ToolOffer(name="mcp__notes__find", description="Finds.", parameters={"type": "object"})
    offer = McpOffer(offer=note, server="notes", tool="find")
    down = ModelFailure("the endpoint answered 503", kind="unavailable")
    first, later = ScriptedChat(down), ScriptedChat(calls(MEND), finish(), FINE)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, first, options=TOOLS)
        session.hands.outside = {note.name: offer}
        with pytest.raises(ModelFailure):
            await write_all(session)
        session = session_of(ledger, later, options=TOOLS)
        await write_all(session)
        assert session.hands.outside == {note.name: offer}
