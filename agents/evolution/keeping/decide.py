"""The verdict on a candidate that ran: kept or reverted, and why, in a sentence."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from statistics import fmean

from labcrew.domain.evolution import Comparison, NoiseFloor, ScoredRun, Verdict
from labcrew.domain.evolution_spec import KeepRule, Scale


def promising(first: Comparison, rule: KeepRule) -> bool:
    """Whether a first comparison is worth a re-test."""
    return first.low > 0 and first.gain >= rule.least_gain


def decide(
    scale: Scale,
    rule: KeepRule,
    noise: NoiseFloor,
    first: Comparison,
    retest: Comparison | None,
    *,
    champion: Sequence[ScoredRun],
    candidate: Sequence[ScoredRun],
    protected: Collection[str],
) -> tuple[Verdict, str]:
    """Keeps a change only if its re-test says so, on seeds of its own, and no protected case loses.

    Args:
        scale: which way is better.
        rule: how sure a gain must be.
        noise: of the evaluation.
        first: on the first seeds: it only chooses what is re-tested.
        retest: on fresh seeds, None where none was made.
        champion: all runs of the one side, both comparisons.
        candidate: all runs of the other.
        protected: cases that must not become worse.
    """
    if retest is None:
        if first.gain > 0:
            return "reverted", (
                f"a gain of {first.gain:.3g} at first sight, {first.low:.3g} at worst: chance does"
                " as much"
            )
        return "reverted", f"no gain: {first.gain:+.3g} on {first.pairs} pairs"
    if lost := _lost(scale, champion, candidate, protected):
        return "reverted", f"protected {lost[0]} became worse, by {lost[1]:.3g}"
    if retest.gain < rule.least_gain:
        return "reverted", (
            f"a gain of {retest.gain:+.3g} in the re-test, less than the {rule.least_gain:.3g} that"
            " is worth a change"
        )
    if retest.low <= 0:
        return "reverted", (
            f"the re-test does not confirm it: {retest.gain:+.3g}, {retest.low:+.3g} at worst"
            f" ({retest.level:.4g})"
        )
    return "kept", (
        f"the re-test confirms it: {retest.gain:+.3g}, {retest.low:+.3g} at worst"
        f" ({retest.level:.4g}), {retest.better} pairs better and {retest.worse} worse"
    )


def _lost(
    scale: Scale,
    champion: Sequence[ScoredRun],
    candidate: Sequence[ScoredRun],
    protected: Collection[str],
) -> tuple[str, float] | None:
    old, new = _means(champion), _means(candidate)
    for case in sorted(protected):
        if case in old and case in new and scale.gain(new[case], old[case]) < 0:
            return case, -scale.gain(new[case], old[case])
    return None


def _means(runs: Sequence[ScoredRun]) -> dict[str, float]:
    scores: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        scores[run.case].append(run.score)
    return {case: fmean(values) for case, values in scores.items()}
