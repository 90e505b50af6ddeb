"""Random starts, improved again and again: what a search without any learning reaches.

Usage: python -m evals.evolution.targets.packing.control --starts 400 --file FILE [--by METHOD]

Each start is kept with its processor time, one JSON line each; the best of as many as an amount of
time allows is computed from them, so that any budget can be held against it. The start, the first
radii and both methods are those of the components, the checker is the scorer's.
"""

import argparse
import importlib.util
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal, NamedTuple, get_args

from agents.evolution.components import applied, read_component
from evals.incidents.results import append, read
from labcrew.domain.base import Model
from labcrew.domain.evolution import CodeFile

FOLDER = Path(__file__).parent
CASES = FOLDER / "cases.jsonl"
PARTS = ("random_start", "radii_of_their_own")

Method = Literal["slsqp", "linear_programs"]
"""What improves a start: the name of a component."""


class Start(Model):
    """One random start after a method has improved it."""

    by: Method = "slsqp"
    seed: int
    score: float
    seconds: float


def seconds_of_a_run() -> float:
    """The processor time of one gate run."""
    cases = (json.loads(line) for line in CASES.read_text("utf-8").splitlines())
    return float(next(case["input"]["seconds"] for case in cases if case["split"] == "gate"))


def program(by: Method = "slsqp") -> str:
    """The program that makes one random start and improves it."""
    text = (FOLDER / "program" / "pack.py").read_text("utf-8")
    for part in (*PARTS, by):
        path = FOLDER / "components" / f"{part}.py"
        component = read_component(CodeFile(path=path.name, text=path.read_text("utf-8")))
        changed = applied(component, text) if component is not None else None
        if changed is None:
            raise RuntimeError(f"{part} has no place in the program")
        text = changed
    return text.replace("STEPS = 60 ", "STEPS = 200 ")


def start(
    pack: ModuleType,
    scorer: ModuleType,
    separate: ModuleType,
    seed: int,
    by: Method = "slsqp",
) -> Start:
    """One start: its exact score, 0 where the method left no packing, and its processor time."""
    import numpy as np

    began = time.process_time()
    centres, radii = separate.separate(*pack.attempt(np.random.default_rng(seed)))
    circles = [[*map(float, c), float(r)] for c, r in zip(centres, radii, strict=True)]
    took = time.process_time() - began
    try:
        reached = float(scorer.total(_exact(circles), 1))
    except ValueError:
        reached = 0.0
    return Start(by=by, seed=seed, score=reached, seconds=round(took, 4))


class Best(NamedTuple):
    """The median of the best score within an amount of processor time.

    Args:
        least: the time allows so many starts that the median lies beyond all that were made:
            this is the best of them, and the true one no lower.
    """

    score: float
    least: bool

    def __str__(self) -> str:
        return f"{'at least ' * self.least}{self.score:.4f}"


def best_of(starts: Sequence[Start], seconds: float, quantile: float = 0.5) -> Best:
    """A quantile of the best score within an amount of processor time.

    The best of k draws lies below x with the chance F(x)^k: its quantile q is that of a single
    start at q^(1/k).
    """
    from fractions import Fraction

    mean = sum(one.seconds for one in starts) / len(starts)
    count = max(1, int(seconds / mean))
    ordered = sorted(one.score for one in starts)
    place = math.ceil(Fraction(quantile ** (1 / count)) * len(ordered)) - 1
    place = min(max(place, 0), len(ordered) - 1)
    return Best(ordered[place], place == len(ordered) - 1)


def _exact(circles: list[list[float]]) -> list[tuple[object, ...]]:
    from fractions import Fraction

    return [tuple(Fraction(number) for number in circle) for circle in circles]


def _module(name: str, path: Path, text: str | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if text is None:
        spec.loader.exec_module(module)
    else:
        exec(compile(text, str(path), "exec"), module.__dict__)
    return module


def modules(by: Method = "slsqp") -> tuple[ModuleType, ModuleType, ModuleType]:
    """The program, the scorer, and what closes a packing."""
    pack = _module("pack", FOLDER / "program" / "pack.py", program(by))
    scorer = _module("packing_score", FOLDER / "scorer" / "score.py")
    return pack, scorer, _module("packing_main", FOLDER / "program" / "main.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; goes on where it was cut off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=400)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--by", choices=get_args(Method), default="slsqp")
    given = parser.parse_args(arguments)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    made = modules(given.by)
    known = {one.seed for one in read(given.file, Start) if one.by == given.by}
    given.file.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(given.starts):
        if seed not in known:
            append(given.file, start(*made, seed, given.by))
    found = [one for one in read(given.file, Start) if one.by == given.by]
    print(f"{len(found)} starts, {sum(s.seconds for s in found) / len(found):.3f} s each")
    for seconds in (10, 100, 1000):
        print(f"median of the best within {seconds} s: {best_of(found, seconds)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
