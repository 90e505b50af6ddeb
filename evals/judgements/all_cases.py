"""All cases, in the order in which a ticket meets their questions."""

from collections.abc import Iterable

from evals.judgements import (
    cleaning,
    deciding,
    diagnosing,
    drafting,
    planning,
    reading,
    searching,
    telling,
)
from evals.judgements.case import Case


def all_cases() -> tuple[Case, ...]:
    """Every case of every question; those of one question stand together."""
    return (
        *drafting.commands(),
        *drafting.metrics(),
        *drafting.directions(),
        *drafting.splits(),
        *drafting.evaluators(),
        *cleaning.quarantines(),
        *reading.briefs(),
        *reading.settings(),
        *planning.plans(),
        *searching.next_trials(),
        *deciding.next_moves(),
        *diagnosing.diagnoses(),
        *deciding.interventions(),
        *deciding.recoveries(),
        *telling.summaries(),
        *telling.narratives(),
    )


def by_question(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Question → its cases."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.judgement.name, []).append(case)
    return found
