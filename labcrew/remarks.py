"""What a remark on a merge request may say, and where in its change it may stand."""

from collections.abc import Iterable
from functools import cache, cached_property

from labcrew.domain.repository import Repositories
from labcrew.domain.review import MergeRequest
from labcrew.errors import InputError, LabcrewError, NotFound
from labcrew.plain_text import is_plain, plain

MOST_CHARACTERS = 20_000
_MOST_PATH = 200
_NO_WORDS = "(no words that can be shown)"


class Change:
    """The places that a merge request changes, looked up when they are first asked for.

    Args:
        repositories: the git boundary.
        request: what is remarked on.
        bases: the commits that its change is shown against.
    """

    def __init__(
        self, repositories: Repositories, request: MergeRequest, bases: Iterable[str]
    ) -> None:
        self._repositories, self._request, self._bases = repositories, request, tuple(bases)
        self._lines = cache(self._count)

    def check(self, path: str, line: int | None) -> None:
        """Raises InputError for a place that the change does not have.

        Args:
            path: a file.
            line: of that file as it becomes, from 1.
        """
        if path not in self._paths:
            raise InputError(
                f"{path[:_MOST_PATH]} is not among the files that {self._request.id} changes.",
                f"See `labcrew mr diff {self._request.id}`.",
            )
        if line is not None and line > self._lines(path):
            raise InputError(
                f"{path[:_MOST_PATH]} has {self._lines(path)} lines after the change; {line} is"
                " not one."
            )

    @cached_property
    def _paths(self) -> frozenset[str]:
        name, head = self._request.ticket, self._request.commit
        changed = (self._repositories.changed_files(name, base, head) for base in self._bases)
        return frozenset(file.path for files in changed for file in files)

    def _count(self, path: str) -> int:
        try:
            text = self._repositories.read(self._request.ticket, self._request.commit, path)
        except NotFound:  # it goes
            return 0
        return len(text.splitlines())


def check_remark(text: str, path: str, line: int | None) -> None:
    """Raises InputError for a remark that can't be kept and shown as it is.

    Args:
        text: what is said.
        path: the file that it is about, "" for none.
        line: of that file, from 1.
    """
    if not 0 < len(text.strip()) <= MOST_CHARACTERS:
        raise InputError(f"A comment has 1 to {MOST_CHARACTERS:,} characters.")
    if not is_plain(text, "\n\r\t") or not is_plain(path):
        raise InputError(
            "A comment and its path hold characters that nobody sees (control characters, marks"
            " that turn the direction of text around).",
            "Take them out.",
        )
    if line is not None and not path:
        raise InputError("A line is a line of a file.", "Name the file too.")
    if line is not None and line < 1:
        raise InputError(f"Lines are counted from 1; {line} is not one.")


def kept_remark(
    change: Change, text: str, path: str, line: int | None
) -> tuple[str, str, int | None]:
    """What is kept of a remark that nobody here can be asked to mend: its text, path and line.

    It is cleaned and cut; one about another place than those of the change says so and is about
    none. It passes `check_remark`.

    Args:
        change: what it is a remark on.
        text: what is said.
        path: the file that it is about, "" for none.
        line: of that file, from 1.
    """
    text = plain(text).strip()[:MOST_CHARACTERS].rstrip() or _NO_WORDS
    if not path:
        return text, "", None
    try:
        check_remark(text, path, line)
        change.check(path, line)
    except LabcrewError:  # whatever the reason, what was said is kept
        named = " ".join(plain(path).split())[:_MOST_PATH]
        at = named if line is None else f"{named}, line {line}"
        return f"(On {at}, no place of this change.) {text}"[:MOST_CHARACTERS].rstrip(), "", None
    return text, path, line
