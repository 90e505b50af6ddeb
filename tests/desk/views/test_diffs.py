"""A change side by side: the left is the old file, the right the new one, whatever they hold."""

import difflib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.views.colours import coloured, marked
from desk.views.diffs import MOST_ROWS, Comparison, FileDifference, read_patch
from labcrew.domain.repository import ChangedFile, FilePatch
from labcrew.errors import NotFound
from sandboxes.git.repositories import GitRepositories
from sandboxes.text import clean
from tests.desk.conftest import git

LINE = st.one_of(
    st.sampled_from([b"", b"@@ -1 +1 @@", b"--- a", b"+++ b", b"\\ No newline", b"diff --git a b"]),
    st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"")),
)
FILE = st.builds(
    lambda lines, ends: b"\n".join(lines) + b"\n" * bool(lines and ends),
    st.lists(LINE, max_size=12),
    st.booleans(),
)


def changed(path: str = "x.txt", insertions: int | None = 1) -> ChangedFile:
    return ChangedFile(
        path=path,
        old_path=path,
        state="changed",
        insertions=insertions,
        deletions=insertions,
        old_mode="100644",
        new_mode="100644",
    )


def patch(old: bytes, new: bytes, around: int) -> bytes:
    """A unified diff as git writes it."""
    sides = [side.split(b"\n") for side in (old, new)]
    before, after = (
        [*(line + b"\n" for line in side[:-1]), *([side[-1]] if side[-1] else [])] for side in sides
    )
    said = difflib.diff_bytes(difflib.unified_diff, before, after, b"a/x", b"b/x", n=around)
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in said
    )


def shown(difference: FileDifference, side: str) -> list[tuple[int, str, bool, bool]]:
    cells = [getattr(row, side) for section in difference.sections for row in section.rows]
    return [(c.number, c.text, c.returns, c.ends) for c in cells if c is not None]


def held(raw: bytes) -> list[tuple[int, str, bool, bool]]:
    lines = raw.split(b"\n")
    ends = [True] * (len(lines) - 1) + [False]
    told = []
    for number, (line, end) in enumerate(zip(lines, ends, strict=True), 1):
        if end or line:
            text = clean(line.removesuffix(b"\r").decode("utf-8", "replace"))
            returns = line.endswith(b"\r")
            told.append(
                (number, text.replace("\r", "\N{SYMBOL FOR CARRIAGE RETURN}"), returns, end)
            )
    return told


@given(FILE, FILE)
def test_each_side_reads_as_its_file(old: bytes, new: bytes) -> None:
    whole = read_patch(changed(), FilePatch(raw=patch(old, new, 1000), whole=True))
    if old != new:
        assert shown(whole, "old") == held(old)
        assert shown(whole, "new") == held(new)
    hunks = read_patch(changed(), FilePatch(raw=patch(old, new, 1), whole=True))
    assert set(shown(hunks, "old")) <= set(held(old))
    assert set(shown(hunks, "new")) <= set(held(new))
    for section in whole.sections:
        for row in section.rows:
            assert row.kind != "same" or (row.old and row.new and row.old.text == row.new.text)


@given(FILE, FILE, st.integers(0, 400))
def test_a_patch_that_was_cut_shows_what_there_is(old: bytes, new: bytes, cut: int) -> None:
    raw = patch(old, new, 3)[:cut]
    difference = read_patch(changed(), FilePatch(raw=raw, whole=False))
    assert any("Only the first lines" in note for note in difference.notes)


@given(st.binary(max_size=300), st.booleans())
def test_anything_at_all_is_read(raw: bytes, head: bool) -> None:
    read_patch(changed(), FilePatch(raw=b"@@ -1,3 +1,3 @@\n" * head + raw, whole=True))


@given(st.text(max_size=60), st.text(max_size=60))
def test_marks_change_no_word(old: str, new: str) -> None:
    sides = marked((("k", old),), (("", new),))
    assert ["".join(text for _, text in side) for side in sides] == [old, new]


@given(st.text(st.characters(exclude_characters="\r"), max_size=200))
def test_colours_change_no_word(text: str) -> None:
    lines = coloured(text, "x.py")
    assert not lines or [
        "".join(piece for _, piece in lines[number]) for number in sorted(lines)
    ] == text.split("\n")


def test_the_words_that_differ_are_marked() -> None:
    old, new = marked((("", "rate = 0.002  # low"),), (("", "rate = 0.1  # low"),))
    assert [text for style, text in old if style == "word"] == ["0.002"]
    assert [text for style, text in new if style == "word"] == ["0.1"]
    long = ((("", "a " * 150 + "b"),), (("", "a " * 150 + "c"),))
    assert marked(*long) == long  # nobody reads it word by word, and comparing takes long
    assert marked((("", "abc"),), (("", "xyz"),)) == ((("", "abc"),), (("", "xyz"),))


@pytest.fixture
def compared(tmp_path: Path) -> Comparison:
    """Two commits with every odd kind of file."""
    lab = tmp_path / "repository"
    lab.mkdir()
    git(lab, "init", "-q", "-b", "main")
    git(lab, "config", "core.autocrlf", "false")
    before = {
        "code.py": b"def f():\n    return 1\n",
        "windows.txt": b"a\r\nb\r\n",
        "latin.txt": b"caf\xe9\n",
        "open.txt": b"no end",
        "binary.bin": b"\0\1\2",
        "old name.md": b"# one\n" + b"text\n" * 20,
        "hidden.txt": b"plain\n",
        "long.txt": b"",
    }
    after = {
        "code.py": b"def f():\n    return 2\n",
        "windows.txt": b"a\nb\r\n",
        "latin.txt": b"caf\xe9s\n",
        "open.txt": b"no end\n",
        "binary.bin": b"\0\1\3",
        "new name.md": b"# two\n" + b"text\n" * 20,
        "hidden.txt": "pl\u202eain\u200b\n".encode(),
        "long.txt": b"line\n" * 100_000,
    }
    commits = []
    repositories = GitRepositories(tmp_path / "trusted")
    for files in (before, after):
        for path in lab.glob("[!.]*"):
            path.unlink()
        for name, content in files.items():
            (lab / name).write_bytes(content)
        git(lab, "add", "-A")
        git(lab, "commit", "-q", "-m", "work")
        commits.append(repositories.take("lab", lab, "HEAD", snapshot=False))
    return Comparison(repositories, "lab", *commits)


def test_odd_files(compared: Comparison) -> None:
    assert [file.path for file in compared.files()] == [
        *("binary.bin", "code.py", "hidden.txt", "latin.txt", "long.txt", "new name.md"),
        *("open.txt", "windows.txt"),
    ]
    code = compared.file("code.py").sections[0].rows
    assert [row.kind for row in code] == ["same", "changed"]
    assert code[0].new is not None
    assert ("k", "def") in code[0].new.spans
    assert code[1].new is not None
    assert ("mi word", "2") in code[1].new.spans

    (binary,) = compared.file("binary.bin").notes
    assert "binary" in binary
    assert compared.file("latin.txt").notes == (
        "It is not UTF-8: what can't be read is shown as \ufffd.",
    )
    assert [ends for *_, ends in shown(compared.file("open.txt"), "old")] == [False]
    windows = compared.file("windows.txt")
    assert [returns for _, _, returns, _ in shown(windows, "old")] == [True, True]
    assert [returns for _, _, returns, _ in shown(windows, "new")] == [False, True]
    assert compared.file("new name.md").notes == ("Renamed from old name.md.",)

    hidden = compared.file("hidden.txt")
    (cell,) = [row.new for row in hidden.sections[0].rows if row.new is not None]
    assert (cell.text, cell.hidden) == ("plain", 2)
    assert "nobody sees" in hidden.notes[0]

    long = compared.file("long.txt")
    assert sum(len(section.rows) for section in long.sections) == MOST_ROWS
    assert "100,000 lines come" in long.notes[-1]
    with pytest.raises(NotFound, match="not among the files"):
        compared.file("elsewhere.py")
