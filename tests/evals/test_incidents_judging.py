"""Judging and reporting on results made up for it."""

from pathlib import Path
from typing import Any

import pytest

from evals.incidents.curve import learning_curve
from evals.incidents.faults import fault
from evals.incidents.figures import Quantile, figures, rewards_by_round
from evals.incidents.judging import judge
from evals.incidents.report import document, load
from evals.incidents.results import CleanResult, Result, Seen, Twin, append, read
from evals.incidents.running import chosen_arms
from labcrew.errors import InputError

TWINS = [Twin(program="numpy_network", seed=7, value=0.96)]


def seen(**changes: Any) -> Seen:
    fields: dict[str, Any] = {
        "kind": "diverged",
        "run": 0,
        "after_s": 0.4,
        "step": 63,
        "after_steps": 3,
        "action": "restart_lower_rate",
    }
    return Seen.model_validate(fields | changes)


def result(**changes: Any) -> Result:
    fields: dict[str, Any] = {
        "arm": "rules",
        "seed": 0,
        "round": 0,
        "fault": "learning_rate_jump",
        "program": "numpy_network",
        "moment": 60,
        "magnitude": 40.0,
        "half": "held_out",
        "run_seed": 7,
        "onset": True,
        "incidents": (seen(),),
        "trials": ("stopped", "scored"),
        "value": 0.955,
    }
    return Result.model_validate(fields | changes)


def judged(**changes: Any) -> Any:
    made = result(**changes)
    return judge(fault(made.fault), made, TWINS)


def test_a_run_that_is_noticed_named_and_helped() -> None:
    one = judged()
    assert one.detected
    assert one.diagnosed
    assert one.acted
    assert one.recovered
    assert not one.destroyed
    assert one.seconds == 0.4
    assert one.steps == 3
    assert one.gap == pytest.approx(0.005 / 0.96)
    assert one.reward == 1.0


def test_nothing_seen_is_not_detected_and_no_score_is_not_recovered() -> None:
    one = judged(incidents=(), value=None, trials=("failed",))
    assert not one.detected
    assert not one.diagnosed
    assert one.recovered is False
    assert one.reward == 0.0


def test_an_incident_before_the_onset_is_no_detection_and_stopping_for_it_destroys_work() -> None:
    one = judged(incidents=(seen(after_s=-0.9, action="restart_same"),))
    assert not one.detected
    assert one.early == 1
    assert one.destroyed
    assert not judged(incidents=(seen(after_s=-0.9, action="continue"),)).destroyed


def test_a_fault_that_never_began_is_not_detected() -> None:
    assert not judged(onset=False, incidents=(seen(after_s=None),)).detected


def test_what_another_incident_explains_is_no_diagnosis() -> None:
    explained = seen(kind="plateau", after_s=0.1, part=True)
    assert judged(incidents=(explained, seen())).diagnosed
    assert not judged(incidents=(seen(kind="plateau", after_s=0.1), seen())).diagnosed


def test_an_incident_of_a_restart_does_not_count_as_detection() -> None:
    assert not judged(incidents=(seen(run=1),)).detected


def test_asking_a_person_is_no_recovery() -> None:
    assert not judged(incidents=(seen(action="escalate"),)).recovered


def test_giving_up_what_would_end_well_destroys_work() -> None:
    slow = {"fault": "slow_steps", "incidents": (seen(kind="slowed", action="give_up"),)}
    assert judged(**slow).destroyed


def test_a_fault_without_a_good_end_has_no_reward() -> None:
    one = judged(fault="crash_always", incidents=(seen(kind="crashed", action="give_up"),))
    assert one.recovered is None
    assert one.reward is None
    assert one.acted


def test_a_smaller_error_is_better() -> None:
    twins = [Twin(program="boosting", seed=7, value=50.0)]
    worse = judge(fault("hang"), result(fault="hang", program="boosting", value=53.0), twins)
    assert worse.gap == pytest.approx(0.06)
    assert worse.reward == 0.5


def test_more_restarts_are_worth_less() -> None:
    assert judged(trials=("stopped", "stopped", "scored")).reward == pytest.approx(0.9)


def test_a_quantile_lies_in_its_interval() -> None:
    found = Quantile.at([float(n) for n in range(50)], 0.5)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert str(Quantile.at([], 0.5)) == "-"


def test_figures_count_by_seed_and_round() -> None:
    runs = [judged(seed=s, round=r) for s in range(3) for r in range(2)]
    runs += [judged(seed=s, round=2, value=None) for s in range(3)]
    found = figures(runs)
    assert found.detected.right == 9
    assert found.recovered.right == 6
    assert found.recovered.of == 9
    assert found.reward is not None
    assert found.reward.estimate == pytest.approx(2 / 3)
    assert [mean for _, mean, _, _ in rewards_by_round(runs, "rules")] == [1.0, 1.0, 0.0]
    assert rewards_by_round(runs, "alert") == []


def test_the_page_says_what_fell_short(tmp_path: Path) -> None:
    append(tmp_path / "twins.jsonl", TWINS[0])
    for arm in ("alert", "learning"):
        append(tmp_path / f"{arm}-0.jsonl", result(arm=arm))
    append(tmp_path / "learning-0.jsonl", result(arm="learning", round=1, incidents=()))
    append(tmp_path / "clean.jsonl", CleanResult(name="a", sort="noisy", incidents=(seen(),)))
    report = load(tmp_path)
    page = document(report)
    assert "Not reached: detected, diagnosed, false alarms." in page
    assert "| faults detected | ≥ 98% | 1/2 (50%" in page
    assert "| noisy | 1/1 (100%" in page
    assert "diverged" in page
    assert report.summary()["learning/both"].runs == 2


def test_no_results_reach_nothing(tmp_path: Path) -> None:
    page = document(load(tmp_path))
    assert "All reached" not in page
    assert "No runs yet." in page


def test_the_learning_curve_is_the_same_for_the_same_results() -> None:
    runs = [
        judged(seed=s, round=r, arm=a)
        for s in range(3)
        for r in range(3)
        for a in ("alert", "learning")
    ]
    drawn = learning_curve(runs)
    assert drawn == learning_curve(runs)
    assert b"alert only" in drawn
    assert b"fixed rules" not in drawn


def test_a_line_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "rules-0.jsonl"
    append(file, result())
    with file.open("a") as lines:
        lines.write('{"arm": "rul')
    assert read(file, Result) == [result()]
    append(file, result(round=1))
    assert [one.round for one in read(file, Result)] == [0, 1]


def test_arms_are_chosen_by_name() -> None:
    assert chosen_arms("learning, alert") == ("alert", "learning")
    for words in ("", "none", "alert,none"):
        with pytest.raises(InputError, match="no arm"):
            chosen_arms(words)


def test_a_run_that_would_have_ended_well_by_itself_was_destroyed() -> None:
    bad = result(value=None, trials=("stopped", "stopped"))
    alone = result(arm="alert", value=0.95)
    lost = result(arm="alert", value=0.3)
    assert judge(fault(bad.fault), bad, TWINS, alone).destroyed
    assert not judge(fault(bad.fault), bad, TWINS, lost).destroyed
    assert not judge(fault(bad.fault), result(), TWINS, alone).destroyed
