"""Tests that judge code: which there are, and what they gave."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.budget import MOST_SECONDS
from labcrew.domain.repository_path import RepositoryPath
from labcrew.varying import steady


class Tests(Model):
    """The tests that judge a ticket of kind implement or fix."""

    command: str = Field(
        default="python -m pytest -q",
        min_length=1,
        description="runs tests with pytest by `sh -c`; test files or ids are put behind it",
    )
    fail_to_pass: tuple[str, ...] = Field(
        default=(),
        max_length=200,
        description="pytest ids, files or folders: what fails of them on the base commit must pass"
        " afterwards, and a skipped test has not passed; none: a test that shows the fault or"
        " feature is written and becomes part of the change",
    )
    pass_to_pass: tuple[str, ...] = Field(
        default=(),
        max_length=2000,
        description="ids, files or folders: what passed of them before must still pass; none: all"
        " that passed",
    )
    files: dict[RepositoryPath, str] = Field(
        default_factory=dict,
        description="path → text of test files that the ticket brings; laid over every run of the"
        " tests, never part of the change",
    )
    timeout_s: float = Field(
        default=600, gt=0, le=MOST_SECONDS, description="seconds for one run of the tests"
    )


TestOutcome = Literal["passed", "failed", "error", "skipped", "missing"]
"""`missing`: the run's report does not speak of it, which is never a pass."""


class TestReport(Model):
    """One run of tests in a fresh sandbox."""

    outcomes: dict[str, TestOutcome] = Field(description="pytest id → outcome")
    exit_code: int | None
    timed_out: bool = False
    tail: str = Field(default="", description="the end of its output: untrusted text")
    duration_s: float = 0.0

    def under(self, name: str) -> dict[str, TestOutcome]:
        """The tests that an id, a class, a file or a folder names, with their outcomes."""
        if "::" in name and name in self.outcomes:  # a test's id, which no other begins with
            return {name: self.outcomes[name]}
        begins = (f"{name}::", f"{name}[", f"{name.rstrip('/')}/")
        return {i: came for i, came in self.outcomes.items() if i == name or i.startswith(begins)}

    def passed(self, name: str) -> bool:
        """Whether all that a name stands for passed, and something was there to pass.

        One that was skipped has not: the code under test can skip itself.
        """
        named = self.under(name).values()
        return bool(named) and all(outcome == "passed" for outcome in named)

    def signature(self, names: Iterable[str]) -> str:
        """The same for two runs in which tests failed alike: which of the named, with which errors.

        What was printed where that says nothing of any test.
        """
        errors = {line.strip() for line in self.tail.splitlines() if line.startswith("E  ")}
        told = [*(name for name in names if not self.passed(name)), *sorted(errors)]
        return steady("\n".join([*(told or [self.tail]), str(self.timed_out)]))
