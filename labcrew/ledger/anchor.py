"""The head anchor: the newest line's number and hash, kept outside the database.

A chain of hashes can't show that its end was cut off; the anchor can. It is written after each
commit without a flush of its own: after a power cut it may be behind, which is harmless. It is
never ahead, because the commit it follows was flushed.

It is one line of a length that does not change, written over the one before in one call: neither a
kill nor, within one sector, a power cut leaves half of each, and a new file for each line, renamed
into place, would cost as much as the commit.
"""

import errno
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from labcrew.domain.event import GENESIS
from labcrew.errors import LedgerError, StorageFull


@dataclass(frozen=True)
class Head:
    """A line's number and hash; line 0 is before the first."""

    sequence: int = 0
    hash: str = GENESIS


_LENGTH = 128
"""Bytes of the file: a line's number and hash, and blanks."""


class Anchor:
    """The small JSON file beside the ledger."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Head | None:
        """What was anchored last, None where no file is. Raises LedgerError if it is unreadable."""
        try:
            lock = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return self._read()  # nobody has written it, or not here: a copy, say
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            return self._read()
        finally:
            os.close(lock)

    def _read(self) -> Head | None:
        try:
            value = json.loads(self.path.read_text(encoding="ascii"))
            head = Head(value["sequence"], value["hash"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                f"The ledger's head file {self.path} can't be read: {error}.",
                "Restore it and the database together from one backup.",
            ) from None
        if not isinstance(head.sequence, int) or not isinstance(head.hash, str):
            raise LedgerError(
                f"The ledger's head file {self.path} holds no line number and hash.",
                "Restore it and the database together from one backup.",
            )
        return head

    def write(self, head: Head) -> None:
        """Anchors a line that is committed; an older one than is anchored changes nothing.

        Raises:
            StorageFull: no space for a hundred bytes. The line itself stands.
            LedgerError: the file or its folder can't be written.
        """
        try:
            self._write(head)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(
                    f"The ledger's head file {self.path} can't be written: the disk is full.",
                    "Free disk space (labcrew clean), then resume the ticket.",
                ) from None
            raise LedgerError(
                f"The ledger's head file {self.path} can't be written: {error.strerror}.",
                "Check who owns the file and its folder.",
            ) from None

    def _write(self, head: Head) -> None:
        # Two processes can arrive here in the other order than they committed.
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            if known is not None and known.sequence >= head.sequence:
                return
            line = json.dumps({"sequence": head.sequence, "hash": head.hash}).encode()
            line = line.ljust(_LENGTH - 1) + b"\n"
            if known is None or not self._overwritten(line):
                self._replaced(line)
        finally:
            os.close(lock)

    def _overwritten(self, line: bytes) -> bool:
        """Whether the line was written over the one that is there: not where that is of another
        length, as older versions wrote it, nor where the file has another name too.
        """
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            there = os.fstat(file)
            if there.st_size != len(line) or there.st_nlink != 1:
                return False
            return os.pwrite(file, line, 0) == len(line)
        finally:
            os.close(file)

    def _replaced(self, line: bytes) -> None:
        partial = self.path.with_name(f"{self.path.name}.partial")
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)
        partial.replace(self.path)

    @property
    def _lock(self) -> str:
        return f"{self.path}.lock"
