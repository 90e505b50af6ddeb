"""What a training program lets its supervisor do, told by the names that stand in its files."""

import io
import tarfile
from pathlib import PurePosixPath
from typing import Any
from weakref import WeakKeyDictionary

from labcrew.domain.repository import Repositories
from labcrew.domain.supervision import Offer
from labcrew.domain.ticket import AssignedTicket

VARIABLES: dict[Offer, str] = {
    "checkpoints": "LABCREW_CHECKPOINTS",
    "resume": "LABCREW_RESUME",
    "learning_rate": "LABCREW_LEARNING_RATE_SCALE",
    "gradient_clip": "LABCREW_GRADIENT_CLIP",
    "batch_size": "LABCREW_BATCH_SCALE",
    "quarantine": "LABCREW_QUARANTINE",
}
"""Offer → the environment variable by which a program takes it up."""

_SOURCES = frozenset(
    {
        "", ".bash", ".cc", ".cfg", ".cpp", ".go", ".ipynb", ".jl", ".js", ".json", ".lua", ".m",
        ".mk", ".pl", ".py", ".pyx", ".r", ".rs", ".sh", ".toml", ".ts", ".yaml", ".yml",
    }
)  # fmt: skip
_FILES = 2000
_FILE_BYTES = 1 << 20
# A commit never changes: it is searched once as long as the adapter lives.
_KNOWN: WeakKeyDictionary[Any, dict[tuple[str, str], frozenset[Offer]]] = WeakKeyDictionary()


def offers(assigned: AssignedTicket, repositories: Repositories) -> frozenset[Offer]:
    """What the ticket's program lets its supervisor do.

    The ticket's own word stands. Without it, a program offers what its files name: one that reads
    LABCREW_RESUME can resume. The files are searched as data, and once for a commit.

    Args:
        repositories: where the base commit is.

    Raises NotFound, RepositoryError.
    """
    supervision = assigned.ticket.supervision
    if supervision.offers is not None:
        return frozenset(supervision.offers)
    found = named(repositories, assigned.id, assigned.base_commit)
    if supervision.checkpoints is not None:
        found |= {"checkpoints"}
    return found | {"resume"} if supervision.resume else found


def named(repositories: Repositories, repository: str, commit: str) -> frozenset[Offer]:
    """The offers whose variables stand in a source file of a commit.

    At most 2,000 source files are searched, and none of 1 MiB or more.
    """
    known = _KNOWN.setdefault(repositories, {})
    if (repository, commit) not in known:
        known[repository, commit] = _named(repositories.archive(repository, commit))
    return known[repository, commit]


def _named(archive: bytes) -> frozenset[Offer]:
    left = {offer: name.encode() for offer, name in VARIABLES.items()}
    found: set[Offer] = set()
    searched = 0
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as files:
        for member in files:
            path = PurePosixPath(member.name)
            if path.suffix.lower() not in _SOURCES or member.size >= _FILE_BYTES:
                continue
            content = files.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            searched += 1
            text = content.read(_FILE_BYTES)
            found |= {offer for offer, name in left.items() if name in text}
            if searched == _FILES or len(found) == len(left):
                break
    return frozenset(found)
