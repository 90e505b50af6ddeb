"""How fast a log is read beside `grep -F` over the same file, and what memory 1 GB of it takes."""

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.bench.figures import Figure
from labcrew.errors import LabcrewError
from tools.logs.reader import LogReader

SIZE = 100_000_000
_CHUNK = 1 << 20
_WORDS = (
    "fetched cached node storage ready waiting queue prefetch loader done token stream request"
    " handled image resized mirror retry scheduled flushed buffer opened closed"
)
_METRIC = "loss"
_ABSENT = "qzxj"
_GROWTH_MIB = 16.0


def log_figures(rounds: int = 9, size: int = SIZE) -> tuple[Figure, ...]:
    """A sparse log (one line in 100 has metrics), a dense one, and the memory of a large one.

    Args:
        rounds: interleaved readings and greps; the quickest are compared, for what else the machine
            does only adds to them.
        size: bytes of the sparse and the dense log; the large one is ten times as long.

    Raises:
        LabcrewError: a metric line was not read.
    """
    with TemporaryDirectory(prefix="labcrew-bench-") as made:
        sparse, dense, large = (Path(made) / name for name in ("sparse", "dense", "large"))
        return (
            _rate("reading a sparse log beside grep -F", sparse, write(sparse, size, 100), rounds),
            _rate("reading a dense log beside grep -F", dense, write(dense, size // 5, 1), 1),
            _memory(sparse, large),
        )


def write(file: Path, size: int, every: int) -> int:
    """A log with a line of metrics in `every` lines; answers how many there are."""
    rng, said = random.Random(0), _WORDS.split()
    written = count = metrics = 0
    with file.open("w", encoding="ascii") as out:
        while written < size:
            count += 1
            second = f"{count // 3600 % 24:02}:{count // 60 % 60:02}:{count % 60:02}"
            line = f"2026-01-02 {second},{rng.randrange(1000):03} INFO "
            if count % every == 0:
                metrics += 1
                line += (
                    f"step={metrics} {_METRIC}={rng.random():.5f} lr=1.0e-03"
                    f" grad_norm={rng.random():.3f}\n"
                )
            else:
                words = " ".join(rng.choices(said, k=7))
                line += f"{words} worker {rng.randrange(8)} took {rng.random():.3f} s\n"
            written += out.write(line)
    return metrics


def _rate(name: str, file: Path, metrics: int, rounds: int) -> Figure:
    reads: list[float] = []
    greps: list[float] = []
    absent: list[float] = []
    _grep(_METRIC, file)  # the file is in the page cache from here on
    for _ in range(rounds):
        greps.append(_seconds(lambda: _grep(_METRIC, file)))
        absent.append(_seconds(lambda: _grep(_ABSENT, file)))
        reads.append(_seconds(lambda: _read(file, metrics)))
    dense = rounds == 1
    return Figure(
        name=name,
        value=min(greps) / min(reads),
        unit="times",
        bound=0.0 if dense else 0.25,
        at_least=True,
        parts={
            "read_s": min(reads),
            "grep_s": min(greps),
            "grep_for_an_absent_word_s": min(absent),
            "MB": file.stat().st_size / 1e6,
            "metric_lines": metrics,
            "us_a_metric_line": min(reads) / metrics * 1e6,
        },
        note="every line a metric; has no bound" if dense else "every metric line was read",
    )


def _read(file: Path, metrics: int) -> None:
    reader, found = LogReader(), 0
    with file.open("rb") as log:
        while chunk := log.read(_CHUNK):
            found += sum("loss" in seen.numbers for seen in reader.feed(chunk, 0.0))
    found += sum("loss" in seen.numbers for seen in reader.end(0.0))
    if found != metrics:
        raise LabcrewError(f"{found} of {metrics} metric lines were read.")


def _grep(word: str, file: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    subprocess.run(["grep", "-c", "-F", word, file], capture_output=True, env=environment)


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _memory(sparse: Path, large: Path) -> Figure:
    """Reads the large log in a program of its own and asks for its peak, early and at the end."""
    with large.open("wb") as out:
        for _ in range(10):
            with sparse.open("rb") as part:
                while chunk := part.read(_CHUNK):
                    out.write(chunk)
    command = [sys.executable, "-m", "evals.bench.log_reading", str(large)]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode != 0:
        raise LabcrewError(f"The large log could not be read: {told.stderr[-500:]}")
    early, end, lines = (float(word) for word in told.stdout.split())
    return Figure(
        name="memory while a log grows tenfold",
        value=(end - early) / 1024,
        unit="MiB",
        bound=_GROWTH_MIB,
        parts={"GB": large.stat().st_size / 1e9, "lines": lines, "peak_MiB": end / 1024},
        note="growth of the peak after the first tenth",
    )


def _peaks(file: Path) -> None:
    reader, size, early = LogReader(), file.stat().st_size, 0
    with file.open("rb") as log:
        while chunk := log.read(_CHUNK):
            for _ in reader.feed(chunk, 0.0):
                pass
            if not early and log.tell() >= size // 10:
                early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(early, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, reader.lines)


if __name__ == "__main__":
    _peaks(Path(sys.argv[1]))
