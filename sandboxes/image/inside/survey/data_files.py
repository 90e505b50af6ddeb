"""Files that look like data: tables with their headers, arrays, and folders of images."""

from __future__ import annotations

import csv
import os
from pathlib import PurePosixPath
from typing import Any

from .tree import Tree, decoded, folder_of, name_of, plain
from .words import words

MOST_DATA = 500
_TABLES = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_DATA = words(
    ".csv .tsv .tab .parquet .feather .npz .npy .jsonl .ndjson .json .txt .h5 .hdf5 .pkl "
    ".pickle .arff .libsvm .svm .mat .db .sqlite .xlsx .arrow .data .dat .gz .zip .tar .bz2 "
    ".xz .wav .pt .names .test .train"
)
_IMAGES = words(".png .jpg .jpeg .bmp .gif .tif .tiff .webp")
_PROSE = ("requirements", "license", "readme", "cmakelists", "changelog", "manifest", "notice")
_SETTINGS = frozenset({"package.json", "package-lock.json", "composer.json", "tsconfig.json"})


def data_files(tree: Tree) -> list[dict[str, Any]]:
    """The repository's data files, those near the root first; a folder of images is one."""
    found: list[dict[str, Any]] = []
    images: dict[str, list[int]] = {}
    for path, size in tree.sizes.items():
        name = name_of(path).lower()
        suffix = PurePosixPath(name).suffix
        if suffix in _IMAGES:
            images.setdefault(folder_of(path), []).append(size)
            continue
        if suffix not in _DATA or name in _SETTINGS or name.startswith((*_PROSE, ".")):
            continue
        in_data = "data" in folder_of(path).lower() or "input" in folder_of(path).lower()
        if suffix in {".json", ".txt"} and not (in_data or size > 20_000):
            continue
        if len(found) >= MOST_DATA:
            tree.cut.append(f"data files: more than {MOST_DATA}")
            break
        columns = _header(tree, path, _TABLES[suffix]) if suffix in _TABLES else []
        found.append({"path": path, "size_bytes": size, "columns": columns})
    for folder, sizes in images.items():
        if len(sizes) >= 10 and folder and len(found) < MOST_DATA:
            found.append({"path": folder, "size_bytes": sum(sizes), "columns": []})
    return found


def _header(tree: Tree, path: str, separator: str) -> list[str]:
    """A table's first line as column names; nothing where it holds only numbers."""
    try:
        handle = os.open(tree.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            first = decoded(file.read(20_000)).split("\n")[0]
    except OSError:
        return []
    if separator == "," and first.count(";") > first.count(","):
        separator = ";"
    try:
        cells = next(csv.reader([first], delimiter=separator), [])
    except csv.Error:
        return []
    return [plain(cell, 100) for cell in cells[:200]] if not all(map(_is_number, cells)) else []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()
    return True
