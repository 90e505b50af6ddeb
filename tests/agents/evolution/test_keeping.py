"""The keep rule: bounds that hold, few false keeps in whole loops, power to see real gains."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.decide import decide, promising
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.noise import hopeless, noise_floor
from agents.evolution.keeping.protecting import lost
from agents.evolution.keeping.provable import unprovable
from agents.evolution.keeping.racing import clearly_behind
from agents.evolution.keeping.scope import exact
from agents.evolution.keeping.sealing import sealed_result
from agents.evolution.keeping.signs import largest_gain, sign_flips
from agents.evolution.keeping.ties import faster, fewer_tokens, tied
from labcrew.domain.evolution import Comparison, NoiseFloor, ScoredRun, Sealed, seed_of
from labcrew.domain.evolution_spec import KeepRule, Scale
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
    assert compare(SCALE, old, new, 0.95, exact=True).low == pytest.approx(0.1)


def test_over_seeds_one_case_may_carry_the_gain_and_over_cases_it_may_not() -> None:
    old = runs({(f"c{n}", s): 0.5 for n in range(5) for s in range(8)})
    new = runs({(f"c{n}", s): 0.9 if n == 0 else 0.5 for n in range(5) for s in range(8)})
    assert compare(SCALE, old, new, 0.95).low > 0
    assert compare(SCALE, old, new, 0.95, over="cases").low <= 0
    # With fewer cases than mean anything, a noisy program's seeds are the observations there.
    old, new = (tuple(r for r in side if r.case in ("c0", "c1")) for side in (old, new))
    assert sealed(old, new).comparison == compare(SCALE, old, new, 0.95)
    assert sealed(old, new, deterministic=True).comparison.low <= 0


def sealed(
    old: tuple[ScoredRun, ...],
    new: tuple[ScoredRun, ...],
    rule: KeepRule = RULE,
    *,
    deterministic: bool = False,
) -> Sealed:
    return sealed_result(
        SCALE, rule, baseline=old, final=new, others=(old, new), gate=1, deterministic=deterministic
    )


def test_chance_that_a_change_brings_in_is_not_taken_for_certainty() -> None:
    old = runs({("a", s): 0.5 for s in range(3)})
    lucky = runs({("a", 0): 0.6, ("a", 1): 0.9, ("a", 2): 0.7})
    sure = runs({("a", s): 0.6 for s in range(3)})
    assert compare(SCALE, old, sure, 0.95, exact=True).low == pytest.approx(0.1)
    assert compare(SCALE, old, lucky, 0.95, exact=True).low <= 0
    # The same scores by other outputs: chance that has not shown in the scores yet.
    other = tuple(r.model_copy(update={"output_sha256": f"{r.seed}"}) for r in sure)
    assert compare(SCALE, old, other, 0.95, exact=True).low <= 0


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


@given(st.lists(st.sampled_from((-8, -4, -2, -1, 0, 1, 2, 4, 8)), min_size=1, max_size=10))
def test_random_signs_are_counted_one_by_one(gains: list[int]) -> None:
    flips = itertools.product((-1, 1), repeat=len(gains))
    sums = [sum(sign * abs(gain) for sign, gain in zip(f, gains, strict=True)) for f in flips]
    share = sum(value >= sum(gains) for value in sums) / len(sums)
    assert sign_flips(gains) == pytest.approx(share, abs=1e-9)
    assert sign_flips([gain / 7 for gain in gains]) == pytest.approx(sign_flips(gains))


def test_one_pair_that_gains_much_more_hides_no_gain() -> None:
    gains = [0.01 + 0.001 * n for n in range(11)]

    def low(*differences: float) -> float:
        return compare(SCALE, flat(*[0.0] * len(differences)), flat(*differences), 0.995).low

    assert 0 < low(*gains, 1.0) < 0.02
    assert low(*gains, -0.01) > 0
    assert low(*gains, -1.0) < 0
    assert low(1.0, 1.0, *(-gain for gain in gains)) <= 0


@given(
    st.lists(st.floats(-10, 10), min_size=4, max_size=9).filter(lambda g: sum(g) > 0.01),
    st.floats(0.05, 0.4),
)
def test_the_bound_of_random_signs_is_where_their_chance_ends(
    gains: list[float], chance: float
) -> None:
    low = largest_gain(gains, chance)
    assert 0 <= low <= sum(gains) / len(gains)
    assert low == 0 or sign_flips([gain - low for gain in gains]) <= chance


def test_the_error_that_is_spent_is_no_more_than_there_is() -> None:
    spent = sum(1 - level_at(look, RULE, 100) for look in range(1, 101))
    assert spent == pytest.approx(1 - RULE.confidence)
    assert level_at(2, RULE, 100) > level_at(1, RULE, 100) > 0.98


def test_noise_is_what_the_program_differs_by_from_itself() -> None:
    a, b = flat(0.2, 0.5, 0.4), flat(0.4, 0.3, 0.4)
    floor = noise_floor(SCALE, a, b, RULE)
    assert floor.std == pytest.approx(0.2)
    assert not floor.deterministic
    same = noise_floor(SCALE, a, a, RULE)
    assert (same.std, same.detectable, same.deterministic) == (0, 0, True)
    assert same.seen == "its runs never differ"
    assert f"a gain of {floor.detectable:.4g} is kept" in floor.seen


def test_an_evaluation_noisier_than_any_gain_is_told_with_what_it_would_take() -> None:
    rule = KeepRule(retest_seeds=1, least_gain=0.05)
    floor = noise_floor(SCALE, flat(0, 1, 0, 1), flat(1, 0, 1, 0), rule)
    said = hopeless(SCALE, floor, rule, run_s=36)
    assert f"{floor.needed} runs of each side" in said
    assert "known from 4 pairs of runs" in said
    assert "keep.noise_seeds: 10" in said
    assert floor.needed > 100
    alone, beside = (
        float(re.findall(r"about (\d+\.\d) hours", text)[0])
        for text in (said, hopeless(SCALE, floor, rule, run_s=36, parallel=2))
    )
    assert beside == pytest.approx(alone / 2, abs=0.1)
    best = noise_floor(SCALE, flat(1, 1), flat(1, 1), rule)
    assert "best score" in hopeless(SCALE, best, rule, run_s=1)


@pytest.mark.parametrize("again", [flat(0.6, 0.8), flat(0.7, 0.7)])
def test_a_least_gain_beyond_what_is_left_is_told(again: tuple[ScoredRun, ...]) -> None:
    """Whether runs differ or not."""
    rule = KeepRule(retest_seeds=5, least_gain=0.4)
    floor = noise_floor(SCALE, flat(0.6, 0.8), again, rule)
    said = hopeless(SCALE, floor, rule, run_s=1)
    assert "over the program's mean of 0.7, 0.3 is the most" in said
    assert "keep.least_gain asks for 0.4" in said
    small = rule.model_copy(update={"least_gain": 0.2})
    assert "least_gain" not in hopeless(SCALE, floor, small, run_s=1)


@pytest.mark.parametrize(
    ("confidence", "cases", "seeds", "said"),
    [
        (0.95, 1, 3, "has 3 runs of each program, and a confidence of 0.95 takes 5: set"),
        (0.95, 2, 2, "keep.sealed_seeds to 3"),
        (0.99, 5, 30, "has 5 cases, and a confidence of 0.99 takes 7: add sealed cases"),
        (0.95, 1, 5, ""),
        (0.95, 5, 1, ""),
        (0.99, 7, 1, ""),
    ],
)
def test_a_sealed_split_that_can_prove_nothing_is_told_at_once(
    confidence: float, cases: int, seeds: int, said: str
) -> None:
    why = unprovable(KeepRule(confidence=confidence, sealed_seeds=seeds), cases)
    assert said in why
    assert bool(said) == bool(why)


def comparison(gain: float, low: float) -> Comparison:
    return Comparison(pairs=8, gain=gain, low=low, high=1, level=0.95, better=5, worse=1)


def test_verdicts_and_their_reasons() -> None:
    noise = noise_floor(SCALE, flat(0.2, 0.5), flat(0.4, 0.3), RULE)
    old, new = flat(0.5, 0.5), flat(0.9, 0.0)

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
    assert "does not confirm" in verdict(good, comparison(-0.1, -0.2))
    assert "no gain" in verdict(comparison(-0.1, -0.2), None)


def test_the_sealed_result_tells_what_hindsight_would_have_said() -> None:
    base, final, other = flat(*[0.4] * 6), flat(*[0.6] * 6), flat(*[0.7] * 6)
    found = sealed_result(
        SCALE, RULE, baseline=base, final=final, others=(base, final, other), gate=0.8
    )
    assert (found.final, found.hindsight) == pytest.approx((0.6, 0.7))
    assert found.gate == 0.8
    assert found.relative == pytest.approx(0.5)
    assert found.comparison.low > 0


def floor(*, deterministic: bool) -> NoiseFloor:
    return NoiseFloor(
        pairs=32, std=0.0 if deterministic else 0.6, case_std=0.3, mean=0.45, difference=0,
        detectable=0.3, needed=9, worthwhile=0.1, deterministic=deterministic,
    )  # fmt: skip


def test_a_protected_case_may_fall_by_chance_alone() -> None:
    noisy, sure = floor(deterministic=False), floor(deterministic=True)
    old = runs({("a", s): float(s < 3) for s in range(4)})
    new = runs({("a", s): float(s < 2) for s in range(4)})
    assert lost(SCALE, noisy, old, new, ["a"]) == ""
    assert "a became worse, by 0.25" in lost(SCALE, sure, old, new, ["a"])
    assert lost(SCALE, sure, old, new, ["b"]) == ""
    assert "not run" in lost(SCALE, sure, old, (), ["a"])
    none = runs({("a", s): 0.0 for s in range(4)})
    assert "where chance takes" in lost(SCALE, noisy, old, none, ["a"])
    # What the champion never failed may not fail once, whatever the other cases' spread.
    seven = runs({("a", s): 1.0 for s in range(7)})
    once = runs({("a", s): float(s > 0) for s in range(7)})
    assert "a became worse, by 0.143" in lost(SCALE, noisy, seven, once, ["a"])
    # Nor may a case that varies little fall by what the others do.
    calm = runs({("a", s): 0.9 + s / 100 for s in range(4)})
    lower = runs({("a", s): 0.7 + s / 100 for s in range(4)})
    assert "a became worse, by 0.2" in lost(SCALE, noisy, calm, lower, ["a"])
    # Passed always and now never: lost, though two pairs alone could be chance.
    always = runs({("a", s): 1.0 for s in range(2)})
    never = runs({("a", s): 0.0 for s in range(2)})
    many = ["a", *(f"b{n}" for n in range(40))]
    others = runs({(f"b{n}", s): 1.0 for n in range(40) for s in range(2)})
    assert "a became worse" in lost(SCALE, noisy, (*always, *others), (*never, *others), many)


def test_a_tie_is_decided_by_tokens_then_time_and_only_where_it_can_be_seen() -> None:
    def spent(tokens: int, seconds: float, score: float = 0.5) -> tuple[ScoredRun, ...]:
        return tuple(
            run.model_copy(update={"model_tokens": tokens, "seconds": seconds})
            for run in flat(score, score)
        )

    sure, old = floor(deterministic=True), spent(100, 10)
    assert "160 tokens of the model instead of 200" in fewer_tokens(sure, old, spent(80, 30))
    assert fewer_tokens(sure, old, spent(95, 6)) == faster(sure, old, spent(95, 6)) == ""
    assert fewer_tokens(sure, old, spent(100, 4)) == ""
    assert "8.0 s instead of 20.0" in faster(sure, old, spent(100, 4))
    assert faster(sure, old, spent(101, 4)) == ""
    assert faster(sure, spent(0, 0.2), spent(0, 0.05)) == "", "too short to be told"
    assert tied(sure, old, spent(10, 1))
    crashed = tuple(run.model_copy(update={"status": "crashed"}) for run in spent(0, 0, score=0))
    for noise, champion, candidate in (
        (sure, old, spent(10, 1, score=0.6)),
        (floor(deterministic=False), old, spent(10, 1)),
        (sure, old, ()),
        (sure, spent(100, 10, score=0), crashed),  # it scores the worst by failing
    ):
        assert not tied(noise, champion, candidate)
        assert fewer_tokens(noise, champion, candidate) == ""
        assert faster(noise, champion, candidate) == ""


def test_luck_that_one_fresh_seed_cannot_tell_is_not_kept() -> None:
    rule = KeepRule(seeds=1, retest_seeds=1, cases="all")
    old, new = runs({("a", s): 0.5 for s in range(2)}), runs({("a", s): 0.7 for s in range(2)})
    first = compare(SCALE, old[:1], new[:1], FILTER, exact=True)
    sure = exact(rule, 1, 0.99, deterministic=True)
    second = compare(SCALE, old[1:], new[1:], 0.99, exact=sure)
    verdict, reason = decide(
        SCALE, rule, floor(deterministic=True), first, second,
        champion=old, candidate=new, protected=(),
    )  # fmt: skip
    assert promising(first, rule)
    assert verdict == "reverted"
    assert "more keep.retest_seeds" in reason


def test_a_candidate_that_never_works_is_dropped_at_once() -> None:
    old = flat(1, 0, 0, 1)
    new = tuple(run.model_copy(update={"status": "timed_out"}) for run in flat(0, 0, 0, 0))
    assert "timed out" in clearly_behind(SCALE, old, new, floor(deterministic=False))
    assert clearly_behind(SCALE, old, old, floor(deterministic=False)) == ""
    assert clearly_behind(SCALE, old[:3], new[:3], floor(deterministic=False)) == ""


def test_the_same_scores_by_other_outputs_are_noise_that_does_not_show_yet() -> None:
    a = tuple(run.model_copy(update={"output_sha256": "1"}) for run in flat(*[0.0] * 4))
    b = tuple(run.model_copy(update={"output_sha256": "2"}) for run in a)
    assert noise_floor(SCALE, a, a, RULE).deterministic
    found = noise_floor(SCALE, a, b, KeepRule(seeds=1, retest_seeds=3))
    assert not found.deterministic
    assert found.detectable > 0.5
    few = noise_floor(SCALE, a, b, KeepRule(seeds=1, retest_seeds=1))
    assert few.detectable == 1, "four pairs can't be sure of anything"
    assert few.needed > 4
    assert "noisier than any gain" in hopeless(SCALE, few, RULE, run_s=1)


def test_no_two_cases_share_a_seed() -> None:
    seeds = [seed_of(f"c{n}", seed) for n in range(50) for seed in range(4)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seed_of("c1", 3) == seed_of("c1", 3)
