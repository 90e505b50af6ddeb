"""The typed actions as tools of a chat model: what it may ask for, and how that is checked."""

import json
from typing import Any, cast

from pydantic import ValidationError

from desk.chat.carrying_out import NEEDS
from desk.chat.intents import ACTIONS, IN_WORDS, INTENTS, Intent
from desk.chat.slots import Slots
from desk.chat.understand import Reading
from desk.web.access import Caller
from labcrew.domain.chat import ToolCall, ToolOffer
from labcrew.domain.conversation import ActionName
from labcrew.errors import InputError

_FIELDS: dict[Intent, tuple[str, ...]] = {
    "status": ("tickets",),
    "waiting": ("tickets",),
    "failure": ("tickets", "trials"),
    "trial": ("tickets", "trials"),
    "compare": ("tickets", "trials"),
    "best": ("tickets", "metric"),
    "cost": ("tickets",),
    "forecast": ("tickets",),
    "since": ("tickets", "since"),
    "decisions": ("tickets", "gate"),
    "incidents": ("tickets", "trials"),
    "merge_request": ("tickets", "merge_request"),
    "learnt": ("tickets", "text"),
    "pause": ("tickets",),
    "resume": ("tickets",),
    "stop": ("tickets",),
    "retry": ("tickets",),
    "budget": ("tickets", "budget"),
    "comment": ("tickets", "merge_request", "text", "path", "line"),
    "decide": ("tickets", "gate", "decision", "text"),
}
_MOST_ARGUMENTS = 30_000


def offers(caller: Caller) -> list[ToolOffer]:
    """The tools that a person's conversation has: what their role may, and no more."""
    made = []
    whole = Slots.model_json_schema()
    for intent, names in _FIELDS.items():
        if intent in ACTIONS and not caller.may(NEEDS[cast(ActionName, intent)]):
            continue
        words = IN_WORDS[intent][0].upper() + IN_WORDS[intent][1:]
        then = (
            " Changes nothing by itself: the person is shown it, and must confirm."
            if intent in ACTIONS
            else " Reads the records."
        )
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": {name: whole["properties"][name] for name in names},
            "additionalProperties": False,
        }
        if "budget" in names:
            parameters["$defs"] = whole["$defs"]
        made.append(ToolOffer(name=intent, description=words + "." + then, parameters=parameters))
    return made


def reading(call: ToolCall) -> Reading:
    """What a tool call asks for, checked. Raises InputError: it is none of the tools' calls."""
    if call.name not in INTENTS or call.name not in _FIELDS:
        raise InputError(f"There is no tool {call.name[:60]!r}.", f"Known: {', '.join(_FIELDS)}.")
    intent = call.name
    if len(call.arguments) > _MOST_ARGUMENTS:
        raise InputError("The arguments are too long.")
    try:
        given = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        raise InputError("The arguments are not JSON.") from None
    if not isinstance(given, dict):
        raise InputError("The arguments must be a JSON object.")
    if odd := set(given) - set(_FIELDS[intent]):
        raise InputError(
            f"{call.name} takes no {sorted(odd)[0][:60]!r}.",
            f"It takes {', '.join(_FIELDS[intent])}.",
        )
    try:
        slots = Slots.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where[:80]}: {first['msg'][:200]}.") from None
    return Reading(intent=intent, slots=slots)
