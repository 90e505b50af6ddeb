"""What a remark on a merge request may say, and where in its change it may stand."""

from collections.abc import Iterable

from labcrew.domain.repository import Repositories
from labcrew.domain.review import MergeRequest
from labcrew.errors import InputError, NotFound
from labcrew.plain_text import is_plain


def check_remark(text: str, path: str, line: int | None) -> None:
    """Raises InputError for a remark that can't be kept and shown as it is.

    Args:
        text: what is said.
        path: the file that it is about, "" for none.
        line: of that file, from 1.
    """
    if not 0 < len(text.strip()) <= 20_000:
        raise InputError("A comment has 1 to 20,000 characters.")
    if not is_plain(text, "\n\r\t") or not is_plain(path):
        raise InputError(
            "A comment and its path hold characters that nobody sees (control characters, marks"
            " that turn the direction of text around).",
            "Take them out.",
        )
    if line is not None and not path:
        raise InputError("A line is a line of a file.", "Name the file too.")


def check_place(
    repositories: Repositories,
    request: MergeRequest,
    bases: Iterable[str],
    path: str,
    line: int | None,
) -> None:
    """Raises InputError for a place that the change of a merge request does not have.

    Args:
        repositories: the git boundary.
        request: what is remarked on.
        bases: the commits that its change is shown against.
        path: a file.
        line: of that file as it becomes, from 1.
    """
    name, head = request.ticket, request.commit
    if not any(
        file.path == path for base in bases for file in repositories.changed_files(name, base, head)
    ):
        raise InputError(
            f"{path[:200]} is not among the files that {request.id} changes.",
            f"See `labcrew mr diff {request.id}`.",
        )
    if line is None:
        return
    try:
        lines = len(repositories.read(name, head, path).splitlines())
    except NotFound:  # it goes
        lines = 0
    if line > lines:
        raise InputError(f"{path[:200]} has {lines} lines after the change; {line} is not one.")
