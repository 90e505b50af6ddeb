"""The scorer's files: what they are in the trusted repository, and whether a container that scored
still holds them as they were."""

import hashlib
import io
import tarfile
from collections.abc import Iterable

from labcrew.domain.base import content_hash
from labcrew.domain.evolution import Evolution
from labcrew.domain.sandbox import OutputFile
from labcrew.git_names import taken_for_gits
from labcrew.plain_text import is_plain

_MAX_NAME, _MAX_DEPTH = 1024, 32


def scorer_hash(evolution: Evolution) -> str:
    """What the judge is: its command, its private paths, and the commit that all comes from."""
    scorer = evolution.spec.scorer
    return content_hash([scorer.command, list(scorer.private), evolution.base_commit])


def file_hashes(archive: bytes) -> dict[str, str]:
    """Path → SHA-256 of a commit's regular files, and "" of its links.

    Args:
        archive: of the trusted repository, uncompressed.
    """
    found: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as files:
        for member in files:
            name = member.name
            if not _crosses(name):
                continue
            if member.isreg():
                content = files.extractfile(member)
                found[name] = hashlib.sha256(content.read() if content else b"").hexdigest()
            elif member.issym() or member.islnk():
                found[name] = ""
    return found


def changed_files(before: dict[str, str], after: Iterable[OutputFile]) -> tuple[str, ...]:
    """The commit's files that are gone, hold something else, or were links and are none any more.

    Args:
        before: as `file_hashes` answers.
        after: the regular files that came out of the container.
    """
    now = {file.path: file.sha256 for file in after}
    return tuple(sorted(path for path, sha256 in before.items() if now.get(path, "") != sha256))


def _crosses(name: str) -> bool:
    """Whether a file of that name can leave a sandbox at all."""
    parts = name.split("/")
    return (
        len(parts) <= _MAX_DEPTH
        and len(name.encode("utf-8", "surrogateescape")) <= _MAX_NAME
        and is_plain(name)
        and not any(taken_for_gits(part) for part in parts)
    )
