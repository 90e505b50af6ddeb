"""What people may mean, with the examples that teach it."""

import tomllib
from functools import cache
from importlib import resources
from typing import Literal, get_args

Intent = Literal[
    "status", "waiting", "failure", "trial", "compare", "best", "cost", "forecast", "since",
    "decisions", "incidents", "merge_request", "learnt", "help",
    "assign", "pause", "resume", "stop", "retry", "budget", "comment", "decide",
    "out_of_scope",
]  # fmt: skip
INTENTS: tuple[Intent, ...] = get_args(Intent)
ACTIONS: frozenset[Intent] = frozenset(
    ("assign", "pause", "resume", "stop", "retry", "budget", "comment", "decide")
)
"""What changes something, and so waits for a yes."""

IN_WORDS: dict[Intent, str] = {
    "status": "how a ticket, or all of them, stand",
    "waiting": "what waits for a person",
    "failure": "why a trial or a ticket failed",
    "trial": "what a trial did",
    "compare": "compare trials",
    "best": "the best trial so far",
    "cost": "what it cost so far, and what is left",
    "forecast": "progress and forecast",
    "since": "what happened since a time",
    "decisions": "who decided what",
    "incidents": "incidents and what was done",
    "merge_request": "how a merge request stands",
    "learnt": "what was learnt about something",
    "help": "what I can do",
    "assign": "assign a ticket",
    "pause": "pause a ticket",
    "resume": "let a paused ticket go on",
    "stop": "stop a ticket",
    "retry": "try a failed or stopped ticket again",
    "budget": "change a ticket's budget",
    "comment": "comment on a merge request",
    "decide": "decide at a gate",
    "out_of_scope": "something else",
}


@cache
def examples() -> tuple[tuple[str, Intent], ...]:
    """Messages and what each means."""
    text = (resources.files("desk.chat") / "examples.toml").read_text("utf-8")
    read = tomllib.loads(text)
    return tuple((said, intent) for intent in INTENTS for said in read[intent])
