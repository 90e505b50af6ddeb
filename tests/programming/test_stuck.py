"""The six patterns of a loop that gets nowhere, and what is changed about each."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.programming.strategies import STRATEGIES, course
from agents.programming.stuck import stuck
from agents.programming.turns import Outcome, Turn
from graphs.programming.session import outcome
from labcrew.domain import testing
from labcrew.domain.chat import Message, Tokens
from labcrew.domain.sandbox import RunResult
from tools.programming import running
from tools.programming.telling import Told
from tools.programming.testing import judged, told


def did(name: str, asked: str = "a", text: str = "same", trouble: str = "") -> Outcome:
    return Outcome(name=name, arguments=asked, text=text, failed=bool(trouble), trouble=trouble)


def turns(*outcomes: Outcome | None) -> list[Turn]:
    """A turn an outcome; None says something and does nothing."""
    return [
        Turn(
            step=number,
            reply=Message(role="assistant", content=f"thought {number}"),
            model="m",
            tokens=Tokens(),
            outcomes=(came,) if came else (),
        )
        for number, came in enumerate(outcomes)
    ]


READ, OTHER = did("read_file"), did("read_file", "b", "other")
LOOKS = [did("read_file", str(n), f"text {n}") for n in range(7)]
PATTERNS: dict[str, Sequence[Outcome | None]] = {
    "same_call": [READ, READ, READ],
    "alternating_pair": [READ, OTHER] * 3,
    "cycle": [READ, OTHER, did("run_command")] * 3,
    "nothing_new": [*LOOKS, *[did("search_files", str(n), f"text {n % 3}") for n in range(6)]],
    "monologue": [None, None, None],
    "repeated_error": [
        did("edit", str(n), f"at 0x{n}: no such name", trouble="no such name") for n in range(4)
    ],
}
PROGRESS: dict[str, Sequence[Outcome | None]] = {
    "another result": [READ, READ, did("read_file", text="changed")],
    "another call": [READ, OTHER, READ, did("run_tests"), READ, OTHER],
    "new texts": LOOKS,
    "an edit between": [*LOOKS, *LOOKS[:3], did("write_file"), *LOOKS[3:6]],
    "words, then a deed": [None, None, READ, None, None],
    "other errors": [did("edit", str(n), "e", trouble=f"e{n}") for n in range(6)],
    "an error in between": [
        did("edit", str(n), "e", trouble="" if n == 2 else "e") for n in range(5)
    ],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_is_seen(pattern: str) -> None:
    outcomes = PATTERNS[pattern]
    assert stuck(turns(*outcomes)) == pattern
    assert stuck(turns(did("run_tests"), *outcomes)) == pattern
    for length in range(len(outcomes)):
        assert stuck(turns(*outcomes[:length])) is None


EDIT, BACK = did("replace_text", "to b"), did("replace_text", "to a")
ROUNDS = {
    "two ideas in turn, each with its failure": [
        *(EDIT, did("run_tests", trouble="one")), *(BACK, did("run_tests", trouble="other"))
    ],
    "commands": [did("run_command", str(n), f"out {n}") for n in range(6)],
    "tests and two files": [did("run_tests", trouble="one"), READ, OTHER],
}  # fmt: skip


@pytest.mark.parametrize("name", ROUNDS)
def test_a_round_of_calls_that_comes_again_is_seen(name: str) -> None:
    calls = ROUNDS[name]
    assert stuck(turns(*LOOKS, *calls * 3)) in ("cycle", "nothing_new")
    assert stuck(turns(*LOOKS, *calls)) is None


def test_a_note_is_no_progress_and_no_cycle() -> None:
    notes = [did("note", str(n), f"noted {n}") for n in range(3)]
    assert stuck(turns(*(one for note in notes for one in (READ, note)))) == "same_call"
    assert stuck(turns(*[notes[0]] * 3)) is None


def test_runs_that_were_all_seen_before_bring_nothing_new() -> None:
    runs = [did("run_command", str(n), f"out {n}") for n in range(7)]
    again = [runs[n] for n in (3, 1, 5, 0, 2, 4)]
    assert stuck(turns(*runs, *again)) == "nothing_new"
    assert stuck(turns(*runs, *again[:3], EDIT, *again[3:])) is None
    other = [did("run_command", came.arguments, "another") for came in again]
    assert stuck(turns(*runs, *other)) is None


@pytest.mark.parametrize("name", PROGRESS)
def test_progress_is_not_taken_for_it(name: str) -> None:
    assert stuck(turns(*PROGRESS[name])) is None


@given(st.integers(0, 30), st.sampled_from(sorted(PATTERNS)))
def test_new_calls_before_it_do_not_hide_it(count: int, pattern: str) -> None:
    before = [did("run_command", str(n), f"out {n}") for n in range(count)]
    assert stuck(turns(*before, *PATTERNS[pattern])) == pattern


@given(st.lists(st.sampled_from([READ, OTHER, None, did("edit", "x", "e", "e")]), max_size=30))
def test_every_loop_ends(outcomes: list[Outcome | None]) -> None:
    """Each strategy is taken once, in order; then it is hopeless."""
    done: list[Turn] = []
    taken: list[str] = []
    for came in [*outcomes, *[READ] * 3 * (len(STRATEGIES) + 1)]:
        (turn,) = turns(came)
        way = course([*done, turn])
        if way.hopeless:
            break
        if way.strategy is not None:
            taken.append(way.strategy.name)
            assert way.told.startswith("You are stuck: ")
            turn = turn.model_copy(update={"ask": way.strategy.name})
        done.append(turn)
    else:
        raise AssertionError("it went on for ever")
    assert taken == [strategy.name for strategy in STRATEGIES]


_TAIL = """\
=================================== FAILURES ===================================
__________________________________ test_rest ___________________________________
E       AssertionError: <Rows at 0x7f{n:04x}> in /tmp/pytest-of-root/pytest-{n}/rows.csv
FAILED tests/test_rows.py::test_rest - AssertionError
{failed} failed, 3 passed in 0.8{n}s
"""


def red(number: int, failed: int = 1) -> Told:
    """A run of the tests as the model is told of it, another time and address each."""
    tail = _TAIL.format(n=number, failed=failed)
    names = {f"tests/test_rows.py::test_{n}": "failed" for n in range(failed)}
    report = testing.TestReport.model_validate(
        {"outcomes": names, "exit_code": 1, "tail": tail, "duration_s": 0.8 + number / 7}
    )
    return judged(report)


def green(number: int) -> Told:
    names = {"tests/test_rows.py::test_rest": "passed"}
    report = testing.TestReport.model_validate(
        {"outcomes": names, "exit_code": 0, "duration_s": 0.8 + number / 7}
    )
    return judged(report)


def command(number: int, code: int = 1) -> Told:
    said = _TAIL.format(n=number, failed=1)
    done = RunResult(exit_code=code, stdout=said, stderr="", duration_s=1 + number / 3)
    return running.told(running.RunCommand(command="python -m pytest"), done)


def came(name: str, said: Told, asked: str = "a") -> Outcome:
    return outcome(name, asked, said.text, trouble=said.trouble)


def pairs(said: Sequence[Told], name: str = "run_tests") -> list[Outcome]:
    """An edit, another each time, and a check behind it."""
    edits = [did("replace_text", str(n), "data.py is changed.") for n in range(len(said))]
    return [
        made
        for edit, one in zip(edits, said, strict=True)
        for made in (edit, did("read_file", edit.arguments, edit.arguments), came(name, one))
    ]


RUNS = {
    "red": ("run_tests", red),
    "green": ("run_tests", green),
    "failed": ("run_command", command),
    "ended well": ("run_command", lambda number: command(number, 0)),
}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_that_says_the_same_but_for_its_times_is_the_same(run: str) -> None:
    name, said = RUNS[run]
    done = [came(name, said(number)) for number in range(40)]
    assert len({one.text for one in done}) > 1
    assert stuck(turns(*done[:2])) is None
    assert stuck(turns(*done[:3])) == "same_call"
    assert stuck(turns(*done)) == "same_call"


@pytest.mark.parametrize("name", ["run_tests", "run_command"])
def test_the_same_failure_after_each_edit_is_a_repeated_error(name: str) -> None:
    said = red if name == "run_tests" else command
    done = pairs([said(number) for number in range(20)], name)
    for length in range(len(done)):
        assert (stuck(turns(*done[:length])) == "repeated_error") is (length >= 12)


TRIES = {
    "fewer tests fail each time": [red(n, 9 - n) for n in range(8)],
    "green in between": [red(0), red(1), red(2), green(3), red(4), red(5)],
    "three alike": [red(0, 2), red(1), red(2), red(3)],
}


@pytest.mark.parametrize("tries", TRIES)
def test_tests_that_say_something_new_are_progress(tries: str) -> None:
    assert stuck(turns(*pairs(TRIES[tries]))) is None


def test_runs_without_an_edit_between_them_are_one_try() -> None:
    wanted = [came("run_tests", red(n), asked=str(n)) for n in range(9)]
    assert stuck(turns(*wanted)) is None
    assert stuck(turns(did("write_file"), *wanted)) is None


def test_the_baseline_is_no_try() -> None:
    said = [told(testing.TestReport(outcomes={"t": "failed"}, exit_code=1)) for _ in range(6)]
    assert stuck(turns(*pairs(said, "baseline_tests"))) is None


def test_an_outcome_of_an_older_ledger_is_compared_as_one_of_now() -> None:
    old = {"name": "run_tests", "arguments": "a", "text": "1 failed in 0.8 s.", "failed": False}
    other = Outcome.model_validate(old | {"text": "1 failed in 1.9 s."})
    assert Outcome.model_validate(old).said == other.said
