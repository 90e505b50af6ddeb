"""A shift: all tickets of a home, several at a time, until it is told to end."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from desk.office import Office
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError

_LOOK_S = 0.5


class Mover(Protocol):
    """Moves a ticket until it ends or waits; graphs.worker.Worker is the real one."""

    async def advance(self, ticket: str) -> AssignedTicket:
        """Raises LabcrewError for what a person should hear."""


class Shift:
    """Looks for tickets that can move on, and lets the worker move them.

    Args:
        office: knows the tickets and what waits for people.
        worker: moves one ticket a call; may be called for several tickets at a time.
        at_once: most tickets at a time.
        say: is told of troubles.
    """

    def __init__(
        self, office: Office, worker: Mover, *, at_once: int, say: Callable[[str], None]
    ) -> None:
        self._office = office
        self._worker = worker
        self._at_once = at_once
        self._say = say
        self._going: dict[str, asyncio.Task[None]] = {}
        self._left_at: dict[str, int] = {}

    async def run(self, *, until_idle: bool = False) -> None:
        """Works until cancelled, or until nothing can move on without a person."""
        try:
            while True:
                self._going = {id: task for id, task in self._going.items() if not task.done()}
                for id in self._ready()[: self._at_once - len(self._going)]:
                    self._going[id] = asyncio.create_task(self._advance(id))
                if until_idle and not self._going:
                    return
                await asyncio.sleep(_LOOK_S)
        finally:
            for task in self._going.values():
                task.cancel()
            await asyncio.gather(*self._going.values(), return_exceptions=True)

    def _ready(self) -> list[str]:
        """Tickets that may move on: new, resumed, or decided at a gate since they were left."""
        waiting = {gate.ticket for gate in self._office.inbox()}
        ready = []
        for assigned in self._office.ledger.tickets.all():
            if assigned.id in self._going:
                continue
            if assigned.status not in ("assigned", "running", "waiting"):
                continue
            # Left alone until something new is written, so that a trouble does not repeat at once.
            if self._left_at.get(assigned.id) == self._newest_line(assigned.id):
                continue
            if assigned.status == "waiting" and assigned.id in waiting and self._left(assigned.id):
                continue
            ready.append(assigned.id)
        return ready

    def _left(self, id: str) -> bool:
        return id in self._left_at

    def _newest_line(self, id: str) -> int:
        return self._office.ledger.events.count(id)

    async def _advance(self, id: str) -> None:
        try:
            await self._worker.advance(id)
        except LabcrewError as error:
            self._say(f"{id}: {error}")
        finally:
            self._left_at[id] = self._newest_line(id)
