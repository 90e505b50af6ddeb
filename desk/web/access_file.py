"""The file that says who may enter: read whole or refused, changed by one at a time."""

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labcrew.domain.base import Model
from labcrew.errors import LabcrewError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST_BYTES = 1_000_000


class Token(Model):
    """A person's way in."""

    id: str
    name: str
    role: Literal["viewer", "researcher", "approver"]
    hash: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the secret")
    made_at: datetime


class Admitted(BaseModel):
    """What the file says."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(default="", pattern="^([0-9a-f]{64})?$", description="signs sessions")
    tokens: tuple[Token, ...] = ()
    ended: dict[str, float] = Field(
        default_factory=dict, description="sessions signed out → when they would have ended"
    )


class AccessFile:
    """Reads again when the file was replaced, whoever did it.

    Args:
        path: the file; beside it lies its lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, ...], Admitted] | None = None

    def read(self) -> Admitted:
        """What the file says; nobody, where there is none.

        Raises:
            LabcrewError: it is damaged, or others may read or write it: nobody enters.
        """
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return Admitted()
        except OSError as error:
            raise self._refused(f"can't be opened: {error.strerror}") from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            mark = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            # Replaced, never written to, so that a known mark is a known text.
            if self._read is not None and self._read[0] == (*mark, status.st_mode):
                return self._read[1]
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise self._refused("is not a file of yours")
            if status.st_mode & _OTHERS:
                raise self._refused("is open to others", f"Close it: chmod 600 {self._path}")
            text = file.read(_MOST_BYTES + 1)
        try:
            admitted = Admitted.model_validate(json.loads(text))
        except (ValueError, ValidationError, RecursionError):
            raise self._refused("is damaged") from None
        if admitted.tokens and not admitted.key:
            raise self._refused("is damaged")
        self._read = (*mark, status.st_mode), admitted
        return admitted

    @contextmanager
    def changing(self) -> Iterator[Admitted]:
        """What the file says, for changing it; written whole at the end, by one at a time."""
        lock = self._path.with_suffix(".lock")
        with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            admitted = self.read().model_copy()
            yield admitted
            admitted.key = admitted.key or secrets.token_hex(32)
            partial = self._path.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(admitted.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)

    def _refused(self, what: str, remedy: str = "") -> LabcrewError:
        return LabcrewError(
            f"{self._path}, which says who may enter, {what}: nobody enters.",
            remedy
            or "Move it away and start the board again: it makes a new token; the old ones end.",
        )
