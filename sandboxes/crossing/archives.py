"""Archives of commits, kept while sandbox after sandbox is filled from the same one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import PurePosixPath

from labcrew.domain.repository import Repositories
from labcrew.domain.sandbox import WorkspaceSource
from labcrew.patterns import matches
from sandboxes.crossing.tarballs import owned

_KEPT = 2
_MOST_BYTES = 64 << 20


class Archives:
    """The newest archives that were asked for; a commit's never changes.

    Args:
        repositories: where they are made.
    """

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._kept: OrderedDict[tuple[str, str, tuple[str, ...]], bytes] = OrderedDict()
        self._making = threading.Lock()

    def content(self, source: WorkspaceSource) -> bytes:
        """What a workspace begins with, as a tar of the crew's own."""
        if not source.emptied:
            archive = self.get(source.repository, source.commit, source.without)
            return owned(archive, source.overlay)
        without = (*source.without, source.emptied)
        archive = self.get(source.repository, source.commit, without)
        # A program may count on a folder that stands in its repository.
        kept = {
            str(folder)
            for path in self._repositories.files(source.repository, source.commit)
            if matches(path, (source.emptied,)) and not matches(path, source.without)
            for folder in PurePosixPath(path).parents
        }
        return owned(archive, source.overlay, sorted(kept - {"."}))

    def get(self, repository: str, commit: str, without: tuple[str, ...]) -> bytes:
        """An uncompressed tar of a commit, without the paths of those patterns."""
        key = (repository, commit, without)
        with self._making:
            found = self._kept.pop(key, None)
            if found is None:
                found = self._repositories.archive(repository, commit, without)
            if len(found) <= _MOST_BYTES:
                self._kept[key] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return found
