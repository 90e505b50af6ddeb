"""A ledger as it stood at each moment of a writing of code, which holds what is written to it
against what was.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from agents.programming.options import Terms
from graphs.programming.session import TERMS
from labcrew.domain.base import canonical_json
from labcrew.domain.event import Event
from labcrew.domain.programming import Patch
from labcrew.errors import Differs, ReplayError
from labcrew.ledger import Ledger

TURN, FOUND = "programming.turn", "code.investigated"


class RecordsEnd(Exception):
    """The ticket was stopped, or is still, at this place."""


class TakenAgain(Exception):
    """The step that was under way here was begun anew, and on other terms."""


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
        self._terms = [event for event in begun if event.kind == TERMS]
        self._steps = [event for event in begun if event.kind in (TURN, FOUND, "effect.done")]
        self._last = max(event.sequence for event in begun if event.kind != TERMS)
        self._asked: set[str] = set()
        self.until = begun[0].sequence - 1
        self.same = 0
        self.prefix = self.place = prefix
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
            if event.kind == FOUND and event.sequence <= self.until
        ]
        return rounds[-1] if rounds else 0

    @property
    def goes_on(self) -> bool:
        """Whether the writing has lines after this moment."""
        return self.until < self._last

    @property
    def keeps_terms(self) -> bool:
        """Whether what the steps went by is there: an older labcrew did not keep it."""
        return bool(self._terms)

    def terms(self) -> Terms | None:
        """What the step that begins here went by; None where it is not kept."""
        after = (event.sequence for event in self._steps if event.sequence > self.until)
        following = next(after, math.inf)
        noted = [event for event in self._terms if event.sequence < following]
        if not noted:
            return None
        self.until = max(self.until, noted[-1].sequence)
        return Terms.model_validate(noted[-1].data)

    def now(self) -> datetime:
        """When the newest line was written that stood there: a clock for what expires."""
        stood = (event.at for event in self._by_key.values() if event.sequence <= self.until)
        return max(stood, default=self._steps[0].at)

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
        if kind not in (TURN, FOUND):
            return
        recorded = self._recorded(key, self._by_key.get(key))
        self.go_on(recorded.sequence)
        self.hold(key, recorded.data, data)

    note = append

    def effect(self, key: str) -> Any:
        """An effect that was done by then."""
        done = self._done.get(key)
        return self._ledger.effect(key) if done is not None and done <= self.until else None

    def done(self, key: str) -> dict[str, Any] | None:
        """What came of an effect, whenever it was done."""
        effect = self._ledger.effect(key)
        return None if effect is None else effect.result

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
        self.go_on(self._done.get(key, math.inf))
        if canonical_json(effect.payload) != canonical_json(payload):
            raise Differs(key, canonical_json(effect.payload), canonical_json(payload))
        if effect.result is None:
            raise RecordsEnd
        result: dict[str, Any] = effect.result
        if key.endswith("/reply") and key not in self._asked:
            self._asked.add(key)
            self.hold(key, result, await perform())
        return result

    def go_on(self, sequence: float) -> None:
        """Passes all lines up to a number; infinity: there is nothing more.

        Raises:
            TakenAgain: a step was begun before it.
        """
        for event in self._terms:
            if self.until < event.sequence < sequence:
                self.until = event.sequence
                raise TakenAgain
        if sequence < math.inf:
            self.until = max(self.until, int(sequence))

    def _recorded(self, key: str, found: Any) -> Any:
        if found is not None:
            return found
        self.go_on(math.inf)
        if not self.goes_on:
            raise RecordsEnd
        raise Differs(key, "it was not done", "it is done")

    def hold(self, key: str, recorded: dict[str, Any], replayed: dict[str, Any]) -> None:
        """Counts what came out the same. Raises Differs: it did not."""
        old, new = canonical_json(recorded), canonical_json(replayed)
        if old != new:
            raise Differs(key, old, new)
        self.same += 1


class _Patches:
    def __init__(self, past: Past, ledger: Ledger) -> None:
        self._past, self._ledger = past, ledger

    def find(self, id: str) -> Patch | None:
        return self._ledger.patches.find(id)

    def put(self, patch: Patch, *, actor: str) -> None:
        """Held against the patch of its revision, unless a later writing replaced that."""
        self._past.go_on(math.inf)
        kept = self._ledger.patches.find(patch.id)
        if kept is not None and self._past.newest:
            old, new = kept.model_dump(mode="json"), patch.model_dump(mode="json")
            self._past.hold(patch.id, old, new)


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
