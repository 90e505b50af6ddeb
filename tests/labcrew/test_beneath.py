"""Untrusted files on the host: what is read, what is refused, and that nothing waits or escapes."""

import ctypes
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew import beneath, openat2
from labcrew.errors import BoundaryError, NotFound

LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(params=["openat2", "walk"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file, read by the kernel's own resolution and by the walk without it."""
    if request.param == "walk":
        monkeypatch.setattr(beneath, "located", openat2.walked)
    elif not openat2.available():
        pytest.skip("no openat2 here")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/file").write_text("content")
    return tmp_path / "in"


def test_a_file_is_read(root: Path) -> None:
    assert beneath.read(root, "deep/file") == b"content"
    assert [file.path for file in beneath.listed(root)] == ["deep/file"]
    assert beneath.size(root) == 7


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/passwd", "deep/../../secret", "", ".", "deep", "a\0b", "a\nb", "\udcff"],
)  # fmt: skip
def test_odd_paths(root: Path, path: str) -> None:
    with pytest.raises(BoundaryError):
        beneath.read(root, path)


def test_what_is_not_there(root: Path, tmp_path: Path) -> None:
    for folder, path in ((root, "deep/none"), (tmp_path / "none", "x"), (tmp_path / "secret", "x")):
        with pytest.raises(NotFound):
            beneath.read(folder, path)
    assert list(beneath.listed(tmp_path / "none")) == []


PLANTS: dict[str, Callable[[Path], object]] = {
    "link": lambda at: at.symlink_to("../secret"),
    "dangling": lambda at: at.symlink_to("nowhere"),
    "link to a folder": lambda at: at.symlink_to(".."),
    "magic": lambda at: at.symlink_to("/proc/self/root"),
    "hard link": lambda at: at.hardlink_to(at.parent.parent / "secret"),
    "pipe": lambda at: os.mkfifo(at),
    "socket": lambda at: socket.socket(socket.AF_UNIX).bind(str(at)),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_no_plain_file_is_refused(root: Path, plant: str) -> None:
    PLANTS[plant](root / "odd")
    for path in ("odd", "odd/secret", "odd/etc/passwd"):
        with pytest.raises(BoundaryError):
            beneath.read(root, path)
    with pytest.raises(BoundaryError):
        list(beneath.listed(root))
    with pytest.raises(BoundaryError):
        beneath.copied(root, root.parent / "copy")
    assert not (root.parent / "copy").exists()


def test_caps(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (root / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BoundaryError, match="larger"):
        beneath.read(root, "sparse", 1 << 20)
    with pytest.raises(BoundaryError, match="larger"):
        list(beneath.listed(root))
    (root / "sparse").unlink()
    monkeypatch.setattr(beneath, "MAX_ENTRIES", 20)
    for index in range(30):
        (root / f"f{index}").touch()
    with pytest.raises(BoundaryError, match="more than 20"):
        list(beneath.listed(root))


def test_a_deep_tree_and_long_names(root: Path) -> None:
    at = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    with pytest.raises(BoundaryError, match="deeper"):
        list(beneath.listed(root))


def test_lines_are_cut_and_never_held_whole(root: Path) -> None:
    (root / "log").write_bytes(b"a\r\n" + b"x" * 5000 + b"\nend\xff")
    assert list(beneath.lines(root, "log", line_cap=100)) == ["a\n", "x" * 100, "end\ufffd"]


def test_a_copy_holds_the_same(root: Path, tmp_path: Path) -> None:
    assert beneath.copied(root, tmp_path / "copy") == ("deep/file",)
    assert list(beneath.listed(tmp_path / "copy")) == list(beneath.listed(root))


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_path_is_read_or_refused(path: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        (folder / "secret").write_text("secret")
        (folder / "in" / "a").write_text("a")
        with suppress(BoundaryError, NotFound):
            assert beneath.read(folder / "in", path) == b"a"


def _exchange(one: Path, other: Path) -> None:
    assert LIBC.renameat2(-100, bytes(one), -100, bytes(other), 2) == 0, ctypes.get_errno()


@pytest.mark.parametrize("what", ["deep/file", "deep"])
def test_swaps_in_between_never_lead_out(root: Path, what: str) -> None:
    """A link takes a component's place and gives it back, as fast as it can, while it is read."""
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    link = root.parent / "link"
    link.symlink_to(outside / "file" if what == "deep/file" else outside)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            _exchange(root / what, link)

    swapper = threading.Thread(target=swap)
    swapper.start()
    outcomes = {"read": 0, "refused": 0}
    try:
        for _ in range(6000):
            try:
                assert beneath.read(root, "deep/file") == b"content"
                outcomes["read"] += 1
            except (BoundaryError, NotFound):
                outcomes["refused"] += 1
    finally:
        over.set()
        swapper.join()
    assert sum(outcomes.values()) == 6000
