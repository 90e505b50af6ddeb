"""Whose a home is, written on what it has on an engine: so that what a dead home left is known."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path


def owner(folder: Path | None) -> str:
    """The label's text: the home's folder, or this process for a home that has none.

    Args:
        folder: the home's root; None for one that lasts as long as this process.
    """
    if folder is not None:
        return json.dumps({"host": platform.node(), "folder": str(folder.absolute())})
    pid = os.getpid()
    return json.dumps({"host": platform.node(), "pid": pid, "began": _began(pid)})


def is_gone(label: str) -> bool:
    """Whether an owner is known to be gone; False too for one of another machine.

    A home whose folder stands is never gone: its next start looks after what it left.
    """
    try:
        told = json.loads(label)
        if told["host"] != platform.node():
            return False
        if "folder" in told:
            return _missing(Path(told["folder"]) / "home.json")
        return bool(_began(int(told["pid"])) != told["began"])
    except (ValueError, KeyError, TypeError):
        return False


def _missing(file: Path) -> bool:
    """Whether a file is known not to be there: what this user may not look at may well be."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _began(pid: int) -> str:
    """When a process began, in the kernel's ticks, so that a number used again is another's."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]
