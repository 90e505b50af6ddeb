"""Proves tasks: their tests run on the files with the bug and on the repaired ones.

It runs our own code on this host, a forked process for each run, so that pytest and numpy are
imported once. What a model wrote never runs here; that needs a sandbox.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
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


def run_tests(files: Mapping[str, str]) -> TestReport:
    """Runs all tests of a repository in this process, which is changed by it: give it its own.

    Args:
        files: path → text of the repository with its tests.
    """
    sys.dont_write_bytecode = True
    seen, output = _Outcomes(), io.StringIO()
    with tempfile.TemporaryDirectory() as place:
        for path, text in files.items():
            where = Path(place, path)
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_text(text, encoding="utf-8")
        sys.path.insert(0, place)
        options = ["-q", "-c", os.devnull, "--rootdir", place, "-p", "no:cacheprovider"]
        with contextlib.chdir(place), contextlib.redirect_stdout(output):
            code = pytest.main([*options, "tests"], plugins=[seen])
    return TestReport(outcomes=seen.outcomes, exit_code=int(code), tail=output.getvalue()[-2000:])


def prove(tasks: Iterable[Task], workers: int = 2) -> dict[str, Proof]:
    """Runs every task's tests before and after its repair.

    Args:
        tasks: of our own making.
        workers: processes at once, at least 1.
    """
    chosen = tuple(tasks)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "numpy", "evals.repair.proving"])
    with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
        runs = {
            (task.name, state): pool.submit(run_tests, {**files, **task.tests})
            for task in chosen
            for state, files in (("before", task.files), ("after", task.solved_files))
        }
        reports = {key: run.result() for key, run in runs.items()}
    return {
        task.name: Proof(
            task=task.name,
            before=reports[task.name, "before"],
            after=reports[task.name, "after"],
        )
        for task in chosen
    }
