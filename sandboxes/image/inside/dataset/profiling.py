"""Profiles data files and looks for faults: `profile_data.py SPEC.json`.

SPEC.json is {"files": [{"path", "source", "split", "label", "features", "id", "private"}, …]};
`source` is where the file lies here, `path` what it is called in the answer. The answer is one JSON
object on standard output: {"files": […], "problems": […]}. Whatever a file holds, it is answered
with a problem and never with a traceback.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .checks import CHECKS
from .reading import Unreadable, checked_source, file_hash, read_table
from .study import Doubt, Fault, Study
from .tables import Column, Request, Table, shown

LISTED_ROWS = 20_000
LISTED_LABELS = 1_000
NAME_LENGTH = 200


def profile(spec: dict[str, Any]) -> dict[str, Any]:
    """Reads every file, runs every check, and answers what stdout shall say."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # hostile numbers overflow; the answer says what matters
        return _profile(spec)


def _profile(spec: dict[str, Any]) -> dict[str, Any]:
    requests = [_request(entry) for entry in spec["files"]]
    problems: list[dict[str, str]] = []
    tables: list[Table] = []
    files: dict[str, dict[str, Any]] = {}
    for request in requests:
        try:
            source = checked_source(request.source)
            files[request.path] = _unread(request, source)
            table = read_table(request)
        except Unreadable as error:
            problems.append(_problem(request.path, error.kind, f"{request.path} {error}"))
        except (OSError, MemoryError, ValueError, pl.exceptions.PanicException) as error:
            detail = f"{request.path} can't be read ({type(error).__name__})"
            problems.append(_problem(request.path, "unreadable", detail))
        else:
            tables.append(table)
            files[request.path] |= _read(table)
    read = {table.path for table in tables}
    study = Study(tables, frozenset(r.split for r in requests if r.path not in read))
    for name, check in CHECKS:
        try:
            _collect(name, list(check(study)), study, files)
        except Exception as error:  # one check that stumbles must not hide what the others found
            detail = f"the check {name} failed ({type(error).__name__}: {shown(error, 120)})"
            problems.append(_problem("", "check_failed", detail))
    for table in tables:
        _cap(files[table.path], problems)
    return {"files": list(files.values()), "problems": problems}


def _collect(
    name: str, found: list[Fault | Doubt], study: Study, files: dict[str, dict[str, Any]]
) -> None:
    tables = {table.path: table for table in study.tables}
    for item in found:
        file = files[item.path]
        if isinstance(item, Fault):
            file["faults"].append(
                {
                    "check": name,
                    "rows": item.rows,
                    "detail": item.detail,
                    "severity": item.severity,
                }
            )
            continue
        table = tables[item.path]
        if table.request.private or item.row in study.doubted.setdefault(item.path, {}):
            continue
        study.doubted[item.path][item.row] = name
        file["quarantined"].append(
            {
                "row": item.row,
                "id": table.name_of(item.row),
                "check": name,
                "reason": item.reason,
                "confidence": round(item.confidence, 3),
            }
        )


def _cap(file: dict[str, Any], problems: list[dict[str, str]]) -> None:
    rows = sorted(file["quarantined"], key=lambda doubt: (-doubt["confidence"], doubt["row"]))
    if len(rows) > LISTED_ROWS:
        detail = f"{file['path']}: of {len(rows)} doubtful rows the {LISTED_ROWS} surest are listed"
        problems.append(_problem(file["path"], "capped", detail))
    file["quarantined"] = sorted(rows[:LISTED_ROWS], key=lambda doubt: int(doubt["row"]))


def _request(entry: dict[str, Any]) -> Request:
    features = entry.get("features")
    return Request(
        path=str(entry["path"]),
        source=str(entry.get("source", entry["path"])),
        split=str(entry.get("split", "other")),
        label=entry.get("label"),
        features=None if features is None else tuple(features),
        id=entry.get("id"),
        private=bool(entry.get("private", False)),
    )


def _problem(path: str, kind: str, detail: str) -> dict[str, str]:
    return {"path": path, "kind": kind, "detail": detail}


def _unread(request: Request, source: Path) -> dict[str, Any]:
    return {
        "path": request.path,
        "split": request.split,
        "sha256": file_hash(source),
        "size_bytes": source.stat().st_size,
        "rows": 0,
        "columns": [],
        "label": request.label,
        "label_counts": {},
        "faults": [],
        "quarantined": [],
    }


def _read(table: Table) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    if table.label is not None and not table.request.private:
        cells = Counter(table.label.text.drop_nulls().to_list())
        if len(cells) <= LISTED_LABELS:
            for name, count in sorted(cells.items()):
                counts[shown(name, 80)] += count  # two long names may be shown alike
    columns = [_column(column, table.request.private) for column in table.columns.values()]
    return {"rows": table.rows_total, "columns": columns, "label_counts": counts}


def _column(column: Column, private: bool) -> dict[str, Any]:
    """The numbers of one column; a private file's cells leave no trace."""
    known: dict[str, Any] = {
        "name": shown(column.name, NAME_LENGTH),
        "type": column.kind,
        "missing": int(column.missing.sum()),
        "distinct": 0 if private else column.text.drop_nulls().n_unique(),
    }
    if private or column.numbers is None:
        return known
    finite = column.numbers[np.isfinite(column.numbers)]
    if not len(finite):
        return known
    mean, std = float(finite.mean()), float(finite.std())
    known |= {"minimum": float(finite.min()), "maximum": float(finite.max())}
    return known | {
        name: value for name, value in (("mean", mean), ("std", std)) if np.isfinite(value)
    }


def main() -> int:
    """Reads the spec that the first argument names and prints the answer."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(profile(spec), allow_nan=False))
    return 0
