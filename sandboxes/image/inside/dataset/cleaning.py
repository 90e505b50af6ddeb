"""Writes a data file without some rows, all else byte for byte: `clean_data.py SPEC.json`.

SPEC.json is {"source", "sha256", "rows", "output"}. Standard output is one JSON object:
{"sha256", "rows_before", "rows_after"} or {"error": …}. A Parquet file is written anew, since its
rows have no bytes of their own.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from .reading import (
    DELIMITED,
    LINES,
    Unreadable,
    checked_source,
    content_lines,
    file_hash,
    parse_delimited,
    read_lines,
    read_records,
    utf8,
)
from .records import Records, without


def clean(spec: dict[str, Any]) -> dict[str, Any]:
    """Writes the output file and answers what stdout shall say. Raises Unreadable."""
    source = checked_source(str(spec["source"]))
    if file_hash(source) != spec["sha256"]:
        raise Unreadable("changed", "is not the file that was profiled: its content has changed")
    drop = {int(row) for row in spec["rows"]}
    suffix = source.suffix.lower()
    output = Path(str(spec["output"]))
    output.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".parquet":
        before = _clean_parquet(source, drop, output)
    elif suffix in DELIMITED:
        data = source.read_bytes()
        records, separator = read_records(data, suffix)
        before = len(records.rows)
        _check_range(drop, before)
        _check_parser_agrees(data, records, separator, drop)
        _write(output, without(data, records, drop))
    elif suffix in LINES:
        data = source.read_bytes()
        read_lines(data)
        lines = content_lines(data)
        before = len(lines)
        _check_range(drop, before)
        _write(output, _without_lines(data, lines, drop))
    else:
        raise Unreadable("format", f"ends in {suffix or 'nothing'}; its rows can't be taken out")
    return {
        "sha256": file_hash(output),
        "rows_before": before,
        "rows_after": before - len(drop),
    }


def _check_range(rows: set[int], total: int) -> None:
    beyond = [row for row in rows if not 0 <= row < total]
    if beyond:
        raise Unreadable("range", f"has {total} rows; there is no row {min(beyond)}")


def _check_parser_agrees(data: bytes, records: Records, separator: str, drop: set[int]) -> None:
    """The rows were chosen by what a parser read, and are cut by where bytes stand.

    So the parser must see as many records, and in each row that goes the same first cell.
    """
    text, latin = utf8(data)
    column = parse_delimited(text, separator, first_column=True).to_series()
    if len(column) != len(records.starts):
        raise Unreadable("malformed", "has stray quotes; its rows can't be told apart")
    for row in sorted(drop):
        record = int(records.rows[row])
        raw = data[records.starts[record] : records.ends[record]]
        line = raw.decode("latin-1" if latin else "utf-8")
        if (column[record] or "") != _first_cell(line, separator):
            raise Unreadable("malformed", f"has stray quotes near row {row}; nothing was taken out")


def _first_cell(line: str, separator: str) -> str:
    """What stands before the first separator; Python's csv reader would stop at a bare return."""
    if line.startswith('"'):
        inner = re.match(r'"((?:[^"]|"")*)"', line)
        return inner[1].replace('""', '"') if inner else ""
    return line.removesuffix("\n").removesuffix("\r").split(separator, 1)[0]


def _without_lines(data: bytes, lines: list[slice], drop: set[int]) -> Iterator[bytes]:
    position = 0
    for row in sorted(drop):
        yield data[position : lines[row].start]
        position = lines[row].stop
    yield data[position:]


def _clean_parquet(source: Path, drop: set[int], output: Path) -> int:
    frame = pl.read_parquet(source)
    _check_range(drop, frame.height)
    kept = [row for row in range(frame.height) if row not in drop]
    frame[kept].write_parquet(output)
    return frame.height


def _write(output: Path, parts: Iterator[bytes]) -> None:
    with output.open("wb") as file:
        file.writelines(parts)


def main() -> int:
    """Reads the spec that the first argument names and prints the answer."""
    try:
        answer = clean(json.loads(Path(sys.argv[1]).read_text()))
    except Unreadable as error:
        answer = {"error": str(error), "kind": error.kind}
    except (OSError, MemoryError, pl.exceptions.PolarsError) as error:
        answer = {"error": f"can't be cleaned ({type(error).__name__})", "kind": "unreadable"}
    except pl.exceptions.PanicException:
        answer = {"error": "can't be parsed", "kind": "malformed"}
    print(json.dumps(answer))
    return 0
