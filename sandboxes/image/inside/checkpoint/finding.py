"""Which files and folders are checkpoints: no links, nothing half written, nothing beside the way.

A folder of a name that tells a step, or with files that only a checkpoint has, is one checkpoint.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from .steps import step_of_name

SUFFIXES = frozenset(
    {
        ".bin", ".ckpt", ".h5", ".hdf5", ".joblib", ".keras", ".model", ".npy", ".npz", ".onnx",
        ".pkl", ".pickle", ".pt", ".pth", ".safetensors", ".ubj", ".weights",
    }
)  # fmt: skip
_NEVER = frozenset(
    {
        ".csv", ".gif", ".html", ".jpg", ".jsonl", ".lock", ".log", ".md", ".pdf", ".png", ".svg",
        ".toml", ".tsv", ".yaml", ".yml",
    }
)  # fmt: skip
_BESIDE = frozenset({".json", ".txt", ""})
_HALF = re.compile(r"^(?:partial|tmp|temp)\b|(?:\.|_)(?:partial|part|tmp|temp|incomplete|writing)$")
_MARKS = frozenset(
    {
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json", "trainer_state.json", "adapter_model.safetensors",
        "saved_model.pb",
    }
)  # fmt: skip
_MOST = 2000
_DEPTH = 8


@dataclass(frozen=True)
class Found:
    """One checkpoint.

    Args:
        path: a file or a folder.
        files: its files.
    """

    path: Path
    files: tuple[Path, ...]


def find(folder: Path, *, strict: bool, depth: int = 0) -> list[Found]:
    """The checkpoints beneath a folder, at most 2,000, the newest by name kept.

    Args:
        strict: whether only files with a suffix of a checkpoint count: not in a folder of its own.
    """
    made: list[Found] = []
    files, folders = _entries(folder)
    stems = {path.stem for path in files if path.suffix.lower() in SUFFIXES}
    for path in files:
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            made.append(Found(path, (path,)))
        elif strict or suffix in _NEVER or path.name.startswith("events.out.tfevents"):
            continue
        elif suffix in _BESIDE and path.stem in stems:
            continue  # the notes that lie beside a checkpoint
        else:
            made.append(Found(path, (path,)))
    for path in folders:
        if _is_one(path):
            inside = tuple(_all(path))
            if inside:
                made.append(Found(path, inside))
        elif depth < _DEPTH:
            made += find(path, strict=strict, depth=depth + 1)
    return sorted(made, key=lambda one: str(one.path))[-_MOST:]


def _is_one(folder: Path) -> bool:
    files, _ = _entries(folder)
    if any(path.name in _MARKS for path in files):
        return True
    named = step_of_name(folder.name) is not None or "epoch" in folder.name.lower()
    # "version_0" holds checkpoints; "step-500" with weights of many names is one.
    told = re.search(r"step|iter|checkpoint|ckpt|epoch", folder.name.lower()) is not None
    return named and told and bool(files)


def _all(folder: Path, depth: int = 0) -> list[Path]:
    files, folders = _entries(folder, half=True)
    for below in folders if depth < _DEPTH else ():
        files += _all(below, depth + 1)
    return files


def _entries(folder: Path, *, half: bool = False) -> tuple[list[Path], list[Path]]:
    """The regular files and the folders in a folder; links and half written files are neither."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                hidden = entry.name.startswith(".") or _HALF.search(entry.name.lower()) is not None
                if hidden and not half:
                    continue
                if stat.S_ISREG(mode):
                    files.append(Path(entry.path))
                elif stat.S_ISDIR(mode):
                    folders.append(Path(entry.path))
    except OSError:
        return [], []
    return sorted(files), sorted(folders)
