"""Cost and time, where scores can't decide."""

from collections.abc import Sequence

from labcrew.domain.evolution import NoiseFloor, ScoredRun

TOKENS = 0.9
SECONDS = 0.5
_MEASURABLE_S = 1.0


def cheaper(
    noise: NoiseFloor, champion: Sequence[ScoredRun], candidate: Sequence[ScoredRun]
) -> str:
    """How a candidate that scores the same costs less; empty: it doesn't, or scores differ.

    A tie can be seen only where repeated runs never differ: every run of both sides must score the
    same, and every run of the candidate must have worked. It then must use a tenth less of the
    model's tokens, or no more of them and half the time in every single run that took the champion
    a second or more: a busy machine does not do that. In a noisy evaluation a tie is no proof of
    equality and is never kept.

    Args:
        noise: of the evaluation.
        champion: runs of the one side.
        candidate: runs of the other, on the same cases and seeds.
    """
    old = {(run.case, run.seed): run for run in champion}
    new = {(run.case, run.seed): run for run in candidate}
    if not noise.deterministic or not old or old.keys() != new.keys():
        return ""
    if any(run.status != "ok" for run in candidate):  # the worst score can be had by not working
        return ""
    if any(old[key].score != new[key].score for key in old):
        return ""
    before = sum(run.model_tokens for run in champion)
    after = sum(run.model_tokens for run in candidate)
    if after < before * TOKENS:
        return f"it scores the same for {after} tokens of the model instead of {before}"
    took = [(old[key].seconds, new[key].seconds) for key in old]
    if after <= before and all(a >= _MEASURABLE_S and b <= a * SECONDS for a, b in took):
        whole, now = sum(a for a, _ in took), sum(b for _, b in took)
        return f"it scores the same in {now:.1f} s instead of {whole:.1f}"
    return ""
