"""What the keeper does to image files, on real ones of this machine; devices are for containers.

Without a loop device to be had, an image is made and not attached: so much is seen here.
"""

import errno
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandboxes.volumes import keeping
from sandboxes.volumes.keeping import Disks

MB = 1 << 20


@pytest.fixture(autouse=True)
def e2fsprogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([*os.get_exec_path(), "/usr/sbin", "/sbin"]))


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """A folder of images, and a machine's devices among which none is a loop device."""
    (tmp_path / "disks").mkdir()
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "loop-control").touch()
    return Disks(tmp_path / "disks", tmp_path / "dev", os.getuid())


def made(disks: Disks, name: str, mb: int, files: int) -> None:
    with pytest.raises(OSError, match="ioctl"):
        disks.make(name, mb, files)


def inside(image: Path, request: str) -> str:
    done = subprocess.run(["debugfs", "-R", request, image], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def served(
    disks: Disks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *asks: object
) -> list[dict[str, Any]]:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(json.dumps(ask) + "\n" for ask in asks)))
    keeping.main(disks)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("mb", "files"), [(8, 100), (64, 5000)])
def test_a_file_system_holds_what_was_asked_for(
    disks: Disks, tmp_path: Path, mb: int, files: int
) -> None:
    made(disks, "a", mb, files)
    usage = disks.usage("a")
    assert usage["free_bytes"] >= mb * MB
    assert usage["free_files"] >= files
    assert usage["bytes"] < (mb + 16) * MB
    assert usage["files"] >= usage["free_files"]
    image = tmp_path / "disks" / "a.img"
    assert image.stat().st_blocks * 512 < image.stat().st_size / 2, "it takes no room before use"


def test_usage_follows_what_is_written(disks: Disks, tmp_path: Path) -> None:
    made(disks, "a", 8, 100)
    before = disks.usage("a")
    content = tmp_path / "content"
    content.write_bytes(b"x" * MB)
    image = tmp_path / "disks" / "a.img"
    subprocess.run(
        ["debugfs", "-w", "-R", f"write {content} content", image], check=True, capture_output=True
    )
    after = disks.usage("a")
    assert before["free_bytes"] - after["free_bytes"] == MB
    assert before["free_files"] - after["free_files"] == 1
    assert (before["bytes"], before["files"]) == (after["bytes"], after["files"])


def test_its_root_is_empty_and_its_owners(disks: Disks, tmp_path: Path) -> None:
    made(disks, "a", 8, 100)
    image = tmp_path / "disks" / "a.img"
    names = {line.split("/")[5] for line in inside(image, "ls -p /").splitlines() if line}
    assert names == {".", ".."}
    assert f"User: {os.getuid():5}" in inside(image, "stat /")


def test_an_image_is_made_once_and_dropped_with_its_link(disks: Disks, tmp_path: Path) -> None:
    folder = tmp_path / "disks"
    made(disks, "a", 8, 100)
    first = (folder / "a.img").stat().st_ino
    made(disks, "a", 64, 100)
    assert (folder / "a.img").stat().st_ino == first
    made(disks, "b", 8, 100)
    assert disks.names() == ["a", "b"]
    (folder / "a.dev").symlink_to("/dev/loop9")
    disks.drop("a")
    disks.drop("a")
    assert disks.names() == ["b"]
    assert not (folder / "a.dev").is_symlink()


def test_a_link_to_what_is_no_loop_device_is_not_believed(disks: Disks, tmp_path: Path) -> None:
    made(disks, "a", 8, 100)
    (tmp_path / "disks" / "a.dev").symlink_to("/dev/loop9")
    (tmp_path / "dev" / "loop9").touch()
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="ioctl"):
        disks.hold("a")
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    disks.hold("none")


def test_a_file_system_that_cannot_be_made_leaves_no_image(disks: Disks) -> None:
    with pytest.raises(OSError, match="mke2fs") as caught:
        disks.make("a", 8, 1 << 30)
    assert caught.value.errno == errno.EIO
    assert disks.names() == []


def test_device_numbers_are_told_as_stat_tells_them() -> None:
    for major, minor in ((7, 0), (7, 255), (7, 256), (259, 70_000), (4095, 0xFFFFF)):
        encoded = minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
        assert keeping._major_minor(encoded) == os.makedev(major, minor)


def test_a_line_for_each_line(
    disks: Disks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, made, names, usage, gone, unknown, dropped, held, left = served(
        disks,
        monkeypatch,
        capsys,
        {"do": "make", "name": "a", "mb": 8, "files": 100},
        {"do": "names"},
        {"do": "usage", "name": "a"},
        {"do": "usage", "name": "b"},
        {"do": "dance"},
        {"do": "drop", "name": "a"},
        {"do": "hold", "name": "a"},
        {"do": "names"},
    )
    assert first == {"done": []}
    assert made["errno"] == errno.ENOTTY
    assert names == {"done": ["a"]}
    assert usage["done"]["free_files"] >= 100
    assert gone["errno"] == errno.ENOENT
    assert "dance" in unknown["error"]
    assert dropped == held == {"done": None}
    assert left == {"done": []}


def test_a_machine_without_loop_devices_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = served(Disks(tmp_path, tmp_path / "dev", 0), monkeypatch, capsys)
    assert answers[0]["errno"] == errno.ENOENT
    assert "loop-control" in answers[0]["error"]
