"""A draft's guesses and questions, as a person sees and answers them."""

import json
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from desk.cli.common import plain
from desk.draft_answers import chosen_value, takes_own
from labcrew.domain.draft import Draft, Guess, Option, Options
from labcrew.domain.survey import Place
from labcrew.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

_SURE = 0.8
_LONGEST = {"field": 16, "value": 18, "sure": 4, "where": 14}
_MOST_VALUE, _MOST_WHY, _MOST_SEEN, _MOST_WHERE = 60, 120, 60, 2


def guess_table(guesses: Sequence[Guess]) -> "RenderableType":
    """A row a guess; the ticket's file has each in full."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("field", "value", "sure", "why", "where"):
        table.add_column(
            name,
            overflow="fold",
            justify="right" if name == "sure" else "left",
            min_width=_LONGEST.get(name),
        )
    for guess in guesses:
        by, _, who = guess.by.partition(":")
        sure = f"by {who}" if by == "person" else f"{guess.confidence:.0%}"
        style = "yellow" if by != "person" and guess.confidence < _SURE else ""
        table.add_row(
            plain(guess.field),
            plain(brief(guess.value)),
            plain(sure, style),
            plain(_cut(_one_line(guess.because), _MOST_WHY)),
            plain("; ".join(where(place) for place in guess.evidence[:_MOST_WHERE])),
        )
    return table


def questions_page(draft: Draft, questions: Sequence[Options]) -> str:
    """The questions of a draft where nobody sits at a terminal, and how to answer them."""
    lines = [f"{draft.id} has {_counted(len(questions))} for you."]
    for question in questions:
        lines += ["", f"{question.field}: {question.question}"]
        lines += _option_lines(draft, question)
        lines.append(f"  labcrew ticket answer {draft.id} {shlex.quote(question.field)} 1")
    lines += [
        "",
        f"Then go on with: labcrew ticket new --resume {draft.id}",
        f"The best guesses instead: labcrew ticket new --resume {draft.id} --yes",
    ]
    return "\n".join(lines)


def ask(
    draft: Draft,
    question: Options,
    read: Callable[[str], str],
    tell: Callable[[str], None],
    heading: str = "",
) -> JsonValue:
    """Asks one question until the answer is one; answers the chosen value.

    Args:
        draft: for how sure the best guess is.
        question: its best option first, which Enter takes.
        read: shows a prompt and answers what was typed.
        tell: shows a text.
        heading: e.g. "1 of 2".
    """
    head = f"{heading} · " if heading else ""
    tell("\n".join([f"{head}{question.question}", *_option_lines(draft, question)]))
    own = ", a value of your own" if takes_own(question.field) else ""
    prompt = f"Enter for 1, a number{own}, or ? for the evidence"
    while True:
        typed = read(prompt).strip()
        if typed == "?":
            tell("\n".join(_evidence_lines(question)))
            continue
        try:
            return chosen_value(question, typed or 1)
        except InputError as error:
            tell(str(error))


def brief(value: JsonValue) -> str:
    """A guess's value on one short line: a range, a name, a command, or what it is made of."""
    return _cut(_words(value), _MOST_VALUE)


def where(place: Place) -> str:
    """Where something was seen: file and line, or the line of output."""
    return str(place) if place.path else f"printed: {_cut(_one_line(place.text), _MOST_SEEN)}"


def _option_lines(draft: Draft, question: Options) -> list[str]:
    best = next((g for g in draft.guesses if g.field == question.field), None)
    lines = []
    for number, option in enumerate(question.options, 1):
        sure = ""
        if best is not None and best.value == option.value:
            sure = f" ({best.confidence:.0%})"
        lines.append(f"  {number}. {_one_line(option.label)}{sure}: {_one_line(option.because)}")
    return lines


def _evidence_lines(question: Options) -> list[str]:
    lines = []
    for number, option in enumerate(question.options, 1):
        lines.append(f"  {number}. {_one_line(option.label)}")
        lines += [f"     {line}" for line in _seen(option)]
    return lines


def _seen(option: Option) -> list[str]:
    if not option.evidence:
        return ["nothing in a file or in the output speaks for it"]
    return [
        _one_line(f"{place}: {place.text}" if place.path else f"printed: {place.text}")
        for place in option.evidence
    ]


def _words(value: JsonValue) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return _one_line(value)
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if "low" in value and "high" in value:
        return f"{value['low']} to {value['high']}{', log' * bool(value.get('log'))}"
    for name in ("name", "command", "choices"):
        if value.get(name):
            return _words(value[name])
    return _one_line(", ".join(f"{name}: {_words(inner)}" for name, inner in value.items()))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _counted(questions: int) -> str:
    return "one question" if questions == 1 else f"{questions} questions"
