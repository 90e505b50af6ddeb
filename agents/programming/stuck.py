"""Loops that get nowhere: five patterns, and what is changed about each."""

from collections.abc import Sequence
from typing import Literal

from agents.programming.turns import Outcome, Turn

Pattern = Literal["same_call", "alternating_pair", "nothing_new", "monologue", "repeated_error"]
_SAME, _PAIRS, _NOTHING_NEW, _MONOLOGUE, _ERRORS = 3, 3, 6, 3, 4
LOOKS = frozenset({"read_file", "search_files"})
"""Tools that only look."""
EDITS = frozenset({"replace_text", "apply_diff", "write_file", "restore_file"})
"""Tools that change the code."""
TESTS = "run_tests"

TOLD: dict[Pattern, str] = {
    "same_call": "the same call gave the same result again and again",
    "alternating_pair": "two calls took turns without any progress",
    "nothing_new": "what was looked at had all been seen before",
    "monologue": "there were only words and no action",
    "repeated_error": "the same error came back whatever was tried",
}


def stuck(turns: Sequence[Turn]) -> Pattern | None:
    """The pattern in which the newest turns get nowhere; None while they do.

    Args:
        turns: since the strategy last changed, oldest first.
    """
    if len(turns) >= _MONOLOGUE and not any(turn.outcomes for turn in turns[-_MONOLOGUE:]):
        return "monologue"
    done = [outcome for turn in turns for outcome in turn.outcomes]
    if _same(done, _SAME):
        return "same_call"
    if _alternates(done):
        return "alternating_pair"
    last = done[-_ERRORS:]
    if len(last) == _ERRORS and all(o.failed for o in last) and len({o.said for o in last}) == 1:
        return "repeated_error"
    if _comes_back(done):
        return "repeated_error"
    if _nothing_new(done):
        return "nothing_new"
    return None


def _same(done: Sequence[Outcome], times: int) -> bool:
    last = done[-times:]
    return len(last) == times and len({(o.asked, o.said) for o in last}) == 1


def _alternates(done: Sequence[Outcome]) -> bool:
    last = [(o.asked, o.said) for o in done[-2 * _PAIRS :]]
    return (
        len(last) == 2 * _PAIRS
        and len(set(last[::2])) == 1
        and len(set(last[1::2])) == 1
        and last[0] != last[1]
    )


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
    if len(done) <= _NOTHING_NEW or any(o.name not in LOOKS for o in done[-_NOTHING_NEW:]):
        return False
    before = {o.said for o in done[:-_NOTHING_NEW]}
    return all(o.said in before for o in done[-_NOTHING_NEW:])
