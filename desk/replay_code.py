"""Goes through the writing of code again: each step of the loop, from what the ledger holds.

The loop itself runs, on a ledger that shows what stood there at each moment: what was done once is
answered from its record, what the loop would write is held against what it wrote, and the prompts
that it builds must be the ones that were sent. Sandboxes and every other adapter but the trusted
clone of the repository are out of reach.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from graphs.crew import Crew
from graphs.programming.machine import ProgrammingState, looked, session_of
from graphs.programming.session import Phase
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import take_step
from graphs.work import Work
from labcrew.domain.base import canonical_json
from labcrew.domain.event import Event
from labcrew.domain.programming import ModelCall, Patch
from labcrew.domain.repository import Repositories
from labcrew.errors import Differs, ModelFailure, ReplayError
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from labcrew.recorded_chat import RecordedChat
from labcrew.recordings import Recordings
from tools.toolbox import Workbench

_TURN, _FOUND = "programming.turn", "code.investigated"
_KEY = re.compile(r"(?P<ticket>.+)/r(?P<revision>\d+)\.(?P<round>\d+)/(?P<phase>\w+)/(?P<what>.+)")


class _RecordsEnd(Exception):
    """The ticket was stopped, or is still, at this place."""


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
        match = _KEY.fullmatch(event.key) if event.kind == _TURN else None
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
        crew = cast(Crew, Nothing())
        work = Work(bench=bench, crew=crew, rules=crew, programmer=model)
        try:
            asyncio.run(_steps(work, past, ticket, writing))
        except _RecordsEnd:
            pass
        except Differs:
            raise
        except ReplayError as error:
            said = f"{error.message} {error.remedy}".strip()
            raise Differs(past.place, "what the ledger holds", said) from None
        steps += past.same
    return steps, left_out


async def _steps(work: Work, past: "Past", ticket: str, writing: Writing) -> None:
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


def _bench(home: Home, past: "Past", repositories: Repositories) -> Workbench:
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


class _Programmer(RecordedChat):
    """The model that wrote the code, with what its endpoint could do."""

    def __init__(
        self, calls: list[ModelCall], recordings: Recordings, turns: list[dict[str, Any]]
    ) -> None:
        requests = [recordings.request(call.prompt) for call in calls]
        known = [request for request in requests if request is not None]
        super().__init__(known[0].model if known else "", calls, recordings)
        self.native_tools = bool(known and known[0].tools)
        self.small = any(turn.get("ask") for turn in turns)

    def sampled(self, **_how: Any) -> "_Programmer":
        """The same: which reply was drawn is in the records."""
        return self


class Past:
    """A ledger as it stood at each moment of one writing; nothing can be written to it.

    Args:
        events: all lines of the ticket.
        prefix: what the writing's keys begin with.
        newest: whether no later writing of the revision replaced its patch.
    """

    def __init__(self, ledger: Ledger, events: list[Event], prefix: str, newest: bool) -> None:
        self._ledger, self.newest = ledger, newest
        self._by_key = {event.key: event for event in events}
        self._done = {
            str(event.data["id"]): event.sequence for event in events if event.kind == "effect.done"
        }
        begun = [
            event
            for event in events
            if event.key.startswith(prefix) or str(event.data.get("id", "")).startswith(prefix)
        ]
        self._last = begun[-1].sequence
        self.until = begun[0].sequence - 1
        self.same = 0
        self.place = prefix
        self.turns = [event.data for event in begun if event.kind == _TURN]
        self.events = self
        self.patches = _Patches(self, ledger)
        self.decisions = _Decisions(self, ledger, events)

    def __getattr__(self, name: str) -> Any:
        if name in ("tickets", "gates", "comments", "trials", "plans", "datasets"):
            return getattr(self._ledger, name)
        raise ReplayError(f"The replay would use the ledger's {name}.")

    @property
    def plan_round(self) -> int:
        """The round of the newest look before the plan."""
        rounds = [
            int(event.key.rpartition("/")[2])
            for event in self._by_key.values()
            if event.kind == _FOUND and event.sequence <= self.until
        ]
        return rounds[-1] if rounds else 0

    def find(self, key: str) -> Event | None:
        """A line that stood there."""
        event = self._by_key.get(key)
        return event if event is not None and event.sequence <= self.until else None

    def of(self, ticket: str) -> list[Event]:
        """The lines that stood there."""
        return [event for event in self._by_key.values() if event.sequence <= self.until]

    def count(self, ticket: str, kind: str) -> int:
        """How many lines of a kind stood there."""
        return sum(event.kind == kind for event in self.of(ticket))

    def append(self, *, key: str, kind: str, data: dict[str, Any], **_who: str) -> None:
        """Holds what would be written against what was."""
        if kind not in (_TURN, _FOUND):
            return
        recorded = self._recorded(key, self._by_key.get(key))
        self._hold(key, recorded.data, data)
        self.until = max(self.until, recorded.sequence)

    note = append

    def effect(self, key: str) -> Any:
        """An effect that was done by then."""
        done = self._done.get(key)
        return self._ledger.effect(key) if done is not None and done <= self.until else None

    async def once_async(
        self,
        key: str,
        ticket: str,
        payload: dict[str, Any],
        perform: Callable[[], Awaitable[dict[str, Any]]],
        find: Callable[[], Awaitable[dict[str, Any] | None]],
    ) -> dict[str, Any]:
        """What came of it; a reply of the model is asked for again, from the records."""
        self.place = key
        effect = self._recorded(key, self._ledger.effect(key))
        if canonical_json(effect.payload) != canonical_json(payload):
            raise Differs(key, canonical_json(effect.payload), canonical_json(payload))
        if effect.result is None:
            raise _RecordsEnd
        result: dict[str, Any] = effect.result
        if key.endswith("/reply"):
            self._hold(key, result, await _replied(perform))
        self.until = max(self.until, self._done[key])
        return result

    def _recorded(self, key: str, found: Any) -> Any:
        if found is not None:
            return found
        if self.until >= self._last:
            raise _RecordsEnd
        raise Differs(key, "it was not done", "it is done")

    def _hold(self, key: str, recorded: dict[str, Any], replayed: dict[str, Any]) -> None:
        old, new = canonical_json(recorded), canonical_json(replayed)
        if old != new:
            raise Differs(key, old, new)
        self.same += 1


async def _replied(perform: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The reply that stands; what failed before and was asked again is passed over."""
    while True:
        try:
            return await perform()
        except ModelFailure:
            continue


class _Patches:
    def __init__(self, past: Past, ledger: Ledger) -> None:
        self._past, self._ledger = past, ledger

    def find(self, id: str) -> Patch | None:
        return self._ledger.patches.find(id)

    def put(self, patch: Patch, *, actor: str) -> None:
        """Held against the patch of its revision, unless a later writing replaced that."""
        kept = self._ledger.patches.find(patch.id)
        if kept is not None and self._past.newest:
            old, new = kept.model_dump(mode="json"), patch.model_dump(mode="json")
            self._past._hold(patch.id, old, new)


class _Decisions:
    def __init__(self, past: Past, ledger: Ledger, events: list[Event]) -> None:
        self._past, self._ledger = past, ledger
        self._at = {
            str(event.data.get("id")): event.sequence
            for event in events
            if event.data.get("table") == "decisions"
        }

    def find(self, gate: str) -> Any:
        return self._ledger.decisions.find(gate)

    def of(self, ticket: str) -> list[Any]:
        """Those that stood there."""
        made = self._ledger.decisions.of(ticket)
        return [one for one in made if self._at.get(one.gate, 0) <= self._past.until]
