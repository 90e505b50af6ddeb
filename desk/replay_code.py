"""Goes through the writing of code again: each step of the loop, from what the ledger holds.

The loop itself runs, on a ledger that shows what stood there at each moment: what was done once is
answered from its record, what the loop would write is held against what it wrote, and the prompts
that it builds must be the ones that were sent. Sandboxes and every other adapter but the trusted
clone of the repository are out of reach.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel

from agents.programming.options import Style, Terms
from desk.past_ledger import TURN, Past, RecordsEnd, TakenAgain
from graphs.crew import Crew
from graphs.programming.machine import ProgrammingState, looked, session_of
from graphs.programming.session import UNANSWERED, Phase, Waits
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import take_step
from graphs.work import Work
from labcrew import calling
from labcrew.domain.base import canonical_json
from labcrew.domain.budget import Budget
from labcrew.domain.chat import Manner, Message, Reply, ToolOffer
from labcrew.domain.event import Event
from labcrew.domain.programming import ModelCall
from labcrew.domain.repository import Repositories
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import Differs, ReplayError
from labcrew.home import Home
from labcrew.judgement import Judge
from labcrew.ledger import Ledger
from labcrew.metered import ANSWERED
from labcrew.recorded_chat import RecordedChat
from labcrew.recordings import Recordings, Request
from tools.mcp_offers import OUTSIDE
from tools.toolbox import Workbench

_KEY = re.compile(r"(?P<ticket>.+)/r(?P<revision>\d+)\.(?P<round>\d+)/(?P<phase>\w+)/(?P<what>.+)")


@dataclass(frozen=True)
class Writing:
    """One beginning of the loop, as its keys name it."""

    revision: int
    round: int
    phase: Phase

    @property
    def prefix(self) -> str:
        return f"r{self.revision}.{self.round}/{self.phase}/"


class Nothing:
    """An adapter that is out of reach."""

    def __getattr__(self, name: str) -> Any:
        raise ReplayError(f"The replay reaches for {name}, which acts on the world.")


def writings(events: Iterable[Event]) -> list[Writing]:
    """The beginnings of the loop that left a step, in the order in which they did."""
    found: dict[Writing, None] = {}
    for event in events:
        match = _KEY.fullmatch(event.key) if event.kind == TURN else None
        if match is not None:
            phase: Phase = "investigate" if match["phase"] == "investigate" else "write_code"
            found[Writing(int(match["revision"]), int(match["round"]), phase)] = None
    return list(found)


def write_again(
    home: Home,
    ledger: Ledger,
    repositories: Repositories,
    ticket: str,
    recordings: Recordings,
) -> tuple[int, list[str]]:
    """Goes through every step that a ticket's code took.

    Args:
        repositories: the home's trusted clones; they are only read.

    Returns:
        How many steps came out byte for byte, and what could not be gone through.

    Raises:
        Differs: the first that did not.
    """
    events = ledger.events.of(ticket)
    calls = ledger.model_calls.of(ticket)
    steps, left_out = 0, list[str]()
    every = writings(events)
    for number, writing in enumerate(every):
        mine = [call for call in calls if call.step.startswith(f"{ticket}/{writing.prefix}")]
        later = any(
            one.phase == writing.phase and one.revision == writing.revision
            for one in every[number + 1 :]
        )
        past = Past(ledger, events, f"{ticket}/{writing.prefix}", newest=not later)
        model = _Programmer(mine, recordings)
        if because := _not_kept(past, mine, model, ledger.tickets.get(ticket)):
            left_out.append(f"{ticket}/{writing.prefix}: {because}")
            continue
        bench = _bench(home, past, repositories)
        crew = Crew.of(Judge(models={}), cast(Any, Nothing()))
        work = Work(bench=bench, crew=crew, rules=crew, programmer=model)
        try:
            asyncio.run(_steps(work, past, ticket, writing))
        except RecordsEnd:
            pass
        except Waits as waits:
            if past.goes_on:
                raise Differs(past.place, "it went on", f"it waits for {waits.name}") from None
        except Differs:
            raise
        except ReplayError as error:
            said = f"{error.message} {error.remedy}".strip()
            raise Differs(past.place, "what the ledger holds", said) from None
        steps += past.same
    return steps, left_out


def _not_kept(
    past: Past, calls: Sequence[ModelCall], model: "_Programmer", assigned: AssignedTicket
) -> str:
    """Why a writing can't be gone through; empty: it can."""
    if not calls:
        return "an older labcrew kept no records of it"
    if not all(call.exact for call in calls):
        return "a secret was taken out of its records"
    house = past.done(f"{past.prefix}house")
    if house is not None and "outside" not in house and model.knew_outside_tools:
        return "an older labcrew did not keep which tools of outside servers it offered"
    then, now = assigned.ticket.budget.steps, assigned.budget.steps
    if not past.keeps_terms and then != now:
        return (
            f"its budget of {then} steps became {now}, and an older labcrew did not keep when; what"
            " the steps left allowed can't be held against it"
        )
    return ""


async def _steps(work: Work, past: Past, ticket: str, writing: Writing) -> None:
    assigned = work.ledger.tickets.get(ticket).model_copy(update={"revision": writing.revision})
    plan_round = writing.round if writing.phase == "investigate" else past.plan_round
    state: ProgrammingState = {
        "ticket": ticket,
        "revision": writing.revision,
        "plan_round": plan_round,
        "code_round": writing.round if writing.phase == "write_code" else 0,
    }
    model = cast(_Programmer, work.programmer)
    ended = False
    while not ended:
        terms = past.terms() or model.terms(assigned.budget)
        model.go_by(terms)
        budget = assigned.budget.model_copy(update={"steps": terms.steps})
        then = assigned.model_copy(update={"budget": budget})
        session = session_of(work, model, then, state, writing.phase, ToolboxHands)
        try:
            if writing.phase == "investigate":
                ended = await looked(work, session, state)
            else:
                ended = await take_step(session) == "end"
        except TakenAgain:
            work.sessions.clear()  # as the process that began it anew knew nothing of it


def _bench(home: Home, past: Past, repositories: Repositories) -> Workbench:
    nothing: Any = Nothing()
    return Workbench(
        home=home,
        ledger=cast(Ledger, past),
        sandboxes=nothing,
        repositories=repositories,
        environments=nothing,
        memory=nothing,
        tracker=nothing,
        sources=(),
        clock=cast(Any, past),
        base_image="",
    )


_OF_A_STEP = re.compile(r"/\d+/reply$")


class _Programmer(RecordedChat):
    """Who wrote the code: at each step the model that was asked, as its endpoint was asked."""

    def __init__(self, calls: Iterable[ModelCall], recordings: Recordings) -> None:
        # What failed otherwise, or was asked again at the same place, nothing came of.
        standing = {(call.step, call.turn): call for call in calls if _acted_on(call)}
        super().__init__("", standing.values(), recordings)
        firsts = {step: call for (step, turn), call in standing.items() if turn == 1}
        found = {step: recordings.request(call.prompt) for step, call in firsts.items()}
        self._requests = {step: request for step, request in found.items() if request is not None}
        self._steps = [step for step in self._requests if _OF_A_STEP.search(step)]
        self._asked: set[str] = set()
        self.small = False

    @property
    def _next(self) -> Request:
        """The request of the step that is taken next, or of the last one."""
        left = [step for step in self._steps if step not in self._asked]
        return self._requests[left[0] if left else self._steps[-1]]

    @property
    def native_tools(self) -> bool:
        """Whether the next step was asked with tools."""
        return bool(self._next.tools)

    @property
    def knew_outside_tools(self) -> bool:
        """Whether tools of outside servers were among those of any step."""
        offered = [[[tool.name for tool in r.tools], r.schema_] for r in self._requests.values()]
        return OUTSIDE in canonical_json(offered)

    def terms(self, budget: Budget) -> Terms:
        """What the next step went by as far as its request tells, which is all of older records."""
        request = self._next
        by_edits = not request.tools and request.schema_ is None
        style: Style = "direct" if by_edits else "tools"
        return Terms(model=request.model, style=style, steps=budget.steps)

    def go_by(self, terms: Terms) -> None:
        """Becomes the model that these name."""
        self.name, self.small = terms.model, terms.style == "direct"

    def in_manner(self, _manner: Manner) -> "_Programmer":
        """The same: which reply was written is in the records."""
        return self

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """What was answered, by the model that was asked at this place. Raises as its base does."""
        place = calling.current().key
        self._asked.add(place)
        if place in self._requests:
            self.name = self._requests[place].model
        return await super().reply(messages, tools=tools, schema=schema, purpose=purpose)


def _acted_on(call: ModelCall) -> bool:
    """Whether a call's answer, or its failure, was what a step went on with."""
    return call.outcome == ANSWERED or call.outcome.partition(": ")[0] in UNANSWERED
