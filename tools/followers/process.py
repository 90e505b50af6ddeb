"""A process that runs already: its log file is followed, and /proc tells of it."""

import os
from collections.abc import Iterator
from pathlib import Path

from labcrew.domain.monitoring import Usage
from labcrew.errors import InputError, NotFound
from tools.followers.log_file import LogFile
from tools.followers.proc import fields, started
from tools.followers.source import Ended, Place

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """A process id and the log that the process writes; a living process's output can't be read.

    Args:
        pid: of the process; one that gets the same number later is not taken for it.
        log: its log file.

    Raises:
        NotFound: there is no such process.
    """

    def __init__(self, pid: int, log: LogFile) -> None:
        began = started(pid)
        if began is None:
            raise NotFound(f"There is no process {pid}.", "Look with: ps -o pid,args -u $USER")
        self._pid, self._started, self._log = pid, began, log

    @property
    def name(self) -> str:
        return f"process {self._pid}, {self._log.name}"

    @property
    def announced(self) -> bool:
        return self._log.announced

    @property
    def whole(self) -> bool:
        return True

    def unannounced(self) -> None:
        """As of the log."""
        self._log.unannounced()

    @property
    def place(self) -> Place:
        return self._log.place

    def read(self) -> Iterator[str]:
        yield from self._log.read()

    def usage(self) -> Usage | None:
        if started(self._pid) != self._started:
            return None
        try:
            told = fields(self._pid)
            memory = Path("/proc", str(self._pid), "statm").read_text(encoding="ascii").split()
        except OSError:
            return None
        return Usage(
            memory_bytes=int(memory[1]) * _PAGE,
            memory_limit_bytes=0,
            cpu_s=(int(told[11]) + int(told[12])) / _TICK,
            processes=1,
        )

    def ended(self, silent_s: float) -> Ended | None:
        if started(self._pid) == self._started:
            return None
        return Ended(reason=f"process {self._pid} has ended")

    def follow(self, pid: int) -> bool:
        """Takes another process for the run, once it was started again; False where none is."""
        began = started(pid)
        if began is None:
            return False
        self._pid, self._started = pid, began
        return True

    def again(self) -> None:
        self._log.again()

    def close(self) -> None:
        self._log.close()


def pid_of(text: str) -> int:
    """A process id that a person gave. Raises InputError."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**31:
        raise InputError(f"{text!r} is no process id.", "E.g. --attach pid:4711 --log train.log")
    return int(text)
