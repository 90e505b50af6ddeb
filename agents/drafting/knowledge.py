"""What a draft has learnt of a repository, and whether it still holds for another one."""

from collections.abc import Mapping

from labcrew.domain.base import content_hash
from labcrew.domain.draft import Knowledge
from labcrew.domain.survey import EntryPoint, Survey

MOST_FILES = 200


def knowledge_id(repository: str, entry: str) -> str:
    """The name of what is known of one program of one repository."""
    return f"K-{content_hash([repository, entry])[:20]}"


def rests_on(survey: Survey, entry: EntryPoint) -> tuple[str, ...]:
    """The files that decide how a program runs: its own, its settings, its software, its data."""
    software = (file.path for file in survey.environments)
    data = (file.path for file in survey.data)
    paths = dict.fromkeys((entry.path, *software, *entry.configs, *data, *entry.rests_on))
    return tuple(paths)[:MOST_FILES]


def changed(known: Knowledge, hashes: Mapping[str, str]) -> tuple[str, ...]:
    """The files that are not what they were, so that what was learnt has lapsed.

    Args:
        hashes: path → content hash, of the files that it would rest on now.
    """
    paths = sorted({*known.files, *hashes})
    return tuple(path for path in paths if known.files.get(path) != hashes.get(path))
