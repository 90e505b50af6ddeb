"""What runs on after its call or its deadline, and what a call does to those that follow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from evals.attacks.boxes import docker_of
from evals.attacks.probe import Finding, Verdict
from evals.attacks.stands import (
    SMALL,
    Permissive,
    Stand,
    decoys,
    processes,
)
from labcrew.errors import LabcrewError
from tools.toolbox import Workbench

_PYTHON = ("python3", "-c")
# 4321 marks what must be gone; the host looks for it among the container's processes.
_SLEEP = 'os.execvp("sleep", ["sleep", "4321"])'
_END = """
for process in /proc/[0-9]*; do
  grep -q '432[1]' "$process/cmdline" && kill -9 "${process#/proc/}"
done
"""
_PRELUDE = "import os, signal, sys, time\n"


@dataclass(frozen=True)
class Stayer:
    """A program that tries to outlive its call.

    Args:
        late: it also runs past its deadline.
    """

    name: str
    tried: str
    program: str
    late: bool = False


_DEAF = "for n in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)\n"
_SCRUBBED = 'os.execvpe("sleep", ["sleep", "4321"], {})'
STAYERS = (
    Stayer("a child in the background", "fork and leave",
           f"if os.fork() == 0:\n    {_SLEEP}"),
    Stayer("a child with its output closed", "fork, close all and leave",
           f"if os.fork() == 0:\n    os.closerange(0, 64)\n    {_SLEEP}"),
    Stayer("a session of its own", "setsid in a child",
           f"if os.fork() == 0:\n    os.setsid(); os.closerange(0, 64)\n    {_SLEEP}"),
    Stayer("a daemon", "fork, setsid, fork",
           "if os.fork() == 0:\n    os.setsid(); os.closerange(0, 64)\n"
           f"    if os.fork() == 0:\n        {_SLEEP}\n    os._exit(0)"),
    Stayer("a daemon without a mark", "the same, with an empty environment",
           "if os.fork() == 0:\n    os.setsid(); os.closerange(0, 64)\n"
           f"    if os.fork() == 0:\n        {_SCRUBBED}\n    os._exit(0)"),
    Stayer("a daemon that hears nothing", "the same, with every signal ignored",
           f"{_DEAF}if os.fork() == 0:\n    os.setsid(); os.closerange(0, 64)\n"
           f"    if os.fork() == 0:\n        {_SCRUBBED}\n    os._exit(0)"),
    Stayer("twenty daemons", "all at once",
           "for _ in range(20):\n    if os.fork() == 0:\n        os.setsid()\n"
           f"        os.closerange(0, 64)\n        {_SCRUBBED}"),
    Stayer("past the deadline", "sleep on", _SLEEP, late=True),
    Stayer("past the deadline, deaf", "ignore every signal", _DEAF + _SLEEP, late=True),
    Stayer("past the deadline, silent", "close its output and sleep on",
           f"os.closerange(0, 64)\n{_SLEEP}", late=True),
    Stayer("past the deadline, as a daemon", "leave a daemon and sleep on",
           "if os.fork() == 0:\n    os.setsid(); os.closerange(0, 64)\n"
           f"    if os.fork() == 0:\n        {_SCRUBBED}\n    os._exit(0)\n{_SLEEP}", late=True),
    Stayer("past the deadline, stopped", "stop itself, so that it can't be asked",
           f"if os.fork() == 0:\n    {_SLEEP}\nos.kill(os.getpid(), signal.SIGSTOP)", late=True),
)  # fmt: skip


def run(bench: Workbench) -> Iterable[Finding]:
    """Each as a call in a tool container; then trials past their deadline."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Stand(bench, folder)
        with stand.tools() as tools:
            for stayer in STAYERS:
                yield _call(stand, tools, stayer)
        yield from _trials(stand)
        yield from _wreckers(stand)


def control(bench: Workbench) -> Iterable[Finding]:
    """The same by the engine's own exec, which knows no deadline."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Permissive(bench, folder)
        with stand.container() as container:
            for stayer in STAYERS:
                call = stand.client.exec_create(container, [*_PYTHON, _PRELUDE + stayer.program])
                stand.client.exec_start(call["Id"], detach=True)
                yield _stays(stayer, _living(partial(processes, stand.client, container)))
                stand.exec(container, ("sh", "-c", _END))


def _call(stand: Stand, tools: str, stayer: Stayer) -> Finding:
    command = (*_PYTHON, _PRELUDE + stayer.program)
    began = time.monotonic()
    result = stand.sandboxes.exec(tools, command, timeout_s=1 if stayer.late else 20)
    took = time.monotonic() - began
    if stayer.late and not result.timed_out:
        return _found(stayer, f"ended with {result.exit_code} before its deadline", "unknown")
    if took > 12:
        return _found(stayer, f"the call held labcrew up for {took:.0f} s", "breached")
    living = _living(lambda: stand.processes(tools))
    after = stand.sandboxes.exec(tools, ("echo", "on"), timeout_s=20)
    if after.stdout != "on\n":
        return _found(stayer, "no further call was answered", "breached")
    return _stays(stayer, living)


def _trials(stand: Stand) -> Iterable[Finding]:
    for stayer in STAYERS:
        if not stayer.late:
            continue
        spec = stand.spec(
            (*_PYTHON, _PRELUDE + stayer.program), SMALL.model_copy(update={"timeout_s": 1})
        )
        result = stand.sandboxes.run(spec)
        gone = stand.sandboxes.status(spec.name).state == "missing"
        ended = result.timed_out and gone
        yield Finding(
            probe=f"a trial {stayer.name}",
            tried=stayer.tried,
            happened="ended from outside, its container gone" if ended else "it was not ended",
            verdict="held" if ended else "breached",
        )


_WRECKS = {
    "kill all": "kill every process of the container: kill -9 -1",
    "end process 1": "ask process 1 to end, by every signal that can be handled",
    "stop all": "stop every process of the container: kill -STOP -1",
}
_WRECKERS = {
    "kill all": "os.kill(-1, 9)",
    "end process 1": "for n in set(range(1, 65)) - {9, 19, 32, 33}: os.kill(1, n)",
    "stop all": "signal.signal(18, signal.SIG_IGN); os.kill(-1, 19)",
}


def _wreckers(stand: Stand) -> Iterable[Finding]:
    """A call may wreck its own container: labcrew must say so, and not hang."""
    for name, program in _WRECKERS.items():
        with stand.tools() as tools:
            began = time.monotonic()
            told = []
            for command in ((*_PYTHON, _PRELUDE + program), ("echo", "on")):
                try:
                    result = stand.sandboxes.exec(tools, command, timeout_s=2)
                    told.append(f"exit code {result.exit_code}")
                except LabcrewError as error:
                    told.append(type(error).__name__)
            took = time.monotonic() - began
            yield Finding(
                probe=name,
                tried=_WRECKS[name],
                happened=f"{', then '.join(told)}; {took:.0f} s",
                verdict="held" if took < 20 else "breached",
            )


def _living(look: Callable[[], list[str]]) -> list[str]:
    """What the host still sees, half a second on: an end may be under way."""
    found: list[str] = []
    for _ in range(5):
        time.sleep(0.1)
        found = [line for line in look() if "4321" in line]
        if not found:
            break
    return found


def _stays(stayer: Stayer, living: list[str]) -> Finding:
    if living:
        return _found(stayer, f"{len(living)} of its processes run on", "breached")
    return _found(stayer, "nothing of it runs on", "held")


def _found(stayer: Stayer, happened: str, verdict: Verdict) -> Finding:
    return Finding(probe=stayer.name, tried=stayer.tried, happened=happened, verdict=verdict)
