"""The page on self-evolution says what the kept results say, and its figures are right."""

import math
from itertools import product
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.evolution.figures import median_interval
from evals.evolution.pictures import progress, standing
from evals.evolution.report import TARGETS, Report, document, load, picture_name
from evals.evolution.results import Change
from evals.evolution.targets.kmodule.control import share_within, tries
from evals.evolution.targets.packing.control import (
    CASES,
    Method,
    Start,
    best_of,
    modules,
    seconds_of_a_run,
    start,
)
from tests.evals.test_evolution_running import a_result, append_to

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "evals/results/evolution"


def test_the_page_is_made_from_the_kept_results() -> None:
    page = (ROOT / "docs/evolution-results.md").read_text(encoding="utf-8")
    assert page == document(load(RESULTS))


@pytest.mark.parametrize("target", TARGETS)
def test_the_pictures_show_the_kept_results(target: str) -> None:
    report = load(RESULTS)
    file = ROOT / "docs" / picture_name(target)
    assert file.exists() == bool(report.of(target, "loop"))
    if file.exists():
        assert file.read_bytes() == progress(report.of(target))


@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_a_median_lies_in_its_interval(values: list[float]) -> None:
    found = median_interval(values)
    assert found.of == len(values)
    if values:
        assert found.estimate == median(values)
    if found.low is not None and found.high is not None:
        assert len(values) >= 6
        assert found.low <= found.estimate <= found.high
    else:
        assert len(values) < 6


@pytest.mark.parametrize("count", range(6, 13))
def test_the_interval_holds_the_median_nineteen_times_in_twenty(count: int) -> None:
    """Every way in which `count` values can lie below or above the true median, each as likely."""
    held = 0
    for signs in product((-1, 1), repeat=count):
        found = median_interval(sorted(signs))
        assert found.low is not None
        assert found.high is not None
        held += found.low < 0 < found.high
    assert held / 2**count >= 0.95


def test_blind_draws_take_what_chance_says() -> None:
    assert share_within(100) == pytest.approx(0.148, abs=0.001)
    each = [tries(seed) for seed in range(300)]
    within = sum(one <= 433 for one in each) / len(each)
    assert within == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / len(each)))


def test_a_run_has_the_time_that_the_spec_tells_of() -> None:
    spec = (CASES.parent / "SPEC.md").read_text("utf-8")
    assert f"A run has {seconds_of_a_run():g} seconds of processor time" in spec


def test_the_best_of_more_time_is_no_worse() -> None:
    starts = [Start(seed=n, score=2.5 + n / 1000, seconds=0.1) for n in range(100)]
    assert best_of(starts, 0.05).score == pytest.approx(2.549)
    # Half of all tens hold one of the top 6.7%.
    assert best_of(starts, 1).score == pytest.approx(2.593)
    assert best_of(starts, 1000).score == pytest.approx(2.599)
    assert [best_of(starts, time).least for time in (0.05, 1, 1000)] == [False, False, True]
    assert str(best_of(starts, 1000)) == "at least 2.5990"


@pytest.mark.parametrize("by", get_args(Method))
def test_a_random_start_is_a_packing_that_the_scorer_accepts(by: Method) -> None:
    made = start(*modules(by), seed=1, by=by)
    assert 2.3 < made.score < 2.64
    again = start(*modules(by), seed=1, by=by)
    assert made == again.model_copy(update={"seconds": made.seconds})


@pytest.mark.parametrize("seed", range(5))
def test_linear_programs_leave_a_packing_that_is_no_worse(seed: int) -> None:
    import numpy as np

    pack, _, separate = modules("linear_programs")
    centres = pack.start(np.random.default_rng(seed))
    radii = pack.sizes(centres)
    improved, larger = pack.improve(centres, radii)
    assert larger.sum() >= radii.sum()
    _, closed = separate.separate(improved, larger)
    assert closed == pytest.approx(larger, abs=1e-6)  # nothing had to shrink: nothing overlapped


def test_slsqp_keeps_every_pair_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import scipy.optimize

    counted: list[int] = []

    def minimize(aim: Any, beginning: Any, constraints: Any, **rest: Any) -> SimpleNamespace:
        (kept,) = constraints
        counted.append(len(kept["fun"](beginning)))
        return SimpleNamespace(x=beginning)

    monkeypatch.setattr(scipy.optimize, "minimize", minimize)
    pack, _, _ = modules()
    pack.attempt(np.random.default_rng(1))
    assert counted == [26 * 25 // 2 + 4 * 26]  # pairs, however far apart, and walls


def test_the_page_tells_of_loops_and_controls() -> None:
    results = tuple(
        a_result(arm=arm, seed=seed, solved=solved)
        for arm, solved in (("loop", 7), ("random_search", None))
        for seed in range(6)
    )
    page = document(Report(results=results))
    assert "| the loop | 6 | 9 | 6/6 | 7 [7, 7] | 7.0 |" in page
    assert "| random search | 6 | 9 | 0/6 | more than 9 | - |" in page
    assert "Circle packing" not in page


def test_what_stands_changes_with_what_is_kept() -> None:
    assert standing(a_result()) == [0.25, 0.5, 0.5]
    ET.fromstring(progress([a_result(), a_result(arm="no_memory")]))


def test_a_packing_is_drawn_by_what_it_lacks() -> None:
    text = progress([a_result(target="packing", baseline=0.96)]).decode()
    assert "how far below 2.63599" in text
    ET.fromstring(text)


def test_a_logarithmic_axis_has_plain_numbers() -> None:
    text = progress([a_result(target="packing", baseline=0.96)]).decode()
    assert "mathdefault" not in text


def test_what_ran_by_the_rule_that_took_gains_at_their_word_is_told_so() -> None:
    noise = load(RESULTS).of("ranking")[0].noise

    def page(cases: str) -> str:
        result = a_result(target="kmodule", noise=noise, cases=cases, rounds_allowed=2)
        return document(Report(results=(result,)))

    assert "by an earlier rule" in page("")
    assert "by an earlier rule" not in page("sample")


def test_loops_of_an_earlier_rule_stand_in_no_table() -> None:
    report = load(RESULTS)
    (earlier,) = report.earlier
    text = document(report)
    assert f"A loop by that rule kept {len(earlier.kept)} changes" in text
    assert (
        "earlier rule"
        not in document(report.model_copy(update={"earlier": ()})).partition("own ranking")[2]
    )


def test_loops_of_fewer_rounds_stand_in_a_row_of_their_own(tmp_path: Path) -> None:
    for rounds, scores in ((9, (2.6, 2.61)), (20, (2.62, 2.63))):
        for seed in range(2):
            result = a_result(
                target="packing", seed=seed, rounds_allowed=rounds, final_scores=scores,
                kept=(f"kept in {rounds}",),
            )  # fmt: skip
            append_to(tmp_path, result)
    report = load(tmp_path)
    assert {r.rounds_allowed for r in report.of("packing")} == {20}
    page = document(report)
    assert page.index("| 2.6250 | 2.63000 |") < page.index("| 2.6050 | 2.61000 |")
    assert "not reached (2.6250)" in page
    assert "several looks at the same seeds" in page
    assert "kept in 20" in page
    assert "kept in 9" not in page


def test_the_order_of_results_makes_no_rows(tmp_path: Path) -> None:
    for seed, rounds in ((0, 9), (0, 5), (1, 9), (1, 5), (0, 20)):
        append_to(tmp_path, a_result(target="packing", seed=seed, rounds_allowed=rounds))
    page = document(load(tmp_path))
    assert [line[:16] for line in page.splitlines() if line.startswith("| the loop")] == [
        "| the loop | 1 |", "| the loop | 2 |", "| the loop | 2 |"
    ]  # fmt: skip


def test_a_control_of_more_rounds_takes_no_loop_from_its_place(tmp_path: Path) -> None:
    append_to(tmp_path, a_result(solved=7))
    append_to(tmp_path, a_result(arm="no_memory", rounds_allowed=30))
    report = load(tmp_path)
    assert [r.arm for r in report.of("kmodule")] == ["loop"]
    assert "in no table here: no memory with 30 rounds (1)." in document(report)


def test_rounds_that_a_misplaced_component_cost_are_counted(tmp_path: Path) -> None:
    broken = Change(
        number=1, proposer="guidelines", title="Put in temperature-schedule", verdict="reverted",
        score=0.0,
    )  # fmt: skip
    for rounds in (9, 20):
        result = a_result(target="packing", changes=(broken, broken), rounds_allowed=rounds)
        append_to(tmp_path, result)
    assert "Of all 4 rounds in this table 4 put in" in document(load(tmp_path))
    unharmed = Report(results=(a_result(target="packing"),))
    assert "temperature-schedule" not in document(unharmed)
