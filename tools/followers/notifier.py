"""Being woken when a file is written, within microseconds: Linux's inotify, by its system calls.

No library is used: watchfiles sleeps between looks (its `step`), watchdog holds events back for
half a second to pair renames, and inotify_simple is little more than what stands below. See
inotify(7).
"""

import ctypes
import errno
import os
import select
import struct
import threading
from pathlib import Path

_MODIFY, _MOVED_TO, _CREATE, _MOVED_FROM, _DELETE = 0x2, 0x80, 0x100, 0x40, 0x200
_OVERFLOW, _IGNORED = 0x4000, 0x8000
_WATCHED = _MODIFY | _MOVED_TO | _CREATE | _MOVED_FROM | _DELETE
_HEAD = struct.Struct("iIII")
_READ = 1 << 16


class Notifier:
    """Tells which of many sources have something to read. `wake` may be called from any thread.

    Folders are watched rather than files, so that a file which doesn't exist yet, or is replaced,
    is noticed too. Where the kernel gives no watch (no inotify, its limits reached), `watch`
    answers False and the source has to be polled.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        flags = os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._inotify = int(self._libc.inotify_init1(flags))
        except AttributeError:
            self._inotify = -1
        self._woken, self._waker = os.pipe2(flags)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        if self._inotify >= 0:
            self._poll.register(self._inotify, select.POLLIN)
        self._watches: dict[int, dict[str, set[int]]] = {}
        self._lock = threading.Lock()
        self._pending: set[int] = set()

    def watch(self, token: int, folder: Path, name: str = "") -> bool:
        """Has a source told of when a file is written, made or replaced.

        Args:
            token: names the source.
            name: of the file in the folder; empty: any.
        """
        if self._inotify < 0:
            return False
        made = int(self._libc.inotify_add_watch(self._inotify, os.fsencode(folder), _WATCHED))
        if made < 0:
            return False
        self._watches.setdefault(made, {}).setdefault(name, set()).add(token)
        return True

    def wake(self, token: int) -> None:
        """Wakes whoever waits, on behalf of a source."""
        with self._lock:
            self._pending.add(token)
        try:
            os.write(self._waker, b".")
        except BlockingIOError:
            return  # the pipe is full of wakes already

    def wait(self, timeout_s: float) -> set[int]:
        """The sources that have something new; empty after the timeout.

        Args:
            timeout_s: seconds, 0 to look only.
        """
        ready = {fd for fd, _ in self._poll.poll(max(0.0, timeout_s) * 1000)}
        found: set[int] = set()
        if self._woken in ready:
            os.read(self._woken, _READ)
            with self._lock:
                found, self._pending = self._pending, set()
        if self._inotify in ready:
            found |= self._events()
        return found

    def _events(self) -> set[int]:
        try:
            data = os.read(self._inotify, _READ)
        except BlockingIOError:
            return set()
        found: set[int] = set()
        at = 0
        while at + _HEAD.size <= len(data):
            watch, mask, _, length = _HEAD.unpack_from(data, at)
            name = os.fsdecode(data[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0"))
            at += _HEAD.size + length
            if mask & _OVERFLOW:  # events were lost: everybody looks
                return {t for names in self._watches.values() for ts in names.values() for t in ts}
            names = self._watches.get(watch, {})
            found |= names.get(name, set()) | names.get("", set())
            if mask & _IGNORED:  # the folder is gone; whoever polls it finds it again
                found |= {token for tokens in names.values() for token in tokens}
                self._watches.pop(watch, None)
        return found

    def close(self) -> None:
        """Gives the descriptors back."""
        for fd in (self._inotify, self._woken, self._waker):
            if fd >= 0:
                try:
                    os.close(fd)
                except OSError as error:
                    if error.errno != errno.EBADF:
                        raise
        self._inotify = -1
