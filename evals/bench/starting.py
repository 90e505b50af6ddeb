"""How long `labcrew --help` takes beside a bare interpreter."""

import subprocess
import sys
import time

from evals.bench.figures import Figure, median

BOUND = 10.0
_HELP = "import sys; sys.argv = ['labcrew', '--help']; from desk.cli import main; main()"


def help_start(rounds: int = 15) -> Figure:
    """Medians of interleaved starts, so that both see the same load.

    Args:
        rounds: starts of each, at least 15 for a figure worth keeping.

    Raises:
        CalledProcessError: a start failed.
    """
    bare: list[float] = []
    front: list[float] = []
    _timed(_HELP)  # writes the byte code, once
    for _ in range(rounds):
        bare.append(_timed("pass"))
        front.append(_timed(_HELP))
    ours, theirs = median(front), median(bare)
    return Figure(
        name="labcrew --help / bare interpreter",
        value=ours / theirs,
        unit="times",
        bound=BOUND,
        parts={"labcrew_ms": ours, "interpreter_ms": theirs, "rounds": rounds},
    )


def _timed(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000
