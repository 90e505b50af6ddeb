"""Features that give the label away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chance import SIGNIFICANT, agreement
from .ids import identifies
from .study import Fault, Found, Study, classes
from .tables import Column, Floats, Table, listed, shown

_ROWS_MIN = 30
_FIRST = 200
_SHOWN = 8
Rows = NDArray[np.int64]


def label_leak(study: Study) -> Found:
    """Features that equal the label, or that it follows from and that follow from it.

    A class may stand beside its own name or number, which is said, since only a person knows. A
    quantity must rise or fall exactly with the feature, because any two columns of distinct numbers
    go together one to one. A file that is sorted by its label tells nothing then.
    """
    for table in study.training:
        if table.label is None:
            continue
        answer = _Answer(table.label, classes(table))
        names = [name for name in table.features if name != table.label.name]
        found = {}
        for name in names:
            told = _gives_away(table, name, answer, len(names))
            if told:
                found[name] = f"{shown(name)} {told}"
        for told in list(found.values())[:_SHOWN]:
            yield Fault(table.path, 0, told, "warning")
        if len(found) > _SHOWN:
            rest = listed(list(found)[_SHOWN:])
            yield Fault(table.path, 0, f"the label is given away by {rest} too", "warning")


@dataclass(frozen=True)
class _Answer:
    """A label with the class of each row, None for a quantity or free text."""

    column: Column
    classes: list[str | None] | None

    @property
    def numbers(self) -> Floats | None:
        """The label as a quantity."""
        return self.column.numbers if self.classes is None else None


def _gives_away(table: Table, name: str, answer: _Answer, columns: int) -> str:
    """What to say of a feature; empty where there is nothing.

    Args:
        columns: how many features are asked about.
    """
    feature = table.columns[name]
    rows = np.flatnonzero(_given(feature) & _given(answer.column))
    if len(rows) < _ROWS_MIN or not _goes_with(feature, answer, rows[:_FIRST]):
        return ""
    told = _goes_with(feature, answer, rows)
    counts = Counter(_cells(answer.column, rows))
    chance = columns * agreement(counts.values(), ordered=answer.classes is None)
    if not told or len(counts) < 2 or chance > SIGNIFICANT:
        return ""
    if told != "equals" and answer.classes is None and _orders_rows(table, name, answer, rows):
        return ""
    if told == "equals":
        return f"equals the label in all {len(rows)} rows: as a feature it is the answer itself"
    if told != "names":
        return (
            f"{told} exactly as the label does in all {len(rows)} rows: it may be the label on"
            " another scale, and as a feature gives it away"
        )
    example = ""
    if not table.request.private:
        here, there = (column.text[int(rows[0])] for column in (feature, answer.column))
        example = f", {shown(here, 20)!r} being always {shown(there, 20)!r}"
    return (
        f"stands one to one for the label's {len(counts)} classes in all {len(rows)}"
        f" rows{example}: it may be the class's name or number, and as a feature gives it away"
    )


def _goes_with(feature: Column, answer: _Answer, rows: Rows) -> str:
    """How a feature and the label go together in some rows: equals, names, rises, falls or not."""
    label = answer.column
    if feature.numbers is not None and label.numbers is not None:
        if np.array_equal(feature.numbers[rows], label.numbers[rows]):
            return "equals"
    elif feature.numbers is None and _same_text(feature, label, rows):
        return "equals"
    if answer.classes is not None:
        values = _cells(feature, rows)
        names = [answer.classes[row] for row in rows.tolist()]
        pairs = len(set(zip(values, names, strict=True)))
        return "names" if pairs == len(set(values)) == len(set(names)) else ""
    if feature.numbers is None or answer.numbers is None:
        return ""
    order = np.argsort(answer.numbers[rows], kind="stable")
    steps = np.sign(np.diff(feature.numbers[rows][order]))
    up = np.sign(np.diff(answer.numbers[rows][order]))
    return "rises" if (steps == up).all() else "falls" if (steps == -up).all() else ""


def _same_text(feature: Column, label: Column, rows: Rows) -> bool:
    return label.numbers is None and bool(feature.text[rows].equals(label.text[rows]))


def _orders_rows(table: Table, name: str, answer: _Answer, rows: Rows) -> bool:
    """Whether a feature goes with a quantity only because the file is in the label's order."""
    if answer.numbers is None:
        return False
    steps = np.diff(answer.numbers[rows])
    in_order = bool((steps >= 0).all() or (steps <= 0).all())
    return in_order or table.columns[name].counts or identifies(table, name)


def _given(column: Column) -> NDArray[np.bool_]:
    """Shape (rows,): where a cell is there and what it should be."""
    if column.numbers is not None:
        return np.isfinite(column.numbers)
    return ~column.missing


def _cells(column: Column, rows: Rows) -> list[str | float]:
    if column.numbers is not None:
        return list(column.numbers[rows].tolist())
    return list(column.text[rows].to_list())
