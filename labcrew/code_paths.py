"""Which paths of a repository may be read, and which edited, by who writes code for a ticket."""

import shlex
from pathlib import PurePosixPath

from labcrew.domain.repository_path import relative
from labcrew.domain.ticket import Ticket
from labcrew.git_names import folded, is_gits
from labcrew.patterns import hidden, matches
from labcrew.plain_text import is_plain

_JUDGES = frozenset(
    {
        "conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini", ".pytest.ini",
        "tox.ini", "setup.cfg", "pyproject.toml", "pytest.toml",
    }
)  # fmt: skip
"""Names that steer how tests are run and judged."""
_SHADOWS = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "exceptiongroup", "xdist"})


def reading_trouble(ticket: Ticket, path: str) -> str | None:
    """Why a path may not be read for a ticket; None where it may."""
    try:
        plain = relative(path) == path and is_plain(path)
    except ValueError as error:
        return str(error)
    if not plain:
        return f"{path!r} is not written plainly, as src/train.py"
    if any(folded(part) == ".git" for part in path.split("/")):
        return f"{path} belongs to git"
    if matches(path, hidden(ticket)):
        return f"{path} is private to the evaluator"
    return None


def editing_trouble(ticket: Ticket, path: str) -> str | None:
    """Why a path may not be edited for a ticket; None where it may."""
    trouble = reading_trouble(ticket, path)
    if trouble is not None:
        return trouble
    if any(map(is_gits, path.split("/"))):
        return f"{path} means something to git"
    named = path in ticket.editable
    tests = ticket.tests
    if tests is not None:
        if path in tests.files:
            return f"{path} is a test that the ticket brings"
        judging = {name.split("::")[0] for name in (*tests.fail_to_pass, *tests.pass_to_pass)}
        if path in judging and not named:
            return f"{path} is a test that judges the change"
    if not named and path in _evaluating(ticket):
        return f"{path} makes the score; the ticket must name it in editable one by one"
    if not matches(path, ticket.editable):
        return f"{path} is not among the editable paths ({', '.join(ticket.editable) or 'none'})"
    pure = PurePosixPath(path)
    steers = any(part in _JUDGES or part.endswith(".pth") for part in pure.parts)
    if not named and (steers or PurePosixPath(pure.parts[0]).stem in _SHADOWS):
        return f"{path} steers how tests are run; the ticket must name it in editable one by one"
    return None


def _evaluating(ticket: Ticket) -> set[str]:
    """The files that the evaluator's command names, and those that the ticket brings for it."""
    evaluator = ticket.evaluator
    if evaluator is None:
        return set()
    try:
        words = shlex.split(evaluator.command)
    except ValueError:
        words = evaluator.command.split()
    return {PurePosixPath(word).as_posix() for word in words} | set(evaluator.files)


def is_test(path: str) -> bool:
    """Whether pytest takes a file for tests by its name."""
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
