"""Merge requests checked again: their numbers, their words, and the winner itself once more."""

import asyncio
from typing import Any

import pytest

from graphs.verification import rerun, verify
from labcrew.domain.review import MergeRequest, Verification
from labcrew.errors import LabcrewError
from tests.graphs.tiny import REPORTED, Lab, run
from tools.run_trial import log_path

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = {"seeds": [0], "budget": {"trials": 2}}


def requested(lab: Lab, **changes: Any) -> MergeRequest:
    """The merge request of a ticket that waits at its merge gate."""
    assigned = lab.assign(**(_SHORT | changes))
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    waiting = run(lab, assigned.id, yes=False)
    assert "merge" in lab.open_gates(assigned.id), waiting.outcome
    return lab.ledger.merge_requests.get(f"{assigned.id}-MR0")


def checked(lab: Lab, request: MergeRequest) -> Verification:
    return asyncio.run(verify(lab.parts.work, request))


def test_the_evaluator_s_number_comes_again(lab: Lab) -> None:
    request = requested(lab)
    told = asyncio.run(rerun(lab.parts.work, request))
    assert "(seed 0)" in told
    now, before = told.partition(": ")[2].split(", was ")
    assert float(now) == pytest.approx(float(before))
    assert lab.containers() == set()


def test_a_printed_number_comes_again_for_each_seed(lab: Lab) -> None:
    request = requested(lab, **REPORTED, seeds=[0, 1], budget={"trials": 4})
    told = asyncio.run(rerun(lab.parts.work, request)).split("; ")
    assert [line.partition("(")[2][:6] for line in told] == ["seed 0", "seed 1"]


def test_numbers_and_words_must_agree_with_what_is_there(lab: Lab) -> None:
    request = requested(lab, **REPORTED)
    assert checked(lab, request).holds
    item = request.evidence[0]
    raised = item.model_copy(update={"value": item.value + 0.5})
    evidence = (raised, *request.evidence[1:])
    problems = checked(lab, request.model_copy(update={"evidence": evidence})).problems
    assert any(f"{item.key}: it says {raised.value!r}" in problem for problem in problems)

    other = request.model_copy(update={"description": "Much better.\n"})
    problems = checked(lab, other).problems
    assert len(problems) == 2
    assert all("line 1 reads 'Much better.'" in problem for problem in problems)
    longer = request.model_copy(update={"description": request.description + "\nAnd more."})
    problems = checked(lab, longer).problems
    assert len(problems) == 2
    assert all("longer or shorter" in problem for problem in problems)

    trial = item.scores[0].trial
    log_path(lab.parts.bench, request.ticket, trial).unlink()
    problems = checked(lab, request).problems
    assert any(f"{trial} on validation: its log is gone" in problem for problem in problems)
    assert f"{item.key}: a score it rests on could not be computed again" in problems


def test_a_ticket_without_a_winner(lab: Lab) -> None:
    request = requested(lab, **REPORTED)
    none = lab.assign(**_SHORT)
    with pytest.raises(LabcrewError, match="no winner"):
        asyncio.run(rerun(lab.parts.work, request.model_copy(update={"ticket": none.id})))
