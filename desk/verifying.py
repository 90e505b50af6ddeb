"""Checks a merge request's evidence again, as `labcrew mr verify` does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from desk.commissions import is_loop
from desk.wiring import AtWork, Opened, Say, at_work
from labcrew.domain.review import MergeRequest, Verification
from labcrew.errors import EngineError, LabcrewError, StorageFull

_TURN = threading.Lock()  # what is run again is named by the second in which that begins


def verification(
    opened: Opened, found: MergeRequest, *, rerun: bool = False, say: Say = lambda text: None
) -> Verification:
    """Recomputes every number from the ledger and the stored outputs.

    Args:
        opened: the home.
        found: what is checked.
        rerun: also run the winner again, in a sandbox.
        say: is told in plain words what takes a while.

    Raises EngineError: nothing is recomputed outside a sandbox. StorageFull.
    """
    with _TURN, at_work(opened, say, alone=False) as working:
        checked = _loops if is_loop(found.ticket) else _tickets
        return asyncio.run(checked(working, found, rerun))


async def _tickets(working: AtWork, found: MergeRequest, rerun: bool) -> Verification:
    from graphs import verification as checking

    result = await checking.verify(working.work, found)
    return await _with(result, lambda: checking.rerun(working.work, found)) if rerun else result


async def _loops(working: AtWork, found: MergeRequest, rerun: bool) -> Verification:
    from graphs.evolution import verification as checking
    from graphs.evolution.loop import Loop

    loop = Loop(id=found.ticket, bench=working.bench, proposers=())
    result = checking.verify(loop, found)
    return await _with(result, lambda: checking.rerun(loop, found)) if rerun else result


async def _with(result: Verification, again: Callable[[], Awaitable[str]]) -> Verification:
    try:
        return result.model_copy(update={"rerun": await again()})
    except (EngineError, StorageFull):
        raise
    except LabcrewError as error:
        return result.model_copy(update={"problems": (*result.problems, error.message)})
