"""Steps in tools style: a reply's calls are checked, run once each, and answered."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from agents.programming import prompts
from agents.programming.calls import (
    MOST_CALLS,
    CallError,
    as_call,
    as_text,
    checked,
    renumbered,
    step_type,
)
from agents.programming.conversation import conversation
from agents.programming.strategies import course
from agents.programming.turns import Outcome, Turn
from graphs.programming.ending import answered, last_look, written_tests
from graphs.programming.measure import Measure
from graphs.programming.session import UNANSWERED, Acted, GaveUp, Session, outcome
from labcrew.domain.base import Model
from labcrew.domain.chat import Message, Reply, Tokens, ToolCall, ToolOffer
from labcrew.errors import ToolError
from tools.mcp_offers import McpArguments
from tools.programming.telling import capped

FINISH, ASK = "finish", "ask_person"
_LOOKING = frozenset(
    {
        "read_file", "search_files", "run_command", "run_tests", "bisect_commits",
        "smallest_reproduction", "note", ASK, FINISH,
    }
)  # fmt: skip
"""What the look before a plan may use: nothing that edits."""
_NOT_TWICE = frozenset({"run_command"})
_LOST = (
    "labcrew was stopped while this ran, and what came of it is lost. Look at how things stand"
    " before you run it again."
)
_DOUBTFUL = "This looks unfinished. Finish it, or call finish again if it is meant to be as it is"
_ALIKE = (
    "The same pattern stands elsewhere. Look at each place; mend it if it has the same fault, then"
    " call finish again"
)
_TOLD_AT_ONCE = 10
_DIFF_CHARACTERS = 12_000
_CRITICS = 2


class Critique(Model):
    """What a reviewer says of a change."""

    problems: tuple[str, ...] = Field(default=(), max_length=10)


def tools_of(session: Session) -> tuple[dict[str, ToolOffer], dict[str, type[BaseModel]]]:
    """The tools of the session's phase: as the model is told of them, and their types."""
    hands = session.hands
    names = [
        n
        for n in hands.offers
        if session.phase == "write_code" or (n in _LOOKING and n in hands.calls)
    ]
    return {n: hands.offers[n] for n in names}, {n: hands.calls[n] for n in names}


def on_course(turns: Sequence[Turn]) -> None:
    """Looks that there is something left to try. Raises GaveUp."""
    # Told from the turns in the ledger: killed before the end is noted, it ends again, unasked.
    if (now := course(turns)).hopeless:
        raise GaveUp(f"It was stuck ({now.pattern}) after every strategy had been tried.")


async def take_turn(session: Session, task: str, measure: Measure | None) -> Turn:
    """One reply asked for and acted on.

    Args:
        task: the first message.
        measure: what judges a `finish`; None where nothing is changed.

    Raises:
        Waits: a question to a person is open.
        GaveUp: it is stuck, and every strategy was tried.
    """
    on_course(session.turns)
    number = len(session.turns)
    house = await session.house()  # which settles the tools, too
    offers, types = tools_of(session)
    native = session.native  # as it is asked: an endpoint may turn out meanwhile to know none
    reply = await _reply(session, number, task, offers, types, house=house, native=native)
    tokens, outcomes, told = reply.tokens, [], ""
    said = reply.message
    if reply.finish in UNANSWERED:
        outcomes.append(_own("reply", UNANSWERED[reply.finish], trouble=reply.finish))
        told = UNANSWERED[reply.finish]
    elif not native:
        try:
            said = as_call(said, step_type(types))
        except CallError as error:
            told = str(error)
            outcomes.append(_own("reply", told, trouble=told))
    said = renumbered(said, number)
    done = False
    for index, call in enumerate(said.calls):
        if index >= MOST_CALLS:
            text = f"Not run: at most {MOST_CALLS} calls of one reply are."
            outcomes.append(_answer(call, text, trouble="too many calls"))
        elif done:
            outcomes.append(_answer(call, "Not run: the work is done.", trouble="done"))
        else:
            came, more = await _call(session, f"{number}/{index}", call, types, measure)
            outcomes.append(came)
            tokens = _sum(tokens, more)
            done = came.name == FINISH and not came.failed
    if not outcomes:
        told = "Call a tool: what you only say changes nothing. If all is done, call finish."
    turn = Turn(
        step=number,
        reply=said,
        model=reply.model,
        tokens=tokens,
        outcomes=tuple(outcomes),
        told=told,
        kept=done,
    )
    return session.note(turn if done else await _on_course(session, turn))


def summary_of(turn: Turn) -> str:
    """What the `finish` says that ended the work; empty where none did."""
    # A reply may hold several, of which at most one was taken; others may not even be JSON.
    ended = {came.id for came in turn.outcomes if came.name == FINISH and not came.failed}
    for call in turn.reply.calls:
        if call.id in ended:
            return str(json.loads(call.arguments)["summary"])
    return ""


async def _on_course(session: Session, turn: Turn) -> Turn:
    """The turn, with what the model is told where it is stuck."""
    way = course([*session.turns, turn])
    if way.strategy is None:
        return turn
    if way.strategy.back and session.phase == "write_code":
        await session.put(f"{turn.step}/back", session.start)
    return turn.but(ask=way.strategy.name, told=way.told)


async def _reply(
    session: Session,
    number: int,
    task: str,
    offers: Mapping[str, ToolOffer],
    types: Mapping[str, type[BaseModel]],
    *,
    house: str,
    native: bool,
) -> Reply:
    system = prompts.WRITE if session.phase == "write_code" else prompts.INVESTIGATE
    if not native:
        told = "\n".join(f"- {o.name}: {o.description}" for o in offers.values())
        system += prompts.BY_SCHEMA + told
    if house:
        system += f"\n\n{house}"

    def messages(characters: int) -> Sequence[Message]:
        arguments = session.options.answer_characters
        found = conversation(system, task, session.turns, characters, arguments)
        return found if native else [as_text(message) for message in found]

    room = session.options.prompt_characters
    return await session.ask(
        str(number),
        messages(room),
        shorter=lambda: messages(room // 3),
        tools=tuple(offers.values()) if native else (),
        schema=None if native else step_type(types),
    )


async def _call(
    session: Session,
    what: str,
    call: ToolCall,
    types: Mapping[str, type[BaseModel]],
    measure: Measure | None,
) -> tuple[Outcome, Tokens]:
    try:
        arguments = checked(call, types)
    except CallError as error:
        return _answer(call, str(error), trouble=str(error)), Tokens()
    if call.name == ASK:
        return _answer(call, session.answer(what, arguments)), Tokens()
    if call.name == FINISH and measure is not None:
        problems, tokens = await _unfinished(session, what, measure)
        if problems:
            text = "Not finished yet:\n" + "\n".join(f"- {problem}" for problem in problems)
            return _answer(call, text, trouble=text), tokens
        return _acted(call, await session.use(what, call.name, arguments)), tokens
    outside = isinstance(arguments, McpArguments)  # nobody knows what it did elsewhere
    lost = _LOST if outside or call.name in _NOT_TWICE else ""
    return _acted(call, await session.use(what, call.name, arguments, lost=lost)), Tokens()


async def _unfinished(session: Session, what: str, measure: Measure) -> tuple[list[str], Tokens]:
    """Why the work is not done, as the model is told."""
    found = measure
    if not found.fail_to_pass:
        try:
            found = await written_tests(session, measure)
        except ToolError as error:
            return [error.message], Tokens()
    look = await last_look(session, found, f"{what}/look")
    if look.problems:
        return list(look.problems), Tokens()
    told = answered(session, FINISH)
    known = {_without_line(line) for line in told}
    doubts = [place for place in look.doubtful if _without_line(place) not in known]
    new = [place for place in look.alike if place not in told] if session.options.critique else []
    found_too = [
        f"{why}:\n" + "\n".join(places[:_TOLD_AT_ONCE])
        for why, places in ((_DOUBTFUL, doubts), (_ALIKE, new))
        if places
    ]
    if found_too:
        return found_too, Tokens()
    return await _criticised(session, what)


def _without_line(place: str) -> str:
    """A place that other edits may have moved."""
    return re.sub(r":\d+ ", " ", place, count=1)


async def _criticised(session: Session, what: str) -> tuple[list[str], Tokens]:
    """What the model itself finds wrong with the change; asked for twice at most."""
    earlier = sum(
        came.trouble.startswith("Not finished yet:\n- A review says")
        for turn in session.turns
        for came in turn.outcomes
    )
    if not session.options.critique or earlier >= _CRITICS:
        return [], Tokens()
    ticket, room = session.assigned.ticket, session.options.prompt_characters
    asked = capped(f"{ticket.title}\n{ticket.question}", room // 4)
    diff = capped(await difference(session), min(_DIFF_CHARACTERS, room // 2))
    reply = await session.ask(
        f"{what}/critique",
        [
            Message(role="system", content=prompts.CRITIC),
            Message(role="user", content=prompts.review(asked, diff)),
        ],
        schema=Critique,
    )
    try:
        said = Critique.model_validate_json(reply.message.content)
    except ValueError:
        return (
            [],
            reply.tokens,
        )  # the tests pass; a critic that says nothing usable holds up nothing
    return [f"A review says: {problem[:400]}" for problem in said.problems[:3]], reply.tokens


async def difference(session: Session) -> str:
    """The change as a unified diff."""
    change = await session.hands.change()
    base = await session.hands.base(tuple(change))
    lines: list[str] = []
    for path, text in sorted(change.items()):
        old = base.get(path, "").splitlines()
        lines += difflib.unified_diff(old, text.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    return "\n".join(lines)


def _answer(call: ToolCall, text: str, *, trouble: str = "") -> Outcome:
    return outcome(
        call.name, call.arguments, text, failed=bool(trouble), trouble=trouble, id=call.id
    )


def _acted(call: ToolCall, came: Acted) -> Outcome:
    """The outcome of a tool, which did not fail where what it ran did."""
    trouble = came.text if came.failed else came.trouble
    return outcome(
        call.name, call.arguments, came.text, failed=came.failed, trouble=trouble, id=call.id
    )


def _own(name: str, text: str, *, trouble: str) -> Outcome:
    return outcome(name, "", text, failed=True, trouble=trouble)


def _sum(a: Tokens, b: Tokens) -> Tokens:
    return Tokens(
        prompt=a.prompt + b.prompt,
        cached=a.cached + b.cached,
        completion=a.completion + b.completion,
    )
