"""The tests that judge a change: what a ticket names is told test by test, as it stood before."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from graphs.programming.ending import last_look
from graphs.programming.measure import Measure, measure
from graphs.programming.session import GaveUp
from labcrew.domain.testing import TestOutcome as Came
from labcrew.domain.testing import TestReport as Report
from tests.doubles.hands import MemoryHands
from tests.programming.sessions import SPLIT, ledger_at, session_of
from tools.programming.testing import few_enough

A, BUG, OK = "tests/test_a.py", "tests/test_a.py::test_bug", "tests/test_a.py::test_ok"
GPU = "tests/test_a.py::test_gpu"
BEFORE: dict[str, Came] = {BUG: "failed", OK: "passed", GPU: "skipped"}


class Told(MemoryHands):
    """Hands whose tests come out as they are told."""

    def __init__(self, before: dict[str, Came], after: dict[str, Came]) -> None:
        super().__init__({"data.py": SPLIT}, {}, ("data.py",))
        self.before, self.after = before, after

    async def baseline(self, step: str, names: Any) -> Report:
        return Report(outcomes=self.before, exit_code=1)

    async def tests(self, step: str, names: Any) -> Report:
        return Report(outcomes=self.after, exit_code=0)


def measured(folder: Path, before: dict[str, Came], **tests: Any) -> Measure:
    with ledger_at(folder) as ledger:
        session = session_of(ledger, Any, hands=Told(before, {}), tests=tests)  # type: ignore[arg-type]
        return asyncio.run(measure(session))


def looked(folder: Path, after: dict[str, Came], **tests: Any) -> tuple[str, ...]:
    """What the last look says of a change, after which tests came out so."""
    with ledger_at(folder) as ledger:
        hands = Told(BEFORE, after)
        session = session_of(ledger, Any, hands=hands, tests=tests)  # type: ignore[arg-type]

        async def look() -> tuple[str, ...]:
            await session.put("0", {"data.py": SPLIT + "\nMORE = 1\n"})
            return (await last_look(session, await measure(session), "0")).problems

        return asyncio.run(look())


@pytest.mark.parametrize("named", [(A,), ("tests",), ("tests/",), (OK,), ()])
def test_what_passed_of_a_file_or_folder_must_go_on_passing(
    tmp_path: Path, named: tuple[str, ...]
) -> None:
    found = measured(tmp_path, BEFORE, fail_to_pass=[BUG], pass_to_pass=named)
    assert (found.fail_to_pass, found.pass_to_pass) == ((BUG,), (OK,))
    assert found.asked == ((BUG, *named) if named else ())


@pytest.mark.parametrize("named", [A, "tests", BUG])
@pytest.mark.parametrize("kept", [(), (A,)])
def test_of_what_must_come_to_pass_each_test_that_failed_must(
    tmp_path: Path, named: str, kept: tuple[str, ...]
) -> None:
    found = measured(tmp_path, BEFORE, fail_to_pass=[named], pass_to_pass=kept)
    assert (found.fail_to_pass, found.pass_to_pass) == ((BUG,), (OK,))


def test_a_file_that_can_not_be_imported_has_no_tests_yet(tmp_path: Path) -> None:
    found = measured(tmp_path, {A: "error"}, fail_to_pass=[A])
    assert found.fail_to_pass == (A,)


def test_a_skipped_test_may_be_what_must_come_to_pass(tmp_path: Path) -> None:
    found = measured(tmp_path, {OK: "passed", GPU: "skipped"}, fail_to_pass=[A])
    assert found.fail_to_pass == (GPU,)


def test_nothing_to_mend_and_nothing_to_keep_are_told(tmp_path: Path) -> None:
    with pytest.raises(GaveUp, match=r"must fail on the base commit, but pass: tests/test_a\.py"):
        measured(tmp_path / "a", {OK: "passed"}, fail_to_pass=[A])
    with pytest.raises(GaveUp, match=r"no test of them passes.*: tests/test_b.py\. Take them"):
        measured(tmp_path / "b", BEFORE, fail_to_pass=[BUG], pass_to_pass=["tests/test_b.py", A])
    unbelieved: dict[str, Came] = {BUG: "failed", OK: "missing"}
    with pytest.raises(GaveUp, match="can't be told"):
        measured(tmp_path / "c", unbelieved, fail_to_pass=[BUG], pass_to_pass=["tests"])


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ({BUG: "passed", OK: "passed", GPU: "skipped"}, ""),
        ({BUG: "passed", OK: "failed", GPU: "skipped"}, f"{OK} passed before."),
        ({BUG: "passed", GPU: "skipped"}, f"{OK} passed before."),
        ({BUG: "skipped", OK: "passed"}, f"{BUG} was skipped, which is no pass."),
        ({OK: "passed"}, f"{BUG} still fails."),
    ],
)
@pytest.mark.parametrize("named", [{"fail_to_pass": [BUG], "pass_to_pass": [A]},
                                   {"fail_to_pass": [A]}])  # fmt: skip
def test_a_patch_is_judged_test_by_test(
    tmp_path: Path, after: dict[str, Came], problem: str, named: dict[str, Any]
) -> None:
    assert looked(tmp_path, after, **named) == ((problem,) if problem else ())


def test_a_test_that_the_change_brings_is_asked_for_beside_the_named_ones() -> None:
    before = Report(outcomes=BEFORE, exit_code=1)
    found = Measure(before=before, fail_to_pass=(), pass_to_pass=(OK,), asked=(OK,))
    new = "tests/test_new.py::test_it"
    brought = Report(outcomes={new: "failed"}, exit_code=1)
    assert found.with_test(brought, (new,)).asked == (OK, new)
    whole = found.model_copy(update={"asked": ()})
    assert whole.with_test(brought, (new,)).asked == ()


def test_of_too_many_names_the_files_are_asked_for() -> None:
    many = [f"tests/test_{n % 3}.py::test_it[{n}]" for n in range(2001)]
    assert few_enough(many[:2000]) == tuple(many[:2000])
    assert few_enough(many) == ("tests/test_0.py", "tests/test_1.py", "tests/test_2.py")
    assert few_enough([f"test_{n}.py::test" for n in range(2001)]) == ()
