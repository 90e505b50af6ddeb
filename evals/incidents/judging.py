"""What a run with a fault is worth: noticed, named, helped, and held against its twin."""

from collections.abc import Iterable

from pydantic import Field

from evals.incidents.faults import PROGRAMS, Fault
from evals.incidents.results import Result, Seen, Twin
from labcrew.domain.base import Model

CLOSE, NEAR = 0.02, 0.10
_CLOCKS_S = 0.05
"""Of a step's time and the ledger's, which two processes of one machine write down."""


class Judged(Model):
    """One run, judged.

    Args:
        detected: an incident was opened in the first attempt, after the fault's onset.
        seconds: from the onset to the ledger.
        steps: begun from the onset to the ledger.
        diagnosed: the first incident that no other explains is of an expected kind.
        acted: what was done about it is among what helps.
        recovered: the run came to a score at most 10% worse than its twin's, and no person was
            asked. None: the fault leaves no good end.
        gap: how much worse than the twin's the score is, as a share; below 0: better.
        destroyed: good work was stopped: before the onset, by an action that the class lists as
            destructive, or where the same run left alone ended well and this one did not.
        early: incidents before the onset.
        reward: from 0 to 1; None: the fault leaves no good end.
    """

    result: Result
    detected: bool
    seconds: float | None = None
    steps: int | None = None
    diagnosed: bool
    acted: bool
    recovered: bool | None
    gap: float | None
    destroyed: bool
    early: int = Field(ge=0)
    reward: float | None


def judge(
    fault: Fault, result: Result, twins: Iterable[Twin], alone: Result | None = None
) -> Judged:
    """Judges a run.

    Args:
        twins: among them the run of the same program and seed without a fault.
        alone: the same run with the same fault, only watched; None: not known.
    """
    first = [seen for seen in result.incidents if seen.run == 0]
    early = [seen for seen in first if seen.after_s is not None and seen.after_s < -_CLOCKS_S]
    after = [seen for seen in first if seen.after_s is not None and seen not in early]
    cause = next((seen for seen in after if not seen.part), None)
    twin = next(
        (t.value for t in twins if (t.program, t.seed) == (result.program, result.run_seed)), None
    )
    gap = _gap(result, twin)
    left_alone = _gap(alone, twin) if alone is not None else None
    spoilt = left_alone is not None and left_alone <= NEAR and (gap is None or gap > NEAR)
    asked = any(seen.action == "escalate" for seen in result.incidents)
    return Judged(
        result=result,
        detected=bool(after),
        seconds=max(0.0, after[0].after_s or 0.0) if after else None,
        steps=after[0].after_steps if after else None,
        diagnosed=cause is not None and cause.kind in fault.expected,
        acted=cause is not None and cause.action in fault.right,
        recovered=(gap is not None and gap <= NEAR and not asked) if fault.recoverable else None,
        gap=gap,
        destroyed=spoilt
        or any(map(_stops, early))
        or any(s.action in fault.destructive for s in after),
        early=len(early),
        reward=_reward(result, gap) if fault.recoverable else None,
    )


def _stops(seen: Seen) -> bool:
    return seen.action is not None and seen.action.startswith(("restart", "give_up"))


def _gap(result: Result, twin: float | None) -> float | None:
    if result.value is None or twin is None:
        return None
    worse = result.value - twin if PROGRAMS[result.program][2] == "rmse" else twin - result.value
    return worse / max(abs(twin), 1e-12)


def _reward(result: Result, gap: float | None) -> float:
    """1 for a score within 2% of the twin's, 0.5 within 10%, 0.2 for any, less 0.1 a restart more
    than one.
    """
    if gap is None:
        return 0.0
    quality = 1.0 if gap <= CLOSE else 0.5 if gap <= NEAR else 0.2
    return max(0.0, quality - 0.1 * max(0, len(result.trials) - 2))
