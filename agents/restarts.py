"""Runs that start others again: the chain that such a run stands in."""

from collections.abc import Iterable

from labcrew.domain.experiment import Trial


def earlier_runs(trial: Trial, trials: Iterable[Trial]) -> tuple[Trial, ...]:
    """The runs that a run starts again, one after the other; oldest first.

    Args:
        trials: of its ticket.
    """
    by_id = {t.id: t for t in trials}
    runs: list[Trial] = []
    now = trial
    while (before := by_id.get(now.restarts)) is not None and before not in runs:
        now = before
        runs.append(now)
    return tuple(reversed(runs))


def free_runs(trials: Iterable[Trial]) -> frozenset[str]:
    """Runs that cost no budget: the first of each chain that was lost, once another took its place.

    A program that only looks as if it had been killed from outside would else run for ever.
    """
    trials = tuple(trials)
    followed = {t.restarts for t in trials}
    return frozenset(
        t.id
        for t in trials
        if t.status == "unknown"
        and t.id in followed
        and not any(before.status == "unknown" for before in earlier_runs(t, trials))
    )
