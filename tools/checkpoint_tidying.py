"""What runs inside a trial's container to make room there: old checkpoints of a series go.

Standard library alone, for its text is handed to whatever Python the container has. It goes down
folder by folder and follows no link. It touches the checkpoint folder alone, and there only files
and folders whose names differ in their numbers: step-100.npz, step-200.npz, checkpoint-300/.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import time

_KEEP = 2
_SETTLED_S = 1.0
_SMALL = 0.5
_NAMED = re.compile("best|last|final|latest|keep", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_COUNTED = re.compile(r"([A-Za-z]*)[^A-Za-z0-9]*(\d+)")
_STEPS = ("step", "steps", "epoch", "iter", "iteration", "ckpt", "checkpoint", "round", "e", "s")
_PIECES = ("rank", "shard", "part", "worker", "proc", "fold", "member", "layer", "of", "split")
TYPE_CHECKING = False
if TYPE_CHECKING:  # the container's Python may be an older one
    Seen = tuple[str, float, int]
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def tidy(root: str, path: str, since_step: int | None, now: float) -> tuple[int, list[str]]:
    """Removes old checkpoints; answers the bytes that this freed, and their names.

    Of each series there stay: the two newest that are not far smaller than the others, the newest
    of a step that was surely healthy, and whatever was written in the last second.

    Args:
        root: the workspace.
        path: the checkpoint folder beneath it.
        since_step: the last step that was surely healthy, or None.
        now: Unix seconds.
    """
    folder = _down(root, path)
    if folder is None:
        return 0, []
    try:
        freed = 0
        removed: list[str] = []
        for series in _series(folder).values():
            for name, _, used in _old(series, since_step, now):
                if _removed(folder, name):
                    freed += used
                    removed.append(name)
        return freed, removed
    finally:
        os.close(folder)


def _down(root: str, path: str) -> int | None:
    """The folder, opened part by part; None where there is none, or a link stands in the way."""
    at = os.open(root, _FOLDER)
    for part in path.split("/"):
        if part in ("", "."):
            continue
        try:
            if part == "..":
                return None
            below = os.open(part, _FOLDER, dir_fd=at)
        except OSError:
            return None
        finally:
            os.close(at)
        at = below
    return at


def _series(folder: int) -> dict[tuple[str, bool], list[Seen]]:
    """Checkpoints by what their names have in common, as (name, written at, bytes)."""
    found: dict[tuple[str, bool], list[Seen]] = {}
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        if name.startswith(".") or _NAMED.search(name) or not _NUMBER.search(name):
            continue
        seen = _weighed(folder, name)
        if seen is not None:
            found.setdefault((_NUMBER.sub("#", name), seen[2]), []).append((name, *seen[:2]))
    return found


def _weighed(folder: int, name: str) -> tuple[float, int, bool] | None:
    """When an entry was written last, the bytes it takes, and whether it is a folder."""
    try:
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(state.st_mode):
            return (state.st_mtime, state.st_blocks * 512, False) if state.st_nlink == 1 else None
        if not stat.S_ISDIR(state.st_mode):
            return None
        when, used = state.st_mtime, 0
        for _, _, files, at in os.fwalk(name, dir_fd=folder, follow_symlinks=False):
            for file in files:
                state = os.stat(file, dir_fd=at, follow_symlinks=False)
                when, used = max(when, state.st_mtime), used + state.st_blocks * 512
        return when, used, True
    except OSError:
        return None  # it went meanwhile: the run tidies up too


def _counts_steps(names: list[str]) -> bool:
    """Whether names differ by a step, and not by which piece of one checkpoint they are."""
    rows = [_COUNTED.findall(os.path.splitext(name)[0]) for name in names]  # noqa: PTH122
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        return False
    for place in range(len(rows[0])):
        word = rows[0][place][0].lower()
        numbers = [int(row[place][1]) for row in rows]
        if word in _PIECES or (len(rows[0]) > 1 and word not in _STEPS):
            return False
        if numbers != sorted(numbers):
            return False
    return True


def _old(series: list[Seen], since_step: int | None, now: float) -> list[Seen]:
    """Those of a series that may go, the oldest first; none of what is no series of steps."""
    series = sorted(series, key=lambda one: (one[1], one[0]))
    if not _counts_steps([name for name, _, _ in series]):
        return []
    sizes = sorted(used for _, _, used in series)
    least = _SMALL * sizes[len(sizes) // 2]
    whole = [one for one in series if one[2] > 0 and one[2] >= least]
    kept = set(whole[-_KEEP:])
    healthy = [one for one in whole if since_step is not None and _step(one[0]) <= since_step]
    kept.update(healthy[-1:])
    return [one for one in series if one not in kept and now - one[1] > _SETTLED_S]


def _step(name: str) -> int:
    """The last number of a name, before its suffix where there is one: a5.h5 tells 5."""
    return int((_NUMBER.findall(name.rpartition(".")[0]) or _NUMBER.findall(name))[-1])


def _removed(folder: int, name: str) -> bool:
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            return True
        for _, folders, files, at in os.fwalk(
            name, topdown=False, dir_fd=folder, follow_symlinks=False
        ):
            for file in files:
                os.unlink(file, dir_fd=at)
            for below in folders:
                _removed_folder(below, at)
        os.rmdir(name, dir_fd=folder)
    except OSError:
        return False
    return True


def _removed_folder(name: str, folder: int) -> None:
    """A folder that is empty now; a link to one is unlinked itself."""
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
    else:
        os.rmdir(name, dir_fd=folder)


def main(arguments: list[str]) -> None:
    """WORKSPACE FOLDER STEP: tidies up and prints what it did as JSON; STEP may be empty."""
    root, path, step = arguments
    freed, removed = tidy(root, path, int(step) if step else None, time.time())
    print(json.dumps({"freed_bytes": freed, "removed": removed[:1000]}))


if __name__ == "__main__":
    main(sys.argv[1:])
