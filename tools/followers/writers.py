"""Who has a file open for writing, by /proc."""

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from tools.followers.proc import started
from tools.followers.source import Ended

_WRITING = 0o3  # the access bits of `flags:` in /proc/PID/fdinfo/N
_EVERY_S, _GONE_S = 2.0, 2.0
_SHARE = 50
"""Looking costs a call for each file that any process has open: at most 1/50 of the time goes."""


File = tuple[int, int]
"""Device and inode."""
Writer = tuple[int, str]
"""A process's id, and when it began: the id alone may be another's later."""


class Writers:
    """Knows of the files that it was asked about who writes them.

    Only processes that this user may look at are seen.

    Args:
        now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._asked: set[File] = set()
        self._written: dict[File, set[Writer]] = {}
        self._stale_at = 0.0

    def of(self, files: Collection[File]) -> frozenset[Writer]:
        """Who has one of the files open for writing, as of a few seconds ago at most."""
        if not self._asked.issuperset(files) or self._now() >= self._stale_at:
            self._asked.update(files)
            began = self._now()
            self._written = _written(self._asked)
            took = self._now() - began
            self._stale_at = began + max(_EVERY_S, _SHARE * took)
        return frozenset(writer for file in files for writer in self._written.get(file, ()))


class Leaving:
    """Tells from who writes a run's files when the run is over.

    A program may close its log between two epochs: it is over when the process itself has gone, or
    when nothing was written for long.

    Args:
        writers: knows who writes them; one serves many runs.
        quiet_s: seconds of silence after which files that nobody has are over.
    """

    def __init__(self, writers: Writers, quiet_s: float) -> None:
        self._writers, self._quiet_s = writers, quiet_s
        self._last: frozenset[Writer] = frozenset()

    def ended(self, files: Collection[File], silent_s: float) -> Ended | None:
        """Whether the run is over.

        Args:
            silent_s: seconds since output came.
        """
        if self._last and silent_s < _GONE_S:
            return None
        if now := self._writers.of(files):
            self._last = now
            return None
        if self._last and all(started(pid) != began for pid, began in self._last):
            return Ended(reason="the program that wrote it has gone")
        if silent_s >= self._quiet_s:
            return Ended(reason=f"nothing was written for {self._quiet_s:g} s, and nobody has it")
        return None

    def again(self) -> None:
        """Prepares for the run having been started again."""
        self._last = frozenset()


def _written(asked: set[File]) -> dict[File, set[Writer]]:
    mine, found = str(os.getpid()), dict[File, set[Writer]]()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == mine:
            continue
        with suppress(OSError):
            for opened in (process / "fd").iterdir():
                with suppress(OSError):
                    state = opened.stat()
                    key = (state.st_dev, state.st_ino)
                    if key in asked and _writes(process / "fdinfo" / opened.name):
                        began = started(int(process.name))
                        if began is not None:
                            found.setdefault(key, set()).add((int(process.name), began))
    return found


def _writes(information: Path) -> bool:
    text = information.read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("flags:"):
            return bool(int(line.split()[1], 8) & _WRITING)
    return False
