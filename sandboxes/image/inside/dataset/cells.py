"""Checks that look at cells: schemas that differ, cells that are missing or no numbers."""

from __future__ import annotations

import numpy as np

from .study import Doubt, Fault, Found, Study
from .tables import listed, shown

_RARE = 0.05


def schema(study: Study) -> Found:
    """Columns that a split lacks, or that hold numbers in one split and text in another."""
    for table in study.tables:
        label = table.request.label
        if label is not None and table.columns and table.label is None:
            yield Fault(table.path, 0, f"has no label column {shown(label)}", "error")
        for name in table.request.features or ():
            if table.columns and name not in table.columns:
                yield Fault(table.path, 0, f"has no feature column {shown(name)}", "error")
        named = table.request.id
        if named is not None and table.columns and named not in table.columns:
            yield Fault(table.path, 0, f"has no id column {shown(named)}", "error")
        for note in table.notes:
            yield Fault(table.path, 0, note, "note")
    for table in study.training:
        for other in study.held:
            common = study.shared(table, other)
            if not common:
                continue
            lacking = [n for n in table.features if n not in other.columns]
            more = [n for n in other.features if n not in table.columns]
            kinds = {n: (table.columns[n].kind, other.columns[n].kind) for n in common}
            differ = [n for n, (a, b) in kinds.items() if "empty" not in (a, b) and _text(a, b)]
            for names, what in (
                (lacking, f"lacks columns of {table.split}"),
                (more, f"has columns that {table.split} lacks"),
                (differ, f"has other types than {table.split} in"),
            ):
                if names:
                    yield Fault(other.path, 0, f"{what}: {listed(names)}", "error")


def constant(study: Study) -> Found:
    """Columns with a single value: they can teach nothing."""
    for table in study.tables:
        names = [
            name
            for name in table.features
            if table.rows > 1 and table.columns[name].text.drop_nulls().n_unique() <= 1
        ]
        if names:
            yield Fault(table.path, 0, f"columns that never vary: {listed(names)}", "note")


def ragged(study: Study) -> Found:
    """Rows with more or fewer cells than the header: their cells may stand in wrong columns."""
    for table in study.tables:
        rows = [int(row) for row in table.ragged]
        if rows:
            detail = "rows have more or fewer cells than the header"
            yield Fault(table.path, len(rows), detail, "warning")
        if table.split == "train":
            for row in rows:
                yield Doubt(table.path, row, "has more or fewer cells than the header", 0.95)


def missing(study: Study) -> Found:
    """Rows with an empty cell in a column that is otherwise filled.

    Where a twentieth of a column or of the rows is empty, emptiness is how the data are; then it
    is a fault of the file to think about, and no row's.
    """
    for table in study.tables:
        touched = np.zeros(table.rows, np.int64)
        first = np.full(table.rows, -1)
        usual: list[str] = []
        label = [table.label.name] if table.label is not None else []
        names = [*table.features, *label]
        for place, name in enumerate(names):
            gone = table.columns[name].missing
            if not gone.any():
                continue
            if name not in label and gone.mean() > _RARE:
                usual.append(name)
                continue
            first[gone & (touched == 0)] = place
            touched += gone
        if usual:
            yield Fault(table.path, 0, f"columns with many empty cells: {listed(usual)}", "warning")
        rows = np.flatnonzero(touched)
        if not len(rows):
            continue
        yield Fault(table.path, len(rows), "rows have empty cells", "warning")
        if table.split != "train":
            continue
        confidence = 0.8 if len(rows) <= _RARE * table.rows else 0.4
        for row in rows.tolist():
            name = names[first[row]]
            more = f" and {touched[row] - 1} more" if touched[row] > 1 else ""
            sure = 1.0 if label and table.columns[label[0]].missing[row] else confidence
            yield Doubt(table.path, row, f"{shown(name)} is empty{more}", sure)


def malformed(study: Study) -> Found:
    """Rows with a cell that is no number in a column of numbers."""
    for table in study.tables:
        bad: dict[int, str] = {}
        for name, column in table.columns.items():
            for row in np.flatnonzero(column.malformed).tolist():
                cell = shown(column.text[row], 20)
                bad.setdefault(row, f"{shown(name)} is {cell!r}, not a number")
        if bad:
            yield Fault(table.path, len(bad), "rows have cells that are no numbers", "warning")
        if table.split == "train":
            for row, reason in sorted(bad.items()):
                yield Doubt(table.path, row, reason, 0.9)


def _text(a: str, b: str) -> bool:
    return (a in ("text", "other")) != (b in ("text", "other"))
