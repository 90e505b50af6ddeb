"""Which homes in working folders are this person's own.

A folder may come from anybody, and a home in it chooses where tokens are sent: so one that nobody
named counts only if it was noted, outside of it, when labcrew made it or was told to use it.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from labcrew.home import Home
from labcrew.state_folder import state_folder

FOLDER = ".labcrew"
"""What a home in a working folder is called."""
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, RecursionError)


def remember(home: Home) -> None:
    """Notes a home as this person's own, by its real path and its id.

    Where the note can't be written nothing is raised: the home must be named then, each time.
    """
    if home.root.name != FOLDER or is_own(home):
        return
    note = _note(home)
    with suppress(*_UNREADABLE):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = note.with_name(f"{note.name}.{os.getpid()}.partial")
        partial.write_text(home.id)
        partial.replace(note)


def is_own(home: Home) -> bool:
    """Whether a home was noted, at this very place, and is still the same one."""
    try:
        noted = _note(home).read_text()  # first: nothing of a stranger's folder is read
        return noted == home.id
    except _UNREADABLE:
        return False


def _note(home: Home) -> Path:
    place = hashlib.sha256(os.fsencode(home.root.resolve())).hexdigest()
    return state_folder() / "homes" / place
