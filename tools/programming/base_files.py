"""The texts of the base commit, all in one reading: a process of git for each file takes long."""

import io
import tarfile
from collections.abc import Callable, Iterator

from labcrew.code_paths import reading_trouble
from labcrew.domain.ticket import AssignedTicket
from tools.toolbox import Workbench
from tools.trial_spec import hidden_paths

_FILES = 5000
_FILE_BYTES = 1 << 19


def base_texts(
    bench: Workbench, assigned: AssignedTicket, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Path and text of the files that may be read, in the commit's order.

    At most 5,000 files, none of half a MiB or more, none that is not UTF-8.

    Args:
        wanted: of a path, whether its text is.
    """
    archive = bench.repositories.archive(assigned.id, assigned.base_commit, hidden_paths(assigned))
    given = 0
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as files:
        for member in files:
            if not member.isreg() or member.size >= _FILE_BYTES or not wanted(member.name):
                continue
            if reading_trouble(assigned.ticket, member.name) is not None:
                continue
            content = files.extractfile(member)
            if content is None:
                continue
            try:
                yield member.name, content.read(_FILE_BYTES).decode("utf-8")
            except UnicodeDecodeError:
                continue
            given += 1
            if given == _FILES:
                return
