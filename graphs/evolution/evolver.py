"""Moves loops on: the counterpart of the worker, for programs that change themselves."""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from agents.evolution.proposing import Proposer
from graphs.evolution.loop import Halted, Loop
from graphs.evolution.machine import evolution_graph
from labcrew.counted import CountedChat
from labcrew.domain.evolution import HALTED, Evolution
from labcrew.errors import (
    EngineError,
    LabcrewError,
    LeaseLost,
    LedgerError,
    ModelFailure,
    StorageFull,
)
from tools.toolbox import Workbench

_STEPS = 10_000_000
_TRACE_CHARACTERS = 4000


class Evolver:
    """Makes evolutions, one at a time.

    Args:
        bench: the adapters.
        proposers: who may propose, in the table's order.
        holder: names this process in leases, unique in the world.
        lease_s: how long a lease lasts, seconds.
        say: is told in plain words what is being done.
        assume_yes: accept the spec's gate, and a merge that is a proven gain.
        asked: the chat model that proposers ask; what is used of it is the loop's expense.
    """

    def __init__(
        self,
        bench: Workbench,
        proposers: Sequence[Proposer],
        *,
        holder: str,
        lease_s: float,
        say: Callable[[str], None] = lambda _text: None,
        assume_yes: bool = False,
        asked: CountedChat | None = None,
    ) -> None:
        self._bench, self._proposers = bench, proposers
        self._holder, self._lease_s = holder, lease_s
        self._say, self._yes, self._asked = say, assume_yes, asked

    async def advance(self, evolution: str) -> Evolution:
        """Works until the loop has ended, is halted by a person, or waits for one.

        A killed loop goes on inside its round: what was evaluated stands in the ledger.

        Raises:
            NotFound: there is no such loop.
            LabcrewError: another process has it, or the world can't be reached; it can go on.
        """
        ledger = self._bench.ledger
        found = ledger.evolutions.get(evolution)
        if found.status in ("done", "failed", *HALTED):
            return found
        lease = ledger.acquire(evolution, self._holder, self._lease_s, take_over=True)
        if lease is None:
            raise LabcrewError(f"{evolution} could not be taken; another process has it.")
        wanted = found.spec.proposers
        loop = Loop(
            id=evolution,
            bench=replace(self._bench, ledger=ledger.fenced(lease)),
            proposers=[p for p in self._proposers if not wanted or p.name in wanted],
            say=self._say,
            by_yes=self._yes,
            asked=self._asked,
            counted_s=self._bench.clock.monotonic(),
        )

        async def renew() -> None:
            held = lease
            while True:
                await asyncio.sleep(self._lease_s / 3)
                held = ledger.renew(held, self._lease_s)
                loop.spend()  # one run may take hours, and a kill in it makes nothing cheaper

        renewing = asyncio.create_task(renew())
        moving = asyncio.create_task(_move(loop))
        try:
            await asyncio.wait({moving, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if not moving.done():
                await renewing  # it only ends by its error
            await moving
        except Halted:
            loop.spend()
        except (LeaseLost, EngineError, StorageFull, LedgerError):
            raise  # the world is at fault: the loop keeps its place and goes on from there
        except ModelFailure as error:
            # A time-out gets here where the model answers nobody in time. Counted against one
            # program alone, it would make the other one look better.
            if error.passes:
                raise  # the loop keeps its place, as above
            self._failed(loop, error)
        except LabcrewError as error:
            self._failed(loop, error)
        except Exception as error:
            self._broken(loop, error, lease.token)
        finally:
            moving.cancel()
            renewing.cancel()
            await asyncio.gather(moving, renewing, return_exceptions=True)
            ledger.release(lease)
        return ledger.evolutions.get(evolution)

    def _failed(self, loop: Loop, error: LabcrewError) -> None:
        remedy = f" {error.remedy}" if error.remedy else ""
        loop.move("failed", f"failed: {error.message}{remedy}", "evolution.ended")

    def _broken(self, loop: Loop, error: Exception, token: int) -> None:
        """A fault of labcrew's own stops this loop where a person sees it."""
        loop.ledger.events.append(
            ticket=loop.id,
            actor="worker",
            kind="worker.error",
            key=f"{loop.id}/error/{token}",
            data={"traceback": "".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:]},
        )
        said = f"failed: an error in labcrew itself, {type(error).__name__}: {str(error)[:300]}"
        loop.move("failed", said, "evolution.ended")


async def _move(loop: Loop) -> None:
    graph: Any = evolution_graph().compile()
    loop.move("running", "")
    ended = await graph.ainvoke({}, {"recursion_limit": _STEPS}, context=loop)
    if ended.get("route") == "wait":
        loop.move("waiting", ended["said"])
