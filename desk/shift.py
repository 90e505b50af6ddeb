"""A shift: all tickets and loops of a home, several at a time, until it is told to end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from desk.commissions import is_loop
from desk.office import Office
from labcrew.domain.evolution import Evolution
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineError, LabcrewError, LedgerError, ModelFailure, StorageFull

_LOOK_S = 0.5


@asynccontextmanager
async def beside(
    step: Callable[[], Awaitable[None]], *, every_s: float, say: Callable[[str], None]
) -> AsyncIterator[None]:
    """Makes a step again and again while something else is done; its troubles are told, once each.

    Args:
        every_s: the pause between two, in seconds.
    """
    told: set[str] = set()

    async def again() -> None:
        while True:
            try:
                await step()
            except Exception as error:  # whatever it is, the next look is made all the same
                known = isinstance(error, LabcrewError)
                trouble = str(error) if known else f"{type(error).__name__}: {error}"
                if trouble not in told:
                    told.add(trouble)
                    say(trouble)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Mover(Protocol):
    """Moves a ticket until it ends or waits; graphs.worker.Worker is the real one."""

    async def advance(self, ticket: str) -> AssignedTicket:
        """Raises LabcrewError for what a person should hear."""


class Loops(Protocol):
    """Moves a loop until it ends or waits; graphs.evolution.evolver.Evolver is the real one."""

    async def advance(self, evolution: str) -> Evolution:
        """Raises LabcrewError for what a person should hear."""


class Shift:
    """Looks for tickets and loops that can move on, and has them moved; one loop at a time.

    Args:
        office: knows the tickets and what waits for people.
        worker: moves one ticket a call; may be called for several tickets at a time.
        loops: moves one loop a call; None: loops are left alone.
        at_once: most tickets at a time.
        say: is told of troubles.
        waits_s: how long a ticket rests after the world was at fault, in seconds: at first, and
            at most; doubled in between.
        quiet: whether no new ticket is begun now; those that were begun go on.
        sleep: what passes between two looks, in seconds.
    """

    def __init__(
        self,
        office: Office,
        worker: Mover,
        *,
        loops: Loops | None = None,
        at_once: int,
        say: Callable[[str], None],
        waits_s: tuple[float, float] = (5, 60),
        quiet: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._office = office
        self._worker = worker
        self._loops = loops
        self._at_once = at_once
        self._say = say
        self._going: dict[str, asyncio.Task[None]] = {}
        self._left_at: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._waits_s = waits_s
        self._quiet = quiet
        self._sleep = sleep
        self._monotonic = office.clock.monotonic
        self._waited_s: dict[str, float] = {}
        self._again_at: dict[str, float] = {}

    async def run(self, *, until_idle: bool = False) -> None:
        """Works until cancelled, or until nothing can move on without a person.

        A ticket whose trouble lasts until it rests longest does not keep an idle shift up.
        """
        told = ""
        try:
            while True:
                try:
                    if self._look() and until_idle:
                        return
                except (LedgerError, StorageFull) as error:
                    if until_idle and not self._going:
                        raise
                    # What is at work goes on; a ledger that was busy is not so for ever.
                    if told != str(error):
                        told = str(error)
                        self._say(told)
                await self._sleep(_LOOK_S)
        finally:
            for task in self._going.values():
                task.cancel()
            await asyncio.gather(*self._going.values(), return_exceptions=True)

    def _look(self) -> bool:
        """Begins what can be moved now; answers whether nothing is under way or soon will be."""
        self._going = {id: task for id, task in self._going.items() if not task.done()}
        for id in self._next():
            self._going[id] = asyncio.create_task(self._advance(id))
        return not self._going and not self._hoped_for()

    def _next(self) -> list[str]:
        """What begins now: tickets while there is room, and a loop where none is at work."""
        ready, looping = self._ready(), [id for id in self._going if is_loop(id)]
        room = self._at_once - (len(self._going) - len(looping))
        tickets = [id for id in ready if not is_loop(id)][:room]
        return [*tickets, *[id for id in ready if is_loop(id)][: 1 - len(looping)]]

    def _ready(self) -> list[str]:
        """What to move on now: new, resumed, decided at a gate, or due to be tried again."""
        # Left alone until something new is written, so that a trouble does not repeat at once.
        return [
            id
            for id in self._movable()
            if self._left_at.get(id) != self._newest_line(id) or self._due(id)
        ]

    def _movable(self) -> list[str]:
        """Tickets and loops that nobody moves now and that need no person first."""
        self._office.settle()
        moving = ("running", "waiting") if self._quiet() else ("assigned", "running", "waiting")
        ledger = self._office.ledger
        loops = ledger.evolutions.all() if self._loops is not None else []
        standing: list[tuple[str, str]] = [
            (ticket.id, ticket.status) for ticket in ledger.tickets.all()
        ]
        standing += [(loop.id, loop.status) for loop in loops]
        return [
            id
            for id, status in standing
            if status in moving
            and id not in self._going
            and not (status == "waiting" and self._heard.get(id) == self._decided(id))
        ]

    def _due(self, id: str) -> bool:
        """Whether a trouble of the world's is old enough to try again."""
        return id in self._again_at and self._monotonic() >= self._again_at[id]

    def _hoped_for(self) -> bool:
        """Whether a ticket will soon be tried again."""
        return any(
            id in self._again_at and self._waited_s[id] < self._waits_s[1] for id in self._movable()
        )

    def _decided(self, id: str) -> int:
        """How many of its gates are decided: what waits moves on by one more of them."""
        return self._office.ledger.decisions.count(id)

    def _newest_line(self, id: str) -> int:
        return self._office.ledger.events.count(id)

    async def _advance(self, id: str) -> None:
        for known in (self._again_at, self._left_at, self._heard):
            known.pop(id, None)
        try:
            # Before: who decides while the worker puts its container away is heard, too.
            decided = self._decided(id)
            if is_loop(id) and self._loops is not None:
                status: str = (await self._loops.advance(id)).status
            else:
                status = (await self._worker.advance(id)).status
            self._waited_s.pop(id, None)
            self._heard[id] = decided
            if status in ("assigned", "running"):
                self._left_at[id] = self._newest_line(id)
        except (EngineError, ModelFailure, StorageFull, LedgerError) as error:
            first, most = self._waits_s
            wait = min(self._waited_s.get(id, first / 2) * 2, most)
            self._waited_s[id], self._again_at[id] = wait, self._monotonic() + wait
            self._leave(id, f"{error}\n  It is tried again in {wait:g} s.")
        except LabcrewError as error:
            self._leave(id, str(error))
        except Exception as error:  # a fault of labcrew's own must not pass in silence
            self._leave(id, f"{type(error).__name__}: {error}")

    def _leave(self, id: str, trouble: str) -> None:
        """Leaves it alone after a trouble."""
        self._left_at[id] = self._newest_line(id)
        self._say(f"{id}: {trouble}")
