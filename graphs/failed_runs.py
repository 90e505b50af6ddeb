"""How runs of the program failed, kept for who writes the code anew, as their incidents have it."""

from collections.abc import Sequence

from graphs.nodes.incidents import incidents_of
from graphs.work import Work
from labcrew.domain.experiment import Trial
from labcrew.domain.programming import FailedRun
from labcrew.domain.ticket import AssignedTicket

_MOST = 3
"""Ways to fail that are told of each: of the newest patch, and of the program as it is."""


def _key(assigned: AssignedTicket, code_round: int) -> str:
    return f"{assigned.id}/r{assigned.revision}/failed_runs/{code_round}"


def keep_failed_runs(
    work: Work, assigned: AssignedTicket, code_round: int, trials: Sequence[Trial]
) -> None:
    """Writes down, once a round, how runs of the last patch and of the program as it is failed.

    Written down, so that what the next round is told stays the same whatever is run later.
    """
    ran = [t for t in trials if t.code and t.result is not None]
    changed = [t for t in ran if t.code == ran[-1].code]
    own = [t for t in trials if t.kind == "baseline"]
    runs = [*_failed(work, changed, changed=True), *_failed(work, own, changed=False)]
    work.ledger.events.append(
        ticket=assigned.id,
        actor="log_monitor",
        kind="code.runs_failed",
        key=_key(assigned, code_round),
        data={"runs": [run.model_dump(mode="json") for run in runs]},
    )


def failed_runs(work: Work, assigned: AssignedTicket, code_round: int) -> tuple[FailedRun, ...]:
    """How runs failed before a round of this revision; a round that led to no run changes nothing.

    A first round is told of none: the program runs only once there is a patch.
    """
    for round_ in range(code_round - 1, -1, -1):
        event = work.ledger.events.find(_key(assigned, round_))
        if event is not None:
            return tuple(FailedRun.model_validate(run) for run in event.data["runs"])
    return ()


def _failed(work: Work, trials: Sequence[Trial], *, changed: bool) -> list[FailedRun]:
    """Runs of seeds that gave no score, those that failed alike as one."""
    scored = {trial.seed for trial in trials if trial.score is not None}
    found: dict[str, FailedRun] = {}
    for trial in trials:
        if trial.seed in scored or trial.status not in ("failed", "stopped"):
            continue
        run = _run(work, trial, changed)
        alike = found.get(run.diagnosis)
        if alike is not None:
            run = alike.model_copy(update={"trials": (*alike.trials, trial.id)})
        found[run.diagnosis] = run
    return list(found.values())[:_MOST]


def _run(work: Work, trial: Trial, changed: bool) -> FailedRun:
    """A run with the diagnosis that it ended by, and the lines that show it."""
    reason = trial.result.reason if trial.result is not None else trial.status
    causes = [i for i in incidents_of(work, trial) if i.diagnosis == reason]
    evidence = causes[0].evidence if causes else ()
    return FailedRun(trials=(trial.id,), changed=changed, diagnosis=reason, evidence=evidence)
