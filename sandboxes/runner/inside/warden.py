"""A warden runs calls, one after another, as their subreaper: whatever a call leaves behind becomes
the warden's child, and ends with the call, while other wardens' calls go on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import time
from collections.abc import Mapping, Sequence, Set

from sandboxes.runner.inside.frames import EXIT, FRAME_BYTES, KILLED, UNSWEPT

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
SWEEP_S = 2.0  # then the host gives the container up
_STREAMS = struct.Struct("3i")
_PASSED_BYTES = socket.CMSG_SPACE(_STREAMS.size)
_WALL = 0x40000000  # waitpid's __WALL: children of every kind
_DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ)  # which Python ignores


def guard(channel: int) -> None:
    """Serves a channel until its other end closes; all signals are blocked before.

    Args:
        channel: a SEQPACKET socket: a command's words and its three standard streams come in, its
            exit code and marks go out.
    """
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if channel != 3:
        os.dup2(channel, 3, inheritable=False)
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.closerange(4, 4096)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # what a call runs goes first, process 1 last
    variables = dict(os.environb)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=3)
    while True:
        # Not recv_fds: it loses the flag that keeps the descriptors themselves from the command.
        command, passed, _, _ = line.recvmsg(FRAME_BYTES, _PASSED_BYTES, socket.MSG_CMSG_CLOEXEC)
        if not command:
            return
        streams = _STREAMS.unpack(passed[0][2])
        line.send(EXIT.pack(*run(command.split(b"\0"), streams, variables)))


def run(
    command: list[bytes], streams: Sequence[int], variables: Mapping[bytes, bytes]
) -> tuple[int, int]:
    """Runs one command and ends all that it left; answers its exit code and marks."""
    signal.sigtimedwait((signal.SIGUSR1,), 0)  # meant for the call before
    code, marks, main = 126, 0, 0
    try:
        main = os.posix_spawnp(
            command[0],
            command,
            variables,
            file_actions=[(os.POSIX_SPAWN_DUP2, streams[at], at) for at in range(3)],
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULTED,
        )
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        said = os.strerror(error.errno or 0).encode()
        os.write(streams[2], command[0][:200] + b": " + said + b"\n")
    for descriptor in streams:
        os.close(descriptor)
    while main:
        if signal.sigwaitinfo((signal.SIGCHLD, signal.SIGUSR1)).si_signo == signal.SIGUSR1:
            marks = KILLED
            break
        status, _ = reap(main)
        if status is not None:
            code, main = exit_code(status), 0
    swept, status = sweep(frozenset(), main)
    if main:
        code = 137 if status is None else exit_code(status)
    return code, marks if swept else marks | UNSWEPT


def sweep(spared: Set[int], main: int = 0) -> tuple[bool, int | None]:
    """Ends every descendant but those of `spared`: stopped first, so that none forks away.

    Answers whether none is left, and the wait status of `main`.
    """
    deadline = time.monotonic() + SWEEP_S
    ended: int | None = None
    stopped: set[int] = set()
    while True:
        status, childless = reap(main)
        ended = ended if status is None else status
        found = set() if childless else family(spared)
        if not found:
            return True, ended
        if time.monotonic() > deadline:
            return False, ended
        fresh = found - stopped
        for pid in fresh or found:
            tell(pid, signal.SIGSTOP if fresh else signal.SIGKILL)
        stopped |= found
        if not fresh:
            time.sleep(0.002)


def reap(main: int) -> tuple[int | None, bool]:
    """Buries dead children; answers how `main` ended, if it has, and whether no child is left."""
    ended = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | _WALL)
        except ChildProcessError:
            return ended, True
        if pid == 0:
            return ended, False
        if pid == main:
            ended = status


def family(spared: Set[int]) -> set[int]:
    """This process's descendants, without the spared ones and theirs."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in spared:
                found.add(child)
                todo.append(child)
    return found


def exit_code(status: int) -> int:
    """A wait status as a shell tells it: 128 and the signal for the killed."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def tell(pid: int, number: int) -> None:
    """Sends a signal to a process that may have ended."""
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def prctl(option: int, value: int) -> None:
    """Sets one of this process's attributes. Raises OSError where the kernel refuses."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
