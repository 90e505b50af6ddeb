"""The one function that reads what a sandbox wrote, against archives made to break it."""

import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.errors import BoundaryError
from sandboxes.crossing.files import single, take

TYPES = (
    tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE,
    tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE,
)  # fmt: skip
PARTS = st.sampled_from(
    ["a", "b", "..", ".", "", "link", "c\n", "\x1b[31m", "é", "\udcff", "x" * 300, "proc", "C:"]
)
NAMES = (
    st.lists(PARTS, min_size=1, max_size=40)
    .map("/".join)
    .flatmap(lambda name: st.sampled_from([name, f"/{name}"]))
)
MEMBERS = st.tuples(
    NAMES, st.sampled_from(TYPES), st.binary(max_size=64), NAMES, st.integers(0, 0o7777)
)


def tar(*members: tuple[str, bytes, bytes, str, int]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8",
        errors="surrogateescape",
    ) as archive:  # fmt: skip
        for name, kind, content, target, mode in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, target, mode
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tree(root: Path) -> dict[str, bytes]:
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            assert not path.is_symlink()
            found[str(path.relative_to(root))] = path.read_bytes()
    return found


@settings(max_examples=120)
@given(st.lists(MEMBERS, max_size=12))
def test_nothing_is_written_outside_and_only_regular_files_inside(
    members: list[tuple[str, bytes, bytes, str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "witness").write_text("untouched")
        taken = take([tar(*members)], root / "out", cap_mb=1)
        assert {path.name for path in root.iterdir()} == {"witness", "out"}
        assert (root / "witness").read_text() == "untouched"
        inside = tree(root / "out")
        assert set(inside) == {file.path for file in taken.files}
        for path in inside:
            assert ".." not in Path(path).parts
            mode = (root / "out" / path).lstat().st_mode
            assert mode & 0o7000 == 0, "setuid and its like do not cross"


@settings(max_examples=120)
@given(st.binary(max_size=3000), st.integers(0, 4000), st.binary(max_size=600))
def test_garbage_is_refused_and_leaves_nothing(head: bytes, cut: int, patch: bytes) -> None:
    good = tar(("a", tarfile.REGTYPE, b"x" * 700, "", 0o644), ("b/c", tarfile.REGTYPE, b"y", "", 0))
    for stream in (head, good[:cut] + patch + good[cut + len(patch) :], good[:cut]):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            try:
                take([stream], root / "out", cap_mb=1)
            except BoundaryError:
                assert not list(root.iterdir())


def test_chunks_may_end_anywhere(tmp_path: Path) -> None:
    data = tar(("d/a", tarfile.REGTYPE, b"x" * 2000, "", 0), ("d/b", tarfile.REGTYPE, b"", "", 0))
    chunks = (data[i : i + 7] for i in range(0, len(data), 7))
    taken = take(chunks, tmp_path / "out", cap_mb=1, strip="d")
    assert [(file.path, file.size_bytes) for file in taken.files] == [("a", 2000), ("b", 0)]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    data = tar(
        ("x", tarfile.SYMTYPE, b"", "/etc/passwd", 0),
        ("x", tarfile.REGTYPE, b"1", "", 0),
        ("x", tarfile.REGTYPE, b"2", "", 0),
        ("x/y", tarfile.REGTYPE, b"3", "", 0),
        ("\udcff", tarfile.REGTYPE, b"4", "", 0),
        ("../up", tarfile.REGTYPE, b"5", "", 0),
        ("pipe", tarfile.FIFOTYPE, b"", "", 0),
    )
    taken = take([data], tmp_path / "out", cap_mb=1)
    assert tree(tmp_path / "out") == {"x": b"1"}
    assert taken.left_out == {
        "links": 1, "named twice": 1, "name taken": 1, "names that are not UTF-8": 1,
        "names that lead outside": 1, "special files": 1,
    }  # fmt: skip


def test_caps(tmp_path: Path) -> None:
    many = tar(*((f"f{i}", tarfile.REGTYPE, b"", "", 0) for i in range(200)))
    with pytest.raises(BoundaryError, match="files"):
        take([many], tmp_path / "out", cap_mb=1, max_files=100)
    with pytest.raises(BoundaryError):
        take([tar(("big", tarfile.REGTYPE, b"x" * (2 << 20), "", 0))], tmp_path / "o", cap_mb=1)

    def endless() -> Iterator[bytes]:
        header = tarfile.TarInfo("big")
        header.size = 1 << 40
        yield header.tobuf()
        while True:
            yield b"\0" * (1 << 20)

    with pytest.raises(BoundaryError):
        take(endless(), tmp_path / "e", cap_mb=4)
    assert not list(tmp_path.iterdir())


def test_single_takes_a_regular_file_only() -> None:
    assert single([tar(("a", tarfile.REGTYPE, b"x", "", 0))], "a", 1) == b"x"
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        with pytest.raises(BoundaryError):
            single([tar(("a", kind, b"", "/etc/passwd", 0))], "a", 1)
    with pytest.raises(BoundaryError):
        single([b""], "a", 1)
