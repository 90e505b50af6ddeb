"""The keep rule: bounds that hold, few false keeps in whole loops, power to see real gains."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.evolution.keeping.compare import compare, sign_flips
from agents.evolution.keeping.decide import decide, promising
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.noise import hopeless, noise_floor
from agents.evolution.keeping.racing import clearly_behind
from agents.evolution.keeping.sealing import sealed_result
from labcrew.domain.evolution import Comparison, NoiseFloor, ScoredRun, Verdict
from labcrew.domain.evolution_spec import EvolutionBudget, KeepRule, Scale
from labcrew.errors import EvidenceError

SCALE = Scale(name="passed", low=0, high=1)
RULE = KeepRule(seeds=1, retest_seeds=5)


def runs(scores: dict[tuple[str, int], float]) -> tuple[ScoredRun, ...]:
    return tuple(
        ScoredRun(
            id=f"{case}/{seed}", ticket="E-001", code="c", case=case, split="gate", seed=seed,
            status="ok", score=score, seconds=1,
        )
        for (case, seed), score in scores.items()
    )  # fmt: skip


def flat(*scores: float, case: str = "") -> tuple[ScoredRun, ...]:
    return runs({(case or f"c{n}", n if case else 0): s for n, s in enumerate(scores)})


def chances(random: Random, cases: int) -> list[float]:
    return [min(0.98, max(0.02, random.gauss(0.45, 0.3))) for _ in range(cases)]


def drawn(
    random: Random, passes: Sequence[float], seeds: range, gain: float = 0
) -> dict[tuple[str, int], float]:
    return {
        (f"c{n}", seed): float(random.random() < min(1.0, p + gain))
        for n, p in enumerate(passes)
        for seed in seeds
    }


def judged(
    random: Random, passes: Sequence[float], gain: float, look: int, most: int
) -> tuple[Verdict, int]:
    """One round on binary scores; its verdict, and whether it had a re-test."""
    noise = NoiseFloor(
        pairs=32, std=0.6, case_std=0.3, mean=0.45, difference=0, detectable=0.3, needed=9,
        worthwhile=0.1, deterministic=False,
    )  # fmt: skip
    old, new = (runs(drawn(random, passes, range(1), g)) for g in (0.0, gain))
    first = compare(SCALE, old, new, FILTER)
    if not promising(first, RULE):
        return "reverted", 0
    fresh = range(1, 1 + RULE.retest_seeds)
    old2, new2 = (runs(drawn(random, passes, fresh, g)) for g in (0.0, gain))
    retest = compare(SCALE, old2, new2, level_at(look, RULE, most))
    verdict, _ = decide(
        SCALE, RULE, noise, first, retest,
        champion=(*old, *old2), candidate=(*new, *new2), protected=(),
    )  # fmt: skip
    return verdict, 1


def test_of_a_hundred_changes_that_do_nothing_hardly_one_is_kept() -> None:
    random = Random(1)
    kept, whole = [], 20
    for _ in range(whole):
        passes, look, count = chances(random, 16), 1, 0
        for _ in range(100):
            verdict, looked = judged(random, passes, 0.0, look, 100)
            look += looked
            count += verdict == "kept"
        kept.append(count)
    assert max(kept) <= 5
    assert sum(count > 0 for count in kept) <= 3, "of 20 loops 1 may keep one, by the confidence"


def test_a_large_gain_is_found() -> None:
    random = Random(2)
    found = 0
    for _ in range(100):
        verdict, _ = judged(random, chances(random, 16), 0.4, 1, 100)
        found += verdict == "kept"
    assert found >= 60


def test_a_better_candidate_is_rarely_dropped_in_a_race() -> None:
    random = Random(3)
    noise = NoiseFloor(
        pairs=8, std=0.6, case_std=0.3, mean=0.45, difference=0, detectable=0.3, needed=9,
        worthwhile=0.1, deterministic=False,
    )  # fmt: skip
    dropped = worse = 0
    for _ in range(400):
        passes = chances(random, 8)
        old, new = (runs(drawn(random, passes, range(1), g)) for g in (0.0, 0.05))
        dropped += bool(clearly_behind(SCALE, old, new, noise))
        bad = runs(drawn(random, passes, range(1), -0.9))
        worse += bool(clearly_behind(SCALE, old, bad, noise))
    assert dropped <= 8
    assert worse > 100


def test_a_lucky_lack_of_spread_is_no_proof() -> None:
    assert compare(SCALE, flat(0, 0, 0), flat(1, 1, 1), 0.95).low <= 0
    assert compare(SCALE, flat(*[0] * 8), flat(*[1] * 8), 0.95).low == 1


def test_few_cases_that_differ_are_not_enough() -> None:
    old, new = flat(*[0.0] * 16), flat(*[1.0] * 3, *[0.0] * 13)
    assert compare(SCALE, old, new, 0.95).low <= 0
    new = flat(*[1.0] * 6, *[0.0] * 10)
    assert compare(SCALE, old, new, 0.95).low > 0


def test_where_nothing_varies_a_gain_is_a_gain() -> None:
    old, new = flat(0.2, case="one"), flat(0.3, case="one")
    assert compare(SCALE, old, new, 0.95).low <= 0
    assert compare(SCALE, old, new, 0.95, deterministic=True).low == pytest.approx(0.1)


def test_many_cases_are_the_observations_and_few_cases_their_seeds() -> None:
    old = runs({("a", s): 0.5 for s in range(8)})
    new = runs({("a", s): 0.6 + s / 100 for s in range(8)})
    assert compare(SCALE, old, new, 0.95).low > 0
    # 5 cases with 8 seeds: one case alone that gains much, again and again, is one observation.
    old = runs({(f"c{n}", s): 0.5 for n in range(5) for s in range(8)})
    new = runs({(f"c{n}", s): 0.9 if n == 0 else 0.5 for n in range(5) for s in range(8)})
    assert compare(SCALE, old, new, 0.95).low <= 0


def test_the_lower_is_the_better_where_the_scale_says_so() -> None:
    scale = Scale(name="loss", direction="minimize", low=0, high=9)
    found = compare(scale, flat(*[5.0] * 8), flat(4, 4.1, 4.2, 4, 4.1, 4, 4.2, 4), 0.95)
    assert found.low > 0
    assert (found.better, found.worse) == (8, 0)


def test_only_the_same_cases_and_seeds_are_compared() -> None:
    with pytest.raises(EvidenceError, match="c1"):
        compare(SCALE, flat(0.1, 0.2), flat(0.1), 0.95)
    with pytest.raises(EvidenceError):
        compare(SCALE, (), (), 0.95)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9), st.floats(0.51, 0.999))
def test_bounds_hold_the_mean(gains: list[float], level: float) -> None:
    old = flat(*[0.0] * len(gains))
    found = compare(SCALE, old, flat(*gains), level)
    assert found.low <= found.gain <= found.high
    assert 0 < sign_flips(gains) <= 1
    assert found.better + found.worse <= found.pairs == len(gains)


def test_the_error_that_is_spent_is_no_more_than_there_is() -> None:
    spent = sum(1 - level_at(look, RULE, 100) for look in range(1, 101))
    assert spent == pytest.approx(1 - RULE.confidence)
    assert level_at(2, RULE, 100) > level_at(1, RULE, 100) > 0.98


def test_noise_is_what_the_program_differs_by_from_itself() -> None:
    a, b = flat(0.2, 0.5, 0.4), flat(0.4, 0.3, 0.4)
    floor = noise_floor(SCALE, a, b, RULE, pairs=6)
    assert floor.std == pytest.approx(0.2)
    assert not floor.deterministic
    same = noise_floor(SCALE, a, a, RULE, pairs=6)
    assert (same.std, same.detectable, same.deterministic) == (0, 0, True)


def test_an_evaluation_noisier_than_any_gain_is_told_with_what_it_would_take() -> None:
    rule = KeepRule(retest_seeds=1, least_gain=0.05)
    floor = noise_floor(SCALE, flat(0, 1, 0, 1), flat(1, 0, 1, 0), rule, pairs=4)
    said = hopeless(SCALE, floor, rule, EvolutionBudget(), run_s=36)
    assert f"{floor.needed} runs of each side" in said
    assert floor.needed > 100
    assert "hours" in said
    best = noise_floor(SCALE, flat(1, 1), flat(1, 1), rule, pairs=2)
    assert "best score" in hopeless(SCALE, best, rule, EvolutionBudget(), run_s=1)


def comparison(gain: float, low: float) -> Comparison:
    return Comparison(pairs=8, gain=gain, low=low, high=1, level=0.95, better=5, worse=1)


def test_verdicts_and_their_reasons() -> None:
    noise = noise_floor(SCALE, flat(0.2, 0.5), flat(0.4, 0.3), RULE, pairs=6)
    old, new = flat(0.5, 0.5), flat(0.9, 0.4)

    def verdict(
        first: Comparison, retest: Comparison | None, *protected: str, **rule: float
    ) -> str:
        return " ".join(
            decide(
                SCALE, KeepRule.model_validate(rule), noise, first, retest,
                champion=old, candidate=new, protected=protected,
            )
        )  # fmt: skip

    good = comparison(0.2, 0.1)
    assert verdict(good, good).startswith("kept")
    assert verdict(good, None).startswith("reverted")
    assert "does not confirm" in verdict(good, comparison(0.1, -0.05))
    assert "protected c1 became worse" in verdict(good, good, "c1")
    assert verdict(good, good, "c0").startswith("kept")
    assert "less than" in verdict(good, good, least_gain=0.3)
    assert "no gain" in verdict(comparison(-0.1, -0.2), None)


def test_the_sealed_result_tells_what_hindsight_would_have_said() -> None:
    base, final, other = flat(*[0.4] * 6), flat(*[0.6] * 6), flat(*[0.7] * 6)
    found = sealed_result(
        SCALE, RULE, baseline=base, final=final, others=(base, final, other), gate=0.8
    )
    assert (found.final, found.hindsight, found.gate) == (
        pytest.approx(0.6), pytest.approx(0.7), 0.8,
    )  # fmt: skip
    assert found.relative == pytest.approx(0.5)
    assert found.comparison.low > 0
