"""Ids that stand in more than one split: training then knows the very subjects it is tested on."""

from __future__ import annotations

import re

import numpy as np

from .study import Doubt, Fault, Found, Study
from .tables import Column, Table, shown

_ID_NAME = re.compile(
    r"(?i:id|uid|uuid|guid|(.*[_ .-])(id|uid|uuid|guid))|.*[a-z](Id|ID|Uuid|UUID)"
)
_SUBJECT_NAME = re.compile(
    r"(patient|subject|participant|donor|person)([_ .-]?(id|no|nr|number|code|key))?", re.IGNORECASE
)
_NEARLY_UNIQUE = 0.9
_SUBJECTS_SHARE = 0.05
_SUBJECTS_MIN = 10
_NUMBER = re.compile(r"(.*?)(\d{1,18})(\D*)", re.DOTALL)
_DENSE = 0.7
_NAMED = 0.8
_GUESSED = 0.4
_MOST_OF_A_FILE = 0.2
_EXAMPLES = 3


def shared_id(study: Study) -> Found:
    """Rows of one subject in two splits: a score would reward remembering the subject.

    Training rows are surely doubted where the ticket names the id, and few have it; else a person
    is told alone.
    """
    held = study.held
    for place, table in enumerate(held):
        for other in held[place + 1 :]:
            if table.split != other.split:
                for name in _ids(table, other):
                    yield from _shared(table, other, name)
    for table in study.training:
        for other in held:
            for name in _ids(table, other):
                yield from _shared(table, other, name)


def identifies(table: Table, name: str) -> bool:
    """Whether a column names what a row is about, by its own name and how often it repeats itself.

    Nearly every row has an id of its own; a patient may have several rows.
    """
    plain = name.strip()
    own, subject = _ID_NAME.fullmatch(plain), _SUBJECT_NAME.fullmatch(plain)
    if not own and not subject:
        return False
    values = [value for value in _values(table.columns[name]) if value is not None]
    distinct = len(set(values))
    if own and distinct and distinct >= _NEARLY_UNIQUE * len(values):
        return True
    return bool(subject) and distinct >= max(_SUBJECTS_MIN, _SUBJECTS_SHARE * len(values))


def _ids(a: Table, b: Table) -> list[str]:
    named = {a.request.id, b.request.id}
    labels = {a.request.label, b.request.label}
    return [
        name
        for name in a.columns
        if name in b.columns
        and name not in labels
        and (name in named or (identifies(a, name) and identifies(b, name)))
    ]


def _shared(table: Table, other: Table, name: str) -> Found:
    mine, theirs = _values(table.columns[name]), _values(other.columns[name])
    here, there = set(mine) - {None}, set(theirs) - {None}
    common = here & there
    unique = all(
        len(ids) >= _NEARLY_UNIQUE * sum(value is not None for value in values)
        for ids, values in ((here, mine), (there, theirs))
    )
    if not common or (unique and _numbered_alike(here, there)):
        return
    rows = [row for row, value in enumerate(mine) if value in common]
    what = shown(name) or "an unnamed column"
    detail = (
        f"rows have an id ({what}) that {other.split} has too, {len(common)} of {len(here)} ids"
    )
    if not (table.request.private or other.request.private):
        few = sorted(str(value) for value in common)[:_EXAMPLES]
        detail += f", e.g. {', '.join(map(shown, few))}"
    training = table.split == "train"
    yield Fault(table.path, len(rows), detail, "warning" if training else "note")
    if training:
        named = name == table.request.id and len(rows) <= _MOST_OF_A_FILE * table.rows
        for row in rows:
            reason = f"{what} {shown(mine[row])} also stands in {other.split}"
            yield Doubt(table.path, row, reason, _NAMED if named else _GUESSED)


def _values(column: Column) -> list[str | None]:
    """The cells as names, 12 and 12.0 alike; nothing of a column with fractions."""
    if column.numbers is None:
        return list(column.text.to_list()) if column.kind == "text" else []
    numbers = column.numbers
    finite = numbers[np.isfinite(numbers)]
    if column.kind == "boolean" or not np.array_equal(finite, np.floor(finite)):
        return []
    return [str(int(v)) if np.isfinite(v) else None for v in numbers]


def _numbered_alike(here: set[str | None], there: set[str | None]) -> bool:
    """Whether each file numbers its own rows, from the same start and with few gaps.

    Two files can't share out one range of numbers and hold most of it both, so then the numbers
    that they have in common name nothing.
    """
    mine, theirs = _numbers(here), _numbers(there)
    if mine is None or theirs is None or mine[0] != theirs[0]:
        return False
    a, b = mine[1], theirs[1]
    low, high = max(a.min(), b.min()), min(a.max(), b.max())
    span = int(high - low) + 1
    inside = [np.count_nonzero((ids >= low) & (ids <= high)) for ids in (a, b)]
    apart = abs(int(a.min() - b.min()))
    return bool(min(inside) >= _DENSE * span and apart <= (1 - _DENSE) * span)


def _numbers(
    ids: set[str | None],
) -> tuple[tuple[str, str], np.ndarray[tuple[int], np.dtype[np.int64]]] | None:
    """What stands around the number in all ids, and the numbers; None where they aren't so made."""
    around: tuple[str, str] | None = None
    numbers = []
    for value in ids:
        found = _NUMBER.fullmatch(value or "")
        if found is None or (around is not None and around != (found[1], found[3])):
            return None
        around = (found[1], found[3])
        numbers.append(int(found[2]))
    return (around, np.array(numbers, np.int64)) if around is not None else None
