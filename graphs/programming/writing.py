"""The writing of code, one step at a time, in either style."""

from typing import Literal

from graphs.programming import direct
from graphs.programming.ending import Look, last_look, put_patch
from graphs.programming.measure import Measure, measure
from graphs.programming.session import GaveUp, Session
from labcrew.domain.programming import Patch
from labcrew.errors import ToolError
from tools.facts import patch_id

Next = Literal["step", "question", "end"]
_IDLE = 12
"""Answers in a row that could not even be tried: more won't help."""


async def begin(session: Session) -> Measure:
    """What the change is judged by, with a test that was written for it. Raises GaveUp."""
    found = await measure(session)
    for turn in session.turns:
        if turn.kept and turn.ask.startswith("test "):
            (path,) = turn.files
            alone = await session.tests_alone(f"{turn.step}/alone", (path,), turn.files)
            found = direct.measure_with(found, path, alone)
    return found


async def take_step(session: Session) -> Next:
    """One reply asked for and acted on, or the end: then the ledger holds the patch.

    Raises:
        ModelFailure: the endpoint can't be used now; the step can be taken again later.
    """
    found: Measure | None = None
    try:
        try:
            found = await begin(session)
            return await _direct(session, found)
        except ToolError as error:
            raise GaveUp(f"A tool failed: {error.message}") from error
    except GaveUp as reason:
        await put_patch(session, found, Look(), because=str(reason))
        return "end"


async def write_all(session: Session) -> Patch:
    """Takes steps to the end. For callers without a graph; questions to a person end it."""
    session.recall()
    while await take_step(session) == "step":
        pass
    return session.ledger.patches.get(patch_id(session.assigned))


async def _direct(session: Session, found: Measure) -> Next:
    if session.turns and session.turns[-1].kept and session.turns[-1].failing == 0:
        return await _done(session, found)
    if why := session.exhausted:
        raise GaveUp(why)
    idle = session.turns[-_IDLE:]
    if len(idle) == _IDLE and all(turn.failing is None and not turn.kept for turn in idle):
        raise GaveUp(f"None of the last {_IDLE} answers could be tried")
    problem = await direct.problem_of(session, found)
    if not found.fail_to_pass:
        await direct.write_test(session, problem, found)
        return "step"
    turn = await direct.write_code(session, problem, found)
    return await _done(session, found) if turn.kept and turn.failing == 0 else "step"


async def _done(session: Session, found: Measure) -> Next:
    look = await last_look(session, found, f"{session.turns[-1].step}/look")
    names = ", ".join(sorted(await session.hands.change()))
    await put_patch(session, found, look, summary=f"Changes {names}.")
    return "end"
