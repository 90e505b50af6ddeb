"""What a commit may say, which paths a change may hold, and what git takes for its own."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from labcrew.errors import BoundaryError
from labcrew.git_names import is_gits, taken_for_gits
from labcrew.plain_text import is_plain
from sandboxes.git.changes import Changes, Listing
from sandboxes.git.commits import check_commit
from sandboxes.text import clean
from tests.tickets import make_ticket

WHO = b"labcrew <labcrew@localhost> 1700000000 +0000"
TREE = b"tree " + b"a" * 40


def commit(*more: bytes, who: bytes = WHO, message: bytes = b"work\n") -> bytes:
    heads = [TREE, b"parent " + b"b" * 40, b"author " + who, b"committer " + WHO, *more]
    return b"\n".join(heads) + b"\n\n" + message


@given(st.text(min_size=1, max_size=40))
@example("tidy\u2069")
@example("tidy\x9b2J")
@example("ti\u200bdy")
def test_a_title_that_a_ticket_may_have_can_land(title: str) -> None:
    try:
        made = make_ticket(title=title)
    except ValidationError:
        assert not is_plain(title) or not title.strip()
    else:
        check_commit("c" * 40, commit(message=f"{made.title}\n\nlabcrew".encode()))
        assert clean(made.title) == made.title


def test_a_plain_commit_passes() -> None:
    check_commit("c" * 40, commit(message="Größer\n\n\tmit Liste\n".encode()))
    check_commit("c" * 40, commit(who="Ada Ünal <a@b> 0 -0130".encode()))


@pytest.mark.parametrize(
    "raw",
    [
        commit(b"gpgsig -----BEGIN PGP SIGNATURE-----", b" x"),
        commit(b"encoding UTF-7"),
        commit(b"mergetag object " + b"a" * 40),
        commit(b"author " + WHO),
        commit(who=b"x"),
        commit(who=b"a\x1b[2J <a@b> 1 +0000"),
        commit(who=b"a <a@b> 99999999999999999999 +0000"),
        commit(who=b"a <a@b> 4102444800 +0000"),
        commit(who=b"a <a@b> -1 +0000"),
        commit(who=b"\xff <a@b> 1 +0000"),
        commit(message=b"\x1b]52;c;x\x07"),
        commit(message=b"a\0b"),
        commit(message="\u202eb".encode()),
        commit(message=b"x" * 70_000),
        b"",
        TREE,
    ],
)
def test_odd_commits_are_refused(raw: bytes) -> None:
    with pytest.raises(BoundaryError):
        check_commit("c" * 40, raw)


@given(st.binary(max_size=400))
def test_any_commit_passes_or_is_refused(raw: bytes) -> None:
    with pytest.raises(BoundaryError):
        check_commit("c" * 40, raw)


GITS = [
    ".git", ".GIT", ".Git", ".git.", ".git ", ".git . .", ".git::$INDEX_ALLOCATION", ".git:x",
    ".g\u200cit", "\ufeff.git", ".gi\u202dt", "git~1", "GIT~1", "gi7eba~1", "GITMOD~1",
    ".gitattributes", ".gitmodules", ".GITModules", ".mailmap", ".lfsconfig", "HEAD", "head",
]  # fmt: skip


@pytest.mark.parametrize("name", GITS)
def test_names_that_are_gits(name: str) -> None:
    assert is_gits(name)


@pytest.mark.parametrize("name", ["git", "agit", "headline.md", "digits", "git-notes", "~1", ":a"])
def test_names_that_are_not(name: str) -> None:
    assert not is_gits(name)
    assert not taken_for_gits(name)


def judged(*after: str, before: tuple[str, ...] = ("data/a", "README.md")) -> None:
    old: Listing = {path.encode(): ("100644", "1" * 40) for path in before}
    new: Listing = {**old, **{path.encode(): ("100644", "2" * 40) for path in after}}
    assert list(Changes(old, ("**",)).links(new)) == []


@pytest.mark.parametrize(
    "path",
    [
        "data/A",
        "Data/b",
        "readme.md",
        "data/a\u200c",
        "x\\y",
        "a\x1bb",
        "\u202eb",
        "d/" * 40 + "x",
    ],
)
def test_paths_that_may_not_cross(path: str) -> None:
    with pytest.raises(BoundaryError):
        judged(path)


def test_a_base_that_differs_in_case_alone_may_be_worked_on() -> None:
    judged("x/readme", before=("x/readme", "x/README"))
    judged("X/new", before=("x/a", "X/b"))
    judged("data/a", "data/é", "new/file")
    with pytest.raises(BoundaryError, match="spelling"):
        judged("new/file", "New/file2")
