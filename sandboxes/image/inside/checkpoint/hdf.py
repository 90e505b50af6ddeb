"""HDF5 files and Keras's zip of one: their size against what their superblock says."""

from pathlib import Path

from .numbers import Broken, Tally
from .zips import opened, read_all

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_h5(path: Path, tally: Tally) -> int | None:
    """Looks at an HDF5 file; its numbers are not looked at. Raises Broken."""
    with path.open("rb") as file:
        _whole(file.read(128), path.stat().st_size)
    tally.unseen = True
    return None


def read_keras(path: Path, tally: Tally) -> int | None:
    """Looks at a .keras file: every member's checksum, and its weights' size. Raises Broken."""
    with opened(path) as members:
        for member in members.infolist():
            if member.filename.endswith(".h5"):
                with members.open(member) as file:
                    _whole(file.read(128), member.file_size)
            read_all(members, member)
    tally.unseen = True
    return None


def _whole(head: bytes, size: int) -> None:
    """Compares a file's size with the end that its superblock gives (HDF5 file format, II.A)."""
    if not head.startswith(SIGNATURE):
        raise Broken("it is no HDF5 file")
    if len(head) < 64:
        raise Broken("it is cut short in its superblock")
    version = head[8]
    width = head[13] if version < 2 else head[9]
    if version > 3 or width not in (2, 4, 8):
        return  # a superblock of another kind
    first = {0: 24, 1: 28}.get(version, 12)
    at = first + 2 * width
    end = int.from_bytes(head[at : at + width], "little")
    if size < end:
        raise Broken(f"it holds {size} bytes of {end}")
