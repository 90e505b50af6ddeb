"""The tests of a patch run anew, on the commit that is proposed and on the base commit."""

import asyncio

from graphs.work import Work
from labcrew.domain.programming import Patch
from labcrew.domain.review import MergeRequest, SmokeTest
from labcrew.domain.testing import TestReport, Tests
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError, ToolError
from tools.programming.testing import run_afresh

_SHOWN = 5


async def smoke(work: Work, assigned: AssignedTicket, request: MergeRequest) -> SmokeTest:
    """Runs the patch's tests on the merge request's own commit, in a fresh sandbox.

    Raises LabcrewError: there is no patch. ToolError: the environment has no pytest.
    """
    patch = _patch(work, assigned)
    report = await _report(work, assigned, patch, request.commit)
    wanted = (*patch.fail_to_pass, *patch.pass_to_pass)
    failing = [name for name in wanted if not report.passed(name)]
    detail = (
        f"{len(wanted)} tests pass."
        if not failing
        else f"{len(failing)} of {len(wanted)} tests do not pass: {', '.join(failing[:_SHOWN])}"
    )
    return SmokeTest(
        command=(assigned.ticket.tests or Tests()).command,
        exit_code=report.exit_code if report.exit_code is not None else -1,
        passed=not failing,
        detail=detail,
        duration_s=report.duration_s,
    )


async def beside(
    work: Work, assigned: AssignedTicket, request: MergeRequest, program: SmokeTest
) -> SmokeTest:
    """The smoke test of a program, and of the patch's tests where code was written: both must pass.

    Args:
        program: how the program's own run went.
    """
    if work.patch(assigned) is None:
        return program
    try:
        tests = await smoke(work, assigned, request)
    except ToolError as error:
        said = f"the tests could not be run: {error.message}"
        return program.model_copy(update={"passed": False, "detail": _both(said, program.detail)})
    return program.model_copy(
        update={
            "passed": program.passed and tests.passed,
            "exit_code": program.exit_code or (0 if tests.passed else tests.exit_code),
            "detail": _both(tests.detail, program.detail),
            "duration_s": program.duration_s + tests.duration_s,
        }
    )


def _both(tests: str, program: str) -> str:
    # The tests first: what a program prints at its end may be long.
    return f"Tests: {tests.rstrip('.')}. Program: {program}"


async def problems(work: Work, assigned: AssignedTicket, request: MergeRequest) -> list[str]:
    """What the tests say against a patch now: of the commit, and of what it claims of the base."""
    patch = _patch(work, assigned)
    after = await _report(work, assigned, patch, request.commit)
    before = await _report(work, assigned, patch, None)
    wanted = (*patch.fail_to_pass, *patch.pass_to_pass)
    found = [
        f"{name} does not pass on {request.commit[:12]}"
        for name in wanted
        if not after.passed(name)
    ]
    found += [
        f"{name} passes on the base commit already"
        for name in patch.fail_to_pass
        if before.passed(name)
    ]
    if not patch.fail_to_pass:
        found.append("no test failed before the patch")
    return found


def count(work: Work, assigned: AssignedTicket) -> int:
    """How many tests speak for a patch; zero where there is none."""
    patch = work.patch(assigned)
    return 0 if patch is None else len({*patch.fail_to_pass, *patch.pass_to_pass})


def _patch(work: Work, assigned: AssignedTicket) -> Patch:
    patch = work.patch(assigned)
    if patch is None:
        raise LabcrewError(f"{assigned.id} has no patch whose tests could be run.")
    return patch


async def _report(
    work: Work, assigned: AssignedTicket, patch: Patch, commit: str | None
) -> TestReport:
    """The patch's tests on a commit; None: on the base commit, with the patch's test files."""
    names = (*patch.fail_to_pass, *patch.pass_to_pass)
    asked = {name.partition("::")[0] for name in names}
    files = (
        {file.path: file.content.decode() for file in patch.files if file.path in asked}
        if commit is None
        else {}
    )
    return await asyncio.to_thread(run_afresh, work.bench, assigned, files, names, commit)
