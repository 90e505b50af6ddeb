"""A process that runs already: its log file is followed, and /proc tells of it."""

import os
from collections.abc import Iterator
from pathlib import Path

from labcrew.domain.monitoring import Usage
from labcrew.errors import InputError, NotFound
from tools.followers.log_file import LogFile
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
        started = _started(pid)
        if started is None:
            raise NotFound(f"There is no process {pid}.", "Look with: ps -o pid,args -u $USER")
        self._pid, self._started, self._log = pid, started, log

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
        if _started(self._pid) != self._started:
            return None
        try:
            fields = _fields(self._pid)
            memory = Path("/proc", str(self._pid), "statm").read_text(encoding="ascii").split()
        except OSError:
            return None
        return Usage(
            memory_bytes=int(memory[1]) * _PAGE,
            memory_limit_bytes=0,
            cpu_s=(int(fields[11]) + int(fields[12])) / _TICK,
            processes=1,
        )

    def ended(self, silent_s: float) -> Ended | None:
        if _started(self._pid) == self._started:
            return None
        return Ended(reason=f"process {self._pid} has ended")

    def follow(self, pid: int) -> bool:
        """Takes another process for the run, once it was started again; False where none is."""
        started = _started(pid)
        if started is None:
            return False
        self._pid, self._started = pid, started
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


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the program's name, which may hold anything."""
    text = Path("/proc", str(pid), "stat").read_bytes().decode("utf-8", "replace")
    return text.rpartition(")")[2].split()


def _started(pid: int) -> str | None:
    """When the process began, in ticks since the machine's start; None: it is gone or a zombie."""
    try:
        fields = _fields(pid)
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
