"""Too much of something: each takes what it can, and says how much it got."""

import json
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

MIB = 1 << 20


def processes(most: int) -> Iterator[int]:
    """Forks children that stay."""
    for count in range(1, most + 1):
        if os.fork() == 0:
            signal.pause()
            os._exit(0)
        yield count


def threads(most: int) -> Iterator[int]:
    """Starts threads that stay."""
    for count in range(1, most + 1):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        yield count


def memory(most: int) -> Iterator[int]:
    """Fills memory, a MiB at a time."""
    kept = []
    for count in range(1, most + 1):
        kept.append(b"x" * MIB)
        yield count


def shared_mappings(most: int) -> Iterator[int]:
    """Fills memory that is mapped shared, and so belongs to no process alone."""
    kept = []
    for count in range(1, most + 1):
        part = mmap.mmap(-1, MIB)
        part.write(b"x" * MIB)
        kept.append(part)
        yield count


def _fill(file: int, most: int) -> Iterator[int]:
    for count in range(1, most + 1):
        if os.write(file, b"x" * MIB) < MIB:
            raise OSError(28, "a short write")
        yield count
    os.fsync(file)


def memory_file(most: int) -> Iterator[int]:
    """Fills a file that lives in memory alone."""
    return _fill(os.memfd_create("bomb"), most)


def _file(path: str, most: int) -> Iterator[int]:
    return _fill(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), most)


def scratch(most: int) -> Iterator[int]:
    """Fills /tmp."""
    return _file("/tmp/bomb", most)


def shared_memory(most: int) -> Iterator[int]:
    """Fills /dev/shm."""
    return _file("/dev/shm/bomb", most)


def device_folder(most: int) -> Iterator[int]:
    """Fills /dev, a file system in memory."""
    return _file("/dev/bomb", most)


def workspace(most: int) -> Iterator[int]:
    """Fills the workspace."""
    return _file("/workspace/bomb", most)


def reserved(most: int) -> Iterator[int]:
    """Reserves the workspace's room without writing it."""
    file = os.open("/workspace/bomb", os.O_CREAT | os.O_WRONLY, 0o600)
    for count in range(1, most + 1):
        os.posix_fallocate(file, (count - 1) * MIB, MIB)
        yield count


def deleted(most: int) -> Iterator[int]:
    """Fills the workspace by a file that has no name any more."""
    file = os.open("/workspace/bomb", os.O_CREAT | os.O_WRONLY, 0o600)
    os.unlink("/workspace/bomb")
    return _fill(file, most)


def _files(folder: str, most: int) -> Iterator[int]:
    for count in range(1, most + 1):
        os.close(os.open(f"{folder}/{count}", os.O_CREAT | os.O_WRONLY, 0o600))
        yield count


def scratch_files(most: int) -> Iterator[int]:
    """Makes empty files in /tmp."""
    os.mkdir("/tmp/many")
    return _files("/tmp/many", most)


def workspace_files(most: int) -> Iterator[int]:
    """Makes empty files in the workspace."""
    os.mkdir("/workspace/many")
    return _files("/workspace/many", most)


def workspace_folders(most: int) -> Iterator[int]:
    """Makes folders in folders."""
    where = os.open("/workspace", os.O_RDONLY)
    for count in range(1, most + 1):
        os.mkdir("f", dir_fd=where)
        below = os.open("f", os.O_RDONLY, dir_fd=where)
        os.close(where)
        where = below
        yield count


def output(most: int) -> Iterator[int]:
    """Floods the standard output."""
    for count in range(1, most + 1):
        os.write(1, b"flood " * 170 + b"\n")
        yield count


def processor(most: int) -> Iterator[int]:
    """Keeps four processes busy for a second; counts hundredths of seconds of a processor."""
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            end = time.monotonic() + 1
            while time.monotonic() < end:
                pass
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    used = os.times()
    yield min(most, int(100 * (used.children_user + used.children_system)))


def main() -> None:
    """`NAME MOST`: goes on until it is stopped or has got so much."""
    kind: Callable[[int], Iterator[int]] = globals()[sys.argv[1]]
    reached, stopped = 0, "nothing"
    try:
        for reached in kind(int(sys.argv[2])):
            pass
    except (OSError, RuntimeError, MemoryError) as error:
        stopped = str(error)
    line = json.dumps({"reached": reached, "stopped": stopped})
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()
    os._exit(0)


main()
