"""The verdict on a candidate that ran: kept or reverted, and why, in a sentence."""

from collections.abc import Collection, Sequence

from agents.evolution.keeping.protecting import lost
from agents.evolution.keeping.scope import fewest
from agents.evolution.keeping.ties import fewer_tokens, tied
from labcrew.domain.evolution import Comparison, NoiseFloor, ScoredRun, Verdict
from labcrew.domain.evolution_spec import KeepRule, Scale


def promising(first: Comparison, rule: KeepRule, saved: str = "") -> bool:
    """Whether a first comparison is worth a re-test: for its gain, or for what a tie saves."""
    return (first.low > 0 and first.gain >= rule.least_gain) or bool(saved)


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
    quicker: str = "",
) -> tuple[Verdict, str]:
    """Keeps a change only if its re-test says so, on seeds of its own, and no protected case loses.

    Only the re-test's figures count: the first comparison chose what is run again, so that its own
    are the better for luck. A tie is kept where cost or time can decide it, see `tied`.

    Args:
        scale: which way is better.
        rule: how sure a gain must be.
        noise: of the evaluation.
        first: on the first seeds: it only chooses what is re-tested.
        retest: on fresh seeds, None where none was made.
        champion: all runs of the one side, both comparisons.
        candidate: all runs of the other.
        protected: cases that must not become worse.
        quicker: how much faster a tied candidate ran side by side with the champion; empty: it was
            not.
    """
    if retest is None:
        if first.low > 0:
            return "reverted", (
                f"a gain of {first.gain:.3g}, less than the {rule.least_gain:.3g} that is worth a"
                " change"
            )
        if first.gain > 0:
            return "reverted", (
                f"a gain of {first.gain:.3g} at first sight, {first.low:.3g} at worst: chance does"
                " as much"
            )
        return "reverted", f"no gain: {first.gain:+.3g} on {first.pairs} pairs"
    if worse := lost(scale, noise, champion, candidate, protected):
        return "reverted", worse
    if saved := fewer_tokens(noise, champion, candidate):
        return "kept", saved
    if quicker and tied(noise, champion, candidate):
        return "kept", quicker
    if 0 < retest.gain < rule.least_gain:
        return "reverted", (
            f"a gain of {retest.gain:+.3g} in the re-test, less than the {rule.least_gain:.3g} that"
            " is worth a change"
        )
    if retest.low <= 0:
        return "reverted", (
            f"the re-test does not confirm it: {retest.gain:+.3g}, {retest.low:+.3g} at worst"
            f" ({retest.level:.4g})"
            + ("; more keep.retest_seeds would tell" if _few_runs(rule, noise, retest) else "")
        )
    return "kept", (
        f"the re-test confirms it: {retest.gain:+.3g}, {retest.low:+.3g} at worst"
        f" ({retest.level:.4g}), {retest.better} pairs better and {retest.worse} worse"
    )


def _few_runs(rule: KeepRule, noise: NoiseFloor, retest: Comparison) -> bool:
    """Whether runs that never differ were too few to rule out that a change brought chance in."""
    steady = noise.deterministic and rule.cases == "all"
    return steady and retest.gain > 0 and rule.retest_seeds < fewest(retest.level)
