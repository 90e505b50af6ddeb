"""A data file in memory: its columns, as numbers where they are, and what is asked of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Kind = Literal["integer", "number", "boolean", "text", "empty", "other"]
Floats = NDArray[np.float64]
_ABSENT = ("", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>")
_NUMERIC_SHARE = 0.95
_EXACT = float(2**53)
_LISTED = 8
_ID_NAME = re.compile(
    r"^(|id|idx|index|uid|uuid|guid|row|row_?id|unnamed: 0|.*_id)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        numbers: shape (rows,), NaN where missing or not a number; None for text.
        text: the cells as strings, null where missing.
        missing: shape (rows,).
        malformed: shape (rows,): cells of a numeric column that are no numbers.
        padded: shape (rows,): cells of a text column that the file has with spaces around them.
    """

    name: str
    kind: Kind
    numbers: Floats | None
    text: pl.Series
    missing: NDArray[np.bool_]
    malformed: NDArray[np.bool_]
    padded: NDArray[np.bool_]

    @cached_property
    def counts(self) -> bool:
        """Whether its cells are whole numbers that grow, or fall, by one a row."""
        if self.kind != "integer" or self.numbers is None or len(self.numbers) < 3:
            return False
        steps = np.diff(self.numbers)
        return bool(abs(steps[0]) == 1 and (steps == steps[0]).all())


@dataclass(frozen=True)
class Request:
    """What is known of a file before it is read: one entry of the spec."""

    path: str
    source: str
    split: str
    label: str | None
    features: tuple[str, ...] | None
    id: str | None
    private: bool


@dataclass
class Table:
    """One data file.

    Attributes:
        rows_total: rows in the file; `rows` of them, the first ones, were read.
        ragged: rows whose number of cells differs from the header's.
        notes: what reading it showed.
    """

    request: Request
    columns: dict[str, Column]
    rows: int
    rows_total: int
    ragged: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def split(self) -> str:
        return self.request.split

    @cached_property
    def id(self) -> Column | None:
        """The column that names a row: the one the ticket names, else one that plainly does."""
        if self.request.id is not None:
            return self.columns.get(self.request.id)
        for column in self.columns.values():
            if (
                column.kind in ("integer", "text")
                and column.name != self.request.label
                and _ID_NAME.match(column.name.strip())
                and self.rows > 1
                and column.text.n_unique() == self.rows
            ):
                return column
        return None

    @property
    def label(self) -> Column | None:
        return self.columns.get(self.request.label) if self.request.label is not None else None

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The columns that describe a row and are there."""
        if self.request.features is not None:
            return tuple(name for name in self.request.features if name in self.columns)
        named = self.id
        apart = {self.request.label, named.name if named else None}
        return tuple(name for name in self.columns if name not in apart)

    def name_of(self, row: int) -> str:
        """A row's id as it may be shown; empty without one, and for a private file."""
        column = self.id
        return "" if column is None or self.request.private else shown(column.text[row])


def as_column(series: pl.Series) -> Column:
    """Reads a column as numbers if nearly all its cells are numbers, else as text."""
    name = series.name
    none = np.zeros(len(series), np.bool_)
    if series.dtype == pl.Boolean:
        kind: Kind = "boolean"
    elif series.dtype.is_integer():
        kind = "integer"
    elif series.dtype.is_float() or series.dtype.is_decimal():
        kind = "number"
    elif series.dtype == pl.String:
        return _from_strings(series)
    else:
        text = _printed(series)
        return Column(name, "other", None, text, text.is_null().to_numpy(), none, none)
    numbers = series.cast(pl.Float64).to_numpy().astype(np.float64)
    text = series.cast(pl.String)
    missing = series.is_null().to_numpy() | np.isnan(numbers)
    if kind == "integer" and bool(np.any(np.abs(numbers[~missing]) >= _EXACT)):
        return Column(name, "text", None, text, missing, none, none)
    return Column(name, "empty" if missing.all() else kind, numbers, text, missing, none, none)


def shown(value: object, length: int = 40) -> str:
    """A cell as it may be shown: printable, short."""
    text = "".join(c if c.isprintable() else "·" for c in str(value)[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def listed(names: Sequence[str]) -> str:
    """Names as they may be shown: a few, and how many more there are."""
    few = ", ".join(shown(name) for name in names[:_LISTED])
    return few if len(names) <= _LISTED else f"{few} and {len(names) - _LISTED} more"


def count_of(number: int, one: str, more: str = "") -> str:
    """A number with its noun: 1 row, 2 rows; `more` where the plural takes no bare s."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def _from_strings(series: pl.Series) -> Column:
    text = series.str.strip_chars()
    absent = text.is_null() | text.str.to_lowercase().is_in(list(_ABSENT))
    cells = text.set(absent, None)
    parsed = cells.cast(pl.Float64, strict=False)
    given = len(series) - int(absent.sum())
    good = given - int((parsed.is_null() & ~absent).sum())
    none = np.zeros(len(series), np.bool_)
    if given == 0:
        numbers = np.full(len(series), np.nan)
        return Column(series.name, "empty", numbers, cells, absent.to_numpy(), none, none)
    values = parsed.fill_null(float("nan")).to_numpy().astype(np.float64)
    finite = values[np.isfinite(values)]
    whole = bool(np.all(finite == np.floor(finite)))
    exact = not (whole and bool(np.any(np.abs(finite) >= _EXACT)))
    if good < _NUMERIC_SHARE * given or not exact:
        # In a text column "NA" or "-" may be a word; only an empty cell is surely missing.
        bare = text.set(text.is_null() | (text == ""), None)
        padded = (series.str.len_bytes() != text.str.len_bytes()).fill_null(False).to_numpy()
        return Column(series.name, "text", None, bare, bare.is_null().to_numpy(), none, padded)
    malformed = (parsed.is_null() & ~absent).to_numpy()
    kind: Kind = "integer" if whole and bool(np.isfinite(values).any()) else "number"
    return Column(series.name, kind, values, cells, absent.to_numpy(), malformed, none)


def _printed(series: pl.Series) -> pl.Series:
    try:
        return series.cast(pl.String)
    except pl.exceptions.PolarsError:
        cells = [None if cell is None else str(cell) for cell in series.to_list()]
        return pl.Series(series.name, cells, dtype=pl.String)
