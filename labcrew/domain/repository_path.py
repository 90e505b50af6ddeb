"""Paths inside a repository."""

from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator


# A list of tickets is read again and again, and names the same few paths.
@lru_cache(maxsize=1024)
def relative(path: str) -> str:
    """The path, written plainly. Raises ValueError for one that leads out of a repository."""
    pure = PurePosixPath(path)
    if not path or "\0" in path or path.startswith("-") or pure.is_absolute() or ".." in pure.parts:
        raise ValueError(
            f"{path!r} must be a path inside the repository, without a leading '/' or '-' or any"
            " '..'"
        )
    return pure.as_posix()


RepositoryPath = Annotated[str, AfterValidator(relative)]
