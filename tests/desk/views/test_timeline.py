"""What happened, in pages: every telling line once, newest first."""

from itertools import pairwise
from pathlib import Path

from desk.views.timeline import timeline
from desk.wiring import Opened
from desk.wording import sentence
from tests.desk.board.filled import assigned_toy, fill


def test_pages_tell_all_that_one_page_tells(opened: Opened, toy: Path) -> None:
    fill(opened, toy)
    assigned_toy(opened, toy, "Another")
    whole = timeline(opened.ledger, "T-001", most=1000)
    assert whole.next is None
    told = [one for stretch in whole.stretches for one in stretch.happenings]
    assert [one.line for one in told] == sorted((one.line for one in told), reverse=True)
    paged, before = [], None
    while True:
        part = timeline(opened.ledger, "T-001", before, most=3)
        paged += [one for stretch in part.stretches for one in stretch.happenings]
        before = part.next
        if before is None:
            break
    # A page knows only of itself what it has said already.
    assert {one.words for one in paged} == {one.words for one in told}
    assert len({one.line for one in paged}) == len(paged)
    events = opened.ledger.events.of("T-001")
    worded = {words for event in events if (words := sentence(event, opened.ledger))}
    assert {one.words for one in told} == worded


def test_stretches_are_by_one_actor_each(opened: Opened, toy: Path) -> None:
    fill(opened, toy)
    stretches = timeline(opened.ledger).stretches
    assert all(a.actor != b.actor for a, b in pairwise(stretches))
    assert all(stretch.first.line <= stretch.last.line for stretch in stretches)
