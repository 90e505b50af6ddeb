"""Cost and time, where scores can't decide."""

from collections.abc import Sequence

from labcrew.domain.evolution import NoiseFloor, ScoredRun

TOKENS = 0.9
SECONDS = 0.5
_MEASURABLE_S = 1.0


def tied(noise: NoiseFloor, champion: Sequence[ScoredRun], candidate: Sequence[ScoredRun]) -> bool:
    """Whether a candidate scores the same for no more of the model's tokens.

    A tie can be seen only where repeated runs never differ: every run of both sides must score the
    same, and every run of the candidate must have worked. In a noisy evaluation a tie is no proof
    of equality and is never kept.

    Args:
        noise: of the evaluation.
        champion: runs of the one side.
        candidate: runs of the other, on the same cases and seeds.
    """
    old = {(run.case, run.seed): run for run in champion}
    new = {(run.case, run.seed): run for run in candidate}
    if not noise.deterministic or not old or old.keys() != new.keys():
        return False
    if any(run.status != "ok" for run in candidate):  # the worst score can be had by not working
        return False
    return all(old[key].score == new[key].score for key in old) and (
        _tokens(candidate) <= _tokens(champion)
    )


def fewer_tokens(
    noise: NoiseFloor, champion: Sequence[ScoredRun], candidate: Sequence[ScoredRun]
) -> str:
    """How a tied candidate saves a tenth of the model's tokens or more; empty: it doesn't."""
    before, after = _tokens(champion), _tokens(candidate)
    if after >= before * TOKENS or not tied(noise, champion, candidate):
        return ""
    return f"it scores the same for {after} tokens of the model instead of {before}"


def faster(noise: NoiseFloor, champion: Sequence[ScoredRun], candidate: Sequence[ScoredRun]) -> str:
    """How a tied candidate takes half the time, in every run that there is; empty: it doesn't.

    Every run of the champion must take a second or more. Times say something of a program only
    where both sides ran side by side: of others, the machine may have been busy in one of them.
    """
    if not tied(noise, champion, candidate):
        return ""
    old = {(run.case, run.seed): run.seconds for run in champion}
    new = {(run.case, run.seed): run.seconds for run in candidate}
    if any(old[key] < _MEASURABLE_S or new[key] > old[key] * SECONDS for key in old):
        return ""
    return f"it scores the same in {sum(new.values()):.1f} s instead of {sum(old.values()):.1f}"


def _tokens(runs: Sequence[ScoredRun]) -> int:
    return sum(run.model_tokens for run in runs)
