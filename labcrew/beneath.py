"""The one reader of files that a sandbox made and that now lie on the host.

Collected outputs, logs and cleaned copies are read again long after they crossed: to be hashed,
scored, shown and exported. Whatever stands there by then, a read stays beneath its folder, follows
no link, takes regular files with one name only, waits for nothing and has a cap. Every other module
comes here (tests/labcrew/test_one_reader.py); what crosses from a container is judged before, by
sandboxes/crossing/files.py.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from labcrew.domain.sandbox import OutputFile
from labcrew.errors import BoundaryError, NotFound
from labcrew.git_names import taken_for_gits
from labcrew.openat2 import located
from labcrew.plain_text import is_plain

MAX_DEPTH = 64
MAX_ENTRIES = 110_000  # files and folders; a sandbox may leave 100,000
MAX_NAME_BYTES = 2048
MAX_FILE_BYTES = 8 << 30
_CHUNK = 1 << 20


@contextmanager
def opened(root: Path, path: str, cap_bytes: int = MAX_FILE_BYTES) -> Iterator[BinaryIO]:
    """A regular file beneath a folder, open for reading.

    Args:
        root: a folder of labcrew's own; its own path is trusted.
        path: of the file, relative to it; not trusted, and nor is what lies there.
        cap_bytes: a larger file is refused.

    Raises:
        NotFound: nothing is there.
        BoundaryError: a link, a special file, a file with several names, one that is too large,
            or a path that leads out.
    """
    parts = _parts(path)
    with _folder(root) as folder, _at(folder, parts, root, path) as found:
        state = os.fstat(found)
        _check(state, root, path, cap_bytes)
        # The descriptor names the file that was judged, whatever has the path's name by now.
        with _reopened(found, os.O_RDONLY | os.O_NONBLOCK) as readable:
            yield readable


def read(root: Path, path: str, cap_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The content of a regular file beneath a folder. Arguments and errors as for `opened`."""
    with opened(root, path, cap_bytes) as file:
        content = file.read(cap_bytes + 1)  # it may grow while it is read
    if len(content) > cap_bytes:
        raise _too_large(root, path, cap_bytes)
    return content


def chunks(root: Path, path: str, most_bytes: int = MAX_FILE_BYTES) -> Iterator[bytes]:
    """A file beneath a folder, a MiB at a time, no more than `most_bytes` of it."""
    with opened(root, path) as file:
        left = most_bytes
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


def lines(
    root: Path, path: str, cap_bytes: int = MAX_FILE_BYTES, line_cap: int = 1 << 20
) -> Iterator[str]:
    """The lines of a text file beneath a folder; undecodable bytes are replaced.

    Args:
        line_cap: bytes of a line that are given; the rest of it is left out, but for what a
            carriage return begins anew at its end: a progress bar's last words count.
    """
    with opened(root, path, cap_bytes) as file:
        while line := file.readline(line_cap):
            whole, end = line.endswith(b"\n"), b""
            ended = whole
            while not ended and (more := file.readline(line_cap)):
                ended = more.endswith(b"\n")
                end = (end + more)[-line_cap:]
            _, redrawn, last = end.rstrip(b"\r\n").rpartition(b"\r")
            shown = line.rstrip(b"\r\n") + (redrawn + last if redrawn else b"")
            yield shown.decode("utf-8", "replace") + "\n" * whole


def listed(root: Path) -> Iterator[OutputFile]:
    """The files beneath a folder, sorted by path, with their hashes; none where it is missing.

    Raises:
        BoundaryError: something beneath it is neither a folder nor a regular file with one name,
            or there is more of it, deeper or with longer names, than a sandbox may leave.
    """
    for path in sorted(paths(root)):
        digest, size = hashlib.sha256(), 0
        with opened(root, path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        yield OutputFile(path=path, size_bytes=size, sha256=digest.hexdigest())


def paths(root: Path) -> list[str]:
    """The paths of the files beneath a folder, unsorted; errors as for `listed`."""
    if not root.is_dir():
        return []
    found: list[str] = []
    waiting: list[tuple[str, ...]] = [()]
    seen = 0
    with _folder(root) as folder:
        while waiting:
            parts = waiting.pop()
            for name in _names(folder, parts, root):
                below = (*parts, name)
                path = "/".join(below)
                seen += 1
                if seen > MAX_ENTRIES:
                    raise BoundaryError(f"{root} holds more than {MAX_ENTRIES} files and folders")
                _parts(path)
                with _at(folder, below, root, path) as at:
                    mode = os.fstat(at).st_mode
                    if not stat.S_ISDIR(mode):
                        _check(os.fstat(at), root, path, MAX_FILE_BYTES)
                        found.append(path)
                        continue
                waiting.append(below)
    return found


def copied(root: Path, destination: Path) -> tuple[str, ...]:
    """Copies the files beneath a folder to a new one; answers their paths.

    What git would take for a repository is left out: its configuration could name programs, and
    many a prompt runs git in the folder that a person stands in.

    Args:
        destination: made by this, with its parents; a folder that a person named.

    Raises:
        BoundaryError: as for `listed`.
        OSError: it can't be written, or something of that name stands there.
    """
    made = sorted(p for p in paths(root) if not any(map(taken_for_gits, p.split("/"))))
    destination.mkdir(parents=True, exist_ok=True)
    for path in made:
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened(root, path) as source, target.open("xb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
    return tuple(made)


def size(root: Path) -> int:
    """Bytes of the files beneath a folder, without reading one; what can't be looked at is 0."""
    total = 0
    with suppress(BoundaryError, NotFound):
        for path in paths(root):
            with suppress(BoundaryError, NotFound), opened(root, path) as file:
                total += os.fstat(file.fileno()).st_size
    return total


def _parts(path: str) -> tuple[str, ...]:
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise BoundaryError(f"{path!r} is not a path beneath a folder")
    if len(parts) > MAX_DEPTH or len(os.fsencode(path)) > MAX_NAME_BYTES:
        raise BoundaryError(f"{path[:80]!r} … is deeper or longer than a path may be")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise BoundaryError(f"{path!r} is not UTF-8") from None
    if not is_plain(path):
        raise BoundaryError(f"{path!r} holds control or invisible characters")
    return parts


@contextmanager
def _folder(root: Path) -> Iterator[int]:
    try:
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no folder {root}") from None
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _at(folder: int, parts: tuple[str, ...], root: Path, path: str) -> Iterator[int]:
    try:
        found = located(folder, parts)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise NotFound(f"There is no {path!r} in {root}") from None
        raise BoundaryError(f"{path!r} in {root} can't be read: {error.strerror}") from None
    try:
        yield found
    finally:
        os.close(found)


@contextmanager
def _reopened(found: int, flags: int) -> Iterator[BinaryIO]:
    try:
        readable = os.open(f"/proc/self/fd/{found}", flags | os.O_CLOEXEC)
    except OSError as error:
        raise BoundaryError(f"A file that was found can't be read: {error.strerror}") from None
    with os.fdopen(readable, "rb") as file:
        yield file


def _names(folder: int, parts: tuple[str, ...], root: Path) -> Iterator[str]:
    """The names in a folder, one by one: a million of them never stand in memory at once."""
    path = "/".join(parts)
    with _at(folder, parts or (".",), root, path or ".") as at:
        try:
            readable = os.open(f"/proc/self/fd/{at}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise BoundaryError(f"{path!r} in {root} can't be read: {error.strerror}") from None
        try:
            with os.scandir(readable) as entries:
                for entry in entries:
                    yield entry.name
        finally:
            os.close(readable)


def _check(state: os.stat_result, root: Path, path: str, cap_bytes: int) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise BoundaryError(f"{path!r} in {root} is not a regular file")
    if state.st_nlink > 1:
        raise BoundaryError(f"{path!r} in {root} has a second name somewhere (a hard link)")
    if state.st_size > cap_bytes:
        raise _too_large(root, path, cap_bytes)


def _too_large(root: Path, path: str, cap_bytes: int) -> BoundaryError:
    return BoundaryError(f"{path!r} in {root} is larger than {cap_bytes} bytes")
