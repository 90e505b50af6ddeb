"""Splits made from columns, and what a check says of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sandboxes.image.inside.dataset.profiling import profile

Columns = Mapping[str, Sequence[Any]]


def profiled(
    folder: Path, splits: Mapping[str, Columns], suffix: str = "csv", **request: Any
) -> dict[str, dict[str, Any]]:
    """Each split's answer by its name; of train_1 and train_2, both are training.

    Args:
        splits: the columns of each split; None is an empty cell.
        request: what the ticket says of all files: label, id, features, private.
    """
    files = []
    for name, columns in splits.items():
        path = folder / f"{name}.{suffix}"
        frame = pl.DataFrame(columns, strict=False)
        if suffix == "csv":
            frame.write_csv(path)
        else:
            frame.write_parquet(path)
        split = name.partition("_")[0]
        files.append({"path": name, "source": str(path), "split": split} | request)
    answer = profile({"files": files})
    json.dumps(answer, allow_nan=False)
    assert answer["problems"] == []
    return {file["path"]: file for file in answer["files"]}


def said(
    folder: Path, check: str, splits: Mapping[str, Columns], suffix: str = "csv", **request: Any
) -> list[str]:
    """What a check says: a line a fault, with file, severity, rows and detail."""
    return [
        f"{path}: {fault['severity']}: {fault['rows']} {fault['detail']}"
        for path, file in profiled(folder, splits, suffix, **request).items()
        for fault in file["faults"]
        if fault["check"] == check
    ]
