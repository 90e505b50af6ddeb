"""Whether what a reader brought out does harm: one judge for labcrew's readers and naive ones."""

import os
import stat
from pathlib import Path

MOST_BYTES = 32 << 20


def harm(out: Path, marker: bytes) -> str:
    """The first thing that is wrong beneath a folder, in plain words; "" where nothing is.

    Args:
        out: what was brought out; looked at without following anything.
        marker: the secret of the decoy, which no reader may bring out.
    """
    waiting, size = [out], 0
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            return f"a folder that can't be looked into ({error.strerror})"
        for entry in entries:
            state = entry.stat(follow_symlinks=False)
            if (wrong := _name(entry.name)) or (wrong := _kind(state)):
                return wrong
            if stat.S_ISDIR(state.st_mode):
                waiting.append(Path(entry.path))
                continue
            size += state.st_size
            if size > MOST_BYTES:
                return f"more than {MOST_BYTES >> 20} MiB"
            if marker in Path(entry.path).read_bytes():
                return "the decoy's secret was brought out"
    return ""


def _name(name: str) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "a name that is not UTF-8"
    if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in name):
        return f"a name that writes to terminals: {name!r}"
    if name.lower() in {".git", "head"}:
        return "a git repository with a configuration of its own"
    return ""


def _kind(state: os.stat_result) -> str:
    mode = state.st_mode
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return "a special file"
    if stat.S_ISREG(mode) and state.st_nlink > 1:
        return "a file with a second name elsewhere"
    if mode & 0o7000:
        return f"mode {stat.S_IMODE(mode):o}"
    return ""
