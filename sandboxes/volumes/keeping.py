"""What runs inside a home's keeper: file systems in image files, each behind a loop device.

Standard library alone, for its text is handed to the container's Python. It reads one JSON object a
line and answers each with one. It is root so that the loop devices open to it, and has no
capability: making a file system, attaching it and reading how full it is need none.

A device is attached with autoclear and held open here. So it lives as long as the keeper or a mount
does, and no crash can leave one behind. Beside each image a link names its device; a volume mounts
the link, which stays right when the device's number changes.
"""

import errno
import fcntl
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_CONFIGURE, _STATUS, _GET_FREE, _ADD = 0x4C0A, 0x4C05, 0x4C82, 0x4C80
_AUTOCLEAR = 4
_64BIT = 0x80
_INFO = 232  # bytes of struct loop_info64
_SUPERBLOCK = 1024
_JOURNAL_MB = 4
_INODE_BYTES = 256
_SPARE_MB = 64  # left free on the engine's disk, whatever is asked for


class Disks:
    """The image files in a folder, and their devices.

    Args:
        folder: the keeper's volume.
        devices: the host's /dev.
        owner: user and group of each file system's root.
    """

    def __init__(self, folder: Path, devices: Path, owner: int) -> None:
        self._folder, self._devices, self._owner = folder, devices, owner
        self._held: dict[str, int] = {}

    def attach_all(self) -> list[str]:
        """Attaches every image that is there, as after a reboot; answers their names."""
        os.close(os.open(self._devices / "loop-control", os.O_RDWR))  # says early if it may not
        with self._alone():
            for draft in (*self._folder.glob("*.draft"), *self._folder.glob("*.link")):
                draft.unlink()  # whoever made it was killed: nobody else works here now
            names = self.names()
            for name in names:
                self._attach(name)
        return names

    def names(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.img"))

    def make(self, name: str, mb: int, files: int) -> str:
        """The file name of the image's link; the file system is made if it is not there yet."""
        with self._alone():
            self._forget_the_gone()
            if not self._image(name).exists():
                self._format(name, mb, files)
            self._attach(name)
        return f"{name}.dev"

    def hold(self, name: str) -> None:
        """Attaches an image that another keeper made, or held; nothing where there is none."""
        with self._alone():
            if self._image(name).exists():
                self._attach(name)

    def drop(self, name: str) -> None:
        """Removes an image; its device goes with its last mount."""
        with self._alone():
            for path in (self._image(name), self._link(name)):
                path.unlink(missing_ok=True)
            self._forget_the_gone()

    def usage(self, name: str) -> dict[str, int]:
        """Bytes and files in all and free, as the superblock has them: right once unmounted."""
        with self._image(name).open("rb") as file:
            file.seek(_SUPERBLOCK)
            block = file.read(1024)
        inodes, blocks, _, free_blocks, free_inodes, _, log_size = struct.unpack_from("<7I", block)
        high, _, high_free = struct.unpack_from("<3I", block, 0x150)
        size = 1024 << log_size
        return {
            "bytes": (blocks | high << 32) * size,
            "free_bytes": (free_blocks | high_free << 32) * size,
            "files": inodes,
            "free_files": free_inodes,
        }

    def used(self, name: str) -> dict[str, int]:
        """Bytes in all and free of a file system that is mounted now.

        The device's cache holds the mounted file system's own tables: each group's count of free
        blocks moves at once, the superblock's only once in a while.
        """
        if name not in self._held:
            self.hold(name)
        device = self._held.get(name)
        if device is None:
            raise FileNotFoundError(errno.ENOENT, f"there is no workspace {name}")
        block = os.pread(device, 1024, _SUPERBLOCK)
        blocks, first, log_size, of_group = struct.unpack_from("<4xI12xII4xI", block)
        size = 1024 << log_size
        wide = struct.unpack_from("<I", block, 0x60)[0] & _64BIT
        width = struct.unpack_from("<H", block, 0xFE)[0] if wide else 32
        groups = -(-(blocks - first) // of_group)
        table = os.pread(device, groups * width, (first + 1) * size)
        free = 0
        for at in range(0, groups * width, width):
            free += struct.unpack_from("<H", table, at + 0x0C)[0]
            free += struct.unpack_from("<H", table, at + 0x2C)[0] << 16 if width >= 64 else 0
        # Its tables and its journal are not the user's; mke2fs notes how much they take.
        own = struct.unpack_from("<I", block, 0x248)[0]
        return {"bytes": (blocks - own) * size, "free_bytes": free * size}

    def _format(self, name: str, mb: int, files: int) -> None:
        # The tables and the journal come on top, so that the user has what was asked for.
        size = (mb + _JOURNAL_MB + 1 << 20) + files * _INODE_BYTES
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < _SPARE_MB << 20:
            raise OSError(errno.ENOSPC, "the engine's disk is full")
        draft = self._folder / f"{name}.draft"
        with draft.open("wb") as file:
            file.truncate(size // 4096 * 4096)
        # A new file is all zeros: nothing has to be written, now or by the kernel later.
        prezeroed = f"assume_storage_prezeroed=1,nodiscard,root_owner={self._owner}:{self._owner}"
        options = ["-t", "ext4", "-b", "4096", "-I", str(_INODE_BYTES), "-m", "0", "-E", prezeroed]
        options += ["-J", f"size={_JOURNAL_MB}", "-O", "^resize_inode", "-e", "remount-ro"]
        _done(["mke2fs", "-F", "-q", *options, "-N", str(files + 11), str(draft)])
        _done(["debugfs", "-w", "-R", "rmdir lost+found", str(draft)])
        draft.rename(self._image(name))

    def _attach(self, name: str) -> None:
        """Holds the image's device open, and points its link at it."""
        if name in self._held:
            return
        image = os.open(self._image(name), os.O_RDWR | os.O_CLOEXEC)
        try:
            device = self._attached(name, image)
            if device is None:
                device, number = self._free_device(image)
                draft = self._folder / f"{name}.link"
                draft.unlink(missing_ok=True)
                draft.symlink_to(f"/dev/loop{number}")
                draft.rename(self._link(name))
            self._held[name] = device
        finally:
            os.close(image)

    def _attached(self, name: str, image: int) -> int | None:
        """The device that the link names, if the image is behind it still: a mount outlived us."""
        with suppress(OSError):
            target = self._devices / self._link(name).readlink().name
            device = os.open(target, os.O_RDWR | os.O_CLOEXEC)
            info = bytearray(_INFO)
            with suppress(OSError):
                fcntl.ioctl(device, _STATUS, info)
                found = struct.unpack_from("<2Q", info)
                file = os.fstat(image)
                if found[1] == file.st_ino and _major_minor(found[0]) == file.st_dev:
                    return device
            os.close(device)
        return None

    def _free_device(self, image: int) -> tuple[int, int]:
        """A device that was free and has the image now; others on this machine take some too."""
        config = struct.pack("<2I", image, 4096).ljust(8 + 52, b"\0") + struct.pack(
            "<I", _AUTOCLEAR
        )
        config = config.ljust(8 + _INFO + 64, b"\0")
        control = os.open(self._devices / "loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            for _ in range(1000):
                number = fcntl.ioctl(control, _GET_FREE)
                device = os.open(self._devices / f"loop{number}", os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.ioctl(device, _CONFIGURE, config)
                except OSError as error:
                    os.close(device)
                    if error.errno != errno.EBUSY:
                        raise
                else:
                    return device, number
        finally:
            os.close(control)
        raise OSError(errno.EBUSY, "no loop device is free")

    def _forget_the_gone(self) -> None:
        """Lets go of images that are gone, dropped by another keeper of this home perhaps."""
        for name in [name for name in self._held if not self._image(name).exists()]:
            os.close(self._held.pop(name))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other keepers of the home from attaching the same image at the same time."""
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _image(self, name: str) -> Path:
        return self._folder / f"{name}.img"

    def _link(self, name: str) -> Path:
        return self._folder / f"{name}.dev"


def _major_minor(encoded: int) -> int:
    """A device number as the kernel's huge_encode_dev writes it, as stat has it."""
    return os.makedev(encoded >> 8 & 0xFFF, encoded & 0xFF | encoded >> 12 & 0xFFF00)


def _done(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        code = errno.ENOSPC if "No space left" in done.stderr else errno.EIO
        raise OSError(code, f"{command[0]}: {done.stderr.strip()[-500:]}")


def _answer(disks: Disks, asked: dict[str, Any]) -> object:
    match asked["do"]:
        case "make":
            return disks.make(asked["name"], asked["mb"], asked["files"])
        case "hold":
            disks.hold(asked["name"])
            return None
        case "drop":
            disks.drop(asked["name"])
            return None
        case "usage":
            return disks.usage(asked["name"])
        case "used":
            return disks.used(asked["name"])
        case "names":
            return disks.names()
    raise ValueError(f"{asked['do']!r} is not known here")


def main(disks: Disks) -> None:
    """Attaches what is there, says so, and serves until its input ends."""
    lines = iter(sys.stdin)
    ask: dict[str, Any] = {}
    while True:
        try:
            answer: dict[str, Any] = {"done": _answer(disks, ask) if ask else disks.attach_all()}
        except (OSError, ValueError) as error:
            number = error.errno if isinstance(error, OSError) else 0
            answer = {"error": str(error), "errno": number}
        print(json.dumps(answer), flush=True)
        line = next(lines, None)
        if line is None:
            return
        ask = json.loads(line)


if __name__ == "__main__":
    main(Disks(Path("/disks"), Path("/host-dev"), owner=int(sys.argv[1])))
