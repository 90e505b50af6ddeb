"""Goes through the writing of code again: each step of the loop, from what the ledger holds.

The loop itself runs, on a ledger that shows what stood there at each moment: what was done once is
answered from its record, what the loop would write is held against what it wrote, and the prompts
that it builds must be the ones that were sent. Sandboxes and every other adapter but the trusted
clone of the repository are out of reach.
"""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from agents.programming.strategies import STRATEGIES
from desk.past_ledger import TURN, Past, RecordsEnd
from graphs.crew import Crew
from graphs.programming.machine import ProgrammingState, looked, session_of
from graphs.programming.session import Phase
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import take_step
from graphs.work import Work
from labcrew.domain.chat import Manner
from labcrew.domain.event import Event
from labcrew.domain.programming import ModelCall
from labcrew.domain.repository import Repositories
from labcrew.errors import Differs, ReplayError
from labcrew.home import Home
from labcrew.judgement import Judge
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from labcrew.recorded_chat import RecordedChat
from labcrew.recordings import Recordings
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
        if not all(call.exact for call in mine):
            left_out.append(f"{ticket}/{writing.prefix}: a secret was taken out of its records")
            continue
        if not mine:
            left_out.append(f"{ticket}/{writing.prefix}: an older labcrew kept no records of it")
            continue
        later = any(
            one.phase == writing.phase and one.revision == writing.revision
            for one in every[number + 1 :]
        )
        past = Past(ledger, events, f"{ticket}/{writing.prefix}", newest=not later)
        bench = _bench(home, past, repositories)
        model = _Programmer(mine, recordings, past.turns)
        crew = Crew.of(Judge(models={}), cast(Any, Nothing()))
        work = Work(bench=bench, crew=crew, rules=crew, programmer=model)
        try:
            asyncio.run(_steps(work, past, ticket, writing))
        except RecordsEnd:
            pass
        except Differs:
            raise
        except ReplayError as error:
            said = f"{error.message} {error.remedy}".strip()
            raise Differs(past.place, "what the ledger holds", said) from None
        steps += past.same
    return steps, left_out


async def _steps(work: Work, past: Past, ticket: str, writing: Writing) -> None:
    assigned = work.ledger.tickets.get(ticket).model_copy(update={"revision": writing.revision})
    plan_round = writing.round if writing.phase == "investigate" else past.plan_round
    state: ProgrammingState = {
        "ticket": ticket,
        "revision": writing.revision,
        "plan_round": plan_round,
        "code_round": writing.round if writing.phase == "write_code" else 0,
    }
    assert work.programmer is not None
    session = session_of(work, work.programmer, assigned, state, writing.phase, ToolboxHands)
    while True:
        if writing.phase == "investigate":
            ended = await looked(work, session, state)
        else:
            ended = await take_step(session) == "end"
        if ended:
            return


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
        clock=SystemClock(),
        base_image="",
    )


_OF_A_STEP = re.compile(r"/\d+/reply$")


class _Programmer(RecordedChat):
    """The model that wrote the code, with what its endpoint could do at each step."""

    def __init__(
        self, calls: list[ModelCall], recordings: Recordings, turns: list[dict[str, Any]]
    ) -> None:
        requests = [recordings.request(call.prompt) for call in calls]
        known = [request for request in requests if request is not None]
        super().__init__(known[0].model if known else "", calls, recordings)
        self._with_tools = {
            call.id: bool(request and request.tools)
            for call, request in zip(calls, requests, strict=True)
            if _OF_A_STEP.search(call.step)
        }
        # With tools, a turn names the strategy that it changed to, if any; else what was asked for.
        strategies = {"", *(strategy.name for strategy in STRATEGIES)}
        self.small = any(turn.get("ask", "") not in strategies for turn in turns)

    @property
    def native_tools(self) -> bool:
        """Whether the next step was asked with tools."""
        left = set(self.left)
        return next((native for id, native in self._with_tools.items() if id in left), False)

    def in_manner(self, _manner: Manner) -> "_Programmer":
        """The same: which reply was written is in the records."""
        return self
