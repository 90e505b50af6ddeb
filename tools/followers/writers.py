"""Who has a file open for writing, by /proc."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_WRITING = 0o3  # the access bits of `flags:` in /proc/PID/fdinfo/N
_EVERY_S = 2.0
_SHARE = 50
"""Looking costs a call for each file that any process has open: at most 1/50 of the time goes."""


class Writers:
    """Knows of the files that it was asked about whether somebody writes them.

    Only processes that this user may look at are seen.

    Args:
        now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._asked: set[tuple[int, int]] = set()
        self._written: set[tuple[int, int]] = set()
        self._stale_at = 0.0

    def has(self, device: int, inode: int) -> bool:
        """Whether a process has the file open for writing, as of a few seconds ago at most."""
        key = (device, inode)
        if key not in self._asked or self._now() >= self._stale_at:
            self._asked.add(key)
            began = self._now()
            self._written = _written(self._asked)
            took = self._now() - began
            self._stale_at = began + max(_EVERY_S, _SHARE * took)
        return key in self._written


def _written(asked: set[tuple[int, int]]) -> set[tuple[int, int]]:
    mine, found = str(os.getpid()), set()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == mine:
            continue
        with suppress(OSError):
            for opened in (process / "fd").iterdir():
                with suppress(OSError):
                    state = opened.stat()
                    key = (state.st_dev, state.st_ino)
                    if key in asked and _writes(process / "fdinfo" / opened.name):
                        found.add(key)
    return found


def _writes(information: Path) -> bool:
    text = information.read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("flags:"):
            return bool(int(line.split()[1], 8) & _WRITING)
    return False
