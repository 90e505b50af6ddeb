"""What checks work on and what they answer: the tables of a ticket, faults, and doubtful rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .spellings import counted, usual_spelling
from .tables import Floats, Table

Severity = Literal["note", "warning", "error"]
CLASSES_MAX = 1000
_FEW_CLASSES = 20


@dataclass(frozen=True)
class Fault:
    """Something about a file. Attributes are DataFault's."""

    path: str
    rows: int
    detail: str
    severity: Severity


@dataclass(frozen=True)
class Doubt:
    """A row of a training file that may be better left out; confidence in [0, 1]."""

    path: str
    row: int
    reason: str
    confidence: float


Found = Iterator[Fault | Doubt]


@dataclass
class Study:
    """The files of one ticket, and the rows that earlier checks doubt.

    Attributes:
        unread: splits of which a file could not be read.
        doubted: path → row → the name of the check that spoke first.
    """

    tables: list[Table]
    unread: frozenset[str] = frozenset()
    doubted: dict[str, dict[int, str]] = field(default_factory=dict)
    _shared: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _codes: dict[str, dict[str, int]] = field(default_factory=dict)
    _keys: dict[tuple[str, tuple[str, ...]], list[bytes | None]] = field(default_factory=dict)

    @property
    def training(self) -> list[Table]:
        return [table for table in self.tables if table.split == "train"]

    @property
    def held(self) -> list[Table]:
        return [table for table in self.tables if table.split in ("validation", "holdout")]

    def trusted(self, table: Table) -> NDArray[np.bool_]:
        """Shape (rows,): rows that no check doubted so far."""
        mask = np.ones(table.rows, np.bool_)
        mask[list(self.doubted.get(table.path, {}))] = False
        return mask

    def shared(self, a: Table, b: Table) -> tuple[str, ...]:
        """Features that two files have in common; empty where they describe different things."""
        pair = (a.path, b.path)
        if pair not in self._shared:
            theirs = set(b.features)
            common = tuple(name for name in a.features if name in theirs)
            self._shared[pair] = common if 2 * len(common) > len(a.features) else ()
        return self._shared[pair]

    def coded(self, table: Table, names: tuple[str, ...]) -> Floats:
        """Columns as numbers that are equal exactly where the cells are; shape (rows, names).

        Text is numbered in the order it is met, alike in all files; a missing cell is NaN.
        """
        coded = np.empty((table.rows, len(names)))
        for place, name in enumerate(names):
            column = table.columns[name]
            if column.numbers is not None:
                coded[:, place] = column.numbers
                continue
            codes = self._codes.setdefault(name, {})
            coded[:, place] = [
                np.nan if cell is None else codes.setdefault(cell, len(codes))
                for cell in column.text.to_list()
            ]
        coded += 0.0  # -0.0 equals 0.0, but not in bytes
        coded[np.isnan(coded)] = np.nan
        return coded

    def keys(self, table: Table, names: tuple[str, ...]) -> list[bytes | None]:
        """A row's features as bytes, equal for identical rows; None where nothing can be said.

        A row without any cell, or with one that is no number where numbers stand, has no key.
        """
        if (table.path, names) in self._keys:
            return self._keys[table.path, names]
        coded = self.coded(table, names)
        silent: NDArray[np.bool_] = np.isnan(coded).sum(axis=1) == coded.shape[1]
        for name in names:
            silent = silent | table.columns[name].malformed
        silent[table.ragged[table.ragged < table.rows]] = True
        keys = [
            None if mute else hashlib.blake2b(row.tobytes(), digest_size=16).digest()
            for mute, row in zip(silent, coded, strict=True)
        ]
        self._keys[table.path, names] = keys
        return keys


def classes(table: Table) -> list[str | None] | None:
    """The label of each row if the label is a class, None if it is a quantity or free text.

    Spellings of one class are one: no row is doubted for its spelling.
    """
    names = label_names(table)
    if names is None:
        return None
    counts = counted(names)
    if not are_classes(len(counts), table.rows, numeric=_numeric(table)):
        return None
    usual = usual_spelling(counts)
    return [usual.get(name, name) if name is not None else None for name in names]


def label_names(table: Table) -> list[str | None] | None:
    """The label of each row by name, None for a file without one or with fractions for labels."""
    label = table.label
    if label is None or not table.rows or label.kind == "number":
        return None
    if label.numbers is None or label.kind == "boolean":
        return list(label.text.to_list())
    return [str(int(v)) if np.isfinite(v) else None for v in label.numbers]


def are_classes(distinct: int, rows: int, *, numeric: bool) -> bool:
    """Whether labels are classes: few enough, and several.

    Numbers with more distinct values than the square root of the rows are a quantity.

    Args:
        distinct: how many different labels there are.
    """
    most = min(CLASSES_MAX, rows // 2)
    if numeric:
        most = min(most, max(_FEW_CLASSES, int(rows**0.5)))
    return 2 <= distinct <= most


def _numeric(table: Table) -> bool:
    return table.label is not None and table.label.numbers is not None
