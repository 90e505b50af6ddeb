"""The tests that a change is judged by, and how they stand on the base commit."""

from typing import Any

from agents.programming.failures import failing
from graphs.programming.session import GaveUp, Session
from labcrew.domain.base import Model
from labcrew.domain.testing import TestReport, Tests
from labcrew.errors import ToolError


class Measure(Model):
    """Which tests must come to pass, and which must go on passing.

    Args:
        before: the run on the base commit.
        fail_to_pass: empty: a test is yet to be written.
        whole: whether every test of the repository is run, none being named.
    """

    before: TestReport
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    whole: bool

    @property
    def names(self) -> tuple[str, ...]:
        """What all judge by."""
        return tuple(dict.fromkeys((*self.fail_to_pass, *self.pass_to_pass)))

    def with_test(self, report: TestReport, names: tuple[str, ...]) -> "Measure":
        """The same with tests that the change brings, and how they stand without it."""
        outcomes = {**self.before.outcomes, **report.outcomes}
        before = report.model_copy(update={"outcomes": outcomes})
        return self.model_copy(update={"before": before, "fail_to_pass": names})


async def measure(session: Session) -> Measure:
    """Runs the tests on the base commit, once.

    Raises:
        GaveUp: tests that must fail pass already, or no test could be run.
    """
    known = session.memo.get("measure")
    if isinstance(known, Measure):
        return known
    wanted = session.assigned.ticket.tests or Tests()
    whole = not wanted.pass_to_pass
    names = () if whole else (*wanted.fail_to_pass, *wanted.pass_to_pass)

    async def perform() -> dict[str, Any]:
        try:
            report = await session.hands.baseline(session.key("baseline"), names)
        except ToolError as error:
            return {"trouble": error.message}
        return report.model_dump(mode="json")

    found = await session.once("baseline", {"tests": list(names)}, perform)
    if "trouble" in found:
        raise GaveUp(f"The tests could not be run on the base commit: {found['trouble']}")
    before = TestReport.model_validate(found)
    passing = [n for n in wanted.fail_to_pass if before.passed(n)]
    if passing:
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
    unknown = [
        name
        for name, came in before.outcomes.items()
        if came == "missing" and (whole or name in wanted.pass_to_pass)
    ]
    if unknown:  # else whatever a change breaks among them would go unseen
        raise GaveUp(
            f"How these tests stand on the base commit can't be told, and they must go on passing:"
            f" {', '.join(unknown[:5])}. The output of"
            f" `{wanted.command}` ends: {before.tail[-600:]}"
        )
    kept = wanted.pass_to_pass or tuple(
        name
        for name, came in before.outcomes.items()
        if came == "passed" and not _named(name, wanted.fail_to_pass)
    )
    broken = set(failing(before, kept))
    session.memo["measure"] = made = Measure(
        before=before,
        fail_to_pass=wanted.fail_to_pass,
        pass_to_pass=tuple(name for name in kept if name not in broken),
        whole=whole,
    )
    return made


def _named(name: str, names: tuple[str, ...]) -> bool:
    return any(name == n or name.startswith((f"{n}::", f"{n}[")) for n in names)
