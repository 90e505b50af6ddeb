"""What taints a ticket on its whole way, and what does not."""

from dataclasses import replace
from typing import Any

import pytest

from graphs.worker import Worker
from labcrew.domain.research import Citation, Paper
from labcrew.taint import taints
from tests.doubles.bench import Shelf
from tests.graphs.tiny import DATA, REPORTED, Lab, run
from tools.toolbox import Workbench

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = REPORTED | {"seeds": [0], "budget": {"trials": 2}}


def test_numbers_read_from_logs_and_data_by_rules_do_not_taint(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, data=DATA)
    done = run(lab, assigned.id)
    assert done.status == "done", done.outcome
    assert taints(lab.ledger, assigned.id) == ()


def test_a_library_taints_and_the_plan_gate_says_so(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, literature={"library": "papers", "online": False})
    run(lab, assigned.id, yes=False)
    (taint,) = taints(lab.ledger, assigned.id)
    assert taint.source == "papers"
    gate = lab.open_gates(assigned.id)["plan"]
    assert "Untrusted text read: papers; so no run gets the network" in gate.description


async def test_the_web_is_asked_once_and_with_the_tickets_own_words(lab: Lab) -> None:
    citation = Citation(key="a", title="Choosing x", locator="shelf:1")
    shelf = Shelf("shelf", Paper(citation=citation, text="x = 0.65 gave the best score."))
    bench: Workbench = replace(lab.parts.bench, sources=(shelf,))
    assigned = lab.assign(**_SHORT, literature={"online": True})
    crew, settings = lab.parts.work.crew, lab.office.settings
    async with Worker(crew, bench, settings, holder="test", assume_yes=False) as worker:
        waiting = await worker.advance(assigned.id)
    assert waiting.status == "waiting"
    assert shelf.asked == [assigned.ticket.queries()]
    assert [t.source for t in taints(lab.ledger, assigned.id)] == ["papers"]


def test_a_strangers_comment_that_becomes_settings_taints(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "respond", "bob", comment="Please try x = 0.5 as well.")
    run(lab, assigned.id, yes=False)
    (taint,) = taints(lab.ledger, assigned.id)
    assert taint.source == "comments"
    assert "bob" in taint.because
