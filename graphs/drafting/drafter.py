"""Moves drafts on: the counterpart of the worker, for tickets that are still in the making."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from graphs import spans
from graphs.accounts import accountable, own_bounds
from graphs.crew import Crew
from graphs.drafting.machine import drafting_graph
from graphs.drafting.study import RunLimits, Study
from labcrew.domain.draft import Draft, Trouble
from labcrew.errors import BoundaryError, EngineError, EnvironmentBroken, LabcrewError, ToolError
from labcrew.plain_text import HALVES, ODD
from labcrew.settings import Settings
from tools.tool_container import put_away
from tools.toolbox import Workbench

_STEPS = 200
_BY_HAND = "Write the ticket by hand: see `labcrew ticket --help`."
_ENDING = (ToolError, BoundaryError, EnvironmentBroken)
"""Would come again at every try; any other error leaves a draft that can go on."""


class Drafter:
    """Makes drafts of tickets, one at a time.

    Args:
        crew: the agents.
        bench: the adapters.
        settings: how long a lease lasts.
        holder: names this process in leases, unique in the world.
        say: is told in plain words what is being done.
        limits: how long the runs of a draft may take.
    """

    def __init__(
        self,
        crew: Crew,
        bench: Workbench,
        settings: Settings,
        *,
        holder: str,
        say: Callable[[str], None] = lambda _text: None,
        limits: RunLimits | None = None,
    ) -> None:
        self._crew, self._bench, self._settings = crew, bench, settings
        self._holder, self._say = holder, say
        self._limits = limits or RunLimits()

    async def advance(self, draft: str) -> Draft:
        """Works until the draft is written, failed, or has questions for a person.

        What a tool can't do with this repository ends the draft as failed, with its trouble.
        A draft that was killed, or answered, is gone through from its start; what was done before
        stands in the ledger and is not done again.

        Raises:
            NotFound: there is no such draft.
            LabcrewError: another process has it, or the world can't be reached; it can go on.
        """
        ledger = self._bench.ledger
        known = ledger.drafts.get(draft)
        ended = known.status in ("written", "failed")
        if ended and ledger.lease_of(draft) is None:
            return known
        lease = ledger.acquire(draft, self._holder, self._settings.lease_s, take_over=True)
        if lease is None:
            raise LabcrewError(f"{draft} could not be taken; another process has it.")
        if ended:  # by a life that was killed before it gave the draft back
            ledger.release(lease)
            return known
        bench = replace(self._bench, ledger=ledger.fenced(lease))
        study = Study(
            draft=ledger.drafts.get(draft),
            bench=bench,
            crew=accountable(
                self._crew,
                bench,
                self._settings,
                draft,
                lambda: own_bounds(self._settings),
            ),
            say=self._say,
            limits=self._limits,
        )

        async def renew() -> None:
            held = lease
            while True:
                await asyncio.sleep(self._settings.lease_s / 3)
                held = ledger.renew(held, self._settings.lease_s)

        graph: Any = drafting_graph().compile()
        renewing = asyncio.create_task(renew())

        async def move() -> None:
            with spans.held(bench.tracer, "draft", draft):
                await graph.ainvoke({"draft": draft}, {"recursion_limit": _STEPS}, context=study)

        moving = asyncio.create_task(move())
        try:
            await asyncio.wait({moving, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if not moving.done():
                await renewing  # it only ends by its error
            await moving
        except _ENDING as error:
            study.fail(_trouble(error))
        finally:
            moving.cancel()
            renewing.cancel()
            await asyncio.gather(moving, renewing, return_exceptions=True)
            with suppress(EngineError):
                await asyncio.to_thread(put_away, draft, self._bench.sandboxes)
            ledger.release(lease)
        return ledger.drafts.get(draft)


def _trouble(error: LabcrewError) -> Trouble:
    return Trouble(
        kind="storage" if isinstance(error, BoundaryError) else "crash",
        what=type(error).__name__,
        message=_shown(error.message)[:2000],
        supply=_shown(error.remedy or _BY_HAND)[:600],
    )


def _shown(text: str) -> str:
    return HALVES.sub("\ufffd", ODD.sub(" ", text))
