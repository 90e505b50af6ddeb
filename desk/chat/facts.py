"""Every number that is said is held against the records it rests on."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from agents.budget_used import hours_run, spent
from labcrew.domain.base import canonical_json
from labcrew.domain.conversation import Figure, Row, Statement
from labcrew.ledger import Ledger
from labcrew.ledger.records import Records

_ID = re.compile(r"\b[TADE]-\d+(?:-[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_NUMBER = re.compile(r"(?<![\d.])\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SECRET = {"secret"}
TABLES = (
    "tickets", "plans", "trials", "findings", "briefs", "datasets", "incidents", "gates",
    "decisions", "merge_requests", "comments", "lessons", "drafts", "attachments", "patches",
    "model_calls", "evolutions", "rounds",
)  # fmt: skip


def table(ledger: Ledger, name: str) -> Records[Any]:
    """The records of one kind. Raises ValueError."""
    if name not in TABLES:
        raise ValueError(f"no table {name!r}")
    records: Records[Any] = getattr(ledger, name)
    return records


def numbers(text: str) -> list[str]:
    """The numbers in a text, without those of ids, as they are written."""
    return [match[0].rstrip(",") for match in _NUMBER.finditer(_ID.sub(" ", text))]


def ids(text: str) -> list[str]:
    """The ids of tickets, trials, gates and so on in a text."""
    return _ID.findall(text)


def unsupported(statement: Statement, ledger: Ledger) -> list[str]:
    """Ids and numbers of a statement that its records do not hold, and its figures do not give.

    Args:
        statement: with the rows that it links to.
        ledger: as it stands now; a record that changed since may hold another number.
    """
    documents = [_document(row, ledger) for row in statement.rows]
    given = {figure.shown for figure in statement.figures if _holds(figure, ledger)}
    return not_in(statement.text, documents, given)


def not_in(text: str, documents: Iterable[str], given: Iterable[str] = ()) -> list[str]:
    """Ids and numbers of a text that stand in no document, as written or rounded.

    Args:
        text: what is said.
        documents: what it may rest on.
        given: numbers, as they are written, that are known to be right.
    """
    whole = "\n".join(documents)
    known = _values(whole)
    allowed = set(given)
    missing = [id for id in ids(text) if id not in whole]
    for shown in numbers(text):
        if shown not in allowed and not any(_shows(shown, value) for value in known):
            missing.append(shown)
    return missing


def computed(figure: Figure, ledger: Ledger) -> float:
    """A figure's value, from the records. Raises ValueError: they do not give it."""
    records = table(ledger, figure.table)
    if figure.how == "count" and not figure.ids:
        statuses: Sequence[str | None] = figure.statuses or (None,)
        return float(sum(records.count(figure.ticket or None, status=s) for s in statuses))
    if figure.ids:
        rows = [records.get(id) for id in figure.ids]
    else:
        rows = records.of(figure.ticket) if figure.ticket else records.all()
    if figure.statuses:
        rows = [row for row in rows if row.status in figure.statuses]
    if figure.how == "count":
        return float(len(rows))
    if figure.how == "runs_used":
        return float(spent(rows))
    if figure.how == "hours_run":
        parallel = ledger.tickets.get(figure.ticket).budget.parallel
        return hours_run(rows, parallel) * figure.scale
    values = [value for row in rows if (value := _field(row, figure.field)) is not None]
    if figure.how == "sum":
        return math.fsum(values) * figure.scale
    if figure.how == "mean" and values:
        return math.fsum(values) / len(values) * figure.scale
    if figure.how == "difference" and len(values) == 2:
        return (values[0] - values[1]) * figure.scale
    raise ValueError(f"{figure.how} of {len(values)} values")


def _holds(figure: Figure, ledger: Ledger) -> bool:
    try:
        value = computed(figure, ledger)
    except (ValueError, LookupError, AttributeError):
        return False
    return _shows(figure.shown, abs(value))


def _document(row: Row, ledger: Ledger) -> str:
    if row.table == "events":
        lines = ledger.events.of(None, row.event - 1, 1)
        return lines[0].model_dump_json() if lines else ""
    record = table(ledger, row.table).find(row.id)
    # What a loop's seeds are drawn from supports nothing that is said.
    return "" if record is None else canonical_json(record.model_dump(mode="json", exclude=_SECRET))


def _field(record: Any, path: str) -> float | None:
    for name in path.split("."):
        record = getattr(record, name, None)
    return float(record) if isinstance(record, int | float) else None


def _values(text: str) -> set[float]:
    return {_value(match[0].rstrip(",")) for match in _NUMBER.finditer(text)}


def _value(text: str) -> float:
    pieces = text.replace(",", "")
    try:
        return float(pieces)
    except ValueError:
        return math.nan


def _shows(shown: str, value: float) -> bool:
    """Whether a number is what another one looks like, rounded to the digits that are shown."""
    number = _value(shown)
    if math.isnan(value) or math.isinf(value):
        return False
    if math.isclose(number, value, rel_tol=1e-12):
        return True
    digits = shown.replace(",", "").lower()
    mantissa, _, exponent = digits.partition("e")
    decimals = len(mantissa.partition(".")[2])
    if not decimals:
        return False  # a whole number is no rounding: 3 is not 3.2
    half = 0.5 * 10.0 ** (int(exponent or 0) - decimals)
    return abs(number - value) <= half * (1 + 1e-9)
