"""Too much output: what it costs the host, and that its end is kept from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.attacks.boxes import docker_of
from evals.attacks.probe import Finding
from evals.attacks.stands import SMALL, Stand, decoys
from tools.toolbox import Workbench

_MOST_MIB = 64
_DEADLINE_S, _GRACE_S = 6.0, 54.0
"""A flood without end lasts for ever where its deadline is not kept: there is no need to be strict
with a slow machine."""
_FLOOD = """\
import os, sys
kind = sys.argv[1]
if kind == "lines":
    block, times = b"flood " * 10922 + b"\\n", 1 << 60
elif kind == "line":
    block, times = b"x" * (1 << 20), 100
elif kind == "bytes":
    block, times = b"x", 1_000_000
elif kind == "escapes":
    block, times = b"\\x1b]" + b"x" * 65000, 2000
for number in range(times):
    if kind == "bytes" or number % 2 or sys.argv[2] == "one":
        os.write(1, block)
    else:
        os.write(2, block)
"""


@dataclass(frozen=True)
class Flood:
    """A flood: its kind, the streams it takes, and the way it comes to the host."""

    name: str
    tried: str
    kind: str
    streams: str
    way: str


FLOODS = (
    Flood("lines without end by a run", "on standard output", "lines", "one", "run"),
    Flood("lines without end by a call", "on standard output", "lines", "one", "exec"),
    Flood("both streams at once", "lines without end, by turns", "lines", "two", "run"),
    Flood("one line of 100 MiB", "no newline at all", "line", "one", "run"),
    Flood("one line of 100 MiB by a call", "no newline at all", "line", "one", "exec"),
    Flood("one line of 100 MiB in a log", "no newline at all", "line", "one", "follow"),
    Flood("a million tiny writes", "a byte each", "bytes", "one", "run"),
    Flood("a million tiny writes by a call", "a byte each", "bytes", "one", "exec"),
    Flood("unended escapes in a log", "130 MB of sequences that never end", "escapes", "one",
          "follow"),
)  # fmt: skip


def run(bench: Workbench) -> Iterable[Finding]:
    """Each flood taken by a process of its own, whose memory is measured."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Stand(bench, folder)
        for flood in FLOODS:
            yield _judged(flood, stand)
        yield _after_the_deadline(stand)


def control(bench: Workbench) -> Iterable[Finding]:
    """One flood read as docker-py gives it."""
    told = _apart("naive", {"image": bench.base_image, "flood": _FLOOD})
    grown = told["grown_mib"]
    yield Finding(
        probe="one line of 100 MiB by a call",
        tried="no newline at all, by docker-py's exec_run",
        happened=f"the host process grew by {grown:.0f} MiB",
        verdict="breached" if grown > _MOST_MIB else "held",
    )


def _judged(flood: Flood, stand: Stand) -> Finding:
    limits = SMALL.model_copy(update={"timeout_s": _DEADLINE_S, "output_mb": 4})
    command = ("python3", "-c", _FLOOD, flood.kind, flood.streams)
    spec = stand.spec(command, limits)
    told = _apart(flood.way, {"spec": spec.model_dump_json(), "limit": _DEADLINE_S})
    grown, took, kept = told["grown_mib"], told["took_s"], told["kept_mib"]
    bad = []
    if grown > _MOST_MIB:
        bad.append(f"the host process grew by {grown:.0f} MiB")
    if took > _DEADLINE_S + _GRACE_S:
        bad.append(f"it took {took:.0f} s with a deadline of {_DEADLINE_S:g}")
    if kept > 2 * 4.1:
        bad.append(f"{kept:.0f} MiB were kept of each stream's 4")
    return Finding(
        probe=flood.name,
        tried=flood.tried,
        happened="; ".join(bad) or f"+{grown:.0f} MiB, {took:.1f} s, {kept:.1f} MiB kept",
        verdict="breached" if bad else "held",
    )


def _apart(way: str, told: dict[str, object]) -> dict[str, float]:
    """Runs `flood_reader` in a process of its own: this one's memory says nothing."""
    with TemporaryDirectory(prefix="labcrew-attack-") as folder:
        given = Path(folder) / "told.json"
        given.write_text(json.dumps(told), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "evals.attacks.output.flood_reader", way, str(given)],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            cwd=Path(__file__).parents[3],
        )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _after_the_deadline(stand: Stand) -> Finding:
    """A call's child writes on; what it writes must reach nobody."""
    program = (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n"
        "while True:\n    os.write(1, b'still here\\n'); time.sleep(0.05)"
    )
    with stand.tools() as tools:
        first = stand.sandboxes.exec(tools, ("python3", "-c", program), timeout_s=1)
        time.sleep(0.3)
        second = stand.sandboxes.exec(tools, ("echo", "next"), timeout_s=20)
    bad = not first.timed_out or second.stdout != "next\n"
    return Finding(
        probe="output after the deadline",
        tried="a daemon goes on writing to the call's output",
        happened="it reached the next call" if bad else "none of it reached the next call",
        verdict="breached" if bad else "held",
    )
