"""The loop in direct style: edits, tests, what is built upon, and that nothing is done twice."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.programming import direct
from agents.programming.options import LoopOptions, Style
from agents.programming.source import Part
from agents.programming.turns import Outcome, Turn
from graphs.programming.writing import take_step, write_all
from labcrew.domain import testing
from labcrew.domain.chat import Manner, Message, Tokens
from labcrew.errors import ModelFailure
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import Killed, MemoryHands
from tests.programming.sessions import (
    MENDED,
    SPLIT,
    TESTS,
    WRONG,
    killed_after,
    ledger_at,
    session_of,
)


async def test_a_wrong_edit_is_followed_by_a_right_one(tmp_path: Path) -> None:
    model = ScriptedChat(WRONG, "no idea", MENDED)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model)
        patch = await write_all(session)
    assert patch.status == "ready"
    assert patch.steps == 3
    assert [file.path for file in patch.files] == ["data.py"]
    assert b"rows[cut:]" in patch.files[0].content
    assert patch.before is not None
    assert patch.after is not None
    assert not patch.before.passed("tests/test_data.py::test_halves")
    assert patch.after.passed("tests/test_data.py::test_halves")
    assert patch.pass_to_pass == ("tests/test_data.py::test_shuffled",)
    assert "def test_halves" in model.questions[0]
    assert "def split" in model.questions[0]
    assert "This was tried and is wrong" in model.questions[1]
    assert "+    cut = 1 + int" in model.questions[1]


async def test_without_feedback_the_model_is_not_told(tmp_path: Path) -> None:
    model = ScriptedChat(WRONG, MENDED)
    options = LoopOptions(style="direct", error_feedback=False)
    with ledger_at(tmp_path) as ledger:
        await write_all(session_of(ledger, model, options=options))
    assert "tried" not in model.questions[1]


async def test_a_change_that_breaks_another_test_is_put_back(tmp_path: Path) -> None:
    broken = MENDED.replace("```python\n", "```python\ndef shuffled(rows):\n    return []\n\n\n")
    model = ScriptedChat(broken, MENDED)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model))
    assert patch.status == "ready"
    assert b"return list(rows)" in patch.files[0].content


async def test_an_answer_may_hold_several_guesses(tmp_path: Path) -> None:
    """Each is tried by itself, the rest is left when one is right."""
    lines = (
        "```\n9 |     cut = 0\n```\n"
        "```\n10 |     return rows[:cut], rows[cut:]\n```\n"
        "```\n10 |     return rows, rows\n```"
    )
    model = ScriptedChat(WRONG, lines)
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model)
        patch = await write_all(session)
    assert patch.status == "ready"
    assert patch.steps == 2
    assert [came.failed for came in session.turns[1].outcomes] == [True, False]
    assert "   9 |     cut = int(len(rows) * share)" in model.questions[1]


async def test_the_same_change_is_not_tested_twice(tmp_path: Path) -> None:
    model = ScriptedChat(WRONG, WRONG, MENDED)
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, hands=hands)
        patch = await write_all(session)
    assert patch.steps == 3
    assert "tried before" in session.turns[1].told
    # The wrong one, the right one, the longer run, the last look and the end.
    assert len(hands.runs) == 5


RANKS = """class Ranks:
    def __init__(self, texts):
        self.mean = self.of_lengths(texts)
        self.weight = self.of_words(texts)

    def of_lengths(self, texts):
        total = sum(len(text) for text in texts)
        return total / len(texts)

    def of_words(self, texts):
        words = sum(len(text.split()) for text in texts)
        return words / len(texts)
"""
EMPTY = """from ranks import Ranks


def test_empty():
    assert Ranks([]).weight == 0


def test_one():
    assert Ranks(["a b"]).weight == 2
"""
LENGTHS = (
    "```python\ndef of_lengths(self, texts):\n    total = sum(len(text) for text in texts)\n"
    "    return total / len(texts) if texts else 0.0\n```"
)
WORDS = (
    "```python\ndef of_words(self, texts):\n    words = sum(len(text.split()) for text in texts)\n"
    "    return words / max(len(texts), 1)\n```"
)


async def test_a_change_after_which_the_test_fails_further_on_is_built_upon(tmp_path: Path) -> None:
    """The first of two faults mended, as many tests fail: next comes the second."""
    worse = LENGTHS.replace("total = sum(len(text) for text in texts)", "total = totals")
    model = ScriptedChat(WORDS, worse, LENGTHS, WORDS)
    hands = MemoryHands({"ranks.py": RANKS}, {"tests/test_ranks.py": EMPTY})
    tests = {
        "fail_to_pass": ["tests/test_ranks.py::test_empty"],
        "files": {"tests/test_ranks.py": EMPTY},
    }
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, model, hands=hands, tests=tests, editable=["ranks.py"])
        patch = await write_all(session)
    assert [turn.kept for turn in session.turns] == [False, False, True, True]
    assert patch.status == "ready"
    assert b"if texts else 0.0" in patch.files[0].content
    assert b"max(len(texts), 1)" in patch.files[0].content
    assert "ranks.py:8" in model.questions[2]
    last = model.questions[3]
    assert "This was tried" not in last, "what did not help before may help now"
    assert "ranks.py:12" in last, "it is told how the test fails now"
    assert "if texts else 0.0" in last
    assert "Write `Ranks.of_words` again" in last


async def test_it_gives_up_and_says_what_was_tried(tmp_path: Path) -> None:
    model = ScriptedChat(WRONG)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, budget={"steps": 5}))
    assert patch.status == "gave_up"
    assert patch.steps == 5
    assert "5 steps are used up" in patch.because
    assert "function data.py split" in patch.because


async def test_answers_that_can_never_be_tried_end_it(tmp_path: Path) -> None:
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, ScriptedChat("I can't.")))
    assert patch.status == "gave_up"
    assert patch.steps == 12


async def test_tests_that_pass_already_are_no_measure(tmp_path: Path) -> None:
    model = ScriptedChat(MENDED)
    hands = MemoryHands(
        {"data.py": SPLIT.replace("rows[:cut]\n", "rows[cut:]\n")}, {"tests/test_data.py": TESTS}
    )
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands))
    assert patch.status == "gave_up"
    assert "pass" in patch.because
    assert not model.asked


async def test_a_missing_test_is_written_first(tmp_path: Path) -> None:
    useless = "```python\ndef test_nothing():\n    assert True\n```"
    written = (
        "```python\nfrom data import split\n\n\ndef test_rest():\n"
        "    assert split([1, 2], 0.5) == ([1], [2])\n```"
    )
    model = ScriptedChat(useless, written, MENDED)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, tests=None))
    assert patch.status == "ready"
    assert {file.path for file in patch.files} == {"data.py", "tests/test_t_0001.py"}
    assert patch.fail_to_pass == ("tests/test_t_0001.py::test_rest",)
    assert "does not fail" in model.questions[1]


async def test_a_test_that_can_be_put_nowhere_is_told(tmp_path: Path) -> None:
    written = "```python\ndef test_rest():\n    assert False\n```"
    hands = MemoryHands({"data.py": SPLIT}, {}, ("data.py",))
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, ScriptedChat(written), hands=hands, tests=None)
        patch = await write_all(session)
    assert patch.status == "gave_up"
    assert "editable" in patch.because


@pytest.mark.parametrize("at", range(1, 13))
async def test_killed_anywhere_it_goes_on_without_asking_twice(tmp_path: Path, at: int) -> None:
    """The process ends right after the `at`th write to the disk."""
    model = ScriptedChat(WRONG, "no idea", MENDED)
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    with ledger_at(tmp_path) as ledger:
        session = killed_after(session_of(ledger, model, hands=hands), at)
        with suppress(Killed):
            await write_all(session)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands))
    assert patch.status == "ready"
    assert patch.steps == 3
    assert len(model.asked) == 3


@pytest.mark.parametrize("at", range(1, 10))
async def test_killed_in_its_first_step_it_judges_the_edit_on_the_code_that_has_it(
    tmp_path: Path, at: int
) -> None:
    """The edit is on disk, its tests are not, and no turn is."""
    model = ScriptedChat(MENDED)
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    with ledger_at(tmp_path) as ledger:
        session = killed_after(session_of(ledger, model, hands=hands), at)
        with suppress(Killed):
            await write_all(session)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands))
    assert patch.status == "ready"
    assert (patch.steps, len(model.asked)) == (1, 1)


async def test_what_a_later_guess_put_in_its_place_is_put_back(tmp_path: Path) -> None:
    """Killed in the middle of its guesses, a step goes through them again from the first."""
    first = {"data.py": "a = 1\n", "more.py": "b = 1\n"}
    second = {"data.py": "a = 2\n", "new.py": "c = 2\n"}
    hands = MemoryHands({"data.py": SPLIT, "more.py": ""}, {}, ("*",))
    for _ in range(3):
        with ledger_at(tmp_path) as ledger:
            session = session_of(ledger, ScriptedChat(), hands=hands)
            for what, files in (("0.0", first), ("0.1", second)):
                assert await session.put(what, files) == ""
                assert await hands.change() == files


@pytest.mark.parametrize("tests", [{}, {"tests": None}])
async def test_every_question_ends_its_system_prompt_with_the_rules_of_the_lab(
    tmp_path: Path, tests: dict[str, None]
) -> None:
    model = ScriptedChat("no idea", ModelFailure("too long", kind="too_long"), "no idea")
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS}, ("data.py", "tests/*"))
    hands.told = "House rules of this lab.\n\n## seeds\n\nSeed every shuffle."
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, hands=hands, **tests))
    assert patch.status == "gave_up"
    assert len(model.asked) > 3
    assert {asked[0].role for asked in model.asked} == {"system"}
    assert all(asked[0].content.endswith(f"\n\n{hands.told}") for asked in model.asked)
    assert len({asked[0].content for asked in model.asked}) == 1


async def test_the_rules_that_a_writing_began_with_hold_to_its_end(tmp_path: Path) -> None:
    model = ScriptedChat(WRONG, MENDED)
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
    hands.told = "Seed every shuffle."
    with ledger_at(tmp_path) as ledger:
        assert await take_step(session_of(ledger, model, hands=hands)) == "step"
    hands.told = "Another rule."
    with ledger_at(tmp_path) as ledger:
        await write_all(session_of(ledger, model, hands=hands))
    assert [asked[0].content.endswith("Seed every shuffle.") for asked in model.asked] == [True] * 2


@pytest.mark.parametrize("style", ["direct", "tools"])
async def test_rules_that_leave_no_room_for_a_question_are_not_told(
    tmp_path: Path, style: Style
) -> None:
    async def asked(rules: str) -> tuple[str, int]:
        """The system prompt, and the room of a prompt."""
        model = ScriptedChat("no idea")
        model.prompt_characters = 8_000
        hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
        hands.told = rules
        with ledger_at(tmp_path / str(len(rules))) as ledger:
            session = session_of(ledger, model, hands=hands, options=LoopOptions(style=style))
            await take_step(session)
        if style == "direct":
            assert sum(len(message.content) for message in model.asked[0]) <= 8_000
        return model.asked[0][0].content, session.options.prompt_characters

    bare, room = await asked("")
    most = "r" * (room * 3 // 4)
    assert (await asked(most))[0] == f"{bare}\n\n{most}"
    assert (await asked(f"{most}r"))[0] == bare


async def test_a_prompt_fits_the_models_context_as_it_was_at_first(tmp_path: Path) -> None:
    long = SPLIT + "".join(f"\n\ndef other_{n}(rows):\n    return rows\n" for n in range(900))

    async def longest(room: int | None, steps: int) -> int:
        model = ScriptedChat("no idea")
        model.prompt_characters = room
        hands = MemoryHands({"data.py": long}, {"tests/test_data.py": TESTS})
        with ledger_at(tmp_path) as ledger:
            session = session_of(ledger, model, hands=hands)
            for _ in range(steps):
                await take_step(session)
        return max(sum(len(message.content) for message in asked) for asked in model.asked)

    assert await longest(6_000, 1) <= 6_000
    # Settings changed since: what was begun goes on as it began.
    assert await longest(None, 2) <= 6_000


@pytest.mark.parametrize("form", ["function", "lines", "block", "new", "test"])
@settings(max_examples=10, deadline=None)
@given(st.integers(2_000, 30_000))
def test_long_tests_and_functions_are_cut_to_fit(form: direct.Form, room: int) -> None:
    long = "def split(rows, share):\n" + "    rows = list(rows)\n" * 900
    part = Part("data.py", "split", 1, 901, long, frozenset())
    tests = tuple(
        Part(f"tests/test_{n}.py", "test_a", 1, 500, "assert split\n" * 500, frozenset())
        for n in range(2)
    )
    report = testing.TestReport(outcomes={}, exit_code=1)
    problem = direct.Problem("t", "q" * 5000, "fix", tests, report, (part,))
    options = LoopOptions(style="direct", prompt_characters=room)
    ask = direct.Ask(form, "data.py", "split")
    asked = direct.prompt(ask, problem, {"data.py": long}, (), options)
    assert sum(len(message.content) for message in asked) <= room
    assert "assert split" in asked[1].content


@given(st.integers(0, 3000))
def test_rules_take_room_from_the_rest(characters: int) -> None:
    part = Part(
        "data.py", "split", 8, 10, "def split(rows, share):\n    return rows\n", frozenset()
    )
    problem = direct.Problem(
        "t", "q" * 5000, "fix", (), testing.TestReport(outcomes={}, exit_code=1), (part,)
    )
    options = LoopOptions(style="direct", prompt_characters=4000)
    ask, files = direct.Ask("function", "data.py", "split"), {"data.py": SPLIT + "# more\n" * 900}
    house = "x" * characters
    system, user = direct.prompt(ask, problem, files, (), options, house)
    assert system.content == (f"{direct.SYSTEM}\n\n{house}" if house else direct.SYSTEM)
    assert "def split" in user.content
    (_, bare) = direct.prompt(ask, problem, files, (), options)
    assert len(user.content) <= len(bare.content)


def turn(step: int, ask: str, *tried: str) -> Turn:
    reply = Message(role="assistant", content="code")
    came = Outcome(name="edit", arguments=str(step), text="It fails.")
    tokens = Tokens()
    return Turn(
        step=step, reply=reply, model="m", tokens=tokens, outcomes=(came,), ask=ask, tried=tried
    )


def test_places_whose_replies_bring_nothing_new_are_asked_for_less() -> None:
    part = Part("data.py", "a", 1, 2, "def a():\n    return 1\n", frozenset())
    places = tuple(replace(part, name=name) for name in "abcd")
    report = testing.TestReport(outcomes={}, exit_code=1)
    problem = direct.Problem("t", "q", "fix", (), report, places)

    def asked(copies: str) -> str:
        """Names of 40 asks; about the places in `copies` each reply is the same."""
        turns: list[Turn] = []
        for step in range(40):
            ask = direct.next_ask(turns, problem)
            turns.append(turn(step, ask.id, ask.name if ask.name in copies else str(step)))
        return "".join(one.ask[-1] for one in turns)

    new, same = asked(""), asked("ab")
    assert new[:8] == same[:8] == "aabbccdd"
    counts = [[names.count(name) for name in "abcd"] for names in (new, same)]
    assert counts[0] == sorted(counts[0], reverse=True)
    assert min(counts[0]) >= 4
    assert counts[1][0] < counts[0][0]
    assert counts[1][3] > counts[0][3]


def test_a_reply_ends_with_its_block_and_is_as_long_as_its_form_needs() -> None:
    text = "@cached\ndef split(rows, share=None):\n    return rows".ljust(300)
    part = Part("data.py", "Data.split", 8, 10, text, frozenset())
    report = testing.TestReport(outcomes={}, exit_code=1)
    problem = direct.Problem("t", "q", "fix", (), report, (part,))
    options = LoopOptions(temperature=0.6, seed=40)
    turns = [turn(n, "lines data.py Data.split", tried) for n, tried in enumerate(("a", "a"))]

    def manner(form: direct.Form, name: str = "Data.split", sampled: bool = True) -> Manner:
        ask = direct.Ask(form, "data.py", name, sampled)
        return direct.manner(ask, problem, turns, options)

    function = manner("function")
    assert (function.temperature, function.seed, function.most_tokens) == (0.6, 42, 460)
    assert function.begin == "`Data.split` is wrong because"
    (end,) = function.stop
    assert "```python\ndef split():\n    pass\n```\nAnd".partition(end)[0].endswith("pass")
    # Where several blocks are read, the first is not the end.
    assert (manner("lines").stop, manner("lines").most_tokens) == ((), 250)
    assert manner("lines").temperature == pytest.approx(0.8)  # one reply brought nothing new
    assert (manner("block").stop, manner("block").most_tokens) == ((), 405)
    assert manner("lines").begin == "The wrong line is:\n```python\n"
    assert manner("block").begin == "```\n<<<<<<< SEARCH\n"
    assert manner("new", "").begin == "```python\n"
    # Nobody knows how long what does not stand yet will be.
    assert manner("new", "").most_tokens is None
    first = manner("function", sampled=False)
    assert (first.temperature, first.seed) == (None, None)


async def test_a_reply_without_the_end_of_its_block_is_tried(tmp_path: Path) -> None:
    model = ScriptedChat(MENDED.rstrip().removesuffix("```").rstrip())
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model))
    assert (patch.status, patch.steps) == ("ready", 1)
