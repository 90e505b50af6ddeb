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
