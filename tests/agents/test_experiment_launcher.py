"""The launcher: whole searches played through, on any space, budget and history."""

import hashlib
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.budget_used import spent
from agents.experiment_launcher import (
    NEAR,
    ExperimentLauncher,
    PastFailure,
    cured,
    design_problems,
)
from agents.trial_groups import best_group, confirmations, groups, no_score_before, ranked
from labcrew.domain.base import canonical_json
from labcrew.domain.experiment import NO_HOURS_LEFT, Plan, Rescue, Trial
from labcrew.domain.research import QuarantinedRow, Suggestion
from labcrew.domain.search_space import Values, distance, legal, nearest
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judge
from tests.spaces import settings_of, spaces
from tests.tickets import SPACE, failed, make_assigned, make_plan, make_trial, scored

LAUNCHER = ExperimentLauncher(Judge(models={}))
ROW = QuarantinedRow(path="train.csv", row=1, check="duplicate", reason="r", confidence=1)
SLOW = settings(max_examples=25)


def play(
    assigned: AssignedTicket,
    plan: Plan,
    failures: tuple[PastFailure, ...] = (),
    fails: float = 0.0,
) -> list[Trial]:
    """Runs a design to its end; a hash of the settings says how well each run goes."""
    trials: list[Trial] = []
    for _ in range(300):
        designed = LAUNCHER.design(assigned, plan, trials, failures)
        assert designed == LAUNCHER.design(assigned, plan, list(trials), failures)
        if not any(trial.status == "planned" for trial in designed):
            return trials
        for trial in designed:
            if trial.status == "planned":
                luck = _luck(trial)
                trial = failed(trial) if luck < fails and trial.values else scored(trial, luck)
            trials.append(trial)
    raise AssertionError("the design never ends")


def _luck(trial: Trial) -> float:
    text = canonical_json([trial.values, trial.data, trial.seed])
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8


@SLOW
@given(
    spaces(),
    st.integers(1, 3),
    st.integers(0, 14),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.data(),
)
def test_a_design_keeps_its_promises(
    space: dict[str, Any],
    seed_count: int,
    more: int,
    parallel: int,
    cleaned: bool,
    fails: float,
    data: st.DataObject,
) -> None:
    seeds = tuple(range(10, 10 + seed_count))
    assigned = make_assigned(
        search_space={name: p.model_dump() for name, p in space.items()},
        seeds=seeds,
        budget={"trials": seed_count + 1 + more, "parallel": parallel},
    )
    suggestions = tuple(
        Suggestion(values=v, because="a paper says so", finding=f"F{n}")
        for n, v in enumerate(data.draw(st.lists(settings_of(space), max_size=3)))
    )
    failures = tuple(
        PastFailure(trial=f"T-0000-{n}", values=v, reason="nan")
        for n, v in enumerate(data.draw(st.lists(settings_of(space), max_size=2)))
    )
    plan = make_plan(suggestions=suggestions, quarantine=(ROW,) if cleaned else ())
    trials = play(assigned, plan, failures, fails)

    assert spent(trials) <= assigned.budget.trials
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert len({trial.id for trial in trials}) == len(trials)
    ran = [trial for trial in trials if trial.status != "skipped"]
    assert [t.seed for t in ran[:seed_count]] == list(seeds)
    assert all(t.kind == "baseline" and t.values == {} for t in ran[:seed_count])
    assert len({canonical_json([t.values, t.data, t.seed]) for t in ran}) == len(ran)
    for trial in trials:
        assert set(trial.values) in (set(), set(space))
        for name, value in trial.values.items():
            parameter = space[name]
            assert legal(parameter, value)
            if parameter.type != "choice" and parameter.step is not None:
                assert isinstance(value, int | float)
                assert nearest(parameter, value) == value
        if trial.kind == "search":
            assert trial.seed == seeds[0]
        if trial.status == "skipped":
            past = {f.trial: f.values for f in failures}
            past |= {t.id: t.values for t in trials if t.status == "failed"}
            assert distance(space, past[trial.cites], trial.values) <= NEAR
    if fails == 0:
        for finalist in (t for t in trials if t.kind == "finalist"):
            same = [t for t in ran if t.values == finalist.values and t.data == finalist.data]
            assert sorted(t.seed for t in same) == sorted(seeds)
    kinds = [t.kind for t in ran]
    assert kinds.count("cleaned_baseline") in (0, seed_count)
    if "cleaned_baseline" in kinds:
        assert all(t.data == "cleaned" for t in ran if t.kind in ("search", "finalist"))


def assigned_for(trials: int, **changes: Any) -> AssignedTicket:
    return make_assigned(budget={"trials": trials, "parallel": 2}, **changes)


def test_baseline_then_suggestions_then_optuna_then_finalists() -> None:
    paper = Suggestion(values={"lr": 0.03}, because="a paper says so", finding="F1")
    trials = play(assigned_for(24), make_plan(suggestions=(paper,), quarantine=(ROW,)))
    assert [t.kind for t in trials[:6]] == ["baseline"] * 3 + ["cleaned_baseline"] * 3
    assert (trials[6].because, trials[6].cites) == ("a paper says so", "F1")
    assert trials[6].values["lr"] == 0.03
    assert [t.kind for t in trials[-4:]] == ["finalist"] * 4
    assert {t.because for t in trials[7:-4]} == {"Optuna (TPE)"}
    assert spent(trials) == 24
    best = ranked(assigned_for(24).ticket.metric, trials, 3)
    assert len([g for g in best if g.kind == "search"]) == 2


def test_a_met_target_ends_the_search_and_finalists_run_once() -> None:
    metric = {"name": "a", "direction": "maximize", "file": "m.jsonl", "target": 0.0}
    trials = play(assigned_for(24, metric=metric), make_plan())
    kinds = [t.kind for t in trials]
    assert kinds.count("search") == 2
    assert kinds.count("finalist") == 4


def test_suggestions_leave_enough_for_the_finalists() -> None:
    many = tuple(
        Suggestion(values={"lr": lr, "batch": b}, because="p", finding="F")
        for lr in (0.001, 0.01, 0.1)
        for b in (8, 16, 32)
    )
    trials = play(assigned_for(9), make_plan(suggestions=many))
    assert [t.kind for t in trials] == ["baseline"] * 3 + ["search"] * 4 + ["finalist"] * 2


def test_a_budget_too_small_for_a_finalist_is_spent_on_the_search() -> None:
    trials = play(assigned_for(5), make_plan())
    assert [t.kind for t in trials] == ["baseline"] * 3 + ["search"] * 2


def test_a_small_space_is_not_run_twice() -> None:
    space = {"kind": {"type": "choice", "choices": ["a", "b"]}}
    trials = play(assigned_for(24, search_space=space), make_plan())
    assert [t.kind for t in trials].count("search") == 2
    assert [t.kind for t in trials].count("finalist") == 4
    assert spent(trials) == 9


def test_a_finalist_that_fails_gives_way_to_the_next() -> None:
    assigned = assigned_for(16)
    trials = [scored(t, 0.1) for t in LAUNCHER.design(assigned, make_plan(), [])]
    for n, value in enumerate((0.9, 0.8, 0.7)):
        trials.append(make_trial(3 + n, value, values={"lr": (n + 1) / 10, "batch": 8}))
    trials.append(make_trial(6, kind="finalist", values={"lr": 0.1, "batch": 8}, seed=1))
    trials[-1] = failed(trials[-1])
    designed = LAUNCHER.design(assigned, make_plan(), trials)
    assert [t.values["lr"] for t in designed] == [0.2, 0.2, 0.3, 0.3]
    assert [t.seed for t in designed] == [1, 2, 1, 2]


def test_near_repeats_of_failures_are_cited_not_run() -> None:
    space = {"lr": SPACE["lr"]}
    everywhere = tuple(
        PastFailure(trial=f"T-0000-{n}", values={"lr": 10 ** (-4 + n / 30)}, reason="nan")
        for n in range(121)
    )
    paper = Suggestion(values={"lr": 0.1}, because="p", finding="F1")
    person = Suggestion(values={"lr": 0.2}, because="asked for in a comment", finding="")
    assigned = assigned_for(12, search_space=space)
    baseline = [scored(t, 0.1) for t in LAUNCHER.design(assigned, make_plan(), [])]
    plan = make_plan(suggestions=(paper, person))
    designed = LAUNCHER.design(assigned, plan, baseline, everywhere)
    assert [(t.values["lr"], t.status) for t in designed] == [(0.1, "skipped"), (0.2, "planned")]
    assert designed[0].cites.startswith("T-0000-")
    assert LAUNCHER.design(assigned, make_plan(), baseline, everywhere) == ()


def test_failures_of_another_space_are_no_obstacle() -> None:
    strange = PastFailure(trial="T-0000-1", values={"lr": 0.0, "batch": "many"}, reason="nan")
    assigned = assigned_for(12)
    baseline = [scored(t, 0.1) for t in LAUNCHER.design(assigned, make_plan(), [])]
    designed = LAUNCHER.design(assigned, make_plan(), baseline, (strange,))
    assert [t.status for t in designed] == ["planned", "planned"]


def test_a_baseline_without_a_score_is_tried_as_often_as_a_person_said() -> None:
    assigned, plan = assigned_for(8), make_plan()
    trials = [failed(t) for t in LAUNCHER.design(assigned, plan, [])]
    assert LAUNCHER.design(assigned, plan, trials) == ()
    trials += [failed(t) for t in LAUNCHER.design(assigned, plan, trials, baselines=2)]
    assert len(trials) == 6
    assert len(LAUNCHER.design(assigned, plan, trials, baselines=3)) == 2


def test_a_repeated_seed_does_not_make_a_finalist() -> None:
    trials = [make_trial(n, 0.5 + n / 10, seed=0) for n in range(3)]
    (group,) = groups(trials)
    assert group.scores == (0.5,)
    assert ranked(make_assigned().ticket.metric, trials, 3) == ()


def test_ranking_follows_the_direction_and_the_older_of_equals() -> None:
    trials = [
        make_trial(0, 0.5, values={"lr": 0.1, "batch": 8}),
        make_trial(1, 0.5, values={"lr": 0.2, "batch": 8}),
        make_trial(2, 0.9, values={"lr": 0.3, "batch": 8}),
    ]
    up = make_assigned().ticket.metric
    assert [g.values["lr"] for g in ranked(up, trials, 1)] == [0.3, 0.1, 0.2]
    down = up.model_copy(update={"direction": "minimize"})
    assert [g.values["lr"] for g in ranked(down, trials, 1)] == [0.1, 0.2, 0.3]


def test_a_restart_says_what_it_restarts() -> None:
    of = make_trial(4, seed=1, data="cleaned")
    lower: Values = {"lr": 0.01, "batch": 8}
    made = LAUNCHER.restart(make_assigned(), [of] * 5, of, lower, 512, Rescue(), "again")
    assert (made.number, made.restarts, made.seed, made.data) == (5, of.id, 1, "cleaned")
    assert made.kind == "restart"


def test_a_run_rescued_by_other_means_than_its_settings_is_in_no_group() -> None:
    assigned, of = make_assigned(), make_trial(0, 0.8, kind="baseline", values={})
    resumed = LAUNCHER.restart(
        assigned, [of], of, {}, 512, Rescue(checkpoint="checkpoints/3.npz", step=3), "again"
    )
    slower = LAUNCHER.restart(assigned, [of], of, {}, 512, Rescue(learning_rate_scale=0.1), "again")
    assert (resumed.kind, slower.kind) == ("baseline", "restart")
    ended = [t.model_copy(update={"score": of.score}) for t in (resumed, slower)]
    assert [t.id for g in groups([of, *ended]) for t in g.trials] == [of.id, resumed.id]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_search_learns(direction: str) -> None:
    space = {"lr": {"type": "float", "low": 0.0, "high": 1.0}}
    metric = {"name": "m", "direction": direction, "file": "m.jsonl"}
    assigned = make_assigned(
        search_space=space, metric=metric, seeds=(0,), budget={"trials": 40, "parallel": 1}
    )
    sign = -1 if direction == "maximize" else 1
    trials: list[Trial] = []
    while designed := LAUNCHER.design(assigned, make_plan(), trials):
        trials += [scored(t, sign * (float(t.values.get("lr", 1)) - 0.3) ** 2) for t in designed]
    missed = [abs(float(t.values["lr"]) - 0.3) for t in trials[1:]]
    assert min(missed) < 0.02
    assert statistics.median(missed[-10:]) < statistics.median(missed[:10])


def test_a_design_is_checked_before_it_is_used() -> None:
    assigned = make_assigned()
    known = [make_trial(0, 0.5)]
    good = make_trial(1, values={"lr": 0.1, "batch": 8})
    assert design_problems(assigned, known, [good]) == []
    outside = make_trial(1, values={"lr": 1e9, "batch": 8, "depth": 3})
    (problem,) = design_problems(assigned, known, [outside])
    assert "lr, depth outside the search space" in problem
    assert "twice" in design_problems(assigned, known, [make_trial(0)])[0]
    many = [make_trial(n) for n in range(1, assigned.budget.trials + 5)]
    assert "budget" in design_problems(assigned, known, many)[0]


def won(assigned: AssignedTicket) -> list[Trial]:
    """A design played to its end in which every setting beats the program as it is."""
    trials: list[Trial] = []
    while designed := LAUNCHER.design(assigned, make_plan(), trials):
        trials += [scored(t, _luck(t) + (2 if t.values else 0)) for t in designed]
    return trials


def test_fresh_seeds_come_last_and_choose_nothing() -> None:
    assigned = assigned_for(16, seeds=(0, 1), holdout_seeds=(7, 8))
    trials = won(assigned)
    kinds = [t.kind for t in trials]
    last = kinds.index("confirmation")
    assert kinds[last:] == ["confirmation"] * 4
    assert spent(trials) == 16
    best = best_group(assigned, trials)
    assert best is not None
    assert best == best_group(assigned, trials[:last])
    assert [(t.values, t.seed) for t in trials[last:]] == [
        ({}, 7), ({}, 8), (best.values, 7), (best.values, 8),
    ]  # fmt: skip
    assert not any(t.kind == "confirmation" for g in groups(trials) for t in g.trials)


def test_fresh_seeds_that_turn_out_better_change_no_rank() -> None:
    assigned = assigned_for(12, seeds=(0,), holdout_seeds=(7,))
    trials = won(assigned)
    best = best_group(assigned, trials)
    assert best is not None
    worst = [scored(t, 0.0) if t.kind == "confirmation" and t.values else t for t in trials]
    assert best_group(assigned, worst) == best
    assert ranked(assigned.ticket.metric, worst, 1) == ranked(assigned.ticket.metric, trials, 1)
    assert [t.score for t in confirmations(worst, best) if t.score] != [
        t.score for t in confirmations(trials, best) if t.score
    ]


def test_runs_of_another_patch_say_nothing_of_the_present_one() -> None:
    assigned = make_assigned(kind="fix", seeds=(0,), budget={"trials": 2})
    trials: list[Trial] = []
    while designed := LAUNCHER.design(assigned, make_plan(), trials, code="a" * 64):
        trials += [scored(t, 1.0) for t in designed]
    found = best_group(assigned, trials, "a" * 64)
    assert found is not None
    assert found.code == "a" * 64
    # A revision's patch, for which no run is left.
    assert LAUNCHER.design(assigned, make_plan(), trials, code="b" * 64) == ()
    assert best_group(assigned, trials, "b" * 64) is None


def test_a_patch_is_measured_though_the_program_as_it_was_gives_no_score() -> None:
    assigned = make_assigned(kind="fix", seeds=(0, 1), holdout_seeds=(7,), budget={"trials": 6})
    code, plan = "a" * 64, make_plan()
    baseline = LAUNCHER.design(assigned, plan, [], code=code)
    assert [t.kind for t in baseline] == ["baseline"] * 2
    trials = [failed(t, reason="KeyError: 'lr'") for t in baseline]
    assert no_score_before(trials) == "KeyError: 'lr'"
    assert best_group(assigned, trials, code) is None
    changed = LAUNCHER.design(assigned, plan, trials, code=code)
    assert [(t.kind, t.seed, t.code) for t in changed] == [
        ("changed", 0, code), ("changed", 1, code),
    ]  # fmt: skip
    one = [*trials, scored(changed[0], 0.5), failed(changed[1])]
    assert best_group(assigned, one, code) is None, "a seed without a score is no success"
    trials += [scored(t, 0.5) for t in changed]
    best = best_group(assigned, trials, code)
    assert best is not None
    assert best.scores == (0.5, 0.5)
    assert LAUNCHER.design(assigned, plan, trials, code=code) == (), "no fresh seeds: no other side"
    assert (
        best_group(assigned.model_copy(update={"ticket": make_assigned().ticket}), trials) is None
    )


def test_a_baseline_that_an_engine_lost_is_no_baseline_that_failed() -> None:
    assigned, code = make_assigned(kind="fix", seeds=(0,), budget={"trials": 4}), "a" * 64
    (own,) = LAUNCHER.design(assigned, make_plan(), [], code=code)
    lost = own.model_copy(update={"status": "unknown"})
    assert no_score_before([lost]) == ""
    assert LAUNCHER.design(assigned, make_plan(), [lost], code=code) == ()
    patched = make_trial(1, 0.9, kind="changed", values={}, code=code)
    assert best_group(assigned, [lost, patched], code) is None
    again = scored(own.model_copy(update={"id": "T-0001-009", "number": 9}), 0.1)
    assert no_score_before([failed(own), again]) == "", "one run that gave a score is enough"


@pytest.mark.parametrize("beaten", [False, True])
def test_a_search_goes_on_where_a_person_grants_more_budget(beaten: bool) -> None:
    assigned = assigned_for(16, seeds=(0, 1, 2))

    def value(trial: Trial, offset: float = 0.0) -> float:
        return offset + _luck(trial) / 2 if trial.values else 0.1

    trials = on(assigned, [], value)
    finalists = {t.id for t in trials if t.kind == "finalist"}
    assert finalists
    assert LAUNCHER.design(assigned, make_plan(), trials) == (), "it had its end"
    more = assigned.model_copy(update={"budget": assigned.budget.model_copy(update={"trials": 32})})
    went_on = on(more, trials, lambda t: value(t, 1.0 if beaten else -1.0))
    new = went_on[len(trials) :]
    assert spent(went_on) == 32
    assert [t.kind for t in new[:-4]] == ["search"] * 12
    assert [t.kind for t in new[-4:]] == ["finalist"] * 4
    assert len({canonical_json(t.values) for t in new[-4:]}) == 2
    assert LAUNCHER.design(more, make_plan(), went_on) == ()
    best = best_group(more, went_on)
    assert best is not None
    assert (best.trials[0].number >= len(trials)) is beaten


def on(
    assigned: AssignedTicket, trials: list[Trial], value: Callable[[Trial], float]
) -> list[Trial]:
    """A design played on to its end, where every run gives a score."""
    trials = list(trials)
    for _ in range(50):
        designed = LAUNCHER.design(assigned, make_plan(), trials)
        trials += [scored(t, value(t)) for t in designed]
    return trials


def left_out(trial: Trial) -> Trial:
    return trial.model_copy(update={"status": "skipped", "because": NO_HOURS_LEFT})


def test_what_no_hours_were_left_for_is_designed_again_with_more_of_them() -> None:
    assigned = assigned_for(8)
    trials: list[Trial] = []
    while True:
        designed = LAUNCHER.design(assigned, make_plan(), trials)
        if any(t.kind == "finalist" for t in designed):
            break
        trials += [scored(t, _luck(t) if t.values else 0.0) for t in designed]
    trials += [left_out(t) for t in designed]
    again = LAUNCHER.design(assigned, make_plan(), trials)
    assert [(t.kind, t.values, t.seed) for t in again] == [
        (t.kind, t.values, t.seed) for t in designed
    ]
    assert again[0].number == len(trials), "no number is given twice"


def test_what_a_person_asked_for_is_run_though_no_hours_were_left_before() -> None:
    assigned = assigned_for(12)
    asked = Suggestion(values={"lr": 0.05, "batch": 16}, because="asked for", finding="")
    plan = make_plan(suggestions=(asked,))
    trials = [make_trial(n, 0.5, kind="baseline", values={}, seed=n) for n in range(2)]
    (first, *_) = LAUNCHER.design(assigned, plan, trials)
    assert first.values == asked.values
    (again, *_) = LAUNCHER.design(assigned, plan, [*trials, left_out(first)])
    assert (again.values, again.number) == (asked.values, 3)


def test_a_lost_run_is_free_once_a_chain_and_where_it_is_run_again() -> None:
    lost = make_trial(0, status="unknown")
    again = make_trial(1, restarts=lost.id)
    assert spent([lost]) == 1, "nothing takes its place"
    assert spent([lost, again]) == 1
    lost_again = again.model_copy(update={"status": "unknown"})
    third = make_trial(2, restarts=again.id)
    assert spent([lost, lost_again, third]) == 2
    other, anew = make_trial(3, status="unknown"), make_trial(4, restarts="T-0001-003")
    assert spent([lost, again, other, anew]) == 2, "each chain has one of its own"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_search_whose_every_run_is_lost_comes_to_its_end(restarted: bool) -> None:
    assigned = make_assigned(seeds=(0,), budget={"trials": 6, "parallel": 1})
    trials = [make_trial(0, 0.5, kind="baseline", values={})]
    for trial in (t for _ in range(20) for t in LAUNCHER.design(assigned, make_plan(), trials)):
        trials.append(trial.model_copy(update={"status": "unknown"}))
        if restarted:
            again = LAUNCHER.restart(
                assigned, trials, trials[-1], trial.values, 512, Rescue(), "lost"
            )
            trials.append(failed(again))
    assert spent(trials) == 6


def test_without_a_winner_no_fresh_seed_is_spent() -> None:
    assigned = assigned_for(8, seeds=(0,), holdout_seeds=(7,))
    trials: list[Trial] = []
    while designed := LAUNCHER.design(assigned, make_plan(), trials):
        trials += [scored(t, 0.0 if t.values else 1.0) for t in designed]
    assert "confirmation" not in [t.kind for t in trials]
    assert spent(trials) == 6


def test_a_failed_run_with_a_fresh_seed_bars_no_settings() -> None:
    assigned = assigned_for(12, seeds=(0,), holdout_seeds=(7,))
    trials = won(assigned)
    broken = [failed(t) if t.kind == "confirmation" else t for t in trials]
    assert best_group(assigned, broken) == best_group(assigned, trials)
    assert LAUNCHER.design(assigned, make_plan(), broken) == ()
    again = LAUNCHER.restart(
        assigned, broken, broken[-1], {"lr": 0.5, "batch": 8}, 512, Rescue(), "smaller"
    )
    assert again.kind == "confirmation"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"holdout_seeds": (0,)}, "holdout_seeds must be fresh"),
        ({"holdout_seeds": (7, 7)}, "holdout_seeds must be fresh"),
        ({"seeds": (0,), "holdout_seeds": (7, 8), "budget": {"trials": 5}}, "need 6"),
    ],
)
def test_fresh_seeds_are_fresh_and_paid_for(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make_assigned(**changes)


def test_a_stop_that_a_restart_as_it_was_cured_is_no_failure_of_its_settings() -> None:
    stopped = make_trial(3, status="stopped")
    same = make_trial(4, 0.9, restarts=stopped.id)
    lower = make_trial(5, 0.9, restarts=stopped.id, values={"lr": 0.01, "batch": 8})
    told = make_trial(6, 0.9, restarts=stopped.id, rescue={"gradient_clip": 1.0})
    assert cured([stopped, same]) == {stopped.id}
    assert cured([stopped, lower, told]) == set()
