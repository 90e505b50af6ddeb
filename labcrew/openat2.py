"""Opening a path beneath a folder, following no link: Linux's openat2, or a walk without it.

`openat2` with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS lets the kernel resolve the whole path in
one step, so nobody can swap a component in between (openat2(2), Linux 5.6). Where the kernel, or a
filter around this process, refuses it, the path is walked a component at a time with O_NOFOLLOW:
a component swapped for a link is then not followed either.
"""

import ctypes
import errno
import os
from functools import lru_cache
from typing import Any

_OPENAT2 = 437  # the same on every architecture but Alpha
_RESOLVE = 0x01 | 0x02 | 0x04 | 0x08  # no mounts crossed, no magic links, no symlinks, beneath
_RETRIES = 64  # the kernel says EAGAIN when something was renamed while it looked
_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def located(root: int, parts: tuple[str, ...]) -> int:
    """A descriptor (O_PATH) of what lies at a path; nothing is opened for reading by it.

    Args:
        root: a descriptor of the folder.
        parts: the path's components; none may be "", "." or "..", or hold a "/".

    Raises:
        OSError: as the kernel says it; ELOOP, ENOTDIR or EXDEV where a link, a mount or a file
            stands in the way.
    """
    if available():
        return _by_kernel(root, parts)
    return walked(root, parts)


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether this process may use openat2."""
    here = os.open("/", _FLAGS | os.O_DIRECTORY)
    try:
        os.close(_by_kernel(here, (".",)))
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(here)


def walked(root: int, parts: tuple[str, ...]) -> int:
    """The same as `located` without openat2; public so that both ways are tested."""
    device = os.fstat(root).st_dev
    at = os.dup(root)
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        flags = _FLAGS if last else _FLAGS | os.O_DIRECTORY
        try:
            below = os.open(part, flags, dir_fd=at)
        finally:
            os.close(at)
        at = below
        if os.fstat(at).st_dev != device:
            os.close(at)
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), part)
    return at


def _by_kernel(root: int, parts: tuple[str, ...]) -> int:
    how = _How(flags=_FLAGS, mode=0, resolve=_RESOLVE)
    path = os.fsencode("/".join(parts))
    for _ in range(_RETRIES):
        found = int(_libc().syscall(_OPENAT2, root, path, ctypes.byref(how), ctypes.sizeof(how)))
        if found >= 0:
            return found
        code = ctypes.get_errno()
        if code not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(code, os.strerror(code), "/".join(parts))


@lru_cache(maxsize=1)
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)
