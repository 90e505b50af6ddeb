"""A log file as it grows: late, truncated, rotated, on any file system."""

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from labcrew.domain.monitoring import Usage
from labcrew.errors import InputError
from tools.followers.notifier import Notifier
from tools.followers.source import Ended, Place
from tools.followers.writers import Leaving, Writers

_CHUNK = 1 << 16


class LogFile:
    """A text file that a run writes.

    A file with another inode under the name (rotation) is read from its start after the old one
    was read to its end; a file that became shorter (truncation) from its start again.

    Args:
        path: need not exist yet.
        notifier: wakes on behalf of `token`.
        start: where to begin; None: at the file's start.
        from_end: leave out what is there already.
        quiet_s: seconds of silence after which a file that nobody has open is over.
        writers: knows who writes it; one serves many runs.

    Raises:
        InputError: a link, a folder or a special file.
    """

    def __init__(
        self,
        path: Path,
        notifier: Notifier,
        token: int,
        *,
        start: Place | None = None,
        from_end: bool = False,
        quiet_s: float = 600,
        writers: Writers | None = None,
    ) -> None:
        self._path = path
        self._notifier, self._token = notifier, token
        self._leaving = Leaving(writers or Writers(), quiet_s)
        self._file = -1
        self._at = 0
        self._watched = False
        self._unannounced = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._watch()
        if not self._open():
            return
        state = os.fstat(self._file)
        if start is not None and start.file == state.st_ino:
            self._at = min(start.offset, state.st_size)
        elif from_end:
            self._at = state.st_size

    @property
    def name(self) -> str:
        return str(self._path)

    @property
    def announced(self) -> bool:
        return self._watched and not self._unannounced

    @property
    def whole(self) -> bool:
        return True

    def unannounced(self) -> None:
        """Is told that output came of which the system had not told: it is polled from now on."""
        self._unannounced = True

    @property
    def place(self) -> Place:
        if self._file < 0:
            return Place()
        return Place(file=os.fstat(self._file).st_ino, offset=self._at)

    def read(self) -> Iterator[str]:
        if not self._watched:
            self._watch()
        if self._file < 0 and not self._open():
            return
        yield from self._rest()
        while self._replaced():
            yield self._decoder.decode(b"", final=True)
            self._forget()
            if not self._open():
                return
            yield from self._rest()

    def _rest(self) -> Iterator[str]:
        if os.fstat(self._file).st_size < self._at:
            self._at = 0
            self._decoder.reset()
        while data := os.pread(self._file, _CHUNK, self._at):
            self._at += len(data)
            text = self._decoder.decode(data)
            if text:
                yield text

    def _replaced(self) -> bool:
        try:
            there = self._path.lstat()
        except OSError:
            return False  # moved away: what still comes is written to the open file
        mine = os.fstat(self._file)
        return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)

    def _open(self) -> bool:
        # Not followed, not waited for: whoever may write the folder could put a link or a pipe.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            found = os.open(self._path, flags)
        except FileNotFoundError:
            return False
        except OSError as error:
            if self._path.is_symlink():
                raise InputError(
                    f"{self._path} is a link.", f"Name the file: log:{self._path.resolve()}"
                ) from None
            raise InputError(f"{self._path} can't be read: {error.strerror}.") from None
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise InputError(f"{self._path} is not a regular file.", "Name the run's log file.")
        self._file, self._at = found, 0
        return True

    def _watch(self) -> None:
        self._watched = self._notifier.watch(self._token, self._path.parent, self._path.name)

    def usage(self) -> Usage | None:
        return None

    def ended(self, silent_s: float) -> Ended | None:
        if self._file < 0:
            return None
        state = os.fstat(self._file)
        return self._leaving.ended([(state.st_dev, state.st_ino)], silent_s)

    def again(self) -> None:
        self._leaving.again()

    def _forget(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._at = -1, 0
        self._decoder.reset()

    def close(self) -> None:
        self._forget()
