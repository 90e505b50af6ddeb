"""The keep rule where a program's runs never differ: chance is in the cases, or brought in."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.looks import level_at
from agents.evolution.keeping.protecting import lost
from agents.evolution.keeping.provable import unkeepable, unprovable
from agents.evolution.keeping.scope import (
    FEWEST_SHOWN,
    exact,
    fewest,
    least_cases,
    over_on_gate,
    parts,
)
from agents.evolution.keeping.sealing import sealed_result
from labcrew.domain.evolution import Comparison, NoiseFloor, ScoredRun
from labcrew.domain.evolution_spec import KeepRule, Scale

SCALE = Scale(name="score", low=-100, high=100)
SAMPLE, ALL = KeepRule(), KeepRule(cases="all")
SIZES = st.one_of(
    st.sampled_from((0.0, 0.001, 0.25, 0.5, 1.0)), st.floats(1e-6, 40, allow_subnormal=False)
)


def runs(*cases: Sequence[float], digest: str = "") -> tuple[ScoredRun, ...]:
    """Runs of cases, a score a seed each."""
    return tuple(
        ScoredRun(
            id=f"c{n}/{seed}", ticket="E-001", code="c", case=f"c{n}", split="gate", seed=seed,
            status="ok", score=score, seconds=1, output_sha256=digest or f"{score}",
        )
        for n, scores in enumerate(cases)
        for seed, score in enumerate(scores)
    )  # fmt: skip


def on_gate(rule: KeepRule, seeds: int, level: float, *gains: float) -> Comparison:
    """A re-test, as the loop makes it, of a change whose runs never differ."""
    old, new = runs(*[[0.0] * seeds for _ in gains]), runs(*[[gain] * seeds for gain in gains])
    return compare(
        SCALE, old, new, level,
        exact=exact(rule, seeds, level, deterministic=True),
        over=over_on_gate(rule, deterministic=True),
    )  # fmt: skip


@settings(max_examples=30)
@given(st.lists(SIZES, min_size=1, max_size=7), st.floats(0.55, 0.995), st.integers(1, 3))
def test_of_gains_as_likely_as_losses_no_more_are_proven_than_the_level_lets(
    sizes: list[float], level: float, seeds: int
) -> None:
    """Whatever the differences' sizes are, and however often a case is run."""
    signs = list(itertools.product((-1, 1), repeat=len(sizes)))
    proven = sum(
        on_gate(SAMPLE, seeds, level, *(s * x for s, x in zip(each, sizes, strict=True))).low > 0
        for each in signs
    )
    assert proven <= (1 - level) * len(signs) + 1e-9


@settings(max_examples=30)
@given(st.floats(0.001, 40), st.integers(1, 8), st.floats(0.55, 0.995))
def test_of_two_outputs_as_likely_chance_is_taken_for_a_gain_no_more_than_the_level_lets(
    size: float, seeds: int, level: float
) -> None:
    """One case, all there is; the champion's runs are the same, a change's are a coin's."""
    old = runs([0.0] * seeds)
    tossed = [runs(scores) for scores in itertools.product((-size, size), repeat=seeds)]
    sure = exact(ALL, seeds, level, deterministic=True)
    proven = sum(compare(SCALE, old, new, level, exact=sure).low > 0 for new in tossed)
    assert proven <= (1 - level) * len(tossed) + 1e-9


def test_where_the_cases_are_all_there_is_an_exact_gain_is_kept_however_small() -> None:
    level = level_at(1, ALL, 100)
    assert on_gate(ALL, fewest(level), level, 0.001).low == pytest.approx(0.001)
    # One case pays for another, exactly.
    assert on_gate(ALL, fewest(level), level, 0.5, -0.2).low == pytest.approx(0.15)
    assert on_gate(ALL, fewest(level), level, 0.2, -0.5).low < 0
    assert on_gate(ALL, fewest(level) - 1, level, 0.001).low <= 0


def test_a_sample_must_gain_on_enough_cases_however_often_each_is_run() -> None:
    level = level_at(1, SAMPLE, 40)
    mixed = (0.5, 0.4, -0.3, 0.2, -0.2, 0.1, 0.0, -0.1, 0.3, -0.2)
    assert on_gate(SAMPLE, 1, level, *mixed).gain > 0
    assert on_gate(SAMPLE, 30, level, *mixed).low <= 0
    assert on_gate(SAMPLE, 1, level, *(0.1 + n / 100 for n in range(10))).low > 0


def test_fewer_sealed_cases_prove_no_more() -> None:
    def low(rule: KeepRule, *gains: float) -> float:
        old, new = runs(*[[0.0] * 3 for _ in gains]), runs(*[[gain] * 3 for gain in gains])
        return sealed_result(
            SCALE, rule, baseline=old, final=new, others=(old, new), gate=0, deterministic=True
        ).comparison.low

    assert low(SAMPLE, 0.5, -0.2, -0.2, 0) <= 0
    assert low(SAMPLE, 0.5, -0.2, -0.2, 0, 0) <= 0
    assert low(SAMPLE, 0.5, 0.5, 0.5, 0.5) <= 0, "four signs alike are chance 1 in 16 times"
    assert low(SAMPLE, 0.5, 0.5, 0.5, 0.5, 0.5) > 0
    assert low(ALL, 0.5) <= 0, "three runs of one case are too few"
    assert low(ALL, 0.5, 0.5) > 0


def test_what_can_prove_nothing_is_told_before_anything_is_spent() -> None:
    assert "4 gate cases can't tell" in (why := unkeepable(SAMPLE, 4, 100))
    assert "keep.cases to all" in why
    assert "10 are enough at first, 20 to the last" in why
    assert unkeepable(SAMPLE, 9, 100)
    assert unkeepable(SAMPLE, 10, 100) == ""
    # 4 of 5 would be held, which are enough; but of one case no first look tells anything.
    assert unkeepable(KeepRule(confidence=0.8), 5, 3)
    assert unkeepable(KeepRule(confidence=0.8), 6, 3) == ""
    assert "keep.retest_seeds to 14" in unkeepable(ALL, 1, 100)
    assert unkeepable(KeepRule(cases="all", retest_seeds=7), 1, 100) == ""
    assert fewest(level_at(100, ALL, 100)) == 14
    assert "has 4 cases" in unprovable(SAMPLE, 4, deterministic=True)
    assert unprovable(SAMPLE, 4) == ""
    assert "keep.sealed_seeds to 5" in unprovable(ALL, 1, deterministic=True)


@given(st.integers(1, 200))
def test_no_case_stands_in_both_parts_of_a_gate(count: int) -> None:
    shown, held = parts(range(count), parted=True)
    assert (*shown, *held) == tuple(range(count))
    assert shown
    assert parts(range(count), parted=False) == (tuple(range(count)),) * 2
    enough, fewer = (parts(range(least_cases(count) - n), parted=True) for n in (0, 1))
    assert len(enough[1]) >= count
    assert len(enough[0]) >= FEWEST_SHOWN
    assert len(fewer[1]) < count or len(fewer[0]) < FEWEST_SHOWN


@given(
    st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), min_size=1, max_size=5),
    st.floats(0, 5),
)
def test_no_protected_case_is_lost_by_a_program_that_is_the_same(
    cases: list[list[float]], std: float
) -> None:
    noise = NoiseFloor(
        pairs=8, std=std, case_std=1, mean=0, difference=0, detectable=1, needed=1, worthwhile=1,
        deterministic=std == 0,
    )  # fmt: skip
    old = runs(*cases)
    protected = [run.case for run in old]
    assert lost(SCALE, noise, old, old, protected) == ""
    # Where its runs never differed, the least fall is one.
    steady = runs(*[[scores[0]] * 3 for scores in cases])
    fallen = runs(*[[scores[0], scores[0], scores[0] - 0.01] for scores in cases])
    assert "became worse" in lost(SCALE, noise, steady, fallen, protected)
