"""Trials that differ in nothing but the seed, taken together: how they stand to each other."""

import statistics
from collections import defaultdict
from collections.abc import Sequence

from labcrew.domain.base import Model, canonical_json
from labcrew.domain.experiment import Rescue, Trial, TrialKind
from labcrew.domain.measuring import Metric
from labcrew.domain.research import DatasetCard, data_hash
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket

CLEANED_OTHERWISE = "cleaned otherwise"
"""The data of trials that ran before a person changed which rows are left out."""
NOT_COMPARED = (
    f"Runs on data “{CLEANED_OTHERWISE}” lacked other rows than are left out now; they are in no"
    " mean and were not in the choice."
)


class Group(Model):
    """The trials that differ in nothing but the seed."""

    kind: TrialKind
    values: Values
    data: str
    trials: tuple[Trial, ...]
    code: str = ""

    @property
    def counted(self) -> tuple[Trial, ...]:
        """The first scored run of each seed: one repeated with the same seed says nothing new."""
        first: dict[int, Trial] = {}
        for trial in self.trials:
            if trial.score is not None:
                first.setdefault(trial.seed, trial)
        return tuple(first.values())

    @property
    def scores(self) -> tuple[float, ...]:
        """One score a seed."""
        return tuple(trial.score.value for trial in self.counted if trial.score is not None)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores)


def data_seen(trials: Sequence[Trial], cards: Sequence[DatasetCard]) -> dict[str, str]:
    """Trial → the data that it saw, told against the data as it stands: original, cleaned, or
    cleaned otherwise, where a person has changed since which rows are left out.

    Only a score names the data: a run without one saw other data if a later one's score says so.

    Args:
        cards: the ticket's data as it stands; without a cleaned copy all were cleaned otherwise.
    """
    present = any(card.cleaned_sha256 for card in cards) and data_hash(cards, cleaned=True)
    cleaned = [trial for trial in trials if trial.data == "cleaned"]
    earlier = {t.number for t in cleaned if t.score and t.score.data_sha256 != present}
    last = max(earlier, default=-1)
    return {
        trial.id: CLEANED_OTHERWISE
        if trial.data == "cleaned"
        and (not present or trial.number in earlier or (not trial.score and trial.number < last))
        else trial.data
        for trial in trials
    }


def on_present_data(trials: Sequence[Trial], cards: Sequence[DatasetCard]) -> list[Trial]:
    """The trials that may be compared: not those on data that was cleaned otherwise."""
    seen = data_seen(trials, cards)
    return [trial for trial in trials if seen[trial.id] != CLEANED_OTHERWISE]


def groups(trials: Sequence[Trial]) -> tuple[Group, ...]:
    """Trials by what they set, which data they saw and which code, in order of their first trial.

    Confirmations are in none: nothing is chosen by them. Nor is a run that was rescued by other
    means than its settings: its score is not that of its settings alone.
    """
    found: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        if trial.kind == "confirmation" or altered(trial.rescue):
            continue
        found[canonical_json([trial.values, trial.data, trial.code])].append(trial)
    return tuple(
        Group(
            kind=g[0].kind,
            values=g[0].values,
            data=g[0].data,
            trials=tuple(g),
            code=g[0].code,
        )
        for g in found.values()
    )


def altered(rescue: Rescue) -> bool:
    """Whether a run goes on otherwise than its settings say; going on from a checkpoint is not."""
    anew = Rescue().model_dump(include={"checkpoint", "checkpoint_of", "checkpoint_sha256", "step"})
    return rescue.model_copy(update=anew) != Rescue()


def ranked(metric: Metric, trials: Sequence[Trial], least_seeds: int) -> tuple[Group, ...]:
    """Groups with at least `least_seeds` scores, best mean first; ties go to the older group."""
    ready = [g for g in groups(trials) if len(g.scores) >= least_seeds]
    sign = -1 if metric.direction == "maximize" else 1
    return tuple(sorted(ready, key=lambda g: sign * g.mean))


def group_of(trials: Sequence[Trial], kind: TrialKind) -> Group | None:
    """The first group of a kind that has a score."""
    return next((g for g in groups(trials) if g.kind == kind and g.scores), None)


def no_score_before(trials: Sequence[Trial]) -> str:
    """Why the program as it is gives no score, by the last of its runs that failed; empty where one
    gave a score, or none has failed: a run that an engine lost says nothing of the program.
    """
    own = [trial for trial in trials if trial.kind == "baseline"]
    if any(trial.score is not None for trial in own):
        return ""
    failed = [trial for trial in own if trial.status in ("failed", "stopped")]
    if not failed:
        return ""
    return failed[-1].result.reason if failed[-1].result is not None else "it left no result"


def best_group(assigned: AssignedTicket, trials: Sequence[Trial], code: str = "") -> Group | None:
    """The winner: the best validation mean over all seeds, if it beats the baseline's.

    Where code was written, its newest patch: what it is worth is for a person to weigh, also where
    the program as it is gives no score that it could be held against.

    Args:
        code: the present patch, by hash: runs with another one say nothing of it.
    """
    if code:
        trials = [trial for trial in trials if trial.code in ("", code)]
    baseline = group_of(trials, "baseline")
    metric = assigned.ticket.metric
    if assigned.ticket.kind != "search":
        if baseline is None and not no_score_before(trials):
            return None
        seeds = len(assigned.ticket.seeds)
        changed = [g for g in groups(trials) if g.kind == "changed"][-1:]
        return next((g for g in changed if len(g.scores) >= seeds), None)
    if baseline is None:
        return None
    full = ranked(metric, trials, len(assigned.ticket.seeds))
    best = next((g for g in full if g.kind != "baseline"), None)
    if best is None or not metric.better(best.mean, baseline.mean):
        return None
    return best


def confirmations(trials: Sequence[Trial], group: Group | None) -> tuple[Trial, ...]:
    """A group's runs with fresh seeds."""
    return tuple(
        t
        for t in trials
        if group is not None
        and t.kind == "confirmation"
        and (t.values, t.data, t.code) == (group.values, group.data, group.code)
    )
