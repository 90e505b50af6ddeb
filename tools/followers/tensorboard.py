"""A folder of TensorBoard event files, with its folders below, as the run writes it."""

import json
import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from labcrew.domain.monitoring import Observation, Usage
from labcrew.errors import InputError, NotFound
from tools.followers.notifier import Notifier
from tools.followers.source import Ended, Place
from tools.followers.writers import Leaving, Writers
from tools.logs.shape import NAME_CAP
from tools.logs.tensorboard import EventReader

_CHUNK = 1 << 14
_MOST_FILES, _MOST_FOLDERS, _DEPTH, _MOST_TAGS = 200, 500, 4, 10_000


class _EventFile:
    def __init__(self, descriptor: int, folder: str) -> None:
        self.descriptor, self.folder, self.at = descriptor, folder, 0
        self.reader = EventReader()

    def read(self) -> list[Observation] | None:
        """The next scalars, empty where only other records came; None where nothing did."""
        seen = None
        while data := os.pread(self.descriptor, _CHUNK, self.at):
            self.at += len(data)
            seen = list(self.reader.feed(data, 0.0))
            if seen:
                break
        return seen


class TensorBoard:
    """Every event file beneath a folder; new ones are found as they come.

    A tag that stands in several folders, as "train" and "validation" of Keras, is named with its
    folder: "validation/epoch_loss".

    Args:
        folder: with event files, or folders of them.
        from_end: leave out what is there already.
        quiet_s: seconds of silence after which files that nobody was seen to write are over.

    Raises:
        NotFound: there is no such folder.
        InputError: it is no folder.
    """

    def __init__(
        self,
        folder: Path,
        notifier: Notifier,
        token: int,
        *,
        from_end: bool,
        quiet_s: float,
        writers: Writers | None = None,
    ) -> None:
        if not folder.exists():
            raise NotFound(
                f"There is no folder {folder}.", "Name the folder that TensorBoard gets."
            )
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder.", "Name the folder that TensorBoard gets.")
        self._folder, self._notifier, self._token = folder, notifier, token
        self._leaving = Leaving(writers or Writers(), quiet_s)
        self._files: dict[tuple[int, int], _EventFile] = {}
        self._folders: set[Path] = set()
        self._read: deque[tuple[str, list[Observation]]] = deque()
        self._holding: dict[str, set[str]] = {}
        self._announced = True
        self._find()
        if from_end:
            # Records can only be found from a file's start.
            for _ in self.read():
                pass

    @property
    def name(self) -> str:
        return f"TensorBoard {self._folder}"

    @property
    def announced(self) -> bool:
        return self._announced

    @property
    def whole(self) -> bool:
        return True

    def unannounced(self) -> None:
        """Is told that output came of which the system had not told: it is polled from now on."""
        self._announced = False

    def read(self) -> Iterator[str]:
        self._find()
        while self._read or self._next():
            folder, seen = self._read.popleft()
            yield "".join(self._line(folder, one) for one in seen)

    def _next(self) -> bool:
        """Reads on in every file; answers whether anything was there.

        One file after the other, a tag would have its bare name until the next folder's turn.
        """
        for file in self._files.values():
            seen = file.read()
            if seen is None:
                continue
            self._read.append((file.folder, seen))
            for tag in {tag for one in seen for tag in one.numbers}:
                if tag in self._holding or len(self._holding) < _MOST_TAGS:
                    self._holding.setdefault(tag, set()).add(file.folder)
        return bool(self._read)

    def _line(self, folder: str, seen: Observation) -> str:
        numbers = {self._named(folder, tag): value for tag, value in seen.numbers.items()}
        return json.dumps({"step": seen.step} | numbers) + "\n"

    def _named(self, folder: str, tag: str) -> str:
        alone = len(self._holding.get(tag, ())) < 2
        return tag if alone or not folder else f"{folder}/{tag}"[-NAME_CAP:]

    def _find(self) -> None:
        waiting = [(self._folder, 0)]
        while waiting and len(self._folders) < _MOST_FOLDERS:
            folder, depth = waiting.pop()
            if folder not in self._folders:
                self._folders.add(folder)
                self._announced &= self._notifier.watch(self._token, folder)
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False) and depth < _DEPTH:
                            waiting.append((Path(entry.path), depth + 1))
                        elif "tfevents" in entry.name and entry.is_file(follow_symlinks=False):
                            self._open(Path(entry.path))
            except OSError:
                self._folders.discard(folder)

    def _open(self, path: Path) -> None:
        there = path.lstat()
        key = (there.st_dev, there.st_ino)
        if key in self._files or len(self._files) >= _MOST_FILES:
            return
        try:
            found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        state = os.fstat(found)
        if not stat.S_ISREG(state.st_mode) or (state.st_dev, state.st_ino) != key:
            os.close(found)
            return
        folder = path.parent.relative_to(self._folder).as_posix()
        self._files[key] = _EventFile(found, "" if folder == "." else folder)

    @property
    def place(self) -> Place:
        return Place(opaque=True)

    def usage(self) -> Usage | None:
        return None

    def ended(self, silent_s: float) -> Ended | None:
        return self._leaving.ended(self._files, silent_s) if self._files else None

    def again(self) -> None:
        self._leaving.again()

    def close(self) -> None:
        for file in self._files.values():
            os.close(file.descriptor)
        self._files.clear()
