"""Every question that a chat model may answer, by the name that settings use."""

from typing import Any

from agents.programming.options import PROGRAMMING
from labcrew.judgement import Judgement

CHAT = "coordinator.chat"
"""What a person says to the coordinator."""


def judgements() -> tuple[Judgement[Any, Any], ...]:
    """All of them, in the order in which a ticket meets them."""
    from agents.coordinator import NEXT_MOVE, PLAN, RECOVERY
    from agents.drafting.choosing import COMMAND, DIRECTION, EVALUATOR, METRIC, SPLIT
    from agents.log_monitor import INTERVENTION
    from agents.merge_request import SUMMARY
    from agents.monitoring.diagnosing import DIAGNOSIS
    from agents.monitoring.narrative import NARRATIVE
    from agents.next_trial import NEXT_TRIAL
    from agents.quarantine import QUARANTINE
    from agents.reading.questions import BRIEF, SUGGESTIONS

    return (
        COMMAND, METRIC, DIRECTION, SPLIT, EVALUATOR, QUARANTINE, BRIEF, SUGGESTIONS, PLAN,
        NEXT_TRIAL, NEXT_MOVE, DIAGNOSIS, INTERVENTION, RECOVERY, SUMMARY, NARRATIVE,
    )  # fmt: skip


def question_names() -> tuple[str, ...]:
    """The names of all questions."""
    return (*(judgement.name for judgement in judgements()), PROGRAMMING, CHAT)
