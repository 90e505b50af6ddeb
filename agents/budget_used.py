"""What a ticket's trials have used of its budget: runs and hours."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from agents.restarts import earlier_runs
from labcrew.domain.experiment import Trial


def spent(trials: Sequence[Trial]) -> int:
    """How many runs of the budget are used or promised; one that an engine lost and that was
    started again counts nothing, once a chain.
    """
    free = free_runs(trials)
    return sum(trial.status != "skipped" and trial.id not in free for trial in trials)


def hours_run(trials: Iterable[Trial], parallel: int, now: datetime | None = None) -> float:
    """Hours in which a run was under way; runs side by side count once.

    Args:
        parallel: runs at once, for those of older ledgers, which don't tell when a run began.
        now: until when runs count that are under way; None: they count once they have ended.
    """
    spans, undated_s = [], 0.0
    for trial in trials:
        took_s = trial.result.duration_s if trial.result is not None else None
        if trial.started_at is None:
            undated_s += took_s or 0.0
        elif took_s is not None:
            spans.append((trial.started_at, trial.started_at + timedelta(seconds=took_s)))
        elif now is not None and trial.status == "running":
            spans.append((trial.started_at, now))
    seconds, until = undated_s / parallel, datetime.min.replace(tzinfo=UTC)
    for began, ended in sorted(spans):
        seconds += max(0.0, (ended - max(began, until)).total_seconds())
        until = max(until, ended)
    return seconds / 3600


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
