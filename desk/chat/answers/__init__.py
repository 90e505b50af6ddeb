"""What is answered by rule, one function an intent; nothing here changes anything."""

from collections.abc import Callable

from desk.chat.answers.asking import Asked
from desk.chat.answers.events import decisions, incidents, since
from desk.chat.answers.loops import loops
from desk.chat.answers.remembered import learnt
from desk.chat.answers.requests import merge_request
from desk.chat.answers.spending import cost, forecast
from desk.chat.answers.tickets import status, waiting
from desk.chat.answers.trials import best, compare, failure, trial
from desk.chat.intents import IN_WORDS, Intent
from desk.chat.telling import Answer
from desk.commissions import is_loop
from labcrew.domain.conversation import Statement

__all__ = ["ANSWERS", "Asked", "answered", "helped"]

ANSWERS: dict[Intent, Callable[[Asked], Answer]] = {
    "status": status,
    "waiting": waiting,
    "failure": failure,
    "trial": trial,
    "compare": compare,
    "best": best,
    "cost": cost,
    "forecast": forecast,
    "since": since,
    "decisions": decisions,
    "incidents": incidents,
    "merge_request": merge_request,
    "learnt": learnt,
}
_EXAMPLES = (
    "How is T-001 doing?",
    "What is waiting for me?",
    "Why did T-001-004 fail?",
    "What happened since yesterday?",
    "Pause T-001.",
)


def answered(intent: Intent, asked: Asked) -> Answer:
    """The answer to a question; its focus says what it was about."""
    of_loops = any(is_loop(id) for id in asked.slots.tickets)
    answer = loops(asked) if of_loops else ANSWERS[intent](asked)
    focus = answer.focus.model_copy(update={"intent": intent})
    return answer.model_copy(update={"focus": focus})


def helped(outside: bool = False) -> Answer:
    """What can be asked and done here.

    Args:
        outside: whether something else was asked.
    """
    head = (
        "I can't help with that: I answer from this lab's records, by rule, and nothing else."
        if outside
        else "I am labcrew's coordinator. I am no language model: I answer by rule, from this"
        " lab's records, and say which record each statement rests on."
    )
    asks = "; ".join(IN_WORDS[name] for name in ANSWERS)
    does = "; ".join(
        IN_WORDS[name]
        for name in ("assign", "pause", "resume", "stop", "retry", "budget", "comment", "decide")
    )  # fmt: skip
    said = (head, f"Ask me: {asks}.", f"After your yes I also: {does}.")
    statements = tuple(Statement(text=text) for text in said)
    return Answer(statements=statements, choices=_EXAMPLES)
