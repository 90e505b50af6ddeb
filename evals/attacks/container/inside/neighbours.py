"""A call in a tool container against what runs beside it: process 1 above all."""

import os
import signal
import time
from functools import partial
from pathlib import Path

from evals.attacks.container.inside.harness import Held, main, probe, syscall


@probe("trace process 1", "ptrace(PTRACE_SEIZE) on process 1, which would stop the container")
def _() -> object:
    return syscall(101, 117, 0x4206, 1, 0, 0)


@probe("process 1's memory", "open /proc/1/mem for writing")
def _() -> object:
    os.close(os.open("/proc/1/mem", os.O_RDWR))
    return "open for writing"


def _reads(path: str) -> object:
    with open(path, "rb") as file:
        return f"read {len(file.read())} bytes"


for _name in ("environ", "maps", "auxv", "stack", "syscall", "io"):
    _path = f"/proc/1/{_name}"
    probe(f"process 1's {_name}", f"read {_path}")(partial(_reads, _path))


@probe("process 1's input and output", "open what it reads and writes, through /proc/1/fd")
def _() -> object:
    for name in os.listdir("/proc/1/fd"):
        if os.readlink(f"/proc/1/fd/{name}") != "/dev/null":
            os.close(os.open(f"/proc/1/fd/{name}", os.O_WRONLY | os.O_NONBLOCK))
            return "open for writing"
    raise Held("nothing but the null device")


@probe("process 1's files", "take one by pidfd_getfd")
def _() -> object:
    return syscall(438, 438, syscall(434, 434, 1, 0), 1, 0)


@probe("process 1's limits", "lower its open files to none by prlimit")
def _() -> object:
    import ctypes

    limit = (ctypes.c_uint64 * 2)(0, 0)
    return syscall(302, 261, 1, 7, ctypes.byref(limit), None)


@probe("process 1's chance with the OOM killer", "raise its oom_score_adj to the most")
def _() -> object:
    Path("/proc/1/oom_score_adj").write_text("1000")
    return "it would be killed first"


@probe("kill process 1", "SIGKILL to process 1")
def _() -> object:
    return _survives(signal.SIGKILL)


@probe("stop process 1", "SIGSTOP to process 1")
def _() -> object:
    return _survives(signal.SIGSTOP)


def _survives(number: signal.Signals) -> object:
    os.kill(1, number)
    time.sleep(0.2)
    state = Path("/proc/1/stat").read_text().rpartition(")")[2].split()[0]
    if state in "TtZX":
        return f"its state is {state}"
    raise Held("it goes on: the kernel shields it from its own namespace")


main()
