"""Looking for the index's password wherever an installing program can look."""

import os
from pathlib import Path

from knock import Probes, Reached, Targets  # type: ignore[import-not-found]

_SIGN = b"LAB" + b"TOKEN-"  # in two pieces, so that this file is no finding
_MOST_BYTES = 4 << 20


def probes(to: Targets) -> Probes:
    """Name → what is tried, and the try."""
    return {
        "password-in-environment": ("find it in the environment", _environment),
        "password-in-processes": ("find it in processes' environments", _processes),
        "password-in-arguments": ("find it in processes' arguments", _arguments),
        "password-in-files": ("find it in pip's and the workspace's files", _files),
        "password-in-mounts": ("find it in the table of mounts", _mounts),
        "password-in-memory": ("find it in another process's memory", _memory),
    }


def _seen(data: bytes, where: str) -> None:
    if _SIGN in data:
        raise Reached(f"it stands in {where}")


def _environment() -> str:
    _seen(b"\0".join(os.environb.values()), "the environment")
    return f"{len(os.environ)} variables, none has it"


def _processes() -> str:
    return _all("environ")


def _arguments() -> str:
    return _all("cmdline")


def _all(file: str) -> str:
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            _seen((folder / file).read_bytes(), f"{folder}/{file}")
            count += 1
        except OSError:
            continue
    return f"{count} processes, none has it"


def _files() -> str:
    count = 0
    homes = ("/workspace", "/tmp", "/etc", "/root", os.environ.get("HOME", "/"), "/opt/env/etc")
    for root in homes:
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                try:
                    if path.is_file() and path.stat().st_size < _MOST_BYTES:
                        _seen(path.read_bytes(), str(path))
                        count += 1
                except OSError:
                    continue
    return f"{count} files, none has it"


def _mounts() -> str:
    _seen(Path("/proc/self/mountinfo").read_bytes(), "the table of mounts")
    return "it is not there"


def _memory() -> str:
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == str(os.getpid()):
            continue
        try:
            count += _in_memory(folder)
        except (OSError, ValueError):
            continue
    return f"{count} regions of others read, none has it"


def _in_memory(folder: Path) -> int:
    count = 0
    with (folder / "mem").open("rb", buffering=0) as memory:
        for line in (folder / "maps").read_text().splitlines():
            if "rw-p" not in line:
                continue
            begin, end = (int(part, 16) for part in line.split()[0].split("-"))
            memory.seek(begin)
            _seen(memory.read(min(end - begin, _MOST_BYTES)), f"{folder}/mem")
            count += 1
    return count
