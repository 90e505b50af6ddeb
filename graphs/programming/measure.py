"""The tests that a change is judged by, and how they stand on the base commit."""

from typing import Any

from graphs.programming.regression import broken_by
from graphs.programming.session import GaveUp, Session
from labcrew.domain.base import Model
from labcrew.domain.testing import TestReport, Tests
from labcrew.errors import ToolError


class Measure(Model):
    """Which tests must come to pass, and which must go on passing.

    Args:
        before: the run on the base commit.
        fail_to_pass: ids that did not pass in it; empty: a test is yet to be written.
        pass_to_pass: ids that passed in it.
        asked: what pytest is asked for to see them all; empty: every test of the repository.
        regression: which commit broke what is to be mended, where bisection could tell.
    """

    before: TestReport
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    asked: tuple[str, ...]
    regression: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What all judge by."""
        return tuple(dict.fromkeys((*self.fail_to_pass, *self.pass_to_pass)))

    def with_test(self, report: TestReport, names: tuple[str, ...]) -> "Measure":
        """The same with tests that the change brings, and how they stand without it."""
        outcomes = {**self.before.outcomes, **report.outcomes}
        before = report.model_copy(update={"outcomes": outcomes})
        asked = (*self.asked, *names) if self.asked else ()
        return self.model_copy(update={"before": before, "fail_to_pass": names, "asked": asked})


async def measure(session: Session) -> Measure:
    """Runs the tests on the base commit, once: what files and folders name is told test by test,
    so that each is judged by how it stood before.

    Raises:
        GaveUp: tests that must fail pass already, those that must pass do not, or none could be
            run.
    """
    known = session.memo.get("measure")
    if isinstance(known, Measure):
        return known
    wanted = session.assigned.ticket.tests or Tests()
    names = (*wanted.fail_to_pass, *wanted.pass_to_pass) if wanted.pass_to_pass else ()

    async def perform() -> dict[str, Any]:
        try:
            report = await session.hands.baseline(session.key("baseline"), names)
        except ToolError as error:
            return {"trouble": error.message}
        regression, untold = await broken_by(session, report)
        return {
            "report": report.model_dump(mode="json"),
            "regression": regression,
            "untold": untold,
        }

    found = await session.once("baseline", {"tests": list(names)}, perform)
    if "trouble" in found:
        raise GaveUp(f"The tests could not be run on the base commit: {found['trouble']}")
    # An older labcrew kept the report alone.
    before = TestReport.model_validate(found.get("report", found))
    to_pass = {name: _not_passed(before, name) for name in wanted.fail_to_pass}
    if passing := [name for name, ids in to_pass.items() if not ids]:
        raise GaveUp(
            f"These tests must fail on the base commit, but pass: {', '.join(passing[:5])}."
        )
    if not before.outcomes and before.exit_code not in (0, 1, 5):
        raise GaveUp(
            "No test could be run on the base commit; the output of"
            f" `{wanted.command}` ends: {before.tail[-600:]}"
        )
    if before.timed_out:
        raise GaveUp(
            f"The tests did not end within {wanted.timeout_s:g} s on the base commit;"
            " raise tests.timeout_s, or name fewer tests."
        )
    kept = _passed(before, names)
    unknown = [
        id
        for name in wanted.pass_to_pass or ("",)
        for id, came in (before.under(name) if name else before.outcomes).items()
        if came == "missing"
    ]
    if unknown:  # else whatever a change breaks among them would go unseen
        raise GaveUp(
            f"How these tests stand on the base commit can't be told, and they must go on passing:"
            f" {', '.join(unknown[:5])}. The output of"
            f" `{wanted.command}` ends: {before.tail[-600:]}"
        )
    if failed := [name for name in wanted.pass_to_pass if not _passed(before, (name,))]:
        raise GaveUp(
            f"These must go on passing, but no test of them passes on the base commit:"
            f" {', '.join(failed[:5])}. Take them out of tests.pass_to_pass, or move them to"
            " tests.fail_to_pass."
        )
    must = tuple(dict.fromkeys(id for ids in to_pass.values() for id in ids))
    session.memo["measure"] = made = Measure(
        before=before,
        fail_to_pass=must,
        pass_to_pass=tuple(id for id in kept if id not in must),
        asked=names,
        regression=str(found.get("regression", "")),
    )
    return made


def _not_passed(before: TestReport, name: str) -> tuple[str, ...]:
    """What must come to pass of what a name stands for: what failed, or else what was skipped.

    The name itself where the report knows none of its tests, as of a file that can't be imported.
    """
    under = before.under(name)
    failed = tuple(id for id, came in under.items() if came not in ("passed", "skipped"))
    skipped = tuple(id for id, came in under.items() if came == "skipped")
    return (failed or skipped) if under else (name,)


def _passed(before: TestReport, names: tuple[str, ...]) -> tuple[str, ...]:
    """The ids under some names that passed; without names all."""
    under = {id for name in names for id in before.under(name)} if names else before.outcomes
    return tuple(id for id, came in before.outcomes.items() if came == "passed" and id in under)
