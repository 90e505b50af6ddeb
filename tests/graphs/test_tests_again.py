"""A smoke test of measured code: its program and its tests must both pass."""

from pathlib import Path
from typing import Any

import pytest

from graphs import tests_again
from graphs.crew import Crew
from graphs.work import Work
from labcrew.domain import testing
from labcrew.domain.programming import Patch
from labcrew.domain.review import MergeRequest, SmokeTest
from labcrew.errors import ToolError
from labcrew.judgement import Judge
from tests.doubles.bench import make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder
from tests.doubles.records import with_only

MENDED, KEPT = "test_a.py::test_mended", "test_a.py::test_kept"
PATCH = Patch(
    id="T1-C0", ticket="T1", revision=0, status="ready", summary="", steps=1, by="rule", files=(),
    fail_to_pass=(MENDED,), pass_to_pass=(KEPT,),
)  # fmt: skip
RAN = SmokeTest(command="python train.py", exit_code=0, passed=True, detail="as before.",
                score=0.5, duration_s=2)  # fmt: skip
FAILED = RAN.model_copy(update={"exit_code": 3, "passed": False, "detail": "exit code 3"})
Report = testing.TestReport


async def smoked(
    folder: Path, patch: pytest.MonkeyPatch, found: Any, program: SmokeTest, *, code: bool = True
) -> SmokeTest:
    """The smoke test of a commit whose tests report what is found."""
    asked: list[tuple[str, ...]] = []

    def run(bench: Any, assigned: Any, files: Any, names: tuple[str, ...], commit: str) -> Any:
        asked.append(names)
        assert commit == "c" * 40
        if isinstance(found, Exception):
            raise found
        return found

    patch.setattr(tests_again, "run_afresh", run)
    bench = make_bench(folder)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    work = Work(bench=bench, crew=crew, rules=crew)
    request = with_only(MergeRequest, commit="c" * 40)
    with bench.ledger:
        if code:
            bench.ledger.patches.put(PATCH, actor="merge_request")
        smoke = await tests_again.beside(work, make_assigned(), request, program)
    assert asked == ([(MENDED, KEPT)] if code else [])
    return smoke


@pytest.mark.parametrize("program", [RAN, FAILED])
@pytest.mark.parametrize("came", ["passed", "failed", "missing", "skipped"])
async def test_both_must_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: SmokeTest, came: Any
) -> None:
    bad = int(came == "failed")
    report = Report(outcomes={MENDED: "passed", KEPT: came}, exit_code=bad, duration_s=1)
    smoke = await smoked(tmp_path, monkeypatch, report, program)
    assert smoke.passed == (program.passed and came == "passed")
    assert smoke.exit_code == (program.exit_code or bad)
    assert (smoke.command, smoke.score, smoke.duration_s) == ("python train.py", 0.5, 3)
    told = "2 tests pass" if came == "passed" else f"1 of 2 tests do not pass: {KEPT}"
    assert smoke.detail == f"Tests: {told}. Program: {program.detail}"


async def test_tests_that_can_not_be_run_are_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smoke = await smoked(tmp_path, monkeypatch, ToolError("There is no pytest."), RAN)
    assert not smoke.passed
    assert "the tests could not be run: There is no pytest" in smoke.detail


async def test_a_search_has_no_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await smoked(tmp_path, monkeypatch, None, RAN, code=False) == RAN
