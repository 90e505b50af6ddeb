"""The one function that reads what a sandbox wrote: `take`.

It reads a tar stream that the engine made of a container's folder. Only regular files with
plain names come through; everything else is left out and counted. Nothing is ever opened by a
path that the sandbox chose without going down folder by folder, following no links.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tarfile
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from labcrew import beneath, full_disk
from labcrew.domain.sandbox import OutputFile
from labcrew.errors import BoundaryError
from labcrew.git_names import taken_for_gits
from labcrew.plain_text import is_plain

_log = logging.getLogger(__name__)
_CHUNK = 1 << 20
_LATEST = 4e9
_MAX_DEPTH = 32
_MAX_NAME = 1024
_MEMBER_BYTES = 2048  # what one member costs at least: its header and its end
_BROKEN = (tarfile.TarError, ValueError, EOFError, OverflowError)  # what tarfile makes of garbage


@dataclass(frozen=True)
class Taken:
    """What came through, and how many members were left out by reason."""

    files: tuple[OutputFile, ...]
    left_out: dict[str, int]


def take(
    stream: Iterable[bytes],
    destination: Path,
    *,
    cap_mb: int,
    strip: str = "",
    max_files: int = 100_000,
) -> Taken:
    """Writes the regular files of a tar stream beneath a new folder, all or nothing.

    Args:
        stream: chunks of an uncompressed tar, not trusted.
        destination: made by this call; where it exists it is listed and the stream left unread.
        cap_mb: MiB that may cross, of headers and content together.
        strip: a leading folder that is taken off each name.
        max_files: files and folders that may be made.

    Raises:
        BoundaryError: past a cap, or not a tar.
        StorageFull: the host's disk is full.
    """
    if destination.exists():
        return Taken(tuple(beneath.listed(destination)), {})
    with full_disk.translated(f"No space left to keep outputs in {destination.parent}"):
        destination.parent.mkdir(parents=True, exist_ok=True)
        draft = destination.parent / f".{destination.name}.{uuid.uuid4().hex[:8]}.part"
        draft.mkdir(mode=0o755)
        try:
            taken = _unpack(stream, draft, cap_mb << 20, strip, max_files)
            try:
                draft.rename(destination)
            except OSError:
                if not destination.is_dir():
                    raise
                # Another call was first: what it wrote stands.
                return Taken(tuple(beneath.listed(destination)), taken.left_out)
        except _BROKEN as error:
            raise BoundaryError(
                f"The engine's copy of the outputs is not a tar: {error}"
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    if taken.left_out:
        _log.warning("left out of %s: %s", destination.name, taken.left_out)
    return taken


def single(stream: Iterable[bytes], name: str, cap_mb: int) -> bytes:
    """The content of a tar stream that holds one regular file.

    Raises BoundaryError if it is anything else, or larger than the cap.
    """
    try:
        with _opened(stream, (cap_mb << 20) + 64 * 1024) as tar:
            member = tar.next()
            if member is None or not member.isreg() or member.issparse():
                raise BoundaryError(f"{name} is not a regular file")
            if member.size > cap_mb << 20:
                raise BoundaryError(f"{name} holds {member.size} bytes; {cap_mb} MiB may be read")
            source = tar.extractfile(member)
            return source.read() if source is not None else b""
    except _BROKEN as error:
        raise BoundaryError(f"The engine's copy of {name} is not a tar: {error}") from error


def _unpack(stream: Iterable[bytes], root: Path, cap: int, strip: str, max_files: int) -> Taken:
    files: dict[str, OutputFile] = {}
    left_out: dict[str, int] = {}
    made = 0
    left = cap
    with _opened(stream, cap + (1 << 20)) as tar:
        while (member := tar.next()) is not None:
            cast(Any, tar).members = []  # tarfile keeps all it saw: a flood of them is memory
            reason, parts = _judge(member, strip)
            if reason is None and "/".join(parts) in files:
                reason = "named twice"
            if reason is not None:
                if reason:
                    left_out[reason] = left_out.get(reason, 0) + 1
                continue
            left -= member.size + _MEMBER_BYTES
            made += 1
            if left < 0:
                raise BoundaryError(f"The outputs hold more than {cap >> 20} MiB")
            if made > max_files:
                raise BoundaryError(f"The outputs hold more than {max_files} files")
            source = tar.extractfile(member)
            assert source is not None, "a regular file has content"
            try:
                path = "/".join(parts)
                files[path] = _write(root, parts, source, member, path)
            except (NotADirectoryError, IsADirectoryError, FileExistsError):
                left_out["name taken"] = left_out.get("name taken", 0) + 1
    return Taken(tuple(files[path] for path in sorted(files)), left_out)


def _judge(member: tarfile.TarInfo, strip: str) -> tuple[str | None, tuple[str, ...]]:
    """Why a member is left out ("" for folders, which need no mention), and its path."""
    if member.isdir():
        return "", ()
    if member.issym() or member.islnk():
        return "links", ()
    if not member.isreg() or member.issparse():
        return "special files", ()
    name = member.name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "names that are not UTF-8", ()
    if strip and name.startswith(strip + "/"):
        name = name[len(strip) + 1 :]
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if name.startswith("/") or ".." in parts or not parts or "\0" in name:
        return "names that lead outside", ()
    if not is_plain(name):
        return "names with control characters", ()
    too_long = any(len(part.encode()) > 255 for part in parts) or len(name.encode()) > _MAX_NAME
    if len(parts) > _MAX_DEPTH or too_long:
        return "names too deep or too long", ()
    if any(taken_for_gits(part) for part in parts):
        # Left where someone runs git one day, their configuration would name programs to run.
        return "files of a git repository", ()
    return None, parts


def _write(
    root: Path, parts: tuple[str, ...], source: IO[bytes], member: tarfile.TarInfo, path: str
) -> OutputFile:
    size = member.size
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(root, flags)
    try:
        for part in parts[:-1]:
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=folder)
            below = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = below
        create = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        target = os.open(parts[-1], create, 0o644, dir_fd=folder)
    finally:
        os.close(folder)
    digest = hashlib.sha256()
    written = 0
    with os.fdopen(target, "wb") as file:
        while written < size:
            chunk = source.read(min(_CHUNK, size - written))
            if not chunk:
                raise BoundaryError(f"The outputs end in the middle of {path}")
            digest.update(chunk)
            file.write(chunk)
            written += len(chunk)
        file.flush()
        # By it is told which checkpoint is newer.
        when = min(max(0.0, float(member.mtime)), _LATEST)
        os.utime(file.fileno(), (when, when))
    return OutputFile(path=path, size_bytes=written, sha256=digest.hexdigest())


def _opened(stream: Iterable[bytes], cap: int) -> tarfile.TarFile:
    reader = cast(IO[bytes], _Capped(stream, cap))
    # Names that are not UTF-8 come through as lone surrogates, and are told by them.
    return tarfile.open(fileobj=reader, mode="r|", errors="surrogateescape", encoding="utf-8")


class _Capped:
    """A stream of chunks as a file that refuses to give more than its cap."""

    def __init__(self, stream: Iterable[bytes], cap: int) -> None:
        self._chunks = iter(stream)
        self._buffer = b""
        self._at = 0
        self._left = cap

    def read(self, size: int) -> bytes:
        parts = []
        while size > 0:
            if self._at >= len(self._buffer):
                self._buffer, self._at = next(self._chunks, b""), 0
                if not self._buffer:
                    break
                self._left -= len(self._buffer)
                if self._left < 0:
                    raise BoundaryError("The outputs are larger than what may cross")
            part = self._buffer[self._at : self._at + size]
            parts.append(part)
            self._at += len(part)
            size -= len(part)
        return b"".join(parts)
