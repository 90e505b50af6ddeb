"""Which settings the search tries next: the experiment launcher's one judgement about a ticket."""

from typing import Literal

from pydantic import Field

from agents.sampler import fits, fitted
from labcrew.domain.base import Model, canonical_json
from labcrew.domain.search_space import Parameter, Values, applies, distance, legal
from labcrew.judgement import Judgement


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
