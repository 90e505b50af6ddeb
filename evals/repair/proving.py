"""Proves tasks: their tests run on the files with the bug and on the repaired ones.

It runs our own code on this host: one process imports pytest and numpy and forks for each run.
What a model wrote never runs here; that needs a sandbox.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import pytest

from evals.repair.catalogue import Task
from labcrew.domain.base import Model
from labcrew.domain.testing import TestOutcome, TestReport


class Proof(Model):
    """What a task's tests gave before and after the right repair."""

    task: str
    before: TestReport
    after: TestReport

    def troubles(self, task: Task) -> list[str]:
        """What is not as the task says, a sentence each; empty where it is proven."""
        found = [
            f"{name} passes before the repair"
            for name in task.fail_to_pass
            if self.before.passed(name)
        ]
        found += [
            f"{name} doesn't pass before the repair"
            for name in task.pass_to_pass
            if not self.before.passed(name)
        ]
        found += [
            f"{name} doesn't pass after the repair"
            for name in (*task.fail_to_pass, *task.pass_to_pass)
            if not self.after.passed(name)
        ]
        return found


class _Outcomes:
    def __init__(self) -> None:
        self.outcomes: dict[str, TestOutcome] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcome: TestOutcome = report.outcome
            self.outcomes[report.nodeid] = outcome if report.when == "call" else "error"


def _late(_signal: int, _frame: object) -> None:
    raise TimeoutError("the tests took too long")


def run_tests(files: Mapping[str, str], limit_s: float = 30) -> TestReport:
    """Runs all tests of a repository in this process, which is changed by it: give it its own.

    Args:
        files: path → text of the repository with its tests.
        limit_s: seconds; a test that runs then fails, and again after as many.
    """
    signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, limit_s, limit_s)
    sys.dont_write_bytecode = True
    seen, output = _Outcomes(), io.StringIO()
    with tempfile.TemporaryDirectory() as place:
        for path, text in files.items():
            where = Path(place, path)
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_text(text, encoding="utf-8")
        sys.path.insert(0, place)
        options = [
            "-q",
            "--tb=line",
            "-c",
            os.devnull,
            "--rootdir",
            place,
            "-p",
            "no:cacheprovider",
        ]
        with contextlib.chdir(place), contextlib.redirect_stdout(output):
            code = pytest.main([*options, "tests"], plugins=[seen])
    return TestReport(outcomes=seen.outcomes, exit_code=int(code), tail=output.getvalue()[-2000:])


def prove(tasks: Iterable[Task], workers: int = 2, limit_s: float = 30) -> dict[str, Proof]:
    """Runs every task's tests before and after its repair.

    Args:
        tasks: of our own making.
        workers: processes at once, at least 1.
        limit_s: seconds for one run.

    Raises:
        subprocess.CalledProcessError: the process that runs them ended wrongly.
    """
    chosen = tuple(tasks)
    runs = [{**files, **t.tests} for t in chosen for files in (t.files, t.solved_files)]
    done = subprocess.run(
        [sys.executable, "-m", "evals.repair.proving", str(workers), str(limit_s)],
        input=json.dumps(runs),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        # the plugins of this environment take most of a run's time; one thread forks safely
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    reports = [TestReport.model_validate(report) for report in json.loads(done.stdout)]
    return {
        task.name: Proof(task=task.name, before=before, after=after)
        for task, before, after in zip(chosen, reports[::2], reports[1::2], strict=True)
    }


def main() -> None:
    """Reads repositories as JSON, forks a process for each, and writes the reports as JSON."""
    runs = json.load(sys.stdin)
    context = multiprocessing.get_context("fork")
    gc.freeze()  # pytest collects garbage twice a run: what was imported needn't be looked at
    with context.Pool(int(sys.argv[1]), maxtasksperchild=1) as pool:
        reports = pool.map(partial(run_tests, limit_s=float(sys.argv[2])), runs, chunksize=1)
    print(json.dumps([report.model_dump(mode="json") for report in reports]))


if __name__ == "__main__":
    import numpy  # noqa: F401  # imported before the forks, for those that need it

    main()
