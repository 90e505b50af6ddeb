"""Zip files whose every member is read to its end, so that its checksum is compared."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .numbers import CHUNK, Broken

_UNPACKED = 8 << 30
_MEMBERS = 100_000


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file; what is wrong with it, then or while it is read, is raised as Broken."""
    try:
        with zipfile.ZipFile(path) as members:
            listed = members.infolist()
            if len(listed) > _MEMBERS or sum(m.file_size for m in listed) > _UNPACKED:
                raise Broken("it unpacks to more than is looked at")
            yield members
    except zipfile.BadZipFile as error:
        raise Broken(f"the zip file is damaged or cut short: {str(error)[:100]}") from None
    except (zlib.error, EOFError, RuntimeError, OSError, ValueError) as error:
        raise Broken(f"a member of the zip file can't be read: {str(error)[:100]}") from None


def read_all(members: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Reads a member to its end: its checksum is compared there."""
    with members.open(member) as file:
        while file.read(CHUNK):
            pass
