"""A draft as a ticket's file: its fields, and beside each guess how sure it is and why."""

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from agents.drafting import yaml_text
from labcrew.domain.draft import Guess
from labcrew.domain.survey import Place
from labcrew.domain.ticket import Ticket
from labcrew.plain_text import ODD

# Written even where they are the defaults: a person wants to see them before the first run.
_ALWAYS = (
    "run.timeout_s",
    "settings.style",
    "seeds",
    "budget.trials",
    "budget.hours",
    "budget.parallel",
    "budget.memory_mb",
    "literature.online",
)
_SURE, _LIKELY, _MAYBE = 0.95, 0.8, 0.5
_MOST_EVIDENCE, _MOST_OTHERS = 3, 3


def ticket_text(ticket: Ticket, guesses: Sequence[Guess], account: Sequence[str] = ()) -> str:
    """The ticket as a Markdown file that `read_ticket` reads back to the same ticket.

    The account stands as comments, not below the front matter: what comes from a repository must
    not become a part of the person's question.

    Args:
        ticket: as drafted; its question holds the person's words.
        guesses: each is told beside its field, or beside the nearest that the ticket has.
        account: how it came about, a paragraph each.
    """
    full: dict[str, Any] = ticket.model_dump(mode="json")
    values: dict[str, Any] = ticket.model_dump(mode="json", exclude_defaults=True)
    remarks: dict[str, list[str]] = {}
    for guess in guesses:
        field = _nearest(full, guess.field)
        _take(full, values, field)
        named = "" if field == guess.field else f"{guess.field}: "
        remarks.setdefault(field, []).extend(_remarks(guess, named))
    for field in _ALWAYS:
        _take(full, values, field)
    body = _body(ticket.question)
    if body is not None:
        values.pop("question", None)
    ordered = _in_order(full, values)
    lines = ["---"]
    lines += yaml_text.remark(
        "A draft. Each guess has its confidence and its evidence above it; change what is wrong."
    )
    lines += yaml_text.table(ordered, lambda field: remarks.get(field, ()))
    lines.append("#")  # a text that ends in a newline needs a line behind it
    if account:
        lines += [*yaml_text.remark("How this draft came about:")]
        for paragraph in account:
            lines += yaml_text.remark(f"- {paragraph}", 0, "  ")
    return "\n".join([*lines, "---", *([body, ""] if body else [""])])


def sureness(confidence: float) -> str:
    """A confidence in words and per cent."""
    words = (
        "almost certain"
        if confidence >= _SURE
        else "likely"
        if confidence >= _LIKELY
        else "perhaps"
        if confidence >= _MAYBE
        else "a guess"
    )
    return f"{words} ({confidence:.0%})"


def evidence(place: Place) -> str:
    """Where something was seen, and what stands there, on one line."""
    text = yaml_text.visible(place.text).strip()
    if not place.path:
        return f"printed: `{text}`"
    where = yaml_text.visible(f"{place.path}:{place.line}" if place.line else place.path)
    return f"{where} `{text}`" if text else where


def _remarks(guess: Guess, named: str) -> list[str]:
    by, _, who = guess.by.partition(":")
    sure = f"said by {who}" if by == "person" else sureness(guess.confidence)
    if by == "model":
        sure += f", judged by {who}"
    return [
        f"{named}{sure}: {guess.because}",
        *(f"  {evidence(place)}" for place in guess.evidence[:_MOST_EVIDENCE]),
        *(f"  or {other.label}: {other.because}" for other in guess.others[:_MOST_OTHERS]),
    ]


def _nearest(full: dict[str, Any], field: str) -> str:
    """The longest part of a dotted path that the ticket has."""
    found = ""
    here: Any = full
    while isinstance(here, dict) and (name := _first(here, field)) is not None:
        found = f"{found}.{name}" if found else name
        field, here = field[len(name) + 1 :], here[name]
    return found


def _take(full: dict[str, Any], values: dict[str, Any], field: str) -> None:
    """Has a field written although it is the default."""
    while (name := _first(full, field)) is not None:
        field = field[len(name) + 1 :]
        if not field or not isinstance(full[name], dict):
            values.setdefault(name, _written(full[name]))
            return
        full, values = full[name], values.setdefault(name, {})


def _first(table: dict[str, Any], field: str) -> str | None:
    """The table's own name that a dotted path begins with; names may hold dots themselves."""
    names = (name for name in table if name and f"{field}.".startswith(f"{name}."))
    return max(names, key=len, default=None)


def _written(value: Any) -> Any:
    """A whole value without what is empty in it, for a field that is written at its default."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if inner not in (None, [], {}, "")}
    return value


def _in_order(full: dict[str, Any], values: dict[str, Any]) -> dict[str, JsonValue]:
    """The values in the order of the type's fields."""
    return {
        name: _in_order(full[name], values[name])
        if isinstance(full[name], dict) and isinstance(values[name], dict)
        else values[name]
        for name in full
        if name in values
    }


def _body(question: str) -> str | None:
    """The question as it may stand below the front matter; None if it would not read back."""
    plain = question == question.strip() and not ODD.search(question) and "\r" not in question
    return question if plain else None
