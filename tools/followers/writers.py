"""Who has a file open for writing, by /proc."""

import os
from contextlib import suppress
from pathlib import Path

_WRITING = 0o3  # the access bits of `flags:` in /proc/PID/fdinfo/N


def written_by_someone(device: int, inode: int) -> bool:
    """Whether a process that this user may look at has the file open for writing."""
    mine = str(os.getpid())
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == mine:
            continue
        with suppress(OSError):
            for opened in (process / "fd").iterdir():
                with suppress(OSError):
                    state = opened.stat()
                    same = (state.st_dev, state.st_ino) == (device, inode)
                    if same and _writes(process / "fdinfo" / opened.name):
                        return True
    return False


def _writes(information: Path) -> bool:
    text = information.read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("flags:"):
            return bool(int(line.split()[1], 8) & _WRITING)
    return False
