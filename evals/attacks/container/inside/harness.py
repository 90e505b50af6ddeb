"""What every probe program shares: one line of JSON a probe, each in a process of its own."""

import ctypes
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable

PATIENCE_S = 4.0
TARGETS: dict[str, str] = json.loads(sys.argv[2])  # what the host tells: its nonce, addresses
_PROBES: list[tuple[str, str, Callable[[], object]]] = []
_LIBC = ctypes.CDLL(None, use_errno=True)
_X86 = os.uname().machine == "x86_64"


class Held(Exception):
    """The boundary answered as it should, if not with an error of the system's."""


class Untold(Exception):
    """The probe can't be made here, so it says nothing."""


def probe(name: str, tried: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Registers a function that raises OSError or Held where it was stopped; else it got through.

    What it returns tells how far it got.
    """

    def keep(function: Callable[[], object]) -> Callable[[], object]:
        _PROBES.append((name, tried, function))
        return function

    return keep


def syscall(x86: int, arm: int, *arguments: object) -> int:
    """A system call by its number on either machine. Raises OSError."""
    number = x86 if _X86 else arm
    if number < 0:
        raise Held("this machine has no such call")
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(number), *words))
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def passed_the_door(*faults: int) -> Callable[[OSError], str]:
    """For calls made with nonsense: these errors mean that the kernel had let the call in."""

    def judge(error: OSError) -> str:
        if error.errno in faults:
            return f"the kernel took the call and only minded its arguments ({error.strerror})"
        raise error

    return judge


def main() -> None:
    """Runs what was registered, each in a child, and says how it went."""
    for name, tried, function in _PROBES:
        verdict, happened = _apart(function)
        line = {"nonce": TARGETS["nonce"], "probe": name, "tried": tried}
        print(json.dumps({**line, "verdict": verdict, "happened": happened}), flush=True)


def _apart(function: Callable[[], object]) -> tuple[str, str]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, json.dumps(_judged(function)).encode()[:4000])
        os._exit(0)
    os.close(writer)
    end = time.monotonic() + PATIENCE_S
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return "unknown", f"no answer within {PATIENCE_S:g} s"
        time.sleep(0.001)
    answer = os.read(reader, 4096)
    os.close(reader)
    if os.WIFSIGNALED(done[1]):
        number = os.WTERMSIG(done[1])
        killed = f"killed by {signal.Signals(number).name}"
        return ("held" if number == signal.SIGSYS else "unknown"), killed
    verdict, happened = json.loads(answer) if answer else ("unknown", "no answer")
    return verdict, happened


def _judged(function: Callable[[], object]) -> tuple[str, str]:
    try:
        return "breached", f"got through: {function()}"[:300]
    except Held as held:
        return "held", str(held)
    except Untold as reason:
        return "unknown", str(reason)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return "held", f"refused: {name}"
    except BaseException as error:
        return "unknown", f"the probe itself failed: {error!r}"[:300]
