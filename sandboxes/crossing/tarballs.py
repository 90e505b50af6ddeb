"""Tar archives that go into a container: labcrew's own, fast to make, owned by its user."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import PurePosixPath

from labcrew.domain.sandbox import OverlayFile
from labcrew.errors import BoundaryError

CREW = 10001
_BLOCK = 512


def owned(
    archive: bytes, extra: tuple[OverlayFile, ...] = (), folders: Iterable[str] = ()
) -> bytes:
    """A tar whose members belong to the crew, with more files after its own.

    Args:
        archive: an uncompressed tar as `git archive` makes it, or nothing.
        extra: files written over it; a later member replaces an earlier one.
        folders: more folders, each after the one that it lies in.

    Raises BoundaryError where a file of `extra` would be written outside or through a link.
    """
    data = bytearray(archive)
    links, end = _take_over(data)
    tail = io.BytesIO()
    with tarfile.open(fileobj=tail, mode="w", format=tarfile.PAX_FORMAT) as out:
        for name in (".", *folders):
            out.addfile(_folder(name))
        made: set[str] = set()
        for file in extra:
            path = relative(file.path)
            for parent in reversed(path.parents):
                name = parent.as_posix()
                if name in links:
                    raise BoundaryError(f"{file.path}: {name} is a link in the repository")
                if name != "." and name not in made:
                    made.add(name)
                    out.addfile(_folder(name))
            member = tarfile.TarInfo(path.as_posix())
            member.size, member.mode = len(file.content), 0o644
            member.uid = member.gid = CREW
            out.addfile(member, io.BytesIO(file.content))
    data[end:] = tail.getvalue()
    return bytes(data)


def _folder(name: str) -> tarfile.TarInfo:
    folder = tarfile.TarInfo(name)
    folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o755, CREW, CREW
    return folder


def relative(path: str) -> PurePosixPath:
    """A path that stays inside its folder. Raises BoundaryError for any other."""
    pure = PurePosixPath(path)
    outside = not pure.parts or pure.is_absolute() or ".." in pure.parts
    if outside or "\0" in path or not _encodes(path):
        raise BoundaryError(f"{path!r} is not a path inside the workspace")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise BoundaryError(f"{path!r} is not UTF-8") from None
    return pure


def _encodes(path: str) -> bool:
    """Whether it is Unicode: half characters stand for bytes that are none."""
    return not any("\ud800" <= c <= "\udfff" for c in path)


def _take_over(data: bytearray) -> tuple[set[str], int]:
    """Sets owner and group in every header; answers the links' names and where the end is."""
    identity = b"%07o\0" % CREW
    links: set[str] = set()
    position = 0
    while position + _BLOCK <= len(data) and data[position] != 0:
        header = data[position : position + _BLOCK]
        kind = header[156:157]
        size = int(header[124:136].rstrip(b" \0") or b"0", 8)
        if kind == b"2":
            prefix = header[345:500].rstrip(b"\0").decode("utf-8", "replace")
            name = header[:100].rstrip(b"\0").decode("utf-8", "replace")
            links.add(f"{prefix}/{name}" if prefix else name)
        header[108:116] = identity
        header[116:124] = identity
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data[position : position + _BLOCK] = header
        position += _BLOCK + (size + _BLOCK - 1) // _BLOCK * _BLOCK
    return links, position
