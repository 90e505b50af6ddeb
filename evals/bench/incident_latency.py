"""How soon a written line is an incident in the ledger, beside a bare wait for the same write."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from desk.attach_wanted import Wanted
from desk.attaching import Attaching
from desk.wiring import open_home
from evals.bench.figures import Figure
from labcrew.domain.monitoring import Expectations
from labcrew.judgement import Judge
from tools.followers.notifier import Notifier

_BOUND_MS, _LOADED_MS = 5.0, 50.0
_LOAD = 1.5
_HEALTHY = 30


def incident_latency(runs: int = 100) -> Figure:
    """Milliseconds at the 95th percentile from `write` to the incident's committed row.

    A run a file: some healthy lines, then NaN until it is told of. The time goes from just before
    the write of the line that shows it to the return of the ledger's commit, flushed to the disk.

    Args:
        runs: incidents that are measured, one after the other.
    """
    loaded = os.getloadavg()[0] > _LOAD * (os.cpu_count() or 1)
    with TemporaryDirectory(prefix="labcrew-bench-") as made:
        folder = Path(made)
        told = sorted(_incidents(folder, runs))
        bare = sorted(_bare(folder, runs))
        flush = sorted(_flushes(folder, runs))
    place = min(runs - 1, int(0.95 * runs))
    return Figure(
        name="from a line written to its incident in the ledger (p95)",
        value=1000 * told[place],
        unit="ms",
        bound=_LOADED_MS if loaded else _BOUND_MS,
        parts={
            "median_ms": 1000 * told[runs // 2],
            "bare_inotify_p95_ms": 1000 * bare[place],
            "write_and_fsync_p95_ms": 1000 * flush[place],
            "incidents": runs,
        },
        note="the machine was loaded" if loaded else "",
    )


def _incidents(folder: Path, runs: int) -> list[float]:
    logs = [folder / f"{n}.log" for n in range(runs)]
    for log in logs:
        log.write_text("".join(f"step {n} loss {1 / (n + 1)}\n" for n in range(_HEALTHY)))
    seen: dict[str, float] = {}
    arrived = threading.Event()

    def tell(word: str, value: dict[str, object]) -> None:
        if word == "incident":  # told after its row was committed
            seen["at"] = time.perf_counter()
            arrived.set()

    took: list[float] = []
    stop = threading.Event()

    def write() -> None:
        for log in logs:
            with log.open("a", buffering=1) as file:
                step = _HEALTHY
                arrived.clear()
                while not arrived.is_set() and step < 2 * _HEALTHY:
                    began = time.perf_counter()
                    file.write(f"step {step} loss nan\n")
                    step += 1
                    # Which of several lines shows it is the detector's affair.
                    arrived.wait(0.1)
                if arrived.is_set():
                    took.append(seen["at"] - began)
            time.sleep(0.01)
        stop.set()

    whats = tuple(f"log:{log}" for log in logs)
    with (
        open_home(folder / "home", create=True) as opened,
        Attaching(
            opened, Wanted(whats=whats), Expectations(), Judge({}), "bench", tell
        ) as attaching,
    ):
        _until(attaching, write, stop)
    return took


def _until(attaching: Attaching, write: Callable[[], None], stop: threading.Event) -> None:
    writer: threading.Thread | None = None

    def each_second() -> None:
        nonlocal writer
        if writer is None:
            writer = threading.Thread(target=write)
            writer.start()
        if stop.is_set():
            attaching.leave("the measurement is over")

    attaching.watch(each_second)
    if writer is not None:
        writer.join()


def _bare(folder: Path, times: int) -> list[float]:
    """From a write to the return of the wait, and nothing else."""
    log = folder / "bare.log"
    notifier = Notifier()
    took: list[float] = []
    notifier.watch(0, folder, log.name)
    with log.open("w", buffering=1) as file:
        notifier.wait(1)
        began = [0.0]

        def write() -> None:
            for _ in range(times):
                time.sleep(0.01)
                began[0] = time.perf_counter()
                file.write("step 1 loss nan\n")

        writer = threading.Thread(target=write)
        writer.start()
        while len(took) < times and notifier.wait(5):
            took.append(time.perf_counter() - began[0])
        writer.join()
    notifier.close()
    return took


def _flushes(folder: Path, times: int) -> list[float]:
    """What the disk alone takes for a small write that survives a power cut."""
    took = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return took


if __name__ == "__main__":
    sys.stdout.write(incident_latency().model_dump_json(indent=2) + "\n")
