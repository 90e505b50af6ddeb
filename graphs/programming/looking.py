"""The look before a plan: by a model with the tools that edit nothing, else by rule."""

from agents.programming.failures import sources_of_tests
from agents.programming.places import in_order, ranked
from agents.programming.source import Part
from graphs.programming import calling
from graphs.programming.hands import Hands
from graphs.programming.session import GaveUp, Session
from graphs.programming.writing import sources, task_of
from labcrew.domain.programming import Investigation
from labcrew.domain.ticket import Ticket

_PLACES, _STEPS, _CHARACTERS = 4, 10, 4000


async def take_look(session: Session) -> Investigation | None:
    """One step of the look; what was found once it has ended.

    Raises:
        ModelFailure: the endpoint can't be used now.
        Waits: a person is asked.
    """
    session.begin_step()
    turns = session.turns
    if session.style == "direct" or session.exhausted:
        return await by_rule(session.assigned.ticket, session.hands, search=session.options.search)
    try:
        if turns and turns[-1].kept:
            turn = turns[-1]
        else:
            turn = await calling.take_turn(session, await task_of(session, None), None)
    except GaveUp:
        return await by_rule(session.assigned.ticket, session.hands, search=session.options.search)
    if not turn.kept:
        return None
    summary = calling.summary_of(turn)[:_CHARACTERS]
    files = await session.hands.editable()
    lines = [line.strip() for line in summary.splitlines()]
    return Investigation(
        summary=summary,
        steps=tuple(line.removeprefix("- ") for line in lines if line.startswith("- "))[:_STEPS],
        files=tuple(path for path in sorted(files) if path in summary),
        by=f"model:{turn.model}",
    )


async def by_rule(ticket: Ticket, hands: Hands, *, search: bool = True) -> Investigation:
    """What can be said without a model: the tests, and the functions that they and the question
    name.
    """
    places, wanted = await _places(ticket, hands, search)
    named = [f"{part.name} in {part.path}" for part in places]
    tests = f"{len(wanted)} tests must come to pass" if wanted else "a test is to be written first"
    where = f"; it may concern {', '.join(named)}" if named else ""
    steps = [] if wanted else ["Write a test that fails now"]
    steps += [f"Look at {name}" for name in named]
    return Investigation(
        summary=f"By names alone: {tests}{where}.",
        steps=(*steps, "Change the code until the tests pass"),
        files=tuple(dict.fromkeys(part.path for part in places)),
    )


async def _places(ticket: Ticket, hands: Hands, search: bool) -> tuple[list[Part], tuple[str, ...]]:
    wanted = ticket.tests.fail_to_pass if ticket.tests else ()
    tests = sources_of_tests(wanted, await hands.test_files())
    files = await sources(hands)
    asked = f"{ticket.title} {ticket.question}"
    found = ranked(files, asked, tests) if search else in_order(files)
    return list(found[:_PLACES]), wanted
