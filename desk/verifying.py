"""Checks a merge request's evidence again, as `labcrew mr verify` does."""

import asyncio
import threading

from desk.wiring import Opened, Say, at_work
from labcrew.domain.review import MergeRequest, Verification
from labcrew.errors import LabcrewError

_TURN = threading.Lock()  # two checks would use containers of the same names


def verification(
    opened: Opened, found: MergeRequest, *, rerun: bool = False, say: Say = lambda text: None
) -> Verification:
    """Recomputes every number from the ledger and the stored outputs.

    Args:
        opened: the home.
        found: what is checked.
        rerun: also run the winner again, in a sandbox.
        say: is told in plain words what takes a while.

    Raises EngineUnavailable: nothing is recomputed outside a sandbox.
    """
    from graphs import verification as checking

    with _TURN, at_work(opened, say, alone=False) as working:
        result = asyncio.run(checking.verify(working.work, found))
        if not rerun:
            return result
        try:
            told = asyncio.run(checking.rerun(working.work, found))
        except LabcrewError as error:
            return result.model_copy(update={"problems": (*result.problems, error.message)})
        return result.model_copy(update={"rerun": told})
