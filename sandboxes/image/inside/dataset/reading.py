"""Reads a data file into a Table, or says in one sentence why it can't be read."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from .records import Records, guess_separator, split_records
from .tables import Request, Table, as_column

MAX_BYTES = 512 << 20
MAX_CELLS = 16_000_000
_ARRAYS_MAX = 100
DELIMITED = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")


class Unreadable(Exception):
    """A file that can't be read; `kind` is one word for programs, the message is for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_source(source: str) -> Path:
    """A regular file that isn't too large to be read whole. Raises Unreadable."""
    path = Path(source)
    if path.is_dir():
        raise Unreadable("not_a_file", "is a folder: its files are neither checked nor hashed")
    if not path.is_file():
        raise Unreadable("missing", "does not exist")
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable("too_large", f"is larger than the {MAX_BYTES >> 20} MiB that are checked")
    return path


def read_table(request: Request, max_cells: int = MAX_CELLS) -> Table:
    """Reads a file, its first rows alone where it has more than `max_cells` cells.

    Raises Unreadable.
    """
    path = checked_source(request.source)
    if path.stat().st_size == 0:
        raise Unreadable("empty", "is empty")
    suffix = path.suffix.lower()
    try:
        if suffix in DELIMITED:
            return _delimited(request, path, max_cells)
        if suffix in LINES:
            frame = read_lines(path.read_bytes())
        elif suffix == ".parquet":
            frame = _parquet(path, max_cells)
        elif suffix in (".npy", ".npz"):
            return _arrays(request, path)
        else:
            raise Unreadable(
                "format", f"ends in {suffix or 'nothing'}; read are .csv .tsv .jsonl .parquet .npy"
            )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise Unreadable("malformed", f"can't be parsed: {_first_line(error)}") from None
    total = frame.height
    if suffix == ".parquet":
        total = int(pl.scan_parquet(path).select(pl.len()).collect().item())
    return _table(request, frame, total, np.zeros(0, np.int64), max_cells)


def read_records(data: bytes, suffix: str) -> tuple[Records, str]:
    """The layout of a delimited file and its separator.

    Raises Unreadable where it is no text, or its quotes don't close.
    """
    if b"\0" in data:
        raise Unreadable("binary", "holds NUL bytes: it is not a text file (or it is UTF-16)")
    separator = "\t" if suffix == ".tsv" else guess_separator(data)
    records = split_records(data, separator)
    if not records.header_cells:
        raise Unreadable("empty", "holds nothing but empty lines")
    if not records.balanced:
        raise Unreadable("malformed", "has a quote that never closes; its rows can't be told apart")
    return records, separator


def parse_delimited(
    data: bytes, separator: str, *, rows: int | None = None, first_column: bool = False
) -> pl.DataFrame:
    """All cells as strings; one frame row a record after the header, empty lines included."""
    return pl.read_csv(
        io.BytesIO(data),
        separator=separator,
        infer_schema=False,
        truncate_ragged_lines=True,
        n_rows=rows,
        columns=[0] if first_column else None,
    )


def utf8(data: bytes) -> tuple[bytes, bool]:
    """The text as UTF-8, and whether it had to be taken for Latin-1."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode(), True
    return data, False


def read_lines(data: bytes) -> pl.DataFrame:
    """A JSON-lines file; one row a line with content. Raises Unreadable."""
    if b"\0" in data:
        raise Unreadable("binary", "holds NUL bytes: it is not a text file")
    lines = content_lines(data)
    if not lines:
        raise Unreadable("empty", "holds nothing but empty lines")
    if any(not data[line].lstrip(b" \t").startswith(b"{") for line in lines):
        raise Unreadable("malformed", "holds a line that is no JSON object")
    frame = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    if frame.height != len(lines):
        raise Unreadable("malformed", "holds more or fewer JSON objects than lines")
    return frame


def content_lines(data: bytes) -> list[slice]:
    """The bytes of each line that isn't blank, its line ending included."""
    found, position = [], 0
    for line in io.BytesIO(data):
        if line.strip():
            found.append(slice(position, position + len(line)))
        position += len(line)
    return found


def _delimited(request: Request, path: Path, max_cells: int) -> Table:
    raw = path.read_bytes()
    records, separator = read_records(raw, path.suffix.lower())
    text, latin = utf8(raw)
    rows = records.rows
    allowed = max(1, max_cells // records.header_cells)
    cut = None if len(records.starts) <= allowed else allowed
    frame = parse_delimited(text, separator, rows=cut)
    height = frame.height
    if cut is not None:
        height = parse_delimited(text, separator, first_column=True).height
    if height != len(records.starts):
        raise Unreadable("malformed", "has stray quotes; its rows can't be told apart")
    kept = rows[rows < frame.height]
    frame = frame[kept] if len(kept) != frame.height else frame
    ragged = np.flatnonzero(records.cells[kept] != records.header_cells)
    table = _table(request, frame, len(rows), ragged, max_cells)
    if latin:
        table.notes.append("is not UTF-8; it was read as Latin-1")
    if any("_duplicated_" in name for name in frame.columns):
        table.notes.append("has two columns of the same name")
    if all(_is_number(name) for name in frame.columns):
        table.notes.append("has only numbers in its first line: it may lack a header")
    return table


def _parquet(path: Path, max_cells: int) -> pl.DataFrame:
    lazy = pl.scan_parquet(path)
    width = max(1, len(lazy.collect_schema()))
    return lazy.head(max(1, max_cells // width)).collect()


def _arrays(request: Request, path: Path) -> Table:
    """Shapes alone: the header of an array says them, and nothing is unpickled."""
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist()[:_ARRAYS_MAX]:
                    with archive.open(name) as file:
                        shapes[name.removesuffix(".npy")] = _shape(file)
        else:
            with path.open("rb") as file:
                shapes["array"] = _shape(file)
    except Exception as error:  # any bytes may come; NumPy and zipfile raise many kinds
        raise Unreadable("malformed", f"can't be parsed: {_first_line(error)}") from None
    rows = max((shape[0] for shape in shapes.values() if shape), default=0)
    listed = ", ".join(f"{name} {shape}" for name, shape in list(shapes.items())[:8])
    note = f"holds arrays, whose rows are not checked: {listed}"
    return Table(request, {}, 0, rows, np.zeros(0, np.int64), [note])


def _shape(file: IO[bytes]) -> tuple[int, ...]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)[0]
    return np.lib.format.read_array_header_2_0(file)[0]


def _table(
    request: Request,
    frame: pl.DataFrame,
    total: int,
    ragged: np.ndarray[tuple[int], np.dtype[np.int64]],
    max_cells: int,
) -> Table:
    if frame.width * frame.height > max_cells:
        frame = frame.head(max(1, max_cells // max(1, frame.width)))
    columns = {series.name: as_column(series) for series in frame.get_columns()}
    table = Table(request, columns, frame.height, total, ragged)
    if frame.height < total:
        table.notes.append(f"is large: its first {frame.height} of {total} rows were checked")
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    text = str(error).strip().split("\n", 1)[0]
    return "".join(c if c.isprintable() else "·" for c in text)[:160]
