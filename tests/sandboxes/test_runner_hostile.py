"""Tool code that attacks the runner, its wardens and the calls beside it."""

import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from labcrew.domain.sandbox import RunResult
from labcrew.errors import RunnerLost
from tests.sandboxes.fixtures import Workshop

pytestmark = pytest.mark.engine

FORGE = """
import os, struct
forged = b"".join(
    struct.pack("!BIII", kind, call, sequence, 5) + b"\\0\\0\\0\\0\\0"
    for kind in (18, 21) for call in range(1, 9) for sequence in range(4)
)
reached = 0
def forge(fd):
    global reached
    try:
        if not os.path.samestat(os.fstat(fd), os.stat("/dev/null")):
            reached += os.write(fd, forged) > 0
    except OSError:
        pass
for fd in range(3, 64):
    forge(fd)
for pid in set(filter(str.isdigit, os.listdir("/proc"))) - {str(os.getpid())}:
    for fd in range(64):
        try:
            target = os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue
        forge(target)
        os.close(target)
print("reached", reached)
"""
PRY = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in (1, os.getppid()):
    for file in ("mem", "environ", "fd", "maps", "cwd", "root", "exe", "syscall", "stack", "auxv"):
        try:
            path = f"/proc/{pid}/{file}"
            os.listdir(path) if file in ("fd", "cwd", "root") else open(path, "rb").read(1)
            print("read", path)
        except OSError:
            pass
    for request in (16, 0x4206):  # attach, seize
        if libc.ptrace(request, pid, 0, 0) == 0:
            print("traced", pid)
    if libc.syscall(438, libc.syscall(434, pid, 0), 1, 0) >= 0:
        print("took a descriptor of", pid)
print("done")
"""
BOMB = "f() { f | f & f; }; f"
HUNGRY = "x = []\nwhile True: x.append(bytearray(1 << 20))"

# Stands until somebody writes to `go`, with one child.
INNOCENT = "mkfifo go; sleep 4242 & touch up; read line < go; kill $!; rm go up; echo fine"
UNDER_WAY = "until test -e up; do sleep 0.02; done"


def shell(workshop: Workshop, lab: str, script: str, timeout_s: float = 20) -> RunResult:
    return workshop.sandboxes.exec(lab, ("sh", "-c", script), timeout_s=timeout_s)


def python(workshop: Workshop, lab: str, script: str, timeout_s: float = 20) -> RunResult:
    command = ("python3", "-c", textwrap.dedent(script))
    return workshop.sandboxes.exec(lab, command, timeout_s=timeout_s)


def is_well(workshop: Workshop, lab: str) -> None:
    """The next call works, and finds nobody but the runner and itself."""
    found = shell(workshop, lab, "cat /proc/[0-9]*/comm; exit 5")
    assert found.exit_code == 5
    assert set(found.stdout.split()) <= {"python3", "sh", "cat"}


def test_process_1_heeds_no_signal(workshop: Workshop, lab: str) -> None:
    before = workshop.sandboxes.status(lab).started_at
    script = "for s in $(seq 1 31); do kill -$s 1; done; sleep 0.2; echo on"
    assert shell(workshop, lab, script).stdout == "on\n"
    is_well(workshop, lab)
    assert workshop.sandboxes.status(lab).started_at == before


def test_the_runner_cannot_be_traced_or_read(workshop: Workshop, lab: str) -> None:
    assert python(workshop, lab, PRY).stdout == "done\n"


def test_no_descriptor_leads_to_the_runners_streams(workshop: Workshop, lab: str) -> None:
    before = workshop.sandboxes.status(lab).started_at
    assert python(workshop, lab, FORGE).stdout == "reached 0\n"
    is_well(workshop, lab)
    assert workshop.sandboxes.status(lab).started_at == before


@pytest.mark.parametrize(
    "script", ["kill -9 $PPID; sleep 30", "setsid sleep 300 & kill -9 $PPID", "kill -9 -1"]
)
def test_a_killed_warden_leaves_its_call_unknown(workshop: Workshop, lab: str, script: str) -> None:
    shell(workshop, lab, "touch kept")
    before = workshop.sandboxes.status(lab).started_at
    with pytest.raises(RunnerLost):
        shell(workshop, lab, script)
    is_well(workshop, lab)
    assert workshop.sandboxes.status(lab).started_at != before
    assert workshop.sandboxes.read_file(lab, "kept") == b""


def test_a_stopped_warden_does_not_stop_the_deadline(workshop: Workshop, lab: str) -> None:
    script = "trap '' CONT; while :; do kill -STOP $PPID; done"
    result = shell(workshop, lab, script, timeout_s=1)
    assert result.timed_out
    is_well(workshop, lab)


def test_idle_wardens_that_are_stopped_or_killed(workshop: Workshop, lab: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: shell(workshop, lab, "sleep 0.3"), range(6)))
    others = "for p in /proc/[0-9]*; do p=${p#/proc/}; [ $p = $PPID ] || [ $p = $$ ] ||"
    shell(workshop, lab, f"{others} kill -9 $p; done")
    is_well(workshop, lab)
    shell(workshop, lab, "sleep 0.1")
    shell(workshop, lab, f"{others} kill -STOP $p; done")
    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(lambda _: shell(workshop, lab, "true", timeout_s=2), range(6)))
    assert all(result.exit_code == 0 or result.timed_out for result in done)
    is_well(workshop, lab)


def test_signals_to_its_own_warden_end_nothing_else(workshop: Workshop, lab: str) -> None:
    before = workshop.sandboxes.status(lab).started_at
    shell(workshop, lab, "kill -CHLD $PPID; kill -TERM $PPID; kill -HUP $PPID; kill -USR2 $PPID")
    is_well(workshop, lab)
    assert workshop.sandboxes.status(lab).started_at == before


@pytest.mark.parametrize("limit", ["nofile", "nproc", "as", "fsize", "cpu"])
def test_a_runner_that_was_starved_of_its_limits(workshop: Workshop, lab: str, limit: str) -> None:
    starve = f"for p in /proc/[0-9]*; do prlimit --pid ${{p#/proc/}} --{limit}=0:0; done"
    for script in (starve, "echo next", "echo next"):
        with suppress(RunnerLost):
            shell(workshop, lab, script, timeout_s=3)
    workshop.sandboxes.stop(lab)
    is_well(workshop, lab)


def test_closed_streams(workshop: Workshop, lab: str) -> None:
    script = "exec <&- >&- 2>&-; sleep 0.3; exit 7"
    result = workshop.sandboxes.exec(lab, ("sh", "-c", script), stdin=b"x" * 500_000)
    assert (result.exit_code, result.stdout) == (7, "")


def test_a_flood_ends_with_its_deadline(workshop: Workshop, lab: str) -> None:
    result = shell(workshop, lab, "yes & yes >&2 & yes", timeout_s=1)
    assert result.timed_out
    assert result.truncated
    assert max(len(result.stdout), len(result.stderr)) <= 4 << 20
    is_well(workshop, lab)


def test_a_fork_bomb_ends_with_its_deadline(workshop: Workshop, lab: str) -> None:
    result = workshop.sandboxes.exec(lab, ("bash", "-c", BOMB), timeout_s=1)
    assert result.timed_out
    is_well(workshop, lab)


def test_a_full_memory_ends_the_call(workshop: Workshop, lab: str) -> None:
    assert python(workshop, lab, HUNGRY).exit_code == 137
    is_well(workshop, lab)


@pytest.mark.parametrize(
    "leftover",
    [
        "setsid sleep 300 >/dev/null 2>&1 &",
        "(setsid sh -c 'setsid sleep 300 & setsid sleep 300' &) >/dev/null 2>&1",
        "env -i setsid sleep 300 &",
        "trap '' TERM HUP; (while :; do sleep 0.01; done) &",
        "(while :; do (exec setsid sh -c 'sleep 0.05' &); done) >/dev/null 2>&1 &",
    ],
)
def test_leftovers_end_with_their_call_and_a_parallel_call_goes_on(
    workshop: Workshop, lab: str, leftover: str
) -> None:
    with ThreadPoolExecutor(1) as threads:
        beside = threads.submit(shell, workshop, lab, INNOCENT, 120)
        shell(workshop, lab, UNDER_WAY)
        assert shell(workshop, lab, leftover).exit_code == 0
        left = shell(workshop, lab, "cat /proc/[0-9]*/comm").stdout.split()
        assert left.count("sleep") == 1  # the innocent one's
        shell(workshop, lab, "echo > go")
        assert (beside.result().exit_code, beside.result().stdout) == (0, "fine\n")
    is_well(workshop, lab)


def test_a_parallel_call_goes_on_where_a_warden_is_killed(workshop: Workshop, lab: str) -> None:
    with ThreadPoolExecutor(1) as threads:
        beside = threads.submit(shell, workshop, lab, INNOCENT, 120)
        shell(workshop, lab, UNDER_WAY)
        with pytest.raises(RunnerLost):
            shell(workshop, lab, "setsid sleep 300 & kill -9 $PPID; sleep 30")
        shell(workshop, lab, "echo > go")
        assert beside.result().stdout == "fine\n"
    is_well(workshop, lab)
