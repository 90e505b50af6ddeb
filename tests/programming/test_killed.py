"""Killed between any two commits, what notes wait in memory lost: nobody is asked twice."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agents.programming.options import LoopOptions
from graphs.programming.looking import take_look
from graphs.programming.session import Session
from graphs.programming.writing import write_all
from labcrew.domain.programming import Investigation
from labcrew.domain.spending import Bounds
from labcrew.ledger import Ledger
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.spending import Account
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import Killed, MemoryHands
from tests.programming.sessions import MENDED, SPLIT, TESTS, WRONG, ledger_at, session_of
from tests.programming.test_calling import FINE, MEND, calls, finish

READ = ("read_file", {"path": "data.py"})
SCRIPTS: dict[str, tuple[Any, ...]] = {
    "mended by edits": (WRONG, "nothing", MENDED),
    "idle by edits": ("nothing",),
    "mended with tools": (calls(READ), calls(MEND), finish(), FINE),
    "stuck with tools": (calls(MEND), calls(READ)),
    "looks with tools": (calls(READ),),
}
_LAST = 5
"""So many of the last commits are tried."""
Result = TypeVar("Result")


class Mortal:
    """A process that ends at one of its commits, before anything of that is on disk.

    Args:
        at: which commit; 0: it lives.
    """

    def __init__(self, ledger: Ledger, at: int) -> None:
        self.commits, self.at = 0, at
        self._store: Any = ledger._store
        self._begin = self._store._outermost
        self._store._outermost = self._commit  # type: ignore[method-assign]

    @contextmanager
    def _commit(self) -> Iterator[Any]:
        self.commits += 1
        if self.commits == self.at:
            self._store.notes.clear()
            raise Killed
        with self._begin() as transaction:
            yield transaction


class Case:
    """A ticket with its files and its model, which outlive the processes that work on it."""

    def __init__(self, folder: Path, script: str) -> None:
        self.folder, self.model = folder, ScriptedChat(*SCRIPTS[script])
        self.hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS})
        self.options = LoopOptions(style="tools" if "tools" in script else "direct")
        self.commits = 0

    async def lived(
        self, work: Callable[[Session], Awaitable[Result]], at: int = 0
    ) -> Result | None:
        """Works in a new process until that is killed, or to the end."""
        with ledger_at(self.folder) as ledger, suppress(Killed):
            mortal = Mortal(ledger, at)
            account = Account(
                ledger, "T-0001", self.folder / "held", lambda: Bounds(tokens=10**7), {}
            )
            desk = Desk(account, Recordings(self.folder / "kept", Redaction()), SystemClock())
            session = session_of(
                ledger, MeteredChat(self.model, desk), hands=self.hands, options=self.options
            )
            result = await work(session)
            self.commits = mortal.commits
            return result
        return None


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name != "looks with tools"])
async def test_nobody_is_asked_twice(tmp_path: Path, script: str) -> None:
    undisturbed = Case(tmp_path / "undisturbed", script)
    whole = await undisturbed.lived(write_all)
    assert whole is not None
    for at in range(max(1, undisturbed.commits - _LAST), undisturbed.commits + 1):
        case = Case(tmp_path / str(at), script)
        assert await case.lived(write_all, at) is None
        again = await case.lived(write_all)
        assert again == whole
        assert len(case.model.asked) == len(undisturbed.model.asked)


async def test_a_patch_that_was_given_up_is_given_up_again(tmp_path: Path) -> None:
    """The patch is on disk; that the machine took the step is not."""
    case = Case(tmp_path, "stuck with tools")
    first = await case.lived(write_all)
    asked = len(case.model.asked)
    assert await case.lived(write_all) == first
    assert len(case.model.asked) == asked


async def test_a_look_that_was_stuck_ends_unasked(tmp_path: Path) -> None:
    case = Case(tmp_path, "looks with tools")

    async def look(session: Session) -> Investigation:
        session.phase = "investigate"
        session.recall()
        while (found := await take_look(session)) is None:
            pass
        return found

    first = await case.lived(look)
    asked = len(case.model.asked)
    assert await case.lived(look) == first
    assert len(case.model.asked) == asked
