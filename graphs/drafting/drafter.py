"""Moves drafts on: the counterpart of the worker, for tickets that are still in the making."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from graphs.crew import Crew
from graphs.drafting.machine import drafting_graph
from graphs.drafting.study import Study
from labcrew.domain.base import content_hash
from labcrew.domain.draft import Draft
from labcrew.errors import EngineError, LabcrewError
from labcrew.judgement import Judgement, Verdict
from labcrew.ledger import Ledger
from labcrew.settings import Settings
from tools.tool_container import put_away
from tools.toolbox import Workbench

_STEPS = 200


class Drafter:
    """Makes drafts of tickets, one at a time.

    Args:
        crew: the agents.
        bench: the adapters.
        settings: how long a lease lasts.
        holder: names this process in leases, unique in the world.
        say: is told in plain words what is being done.
    """

    def __init__(
        self,
        crew: Crew,
        bench: Workbench,
        settings: Settings,
        *,
        holder: str,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._crew, self._bench, self._settings = crew, bench, settings
        self._holder, self._say = holder, say

    async def advance(self, draft: str) -> Draft:
        """Works until the draft is written, failed, or has questions for a person.

        A draft that was killed, or answered, is gone through from its start; what was done before
        stands in the ledger and is not done again.

        Raises:
            NotFound: there is no such draft.
            LabcrewError: another process has it, or the world can't be reached; it can go on.
        """
        ledger = self._bench.ledger
        if ledger.drafts.get(draft).status in ("written", "failed"):
            return ledger.drafts.get(draft)
        lease = ledger.acquire(draft, self._holder, self._settings.lease_s, take_over=True)
        if lease is None:
            raise LabcrewError(f"{draft} could not be taken; another process has it.")
        fenced = ledger.fenced(lease)
        study = Study(
            draft=ledger.drafts.get(draft),
            bench=replace(self._bench, ledger=fenced),
            crew=self._crew.recording(_recorder(fenced, draft)),
            say=self._say,
        )

        async def renew() -> None:
            held = lease
            while True:
                await asyncio.sleep(self._settings.lease_s / 3)
                held = ledger.renew(held, self._settings.lease_s)

        graph: Any = drafting_graph().compile()
        renewing = asyncio.create_task(renew())
        moving = asyncio.create_task(
            graph.ainvoke({"draft": draft}, {"recursion_limit": _STEPS}, context=study)
        )
        try:
            await asyncio.wait({moving, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if not moving.done():
                await renewing  # it only ends by its error
            await moving
        finally:
            moving.cancel()
            renewing.cancel()
            await asyncio.gather(moving, renewing, return_exceptions=True)
            with suppress(EngineError):
                await asyncio.to_thread(put_away, draft, self._bench.sandboxes)
            ledger.release(lease)
        return ledger.drafts.get(draft)


def _recorder(ledger: Ledger, draft: str) -> Callable[..., None]:
    def record(asked: Judgement[Any, Any], question: BaseModel, verdict: Verdict[Any]) -> None:
        ledger.events.append(
            ticket=draft,
            actor=asked.agent,
            kind="judgement.answered",
            key=f"{draft}/judgement/{asked.name}/{content_hash(question)}",
            data={
                "judgement": asked.name,
                "by": verdict.by,
                "fallbacks": list(verdict.fallbacks),
                "answer": verdict.answer.model_dump(mode="json"),
            },
        )

    return record
