"""Tools that run the ticket's tests, each run in a fresh container.

The commit, the change and the tests that the ticket brings are laid into it, the latter last. What
is believed is pytest's own report; a test that it does not speak of has not passed, and a report
without the test that must fail (see pytest_plugin.py) proves nothing.
"""

import re
import shlex
from collections.abc import Sequence

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.sandbox import SandboxSpec, SandboxStatus
from labcrew.domain.testing import TestOutcome, TestReport, Tests
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, NotFound, ToolError
from tools.facts import prepared_image
from tools.programming.changes import changed_files, overlay
from tools.programming.container import (
    code_image,
    code_limits,
    code_variables,
    code_workspace,
)
from tools.programming.junit import Outcomes, read_report
from tools.programming.pytest_plugin import REPORT, plugin, shell_line, without_canary
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench
from tools.trial_spec import WORKSPACE, data_inputs

_TAIL, _TROUBLE = 8000, 4000
_SHOWN_NAMES = 40
_NO_PYTEST = re.compile(r"No module named '?pytest'?|pytest: (?:command )?not found")
_KILLED = (137, 143)
_NO_SUCH_TEST = 4
"""Pytest's exit code where an argument names no test: then it runs none of the others either."""
_LINE_CHARACTERS = 100_000
"""Most of a command's names: Linux takes no argument of 128 KiB."""


_MOST_NAMES = 2000


class RunTests(Model):
    """Runs tests on the change as it stands."""

    names: tuple[str, ...] = Field(
        default=(), max_length=_MOST_NAMES, description="pytest ids or files; none: all tests"
    )


def few_enough(names: Sequence[str]) -> tuple[str, ...]:
    """Names that one call may have: of too many their files, of too many files none, that is all.

    Whoever asked looks up what they asked for in the report.
    """
    for chosen in (tuple(names), _files_of(names)):
        if len(chosen) <= _MOST_NAMES:
            return chosen
    return ()


class TestRun(Told):
    """A run of tests, and how it reads."""

    __test__ = False  # no test class itself

    report: TestReport


def _run(call: RunTests, assigned: AssignedTicket, bench: Workbench) -> TestRun:
    return judged(run_afresh(bench, assigned, changed_files(bench.ledger, assigned), call.names))


def _baseline(call: RunTests, assigned: AssignedTicket, bench: Workbench) -> TestRun:
    """On the base commit; test files of the change that are named are laid over it, so that a test
    that was written for a fault is seen to fail without its mending.
    """
    named = {name.split("::")[0] for name in call.names}
    changed = changed_files(bench.ledger, assigned)
    files = {path: text for path, text in changed.items() if path in named}
    return told(run_afresh(bench, assigned, files, call.names))


def run_afresh(
    bench: Workbench,
    assigned: AssignedTicket,
    files: dict[str, str],
    names: tuple[str, ...],
    commit: str | None = None,
) -> TestReport:
    """Runs tests in a fresh container.

    A file that can't be imported has no ids, and pytest runs nothing where it is asked for one:
    then the whole files are run.

    Args:
        files: path → text, laid over the commit.
        names: pytest ids or files; none: all that pytest finds.
        commit: default: the base commit.

    Raises ToolError where the environment has no pytest, EngineError.
    """
    report = _run_once(bench, assigned, files, names, names, commit)
    whole = _files_of(names)
    if report.exit_code == _NO_SUCH_TEST and whole != names:
        return _run_once(bench, assigned, files, names, whole, commit)
    return report


def _run_once(
    bench: Workbench,
    assigned: AssignedTicket,
    files: dict[str, str],
    names: tuple[str, ...],
    asked: tuple[str, ...],
    commit: str | None,
) -> TestReport:
    """One run.

    Args:
        names: what the report must speak of.
        asked: what pytest is asked for.
    """
    tests = assigned.ticket.tests or Tests()
    subject = content_hash({"files": files, "names": list(asked), "commit": commit or ""})[:24]
    name = f"{assigned.id}-tests-{subject[:12]}".lower()
    spec = _spec(bench, assigned, tests, files, asked, commit, name, nonce=f"canary{subject}")
    box = bench.sandboxes
    box.remove(name)  # left by a run that was killed: what it did is not known
    box.start(spec)
    try:
        tail = ""
        for chunk in box.follow(name):
            tail = (tail + chunk)[-_TAIL:]
        status = box.status(name)
        known = {*bench.repositories.files(assigned.id, commit or assigned.base_commit), *files}
        outcomes = _outcomes(bench, name, {*known, *tests.files}, f"canary{subject}")
    finally:
        box.remove(name)
    if outcomes.broken and _NO_PYTEST.search(tail):
        raise _without_pytest(bench, assigned)
    return _report(outcomes, names, status, tests.timeout_s, shown(without_canary(tail), _TAIL))


def _spec(
    bench: Workbench,
    assigned: AssignedTicket,
    tests: Tests,
    files: dict[str, str],
    names: tuple[str, ...],
    commit: str | None,
    name: str,
    nonce: str,
) -> SandboxSpec:
    workspace = code_workspace(assigned, files, commit)
    laid = (*workspace.overlay, *overlay(plugin(nonce)))
    asked = as_words(names)
    return SandboxSpec(
        name=name,
        purpose="tools",
        ticket=assigned.id,
        image=code_image(bench, assigned),
        command=("/bin/sh", "-c", shell_line(f"{tests.command} {asked}".strip())),
        environment=code_variables(assigned),
        workspace=workspace.model_copy(update={"overlay": laid}),
        inputs=data_inputs(assigned, {})[0],
        limits=code_limits(assigned, tests.timeout_s),
    )


def as_words(names: tuple[str, ...]) -> str:
    """Names as a shell's words; of too many their files, and of too many files all tests there are:
    whoever asked looks up the names in the report.
    """
    for chosen in (names, _files_of(names)):
        # By their absolute paths: the command may go to another folder first.
        line = " ".join(shlex.quote(f"{WORKSPACE}/{name}") for name in chosen)
        if len(line.encode()) <= _LINE_CHARACTERS:
            return line
    return ""


def _files_of(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.partition("::")[0] for name in names))


def _outcomes(bench: Workbench, name: str, files: set[str], nonce: str) -> Outcomes:
    try:
        xml = bench.sandboxes.read_file(name, REPORT, cap_mb=16)
    except (NotFound, BoundaryError, ToolError):
        return Outcomes(broken="pytest wrote no report")
    return read_report(xml, files, nonce)


def _report(
    outcomes: Outcomes,
    names: tuple[str, ...],
    status: SandboxStatus,
    timeout_s: float,
    tail: str,
) -> TestReport:
    found: dict[str, TestOutcome] = dict(outcomes.tests)
    if not outcomes.believable:  # failures count, passes don't
        found = {i: "missing" if o in ("passed", "skipped") else o for i, o in found.items()}
    for name in names:
        if not any(i == name or i.startswith((f"{name}::", f"{name}[", f"{name}/")) for i in found):
            found[name] = "missing"
    took = (
        (status.finished_at - status.started_at).total_seconds()
        if status.finished_at and status.started_at
        else 0.0
    )
    bad = any(outcome in ("failed", "error") for outcome in found.values())
    code = status.exit_code
    if code == 1 and outcomes.believable and not bad:
        code = 0 if outcomes.tests else 5  # but for the one that must, none failed; none ran
    timed_out = code in _KILLED and took >= timeout_s - 1
    why = [outcomes.broken] if outcomes.broken else []
    if not outcomes.broken and not outcomes.believable:
        why.append("the report lacks the test that must fail: no pass in it is believed")
    if timed_out:
        why.append(f"the run was ended after {timeout_s:g} s")
    if status.out_of_memory:
        why.append("it ran out of memory")
    ending = "".join(f"\nlabcrew: {reason}" for reason in why)
    return TestReport(
        outcomes=found,
        exit_code=code,
        timed_out=timed_out,
        tail=tail + ending,
        duration_s=round(took, 3),
    )


def _without_pytest(bench: Workbench, assigned: AssignedTicket) -> ToolError:
    if prepared_image(bench.ledger, assigned.id) is None:
        return ToolError(
            "The tests can't run yet: the ticket's environment is prepared after the plan gate.",
            "Read and search until then.",
        )
    return ToolError(
        "The tests can't run: the ticket's environment has no pytest.",
        "Add it to the ticket, as `environment: {packages: [pytest]}`, or to the repository's"
        " requirements, and assign it again.",
    )


def told(report: TestReport) -> TestRun:
    """How a run reads."""
    by_outcome: dict[str, list[str]] = {}
    for id, outcome in sorted(report.outcomes.items()):
        by_outcome.setdefault(outcome, []).append(id)
    counts = ", ".join(f"{len(ids)} {outcome}" for outcome, ids in sorted(by_outcome.items()))
    parts = [f"{counts or 'No test was reported'} in {report.duration_s:.1f} s."]
    for outcome in ("failed", "error", "missing"):
        if ids := by_outcome.get(outcome):
            more = f"\n  … {len(ids) - _SHOWN_NAMES} more" if len(ids) > _SHOWN_NAMES else ""
            parts.append(f"{outcome}:\n  " + "\n  ".join(ids[:_SHOWN_NAMES]) + more)
    if not _green(report):
        parts.append(f"The end of the output:\n{report.tail}")
    return TestRun(text=shown("\n".join(parts), 14_000), report=report)


def judged(report: TestReport) -> TestRun:
    """How a run of a change reads, with what failed in it."""
    trouble = "" if _green(report) else report.signature(_not_skipped(report))
    return told(report).model_copy(update={"trouble": shown(trouble, _TROUBLE)})


def _not_skipped(report: TestReport) -> list[str]:
    return sorted(id for id, came in report.outcomes.items() if came != "skipped")


def _green(report: TestReport) -> bool:
    return bool(report.outcomes) and set(report.outcomes.values()) <= {"passed", "skipped"}


run_tests = Tool("run_tests", RunTests, _run)
baseline_tests = Tool("baseline_tests", RunTests, _baseline)
