"""The keep rule over whole loops: few changes that do nothing are kept, real gains are found."""

from pathlib import Path
from random import Random

import pytest

from agents.evolution.keeping.racing import clearly_behind
from evals.evolution.keeping import Report, markdown, share, simulate
from evals.evolution.learning import SETTINGS, Settings, learning_loop
from evals.evolution.simulated import Evaluation, Simulation, binary, gaussian, steady


@pytest.mark.parametrize(
    "evaluation",
    [binary(1, 3), binary(2, 3), gaussian(1, 3), gaussian(8, 24, cases=1), steady(12)],
    ids=lambda evaluation: evaluation.title,
)
def test_of_a_hundred_changes_that_do_nothing_hardly_one_is_kept(evaluation: Evaluation) -> None:
    random = Random(1)
    kept, looks = [], 0
    for _ in range(12):
        loop = Simulation(evaluation, random)
        for _ in range(100):
            loop.round(loop.nothing())
        looks += loop.looks
        kept.append(loop.kept)
    assert looks > 50, "some must come to a re-test"
    assert max(kept) <= 5
    # The confidence is of the whole loop: 12 times 5 in 100, and what chance adds to that.
    assert sum(count > 0 for count in kept) <= 3


@pytest.mark.parametrize(
    ("evaluation", "gain"), [(binary(1, 6), 0.3), (gaussian(1, 3), 0.8), (gaussian(8, 24, 1), 1.0)]
)
def test_a_large_gain_is_found(evaluation: Evaluation, gain: float) -> None:
    random = Random(2)
    found = 0
    for _ in range(60):
        loop = Simulation(evaluation, random)
        found += loop.round(tuple(mean + gain for mean in loop.champion))
    assert found >= 30


@pytest.mark.parametrize(
    "evaluation", [binary(1, 6), gaussian(1, 3), gaussian(8, 24, cases=1)], ids=lambda e: e.title
)
def test_the_gain_that_is_told_as_seen_is_found_four_times_in_five(evaluation: Evaluation) -> None:
    random = Random(6)
    found = 0
    for _ in range(120):
        loop = Simulation(evaluation, random)
        gain = loop.noise.detectable
        found += loop.round(tuple(mean + gain for mean in loop.champion))
    assert 84 <= found <= 108  # 70 to 90%: three standard errors about 80%


def test_a_better_candidate_is_rarely_dropped_in_a_race() -> None:
    random = Random(3)
    dropped = bad = 0
    for _ in range(600):
        loop = Simulation(binary(1, 3), random)
        old, better, worse = (
            loop.run(tuple(mean + gain for mean in loop.champion), range(8), (999,))
            for gain in (0.0, 0.05, -0.6)
        )
        dropped += bool(clearly_behind(loop.evaluation.scale, old, better, loop.noise))
        bad += bool(clearly_behind(loop.evaluation.scale, old, worse, loop.noise))
    assert dropped <= 12
    assert bad > 100


def test_a_learning_proposer_tries_what_was_not_tried_and_builds_on_what_was_kept() -> None:
    random = Random(5)
    settings = Settings((0.0,) * 8, range(2), random)
    tried = [settings.next() for _ in range(60)]
    assert len(set(tried)) == 60
    best = max(tried, key=lambda chosen: sum(settings.program(chosen)[:2]))
    settings.champion = best
    changed = sum(a != b for a, b in zip(settings.next(), best, strict=True))
    assert changed > 0
    assert settings.program((0,) * SETTINGS) == (0.0,) * 8
    loop = learning_loop(steady(8), random, rounds=5)
    assert loop.rounds == 5


def test_the_report_tells_shares_with_their_intervals() -> None:
    assert str(share([True, False])) == "50% [1.26, 98.7]"
    assert (share([False] * 9).low, share([True] * 9).high) == (0, 1)
    with pytest.raises(ValueError, match="nothing"):
        share([])
    report = simulate(loops=1, tries=2, rounds=3)
    text = markdown(report)
    assert len(report.nulls) >= 4
    assert sum(line.startswith("|") for line in text.splitlines()) == (
        8 + sum(map(len, (report.nulls, report.learning, report.power, report.races)))
    )


def test_the_kept_report_holds_what_is_promised() -> None:
    path = Path(__file__).parents[2] / "evals/results/evolution/keeping.json"
    report = Report.model_validate_json(path.read_text("utf-8"))
    assert all(null.most <= 5 for null in (*report.nulls, *report.learning))
    assert all(null.loops.low <= 1 - report.confidence for null in report.nulls)
    assert all(
        race.dropped.count <= 0.02 * race.dropped.of for race in report.races if race.gain > 0
    )
