"""Whether what a fix must mend worked once, and which commit broke it, as its tests tell."""

from agents.programming.failures import failing
from graphs.programming.session import Session
from labcrew.domain.testing import TestReport
from labcrew.errors import ToolError
from tools.programming.bisecting import BisectCommits
from tools.programming.testing import as_words

_SLOWEST_S = 20.0
"""Tests that take longer are not run on some thirty commits without being asked to."""
_MORE_S = 30.0
"""An older commit may take so much longer than three times the ticket's."""


async def broken_by(session: Session, before: TestReport) -> tuple[str, str]:
    """What bisection tells of the commit that broke the tests, and else why it told nothing.

    It can't where no older commit passes them, where they are slow, or where they can't be run
    there: pytest must have run them to say that a commit is bad.

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
    paths = dict.fromkeys(name.partition("::")[0] for name in wanted)
    call = BisectCommits(
        command=f"{tests.command} {as_words(wanted)}; code=$?; test $code -le 1 || exit 125;"
        " exit $code",
        files=tuple(path for path in paths if path not in tests.files),
        timeout_s=min(tests.timeout_s, 3 * before.duration_s + _MORE_S),
    )
    try:
        told = await session.hands.use(session.key("regression"), "bisect_commits", call)
    except ToolError as error:  # a history of one commit, say, or no commit that was better
        return "", error.message
    return told.text, ""
