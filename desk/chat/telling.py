"""Statements with their sources: how answers are put together."""

import re
from collections.abc import Sequence
from typing import Any

from desk.chat.facts import computed, table
from labcrew.domain.base import Model
from labcrew.domain.conversation import Figure, Focus, Row, Statement
from labcrew.ledger import Ledger
from sandboxes.text import clean

_LONGEST = 400
_OWNERS = ("tickets", "briefs", "evolutions")
LISTED = 8
"""Entries of a list that are told; the rest are counted."""


class Answer(Model):
    """What is said to one reading.

    Args:
        focus: what `it` means next.
        choices: what may be said next, in words.
        open: it is a question back, that one of what `focus` lists answers.
    """

    statements: tuple[Statement, ...]
    focus: Focus = Focus()
    choices: tuple[str, ...] = ()
    open: bool = False


class Teller:
    """Makes statements that name their records.

    Args:
        ledger: only read.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def say(self, text: str, *records: Any, figures: Sequence[Figure] = ()) -> Statement:
        """A statement.

        Args:
            text: one or two sentences; what came from logs, papers or people has gone through
                `quoted`.
            records: what it rests on, (table, id) each.
            figures: its numbers that stand in no record.
        """
        rows = [self.row(name, id) for name, id in records]
        return Statement(
            text=re.sub(r"\.{2}$", ".", text), rows=tuple(rows), figures=tuple(figures)
        )

    def row(self, name: str, id: str) -> Row:
        """A record with the line that last wrote it; a line itself is ("events", its number)."""
        if name == "events":
            lines = self.ledger.events.of(None, int(id) - 1, 1)
            ticket = lines[0].ticket if lines else ""
            return Row(table=name, id=id, ticket=ticket, event=int(id))
        records = table(self.ledger, name)
        line = records.newest_line(id)
        record = records.find(id) if line is not None else None
        ticket = (
            id
            if name in ("tickets", "briefs", "evolutions")
            else str(getattr(record, "ticket", ""))
        )
        if name == "comments" and record is not None:
            ticket = record.merge_request.rpartition("-MR")[0]
        return Row(table=name, id=id, ticket=ticket, event=line or 0)

    @staticmethod
    def rows_of(name: str, ids: Sequence[str]) -> tuple[Row, ...]:
        """Records that are named alone; a link to them is a link to their ticket."""
        return tuple(Row(table=name, id=id, ticket=_ticket_of(id)) for id in ids)

    def count(self, name: str, ticket: str = "", *statuses: str) -> Figure:
        """How many records there are."""
        figure = Figure(shown="0", how="count", table=name, ticket=ticket, statuses=statuses)
        return self.shown(figure, "d")

    def shown(self, figure: Figure, form: str) -> Figure:
        """A figure with its value as it is written."""
        value = computed(figure, self.ledger)
        text = f"{round(value):d}" if form == "d" else f"{value:{form}}"
        return figure.model_copy(update={"shown": text.lstrip("-") if form != "d" else text})


def _ticket_of(id: str) -> str:
    match = re.match(r"[TE]-\d+", id)
    return match[0] if match else ""


def quoted(text: str, most: int = _LONGEST) -> str:
    """Text of others on one line: cleaned, cut, never markup."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plural(number: int | str, word: str, words: str = "") -> str:
    """`1 trial`, `3 trials`."""
    return f"{number} {word if str(number) == '1' else words or word + 's'}"


def nothing(text: str) -> Answer:
    """An answer that rests on no record, for there is none."""
    return Answer(statements=(Statement(text=text),))
