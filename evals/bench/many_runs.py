"""What share of one core it takes to supervise many runs at once."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.bench.figures import Figure

RUNS, LINES_PER_S, SECONDS = 50, 5, 20
_BOUND = 25.0
_WRITER = """
import math, sys, time
folder, runs, rate, seconds = sys.argv[1], *map(int, sys.argv[2:])
files = [open(f'{folder}/{n}.log', 'a', buffering=1) for n in range(runs)]
begun = time.monotonic()
for step in range(rate * seconds):
    for n, file in enumerate(files):
        wait = begun + (step + n / runs) / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        loss = 0.1 + math.exp(-step / 50) + 0.01 * math.sin(37 * step + n)
        file.write(f'step {step} loss {loss:.6f} accuracy {1 - loss / 3:.4f} lr 0.001\\n')
"""
_WATCH = "from desk.cli import main; main()"


def many_runs(runs: int = RUNS, lines_per_s: int = LINES_PER_S, seconds: int = SECONDS) -> Figure:
    """CPU of the watching process as a share of one core, once it has begun.

    Another process writes; the watch is the command itself, as a person runs it.

    Args:
        lines_per_s: of each run.
        seconds: how long is measured.
    """
    with TemporaryDirectory(prefix="labcrew-bench-") as made:
        folder = Path(made)
        for n in range(runs):
            (folder / f"{n}.log").touch()
        attach = [word for n in range(runs) for word in ("--attach", f"log:{folder / f'{n}.log'}")]
        command = [sys.executable, "-c", _WATCH, "watch", "--home", f"{folder}/home", "--json"]
        arguments = [str(folder), str(runs), str(lines_per_s), str(seconds + 4)]
        with subprocess.Popen([*command, *attach], stdout=subprocess.PIPE, text=True) as watch:
            assert watch.stdout is not None
            for _ in range(runs):
                watch.stdout.readline()
            with subprocess.Popen([sys.executable, "-c", _WRITER, *arguments]) as writer:
                time.sleep(2)
                began, before = time.monotonic(), _cpu_s(watch.pid)
                time.sleep(seconds)
                share = 100 * (_cpu_s(watch.pid) - before) / (time.monotonic() - began)
                peak = _peak_mb(watch.pid)
                writer.wait()
            watch.send_signal(signal.SIGINT)
            told = [json.loads(line) for line in watch.stdout]
    return Figure(
        name=f"{runs} runs supervised at once, of one core",
        value=share,
        unit="%",
        bound=_BOUND,
        parts={
            "runs": runs,
            "lines_per_s_each": lines_per_s,
            "peak_mib": peak,
            "lines_told_of": sum(e["attachment"]["lines"] for e in told if e["event"] == "ended"),
            "false_alarms": sum(e["event"] == "incident" for e in told),
        },
    )


def _cpu_s(pid: int) -> float:
    # The kernel's clock of that process, to the nanosecond; /proc counts in hundredths of a second.
    return time.clock_gettime((~pid << 3) | 2)


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.stdout.write(many_runs().model_dump_json(indent=2) + "\n")
