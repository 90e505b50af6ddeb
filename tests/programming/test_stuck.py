"""The five patterns of a loop that gets nowhere, and what is changed about each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.programming.strategies import STRATEGIES, course
from agents.programming.stuck import stuck
from agents.programming.turns import Outcome, Turn
from labcrew.domain.chat import Message, Tokens


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
PATTERNS = {
    "same_call": [READ, READ, READ],
    "alternating_pair": [READ, OTHER] * 3,
    "nothing_new": [*LOOKS, *[did("search_files", str(n), f"text {n % 3}") for n in range(6)]],
    "monologue": [None, None, None],
    "repeated_error": [
        did("edit", str(n), f"at 0x{n}: no such name", trouble="no such name") for n in range(4)
    ],
}
PROGRESS = {
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
