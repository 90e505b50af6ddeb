"""Gates one at a time: what each answer leads to, when they lapse, and what they bind to."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from graphs.ticket import ticket_graph
from graphs.verification import verify
from graphs.worker import Worker
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import InputError, ToolError
from labcrew.settings import Settings
from tests.crash.killing import stepped
from tests.graphs.tiny import REPORTED, Lab, run

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = REPORTED | {
    "seeds": [0],
    "budget": {"trials": 2},
    "search_space": {"x": {"type": "float", "low": 0.3, "high": 1}},
}
_HOPELESS: dict[str, Any] = _SHORT | {
    "search_space": {"x": {"type": "float", "low": 0.0, "high": 0.1}}
}


def on(lab: Lab, assigned: AssignedTicket) -> AssignedTicket:
    return run(lab, assigned.id, yes=False)


def at_merge(lab: Lab, **changes: Any) -> AssignedTicket:
    """A ticket whose merge gate is open."""
    assigned = lab.assign(**(_SHORT | changes))
    on(lab, assigned)
    lab.office.decide(assigned.id, "accept", "ada")
    waiting = on(lab, assigned)
    assert "merge" in lab.open_gates(assigned.id), waiting.outcome
    return waiting


async def advance_failing_after(lab: Lab, id: str, step: str) -> AssignedTicket:
    """Lets a worker work that is lost just after a step, before that is remembered."""

    def lost(point: str) -> None:
        if point == f"after {step}":
            raise ToolError("lost here")

    worker = Worker(
        lab.parts.work.crew,
        lab.parts.bench,
        Settings(),
        holder="lost",
        machine=stepped(ticket_graph(), lost),
    )
    async with worker:
        return await worker.advance(id)


def test_the_plan_gate_parks_answers_and_edits(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    waiting = on(lab, assigned)
    assert waiting.status == "waiting"
    assert "T-001-plan-r0.0" in waiting.outcome
    assert lab.ledger.trials.of(assigned.id) == []
    lines = lab.ledger.events.count(assigned.id)
    assert on(lab, assigned).status == "waiting"  # asking again changes nothing
    assert set(lab.kinds(assigned.id)[lines:]) <= {"lease.acquired"}

    lab.office.decide(assigned.id, "respond", "ada", comment="Please try x = 0.69 first.")
    on(lab, assigned)
    gate = lab.open_gates(assigned.id)["plan"]
    assert gate.id == "T-001-plan-r0.1"
    assert [s["values"] for s in gate.shown["plan"]["suggestions"]] == [{"x": 0.69}]

    with pytest.raises(InputError, match="shows something else"):
        lab.office.decide(gate.id, "accept", "ada", payload_hash="0" * 64)
    lab.office.decide(gate.id, "edit", "ada", edits={"budget": {"trials": 3}})
    on(lab, assigned)
    trials = lab.ledger.trials.of(assigned.id)
    assert [t.values for t in trials][:2] == [{}, {"x": 0.69}]
    assert len(trials) == 3
    assert lab.ledger.tickets.get(assigned.id).budget.trials == 3


def test_a_plan_that_is_turned_down_ends_the_ticket(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    on(lab, assigned)
    lab.office.decide(assigned.id, "ignore", "ada")
    done = on(lab, assigned)
    assert (done.status, done.outcome) == ("done", "the plan was turned down by ada")
    assert lab.ledger.trials.of(assigned.id) == []


def test_suggestions_are_dropped_once_even_if_the_node_runs_twice(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    on(lab, assigned)
    lab.office.decide(assigned.id, "respond", "ada", comment="Try x = 0.5. Try x = 0.6.")
    on(lab, assigned)
    lab.office.decide(assigned.id, "edit", "ada", edits={"drop_suggestions": [0]})
    failed = asyncio.run(advance_failing_after(lab, assigned.id, "gate_plan"))
    assert failed.status == "failed"
    lab.office.retry(assigned.id, "ada")
    on(lab, assigned)
    (plan,) = [p for p in lab.ledger.plans.of(assigned.id) if p.id == "T-001-P0.1"]
    assert [s.values for s in plan.suggestions] == [{"x": 0.6}]


@pytest.mark.parametrize("answer", ["accept", "edit", "ignore"])
def test_more_budget_is_only_a_persons_to_give(lab: Lab, answer: Any) -> None:
    assigned = lab.assign(**_HOPELESS)
    on(lab, assigned)
    lab.office.decide(assigned.id, "accept", "ada")
    on(lab, assigned)
    gate = lab.open_gates(assigned.id)["budget"]
    assert len(lab.ledger.trials.of(assigned.id)) == 2
    edits = {"budget": {"trials": 3}} if answer == "edit" else {}
    lab.office.decide(gate.id, answer, "ada", edits=edits)
    done = on(lab, assigned)
    expected = {"accept": 4, "edit": 3, "ignore": 2}[answer]
    assert lab.ledger.tickets.get(assigned.id).budget.trials == expected
    assert len(lab.ledger.trials.of(assigned.id)) == expected
    assert done.status == "done"
    assert done.outcome.startswith("no gain")
    assert lab.ledger.merge_requests.of(assigned.id) == []


def test_a_comment_on_the_merge_request_becomes_a_second_revision(lab: Lab) -> None:
    assigned = at_merge(lab)
    lab.office.decide(assigned.id, "respond", "ada", comment="What about x = 0.7?")
    on(lab, assigned)
    gate = lab.open_gates(assigned.id)["plan"]
    assert gate.id == "T-001-plan-r1.0"
    lab.office.decide(gate.id, "edit", "ada", edits={"budget": {"trials": 3}})
    on(lab, assigned)
    assert lab.ledger.trials.of(assigned.id)[-1].values == {"x": 0.7}
    first, second = lab.ledger.merge_requests.of(assigned.id)
    assert (first.status, second.status) == ("superseded", "open")
    assert second.branch == "labcrew/T-001-r1"
    assert "What about x = 0.7?" in second.description
    lab.office.decide(assigned.id, "accept", "ada")
    assert on(lab, assigned).outcome.startswith("merged")
    assert lab.user.git("rev-parse", "main") == second.commit
    assert lab.user.git("rev-parse", "labcrew/T-001") == first.commit


async def test_an_older_revision_still_verifies(lab: Lab) -> None:
    async def on_(id: str) -> None:
        await lab.advance(id)

    assigned = lab.assign(**_SHORT)
    await on_(assigned.id)
    lab.office.decide(assigned.id, "accept", "ada")
    await on_(assigned.id)
    lab.office.change_budget(assigned.id, "ada", {"trials": 9})
    first = lab.ledger.merge_requests.get("T-001-MR0")
    assert (await verify(lab.parts.work, first)).problems == ()
    lab.office.decide(assigned.id, "respond", "ada", comment="What about x = 0.7?")
    await on_(assigned.id)
    lab.office.decide(assigned.id, "accept", "ada")
    await on_(assigned.id)
    older = lab.ledger.merge_requests.get("T-001-MR0")
    assert older.status == "superseded"
    assert (await verify(lab.parts.work, older)).problems == ()


def test_a_comment_is_not_dropped_for_want_of_budget(lab: Lab) -> None:
    assigned = at_merge(lab)
    lab.office.decide(assigned.id, "respond", "ada", comment="What about x = 0.7?")
    on(lab, assigned)
    lab.office.decide(assigned.id, "accept", "ada")
    on(lab, assigned)
    gate = lab.open_gates(assigned.id)["budget"]
    assert "asked for" in gate.description
    lab.office.decide(gate.id, "edit", "ada", edits={"budget": {"trials": 3}})
    on(lab, assigned)
    assert lab.ledger.trials.of(assigned.id)[-1].values == {"x": 0.7}


def test_a_merge_that_is_turned_down_closes_the_request(lab: Lab) -> None:
    assigned = at_merge(lab)
    main = lab.user.git("rev-parse", "main")
    lab.office.decide(assigned.id, "ignore", "ada")
    done = on(lab, assigned)
    assert (done.status, done.outcome) == ("done", "closed without merging by ada")
    assert lab.ledger.merge_requests.get("T-001-MR0").status == "closed"
    assert lab.user.git("rev-parse", "main") == main


def test_an_unanswered_gate_lapses_to_its_safe_default(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, gates={"expire_hours": 24})
    on(lab, assigned)
    lab.clock.ahead = timedelta(hours=23)
    assert on(lab, assigned).status == "waiting"
    lab.clock.ahead = timedelta(hours=25)
    with pytest.raises(InputError, match="already decided: ignore, by expired"):
        lab.office.decide("T-001-plan-r0.0", "accept", "ada")
    assert on(lab, assigned).outcome == "the plan was turned down by expired"
    assert lab.ledger.gates.get("T-001-plan-r0.0").status == "expired"


def test_one_altered_digit_blocks_the_merge_and_a_retry_goes_on(lab: Lab) -> None:
    assigned = at_merge(lab)
    request = lab.ledger.merge_requests.get("T-001-MR0")
    first = request.evidence[0]
    altered = first.model_copy(update={"value": first.value + 0.001})
    forged = request.model_copy(update={"evidence": (altered, *request.evidence[1:])})
    lab.ledger.merge_requests.put(forged, actor="mallory")
    main = lab.user.git("rev-parse", "main")
    lab.office.decide(assigned.id, "accept", "ada")
    failed = on(lab, assigned)
    assert failed.status == "failed"
    assert f"{first.key}: it says" in failed.outcome
    assert lab.user.git("rev-parse", "main") == main
    assert lab.ledger.merge_requests.get("T-001-MR0").status == "closed"

    lab.ledger.merge_requests.put(request, actor="person:ada")  # as from a backup
    lab.office.retry(assigned.id, "ada")
    assert on(lab, assigned).outcome.startswith("merged")
    assert lab.user.git("rev-parse", "main") == request.commit


def test_stored_outputs_that_changed_block_the_merge(lab: Lab) -> None:
    changes: dict[str, Any] = _SHORT | {
        "metric": {"name": "score", "direction": "maximize"},
        "evaluator": {"command": "python3 evaluate.py {outputs} {split}"},
    }
    assigned = at_merge(lab, **changes)
    file = lab.office.home.outputs(assigned.id, "T-001-001") / "predictions.json"
    file.chmod(0o644)
    file.write_text(file.read_text().replace("200.", "201."))
    lab.office.decide(assigned.id, "accept", "ada")
    failed = on(lab, assigned)
    assert failed.status == "failed"
    assert "changed since they were collected" in failed.outcome


def test_a_stopped_tickets_gate_asks_again_after_a_retry(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    on(lab, assigned)
    lab.office.stop(assigned.id, "ada")
    assert on(lab, assigned).status == "stopped"
    with pytest.raises(InputError, match="no longer asks"):
        lab.office.decide("T-001-plan-r0.0", "accept", "ada")
    lab.office.retry(assigned.id, "ada")
    assert on(lab, assigned).status == "waiting"
    lab.office.decide("T-001-plan-r0.0", "accept", "ada")
    assert "merge" in on(lab, assigned).outcome
