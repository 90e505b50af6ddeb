"""Loops that get nowhere: six patterns, and what is changed about each."""

from collections.abc import Sequence
from typing import Literal

from agents.programming.turns import Outcome, Turn

Pattern = Literal[
    "same_call", "alternating_pair", "cycle", "nothing_new", "monologue", "repeated_error"
]
_ROUNDS, _LONGEST_CYCLE, _NOTHING_NEW, _MONOLOGUE, _ERRORS = 3, 6, 6, 3, 4
LOOKS = frozenset({"read_file", "search_files"})
"""Tools that only look."""
EDITS = frozenset({"replace_text", "apply_diff", "write_file", "restore_file"})
"""Tools that change the code."""
TESTS = "run_tests"
NOTE = "note"

TOLD: dict[Pattern, str] = {
    "same_call": "the same call gave the same result again and again",
    "alternating_pair": "two calls took turns without any progress",
    "cycle": "the same calls came round again and again, with the same results",
    "nothing_new": "what was looked at and run had all been seen before",
    "monologue": "there were only words and no action",
    "repeated_error": "the same error came back whatever was tried",
}


_CYCLES: dict[int, Pattern] = {1: "same_call", 2: "alternating_pair"}


def stuck(turns: Sequence[Turn]) -> Pattern | None:
    """The pattern in which the newest turns get nowhere; None while they do.

    Args:
        turns: since the strategy last changed, oldest first.
    """
    if len(turns) >= _MONOLOGUE and not any(turn.outcomes for turn in turns[-_MONOLOGUE:]):
        return "monologue"
    done = [came for turn in turns for came in turn.outcomes if came.name != NOTE or came.failed]
    if (calls := _cycle(done)) is not None:
        return _CYCLES.get(calls, "cycle")
    last = done[-_ERRORS:]
    if len(last) == _ERRORS and all(o.failed for o in last) and len({o.said for o in last}) == 1:
        return "repeated_error"
    if _comes_back(done):
        return "repeated_error"
    if _nothing_new(done):
        return "nothing_new"
    return None


def _cycle(done: Sequence[Outcome]) -> int | None:
    """Of how many calls the rounds are that the newest outcomes repeat; None: of no few."""
    for length in range(1, min(_LONGEST_CYCLE, len(done) // _ROUNDS) + 1):
        last = [(came.asked, came.said) for came in done[-_ROUNDS * length :]]
        if last[length:] == last[:-length]:
            return length
    return None


def _comes_back(done: Sequence[Outcome]) -> bool:
    """Whether an error was there again after each of the last edits; tests that pass end it."""
    checks: list[set[tuple[str, str]]] = []
    edited = False
    for came in done:
        if came.name in EDITS:
            edited = edited or not came.failed
        elif came.trouble or came.name == TESTS:
            if edited:
                checks.append(set())
                edited = False
            if checks and came.trouble:
                checks[-1].add(came.said)
    last = checks[-_ERRORS:]
    return len(last) == _ERRORS and bool(set.intersection(*last))


def _nothing_new(done: Sequence[Outcome]) -> bool:
    before, last = done[:-_NOTHING_NEW], done[-_NOTHING_NEW:]
    if not before:
        return False
    told = {came.said for came in before}
    known = {(came.asked, came.said) for came in before}
    return all(
        came.said in told if came.name in LOOKS else (came.asked, came.said) in known
        for came in last
    )
