"""What a mended fault can do without is taken out: one try a step, each on tests in a sandbox."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from agents.programming.critique import is_test
from agents.programming.failures import failing
from agents.programming.pieces import Piece, account, minimal, pieces, stands, together
from agents.programming.turns import Turn
from graphs.programming.ending import Look, last_look
from graphs.programming.measure import Measure
from graphs.programming.session import GaveUp, Session
from labcrew.domain.base import content_hash
from labcrew.errors import ToolError

_TRIES, _SECONDS = 40, 1800
"""Most tries, each one or two runs of the tests, and most seconds that tests run in them."""
_CANDIDATES = 400
"""Most that are looked at, those that are not worth a run among them."""
_SHOWN = 120


@dataclass
class _Search:
    """How far the search is; read back from the tries in the ledger.

    Args:
        before: path → text on the base commit of the files that the change touches.
        fixed: pieces that are never taken out: tests.
        loose: the others.
        steps: yields what to try.
        trying: numbers of the loose pieces in the next try; None: there is none.
        kept: those of the smallest change that is known to do.
    """

    before: dict[str, str]
    fixed: tuple[Piece, ...]
    loose: tuple[Piece, ...]
    steps: Generator[frozenset[int], bool, None]
    trying: frozenset[int] | None
    kept: frozenset[int]
    tries: int = 0
    seconds: float = 0.0
    candidates: int = 0

    def with_some(self, numbers: frozenset[int]) -> dict[str, str]:
        """The change with these of the loose pieces: path → text."""
        return together(self.before, (*self.fixed, *(self.loose[n] for n in sorted(numbers))))

    @property
    def whole(self) -> dict[str, str]:
        """The change as it was written."""
        return self.with_some(frozenset(range(len(self.loose))))

    def go_on(self, passed: bool | None) -> None:
        """To the next that is worth a run, after what came of the last; None: it begins."""
        try:
            self.trying = next(self.steps) if passed is None else self.steps.send(passed)
            while self.candidates < _CANDIDATES and not self._stands(self.trying):
                self.candidates += 1
                self.trying = self.steps.send(False)
        except StopIteration:
            self.trying = None

    def _stands(self, numbers: frozenset[int]) -> bool:
        return stands(self.before, self.whole, self.with_some(numbers))


async def try_smaller(session: Session, measure: Measure, turn: Turn) -> bool:
    """Tries the change that a turn ended with without some of its pieces; whether a try was left.

    A try counts as a step of the budget. What people ask for in a revision or a feature is more
    than its tests show, so that only the first mending of a fault is made smaller.
    """
    search = await _search(session, turn)
    if not _goes_on(session, search) or search.trying is None:
        return False
    files = search.with_some(search.trying)
    digest = content_hash(dict(files))
    what = f"{turn.step}/reduce/{digest[:16]}"

    async def perform() -> dict[str, Any]:
        return await _tried(session, measure, what, files)

    came = await session.once(what, {"sha256": digest}, perform)
    search.tries += 1
    search.seconds += float(came["seconds"])
    if came["passed"]:
        search.kept = search.trying
    search.go_on(bool(came["passed"]))
    return True


async def settled(session: Session, measure: Measure, turn: Turn) -> tuple[Look, tuple[str, ...]]:
    """The last look at the smallest change that was found to do, and notes on what was taken out.

    Where that look finds a problem, the change is put back whole, and looked at.

    Raises:
        GaveUp: it could not be put back.
    """
    search = await _search(session, turn)
    taken = [piece for n, piece in enumerate(search.loose) if n not in search.kept]
    more = ("Tries ran out: more of the change may be unneeded.",) if search.trying else ()
    if taken:
        wrong = await session.put(f"{turn.step}/smaller", search.with_some(search.kept))
        look = await last_look(session, measure, f"{turn.step}/smaller")
        if not wrong and not look.problems:
            return look, (*more, *account(taken, _SHOWN))
        more = ("What its tests seem not to need is not taken out: " + (wrong or look.problems[0]),)
    if wrong := await session.put(f"{turn.step}/whole", search.whole):
        raise GaveUp(f"The change could not be put back whole: {wrong}")
    return await last_look(session, measure, f"{turn.step}/end"), more


async def _search(session: Session, turn: Turn) -> _Search:
    known = session.memo.get("reducing")
    if isinstance(known, _Search):
        return known
    before = await session.hands.base(tuple(turn.files))
    found = pieces(before, turn.files)
    loose = tuple(piece for piece in found if not is_test(piece.path))
    search = _Search(
        before=before,
        fixed=tuple(piece for piece in found if is_test(piece.path)),
        loose=loose,
        steps=minimal(len(loose)),
        trying=None,
        kept=frozenset(range(len(loose))),
    )
    if session.options.reduce and session.assigned.ticket.kind == "fix" and not session.start:
        search.go_on(None)
    session.memo["reducing"] = search
    return search


def _goes_on(session: Session, search: _Search) -> bool:
    steps = session.assigned.budget.steps - len(session.turns)
    return (
        search.tries < min(_TRIES, steps)
        and search.seconds < _SECONDS
        and search.candidates < _CANDIDATES
    )


async def _tried(
    session: Session, measure: Measure, what: str, files: dict[str, str]
) -> dict[str, Any]:
    """Whether all tests pass with these files, and how many seconds they ran."""
    seconds = 0.0
    try:
        if await session.put(what, files):
            return {"passed": False, "seconds": seconds}
        if measure.pass_to_pass:
            report = await session.tests(f"{what}/wanted", measure.fail_to_pass)
            seconds += report.duration_s
            if failing(report, measure.fail_to_pass):
                return {"passed": False, "seconds": seconds}
        report = await session.tests(f"{what}/all", measure.asked)
        seconds += report.duration_s
    except ToolError:  # what can't be told is no pass
        return {"passed": False, "seconds": seconds}
    return {"passed": not failing(report, measure.names), "seconds": seconds}
