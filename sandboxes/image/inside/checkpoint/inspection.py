"""Looks at every checkpoint beneath a folder and prints what it found, as one line of JSON."""

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import arrays, hdf, pickles, tensors, trees
from .finding import Found, find
from .numbers import Broken, Tally
from .steps import step_of_name

Reader = Callable[[Path, Tally], int | None]
_ZIP, _NPY = b"PK\x03\x04", b"\x93NUMPY"
_SECONDS = 200.0
_SMALL = 0.5
"""A file of a format that can't be read is doubted below this share of its siblings' size."""


def reader(path: Path) -> tuple[str, Reader | None]:
    """The format of a file, by its suffix and its first bytes, and what looks at it."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(64)
    by_suffix: dict[str, tuple[str, Reader]] = {
        ".npz": ("numpy", arrays.read_npz),
        ".npy": ("numpy", arrays.read_npy),
        ".safetensors": ("safetensors", tensors.read_safetensors),
        ".h5": ("hdf5", hdf.read_h5),
        ".hdf5": ("hdf5", hdf.read_h5),
        ".keras": ("keras", hdf.read_keras),
        ".json": ("json", trees.read_json),
        ".ubj": ("xgboost", trees.read_ubj),
    }
    if suffix in by_suffix:
        return by_suffix[suffix]
    if head.startswith(_ZIP):
        return "torch", tensors.read_torch
    if head.startswith(_NPY):
        return "numpy", arrays.read_npy
    if head.startswith(hdf.SIGNATURE):
        return "hdf5", hdf.read_h5
    if trees.is_lightgbm(head):
        return "lightgbm", trees.read_lightgbm
    if suffix in (".pkl", ".pickle", ".joblib") or (head[:1] == b"\x80" and head[1:2] < b"\x06"):
        return "pickle", pickles.read
    if suffix in (".pt", ".pth", ".ckpt") and _ZIP.startswith(head):  # cut very short
        return "torch", tensors.read_torch
    return ("onnx" if suffix == ".onnx" else "other"), None


def inspect(one: Found, root: Path) -> dict[str, Any]:
    """What is seen of a checkpoint."""
    path = one.path.relative_to(root).as_posix()
    folder = one.path.is_dir()
    tally = Tally()
    kind, step, trouble = "folder" if folder else "", None, ""
    for file in one.files:
        name, read = reader(file)
        kind = kind or name
        try:
            if file.stat().st_size == 0 and not folder:
                raise Broken("it is empty")
            if file.stat().st_size == 0:
                if read is not None:
                    raise Broken("it is empty")
                continue
            found = read(file, tally) if read is not None else None
            step = found if step is None or file.name == "trainer_state.json" else step
        except Broken as error:
            trouble = trouble or (f"{file.name}: {error}" if folder else str(error))
        except Exception as error:  # a file of anybody's: it must not keep the others from view
            trouble = trouble or f"{file.name} can't be read ({type(error).__name__})"
    trouble = trouble or _missing(one)
    named = step_of_name(one.path.name)
    return {
        "path": path,
        "size_bytes": sum(file.stat().st_size for file in one.files),
        "sha256": _hash(one),
        "kind": kind,
        "loads": not trouble,
        "finite": None if trouble and not tally.broken else tally.finite,
        "step": named if folder and named is not None else step if step is not None else named,
        "modified_at": _written(one),
        "trouble": trouble[:300],
    }


def _missing(one: Found) -> str:
    """The shards that a folder's index names and that are not there."""
    names = {file.name for file in one.files}
    for file in one.files:
        if file.name.endswith(".index.json") and one.path.is_dir():
            try:
                wanted = set(json.loads(file.read_bytes())["weight_map"].values())
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                return f"{file.name} can't be read"
            if wanted - names:
                return f"{sorted(map(str, wanted - names))[0]} is missing"
    return ""


def _hash(one: Found) -> str:
    if not one.path.is_dir():
        return _digest(one.files[0])
    lines = sorted(f"{f.relative_to(one.path).as_posix()}\0{_digest(f)}" for f in one.files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compared(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Doubts files that nothing could be read from and that are far smaller than their siblings."""
    for one in seen:
        if one["kind"] not in ("other", "onnx") or not one["loads"]:
            continue
        suffix = Path(one["path"]).suffix
        sizes = [s["size_bytes"] for s in seen if s is not one and s["path"].endswith(suffix)]
        if len(sizes) >= 2 and one["size_bytes"] < _SMALL * statistics.median(sizes):
            one["loads"] = False
            one["trouble"] = "it is far smaller than the others"
    return seen


def _written(one: Found) -> float:
    return max(file.stat().st_mtime for file in one.files)


def main(arguments: list[str] | None = None) -> int:
    """Looks at the checkpoints in ROOT/FOLDER; where there is no such folder, in all of ROOT."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", nargs="?", default=".")
    given = parser.parse_args(arguments)
    folder = given.root / given.folder
    own = folder.is_dir() and given.folder != "."
    found = find(folder, strict=False) if own else []
    found = found or find(given.root, strict=True)
    end = time.monotonic() + _SECONDS
    seen = []
    for one in sorted(found, key=_written, reverse=True):  # the newest count most
        if time.monotonic() < end:
            seen.append(inspect(one, given.root))
    seen.sort(key=lambda one: str(one["path"]))
    print(json.dumps({"checkpoints": compared(seen)}))
    return 0
