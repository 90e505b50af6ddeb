"""Numbers that nothing was chosen by, evaluators that a ticket brings, and what was guessed."""

import asyncio
from typing import Any

import pytest

from graphs.verification import rerun, verify
from labcrew.domain.measuring import Evaluator
from labcrew.domain.review import MergeRequest, Verification
from labcrew.errors import LabcrewError
from tests.graphs.tiny import DATA, EVALUATE, REPORTED, Lab, run
from tools.run_trial import log_path

pytestmark = pytest.mark.engine

DOUBT = {"field": "metric.split", "confidence": 0.55, "because": "nothing in `train.py` tells it"}


def requested(lab: Lab, **changes: Any) -> MergeRequest:
    """The merge request of a ticket that waits at its merge gate."""
    assigned = lab.assign(**changes)
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    waiting = run(lab, assigned.id, yes=False)
    assert "merge" in lab.open_gates(assigned.id), waiting.outcome
    return lab.ledger.merge_requests.get(f"{assigned.id}-MR0")


def checked(lab: Lab, request: MergeRequest) -> Verification:
    return asyncio.run(verify(lab.parts.work, request))


def test_a_holdout_that_runs_report_is_read_at_the_end_and_checked(lab: Lab) -> None:
    metric = REPORTED["metric"] | {
        "holdout": {"name": "loss", "pattern": r'"loss": ([-+.\deE]+)'},
    }
    request = requested(
        lab, evaluator=None, metric=metric, seeds=[0, 1], budget={"trials": 5}, doubts=[DOUBT]
    )
    trials = lab.ledger.trials.of(request.ticket)
    assert {t.score.split for t in trials if t.score} == {"validation"}
    held = {e.key: e for e in request.evidence if e.key.startswith("holdout_")}
    assert {s.source for s in held["holdout_best_mean"].scores} == {"reported"}
    assert {s.split for s in held["holdout_best_mean"].scores} == {"holdout"}
    assert held["holdout_best_mean"].value != 0
    assert "| holdout |" in request.description
    assert "Holdout is loss as the same runs report it" in request.description
    assert "## Guessed, not confirmed" in request.description
    assert "| metric.split | 55% | nothing in" in request.description
    assert checked(lab, request).holds

    log = log_path(lab.parts.work.bench, request.ticket, held["holdout_best_mean"].scores[0].trial)
    log.chmod(0o600)
    log.write_text(log.read_text().replace('"loss": ', '"loss": 9'))
    assert any("holdout_best_mean" in problem for problem in checked(lab, request).problems)


def test_a_holdout_that_one_run_lacks_is_given_for_none(lab: Lab) -> None:
    metric = REPORTED["metric"] | {"holdout": {"name": "test", "pattern": r"test (\d+)"}}
    request = requested(lab, evaluator=None, metric=metric, seeds=[0], budget={"trials": 2})
    assert request.verdict == "unmeasured"
    assert not any(e.key.startswith("holdout_") for e in request.evidence)
    assert "no holdout is given" in request.description
    assert "holdout.unread" in lab.kinds(request.ticket)
    assert checked(lab, request).holds


def test_fresh_seeds_run_after_the_choice_and_are_told_apart(lab: Lab) -> None:
    request = requested(
        lab, **REPORTED, seeds=[0], holdout_seeds=[3, 4], budget={"trials": 7, "parallel": 2}
    )
    trials = lab.ledger.trials.of(request.ticket)
    assert [t.kind for t in trials][-4:] == ["confirmation"] * 4
    assert [t.seed for t in trials][-4:] == [3, 4, 3, 4]
    chosen = next(e for e in request.evidence if e.key == "validation_best_mean")
    assert [s.seed for s in chosen.scores] == [0]
    fresh = {e.key: e for e in request.evidence if e.key.startswith("fresh_")}
    assert [s.seed for s in fresh["fresh_gain"].scores] == [3, 4]
    assert {"fresh_gain_low", "fresh_gain_high"} <= set(fresh)
    assert "| fresh seeds |" in request.description
    assert request.gain == fresh["fresh_gain"].value
    assert request.verdict in ("improves", "no_gain")
    assert checked(lab, request).holds
    assert "(seed 0)" in asyncio.run(rerun(lab.parts.work, request))


def test_an_evaluator_of_the_ticket_s_own_judges_and_no_trial_sees_it(lab: Lab) -> None:
    command = "if [ -e judge/score.py ]; then echo seen; exit 9; fi; " + (
        "python3 train.py {settings} --seed {seed} --outputs {outputs}"
    )
    evaluator = {
        "command": "python3 judge/score.py {outputs} {split}",
        "files": {"judge/score.py": EVALUATE},
    }
    assigned = lab.assign(
        evaluator=evaluator,
        run={"command": command, "timeout_s": 60},
        data=list(DATA),
        seeds=[0],
        budget={"trials": 2},
        doubts=[DOUBT],
    )
    run(lab, assigned.id, yes=False)
    gate = lab.open_gates(assigned.id)["plan"]
    assert gate.shown["evaluator"]["files"] == evaluator["files"]
    assert "One minus the mean absolute error" in gate.description
    assert "Guessed, not confirmed: metric.split (55% sure: nothing in" in gate.description
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id, yes=False)
    request = lab.ledger.merge_requests.get(f"{assigned.id}-MR0")
    assert {s.source for e in request.evidence for s in e.scores} == {"evaluator"}
    assert {s.split for e in request.evidence for s in e.scores} == {"validation", "holdout"}
    assert "Scores are made by `judge/score.py`, which the ticket brought" in request.description
    assert checked(lab, request).holds
    assert "(seed 0)" in asyncio.run(rerun(lab.parts.work, request))

    other = evaluator | {"files": {"judge/score.py": EVALUATE + "# kinder\n"}}
    changed = lab.ledger.tickets.get(assigned.id).model_copy(
        update={
            "ticket": assigned.ticket.model_copy(
                update={"evaluator": Evaluator.model_validate(other)}
            )
        }
    )
    lab.ledger.tickets.put(changed, actor="test")
    problems = checked(lab, request).problems
    assert any("not the one that made the score" in problem for problem in problems)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"evaluate.py": "x"}, "is in commit HEAD already"),
        ({"data": "x"}, "is in commit HEAD already"),
        ({"evaluate.py/inner.py": "x"}, "is in commit HEAD already"),
    ],
)
def test_an_evaluator_s_files_stand_in_nobody_s_place(
    lab: Lab, files: dict[str, str], told: str
) -> None:
    evaluator = {"command": "python3 evaluate.py {outputs} {split}", "files": files}
    with pytest.raises(LabcrewError, match=told):
        lab.assign(evaluator=evaluator)
