"""Which settings the search tries next: the experiment launcher's one judgement about a ticket."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from agents.sampler import fits, fitted
from agents.trial_groups import altered, group_of
from labcrew.domain.base import Model, canonical_json
from labcrew.domain.experiment import Trial
from labcrew.domain.measuring import Metric
from labcrew.domain.search_space import Parameter, Values, applies, distance, legal
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judgement

_SHOWN_BEST, _SHOWN_NEWEST = 20, 20


class TriedSettings(Model):
    """Settings that were run, or are about to be."""

    values: Values
    score: float | None = Field(default=None, description="None: it has none, or none yet")
    failed: bool = False


class NextTrialQuestion(Model):
    """Which settings to try next. Numbers and the ticket's own words: no text of a run is here."""

    title: str
    question: str
    metric: str
    direction: Literal["maximize", "minimize"]
    target: float | None
    search_space: dict[str, Parameter]
    baseline: float | None = Field(description="mean score of the program as it is")
    tried: tuple[TriedSettings, ...] = Field(
        description="failed ones first, then by age; of a long search the best and the newest"
    )
    runs_left: int = Field(
        description="of the budget, this one and those that the best are run again in counted"
    )
    near: float = Field(
        description="settings closer than this to failed ones on every parameter, each scaled to"
        " [0, 1], are not tried"
    )
    proposed: Values = Field(description="what Optuna's sampler would try")


class NextTrialAnswer(Model):
    """Settings to try."""

    values: Values = Field(description="a value for each parameter that counts beside the others")
    because: str = Field(max_length=300, description="one sentence")


def next_trial_question(
    assigned: AssignedTicket,
    others: Sequence[Trial],
    failed: Sequence[Values],
    proposed: Trial,
    *,
    runs_left: int,
    near: float,
) -> NextTrialQuestion:
    """What is asked about the settings of one trial.

    Args:
        others: all other trials of the ticket, those designed beside it too.
        failed: settings of failed runs, of this ticket and of others.
        proposed: the trial, with the settings that the sampler proposes.
        runs_left: as in the question, as is `near`.
    """
    ticket, metric = assigned.ticket, assigned.ticket.metric
    as_it_is = group_of(others, "cleaned_baseline" if proposed.data == "cleaned" else "baseline")
    ran = [
        TriedSettings(
            values=t.values,
            score=t.score.value if t.score is not None and not altered(t.rescue) else None,
        )
        for t in others
        if t.values and t.data == proposed.data and t.kind in ("search", "restart")
        if t.status not in ("skipped", "failed", "stopped")
    ]
    tried = (*(TriedSettings(values=values, failed=True) for values in failed), *ran)
    fitting = [one for one in tried if fits(ticket.search_space, one.values)]
    return NextTrialQuestion(
        title=ticket.title,
        question=ticket.question[:2000],
        metric=metric.name,
        direction=metric.direction,
        target=metric.target,
        search_space=ticket.search_space,
        baseline=as_it_is.mean if as_it_is is not None else None,
        tried=_telling(metric, fitting),
        runs_left=runs_left,
        near=near,
        proposed=proposed.values,
    )


def _telling(metric: Metric, tried: Sequence[TriedSettings]) -> tuple[TriedSettings, ...]:
    """The best and the newest, in their order."""
    sign = -1 if metric.direction == "maximize" else 1
    scored = [(sign * one.score, n) for n, one in enumerate(tried) if one.score is not None]
    best = {n for _, n in sorted(scored)[:_SHOWN_BEST]}
    newest = [n for n in range(len(tried)) if n not in best][-_SHOWN_NEWEST:]
    return tuple(tried[n] for n in sorted({*best, *newest}))


def _rule(question: NextTrialQuestion) -> NextTrialAnswer:
    return NextTrialAnswer(values=question.proposed, because="the sampler's proposal")


def _trouble(question: NextTrialQuestion, answer: NextTrialAnswer) -> str | None:
    space, values = question.search_space, answer.values
    if strange := [name for name in values if name not in space]:
        return f"there is no parameter {strange[0][:40]!r} in the search space"
    if wrong := [name for name in values if not legal(space[name], values[name])]:
        return f"{wrong[0]} = {str(values[wrong[0]])[:40]!r} is outside its range"
    if not fits(space, values):
        wanted = [name for name, parameter in space.items() if applies(parameter, values)]
        return f"with these choices exactly {', '.join(wanted)} must be set"
    values = fitted(space, values)
    if canonical_json(values) in {canonical_json(one.values) for one in question.tried}:
        return "these settings were tried already"
    failed = (one.values for one in question.tried if one.failed)
    if any(distance(space, one, values) <= question.near for one in failed):
        return "settings as close as that have failed"
    return None


NEXT_TRIAL = Judgement(
    name="experiment_launcher.next_trial",
    agent="experiment_launcher",
    answer=NextTrialAnswer,
    rule=_rule,
    prompt=(
        "You choose the settings of the next training run of a search. Choose what is likely to"
        " score best by what the runs so far tell and by what you know of such parameters;"
        " `proposed` is what a sampler would try, and may be taken. Try nothing twice."
    ),
    check=_trouble,
)
