"""Whether what a fix must mend worked once, and which commit broke it, as its tests tell."""

from pydantic import ValidationError

from agents.programming.failures import failing
from graphs.programming.session import Session
from labcrew.domain.testing import TestReport
from labcrew.errors import EngineUnavailable, LabcrewError, LedgerError
from tools.programming.bisecting import BisectCommits
from tools.programming.testing import as_words

_SLOWEST_S = 20.0
"""Tests that take longer are not run on some thirty commits without being asked to."""
_COMMIT_S, _WITHIN_S = 60.0, 300.0
"""For one older commit, and for all. No measured time is in the call: a step that is taken again
after a kill makes the same one.
"""
_JUNIT = "/tmp/bisected.xml"  # noqa: S108 (in the sandbox)
_PYTEST_RAN = 1
"""Pytest's highest exit code of a run in which the tests ran: they passed (0) or did not."""


async def broken_by(session: Session, before: TestReport) -> tuple[str, str]:
    """What bisection tells of the commit that broke the tests, and else why it told nothing.

    It can tell nothing where no older commit passes them, where they are slow, or where they can't
    be run there: pytest must have run them to say that a commit is bad, and passed each to say that
    it is good. It is looked for once a ticket.

    Args:
        session: of a ticket that names tests which fail.
        before: how they stand on the ticket's commit.
    """
    ticket = session.assigned.ticket
    tests = ticket.tests
    if ticket.kind != "fix" or tests is None or "bisect_commits" not in session.hands.calls:
        return "", ""
    wanted = failing(before, tests.fail_to_pass)
    if not wanted or before.timed_out or before.duration_s > _SLOWEST_S:
        return "", ""
    first = session.ledger.effect(f"{session.assigned.id}/r0.0/{session.phase}/baseline")
    if first is not None and first.result and "untold" in first.result:
        return str(first.result["regression"]), str(first.result["untold"])
    paths = dict.fromkeys(name.partition("::")[0] for name in wanted)
    try:
        call = BisectCommits(
            command=_command(tests.command, wanted),
            files=tuple(path for path in paths if path not in tests.files),
            timeout_s=min(tests.timeout_s, _COMMIT_S),
            within_s=_WITHIN_S,
        )
    except ValidationError:
        return "", f"too many tests to bisect by: {len(wanted)} in {len(paths)} files"
    try:
        told = await session.hands.use(session.key("regression"), "bisect_commits", call)
    except (EngineUnavailable, LedgerError):
        raise
    except LabcrewError as error:
        # A history of one commit, say; and what lies in an old commit must end no ticket.
        return "", error.message
    return told.text, ""


def _command(command: str, wanted: tuple[str, ...]) -> str:
    """Exit code 0: each of the tests passed; 1: one did not; 125: that can't be told."""
    return (
        f"rm -f {_JUNIT}; ({command} {as_words(wanted)} --junitxml={_JUNIT}); code=$?;"
        f" test $code -le {_PYTEST_RAN} && test -s {_JUNIT} || exit 125;"
        f" test $code -eq 0 && grep -q '<skipped' {_JUNIT} && exit 125; exit $code"
    )
