"""A fix's history is bisected by its tests: once, bounded, and no trouble there ends a ticket."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from graphs.programming.measure import measure
from graphs.programming.regression import _command
from labcrew.domain.testing import TestReport as Report
from labcrew.errors import EngineUnavailable, RepositoryError, StorageFull, ToolError
from sandboxes.git.git_runner import GitFailed
from tests.doubles.hands import MemoryHands
from tests.programming.sessions import SPLIT, ledger_at, session_of
from tools.programming.bisecting import BisectCommits
from tools.programming.telling import Told

BUG = "tests/test_a.py::test_bug"


class Bisecting(MemoryHands):
    """Hands whose bisection answers, or fails, as it is told."""

    def __init__(self, failing: tuple[str, ...] = (BUG,), trouble: Exception | None = None) -> None:
        super().__init__({"data.py": SPLIT}, {}, ("data.py",))
        self.calls = {**self.calls, "bisect_commits": BisectCommits}
        self.failing, self.trouble = failing, trouble
        self.asked: list[BisectCommits] = []

    async def baseline(self, step: str, names: Any) -> Report:
        return Report(outcomes=dict.fromkeys(self.failing, "failed"), exit_code=1, duration_s=2)

    async def use(self, step: str, name: str, call: BaseModel) -> Told:
        if not isinstance(call, BisectCommits):
            return await super().use(step, name, call)
        self.asked.append(call)
        if self.trouble is not None:
            raise self.trouble
        return Told(text="The first bad commit is abc.")


def told(folder: Path, hands: Bisecting, **fields: Any) -> tuple[str, str]:
    """What the writing is told, and why nothing."""
    with ledger_at(folder) as ledger:
        tests = {"fail_to_pass": list(hands.failing)}
        session = session_of(ledger, Any, hands=hands, tests=tests, **fields)  # type: ignore[arg-type]
        found = asyncio.run(measure(session))
        session.round, session.memo = 1, {}
        assert asyncio.run(measure(session)).regression == found.regression
        effect = ledger.effect(f"{session.assigned.id}/r0.0/write_code/baseline")
        assert effect is not None
        assert effect.result is not None
        return found.regression, str(effect.result["untold"])


def test_it_is_looked_for_once_a_ticket(tmp_path: Path) -> None:
    hands = Bisecting()
    assert told(tmp_path, hands) == ("The first bad commit is abc.", "")
    (call,) = hands.asked
    assert call.files == ("tests/test_a.py",)
    assert call.within_s <= 300
    assert call.timeout_s <= 60


def test_a_ticket_that_asks_for_new_code_has_none(tmp_path: Path) -> None:
    hands = Bisecting()
    assert told(tmp_path, hands, kind="implement") == ("", "")
    assert not hands.asked


@pytest.mark.parametrize(
    "trouble",
    [
        ToolError("There is one commit only: nothing to bisect."),
        RepositoryError("The commit holds more than 2 GiB."),
        StorageFull("The workspace is larger than disk_mb."),
        GitFailed("log", 124, "it took more than 120 s"),
    ],
)
def test_what_lies_in_an_old_commit_ends_no_ticket(tmp_path: Path, trouble: Exception) -> None:
    hands = Bisecting(trouble=trouble)
    assert told(tmp_path, hands) == ("", str(getattr(trouble, "message")))  # noqa: B009


def test_an_engine_that_is_gone_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        told(tmp_path, Bisecting(trouble=EngineUnavailable("No engine answers.")))


@pytest.mark.parametrize(
    "failing",
    [
        tuple(f"tests/test_a.py::test_{'long' * 15}_{n}" for n in range(170)),
        tuple(f"tests/test_{n}.py::test_bug" for n in range(21)),
    ],
)
def test_too_many_tests_are_not_bisected_by(tmp_path: Path, failing: tuple[str, ...]) -> None:
    hands = Bisecting(failing)
    found, why = told(tmp_path, hands)
    assert (found, hands.asked) == ("", [])
    assert "too many tests to bisect by" in why


@pytest.mark.parametrize(
    ("code", "report", "verdict"),
    [
        (0, "<testcase/>", 0),
        (1, "<testcase><failure/></testcase>", 1),
        (0, "<testcase><skipped/></testcase>", 125),
        (1, "<testcase><skipped/><failure/></testcase>", 1),
        (0, "", 125),
        (2, "<testcase/>", 125),
        (4, "", 125),
        (127, "", 125),
    ],
)
@pytest.mark.parametrize("begins", ["", "exec ", "set -e; "])
def test_a_commit_is_judged_by_tests_that_ran(
    tmp_path: Path, code: int, report: str, verdict: int, begins: str
) -> None:
    runner = tmp_path / "run.sh"
    runner.write_text(
        f'for last; do :; done; printf "%s" "{report}" > "${{last#--junitxml=}}"; exit {code}\n'
    )
    command = _command(f"{begins}sh {runner}", (BUG,)).replace("/tmp/bisected", f"{tmp_path}/b")
    assert subprocess.run(["sh", "-c", command], check=False).returncode == verdict
