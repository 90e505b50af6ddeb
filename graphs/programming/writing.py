"""The writing of code, one step at a time, in either style."""

from typing import Any, Literal

from agents.programming import prompts
from agents.programming.critique import is_test
from agents.programming.failures import failing, sources_of_tests
from agents.programming.places import ranked
from agents.programming.turns import Turn
from graphs.programming import calling, direct, reducing
from graphs.programming.ending import Look, last_look, put_patch, written_tests
from graphs.programming.hands import Hands
from graphs.programming.measure import Measure, measure
from graphs.programming.session import GaveUp, Session
from labcrew.domain.programming import Patch
from labcrew.errors import ToolError
from tools.facts import patch_id

Next = Literal["step", "end"]
_DOUBTS = 10
_IDLE = 12
"""Answers in a row that could not even be tried: more won't help."""


async def take_step(session: Session) -> Next:
    """One reply asked for and acted on, or the end: then the ledger holds the patch.

    Raises:
        ModelFailure: the endpoint can't be used now; the step can be taken again later.
        OutOfSteps, Waits: a person is asked.
    """
    session.begin_step()
    found: Measure | None = None
    try:
        try:
            await _begin(session)
            found = await measure(session)
            take = _direct if session.style == "direct" else _calling
            return await take(session, found)
        except ToolError as error:
            raise GaveUp(f"A tool failed: {error.message}") from error
    except GaveUp as reason:
        await put_patch(session, found, Look(), because=str(reason))
        return "end"


async def write_all(session: Session) -> Patch:
    """Takes steps to the end, for callers without a graph. Raises ModelFailure."""
    session.recall()
    while await take_step(session) == "step":
        pass
    return session.ledger.patches.get(patch_id(session.assigned))


async def _begin(session: Session) -> None:
    """Settles what is built upon: a revision goes on, another try begins from the base commit."""
    if session.begun:
        return

    async def perform() -> dict[str, Any]:
        files = _of_an_earlier_revision(session)
        # Within the one effect, so that no later process undoes edits that are not made twice.
        await session.put("start", files)
        return {"files": files}

    session.start = (await session.once("start", {}, perform))["files"]
    session.begun = True


def _of_an_earlier_revision(session: Session) -> dict[str, str]:
    """The files of the newest patch that was ready before this revision; none in the first."""
    assigned = session.assigned
    ready = [
        patch
        for patch in session.ledger.patches.of(assigned.id)
        if patch.status == "ready" and patch.revision < assigned.revision
    ]
    return {f.path: f.content.decode() for f in ready[-1].files} if ready else {}


async def _direct(session: Session, found: Measure) -> Next:
    turns = session.turns
    if turns and turns[-1].kept and turns[-1].failing == 0:
        return await _mended(session, found, turns[-1])
    idle = turns[-_IDLE:]
    if len(idle) == _IDLE and all(turn.failing is None and not turn.kept for turn in idle):
        raise GaveUp(f"None of the last {_IDLE} answers could be tried.")
    session.go_on()
    tested = any(is_test(path) for path in session.start) or any(
        turn.kept and turn.ask.startswith("test ") for turn in turns
    )
    if tested and not found.fail_to_pass:
        found = await written_tests(session, found)
    problem = await direct.problem_of(session, found)
    if not found.fail_to_pass:
        await direct.write_test(session, problem, found)
        return "step"
    turn = await direct.write_code(session, problem, found)
    return await _mended(session, found, turn) if turn.kept and turn.failing == 0 else "step"


async def _mended(session: Session, found: Measure, turn: Turn) -> Next:
    """Takes out of the change what it does not need, a try a step; then the patch is put."""
    if not found.fail_to_pass:
        found = await written_tests(session, found)
    if await reducing.try_smaller(session, found, turn):
        return "step"
    # Where the pattern stands elsewhere is left to a person: no test shows whether it is a fault
    # there, so that a small model's mending would be a guess, and nothing could tell it from one.
    look, taken = await reducing.settled(session, found, turn)
    return await _put(session, found, turn, look, taken)


async def _calling(session: Session, found: Measure) -> Next:
    turns = session.turns
    if turns and turns[-1].kept:
        return await _done(session, found, turns[-1])
    if session.exhausted:
        calling.on_course(session.turns)  # nobody is asked for more of what leads nowhere
    session.go_on()
    turn = await calling.take_turn(session, await task_of(session, found), found)
    return await _done(session, found, turn) if turn.kept else "step"


async def task_of(session: Session, found: Measure | None) -> str:
    """The first message; nothing in it changes from step to step."""
    if session.task:
        return session.task
    ticket, hands = session.assigned.ticket, session.hands
    report = found.before if found else None
    named = ticket.tests.fail_to_pass if ticket.tests else ()
    wanted = failing(report, named) if report else named
    tests = sources_of_tests(wanted, await hands.test_files())
    files = await sources(hands)
    asked = f"{ticket.title} {ticket.question}"
    places = ranked(files, asked, tests) if session.options.search else ()
    session.task = prompts.task(
        ticket, report, wanted, tests, places,
        said=session.said, runs=session.failed_runs, regression=found.regression if found else "",
    )  # fmt: skip
    return session.task


async def sources(hands: Hands) -> dict[str, str]:
    """The files that may be changed, but for tests."""
    return {path: text for path, text in (await hands.editable()).items() if not is_test(path)}


async def _done(session: Session, found: Measure, turn: Turn) -> Next:
    """A last look, then the patch: every look at it is in the ledger since the step that ended."""
    if not found.fail_to_pass:
        found = await written_tests(session, found)
    look = await last_look(session, found, f"{turn.step}/end")
    return await _put(session, found, turn, look)


async def _put(
    session: Session, found: Measure, turn: Turn, look: Look, notes: tuple[str, ...] = ()
) -> Next:
    if look.problems:  # they were none a moment ago
        raise GaveUp("The tests don't come out the same each time: " + " ".join(look.problems))
    summary = await _summary(session, turn)
    doubts = (f"Perhaps unfinished: {place}" for place in look.doubtful[:_DOUBTS])
    notes = (*_notes(session), *notes, *doubts)
    await put_patch(session, found, look, summary=summary, notes=notes)
    return "end"


async def _summary(session: Session, turn: Turn) -> str:
    changed = ", ".join(sorted(await session.hands.change()))
    return calling.summary_of(turn) or f"Changes {changed}."


def _notes(session: Session) -> tuple[str, ...]:
    return tuple(
        came.text
        for turn in session.turns
        for came in turn.outcomes
        if came.name == "note" and not came.failed
    )
