"""What a model says was done stands in the records that it read, or is not shown."""

import pytest

from desk.chat.claims import unfounded
from labcrew.domain.conversation import Figure, Row, Statement
from tests.effort import assert_proportionate


def record(text: str, *about: str, counts: bool = False) -> Statement:
    rows = tuple(Row(table="tickets", id=id, ticket=id) for id in about)
    figures = (Figure(shown="1", how="count", table="tickets"),) if counts else ()
    return Statement(text=text, rows=rows, figures=figures)


READ = (
    record("There are 5 tickets: 4 running, 1 paused.", "T-001", counts=True),
    record("T-001, digits, is running.", "T-001"),
    record("T-004, leaves, is paused: by ada.", "T-004"),
    record("2026-01-01 10:00 UTC, T-003: ada decided T-003-plan-r0.0: accept.", "T-003"),
    record("bo stopped the ticket.", "T-006"),
    record("T-002-MR0, faster, is approved but not merged: a conflict.", "T-002-MR0"),
    record("T-001-013: nan. Done: restart lower rate as T-001-015, for nan; it helped."),
)


@pytest.mark.parametrize(
    "claim",
    [
        "T-001 has been paused.",
        "T-001 was stopped.",
        "T-001 and T-004 are paused.",
        "T-001 has been paused; you can resume it any time.",
        "The ticket is paused now.",
        "Paused.",
        "OK, paused T-001 for you.",
        "I have gone ahead and paused T-001.",
        "I just went ahead and approved the merge request.",
        "It's been approved, anything else?",
        "Then T-001 has been paused \u2014 it\u2019s all yours.",
        "Your approval is recorded and the change merged.",
        "The budget was raised as you asked.",
        "T-001's budget has been increased.",
        "T-002-MR0 was merged.",
        "T-003 was merged.",
        "At once T-001 was cancelled.",
    ],
)
def test_a_deed_that_no_record_says_is_unfounded(claim: str) -> None:
    assert unfounded(claim, READ, "pause T-001")
    assert unfounded(claim, (), "do it")


@pytest.mark.parametrize(
    "said",
    [
        "T-004 is paused.",
        "T-004 has been paused by ada.",
        "T-004 is paused, and T-001 is running.",
        "T-006 was stopped.",
        "The plan of T-003 was approved by ada.",
        "T-002-MR0 was approved but could not be merged.",
        "T-001-013 was restarted with a lower rate.",
        "T-001 is running; nothing has been paused.",
        "T-001 can be paused or stopped at any time.",
        "It has not been approved yet, so it isn't merged.",
        "It hasn\u2019t been stopped.",
        "If it is approved, it will be merged.",
        "Should it be stopped?",
        "Do you want T-001 stopped?",
        "The loss declined, and the score increased from run to run.",
        "The training set changed nothing.",
    ],
)
def test_what_records_say_and_what_was_not_done_is_no_claim(said: str) -> None:
    assert not unfounded(said, READ, "how is all?")


def test_what_has_no_id_speaks_of_what_was_asked_about() -> None:
    assert not unfounded("It is paused.", READ, "how is T-004?")
    assert unfounded("It is paused.", READ, "how is T-001?")
    assert not unfounded("It is paused.", READ, "and that one?")


@pytest.mark.parametrize("piece", ["budget ", "T-001 paused, ", "raised ", "no paused ", "a, "])
def test_it_is_looked_through_once(piece: str) -> None:
    assert_proportionate(lambda said: unfounded(said, READ, ""), lambda n: piece * n, 2000)
