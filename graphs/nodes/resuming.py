"""Where a restart begins: at the last good checkpoint of the run, or of those that it restarts."""

from agents.log_monitor import incident_id
from agents.monitoring.checkpoints import last_good
from graphs.work import Work
from labcrew.domain.experiment import Rescue, Trial
from labcrew.domain.monitoring import Alarm
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from tools.inspect_checkpoints import InspectCheckpoints, inspect_checkpoints
from tools.offers import offers
from tools.toolbox import Toolbox


async def resumption(
    work: Work,
    assigned: AssignedTicket,
    trial: Trial,
    alarm: Alarm,
    tools: Toolbox,
) -> Rescue | None:
    """The checkpoint that a restart of a trial begins at; None where it begins anew.

    A checkpoint that can't be looked at is none: missing evidence never counts as good.
    """
    if "resume" not in offers(assigned, work.bench.repositories):
        return None
    try:
        found = await tools.use(inspect_checkpoints, InspectCheckpoints(trial=trial.id))
    except LabcrewError as error:
        work.ledger.events.append(
            ticket=assigned.id,
            actor="log_monitor",
            kind="checkpoints.unknown",
            key=f"{trial.id}/checkpoints",
            data={"trial": trial.id, "because": error.message},
        )
        return None
    incident = work.ledger.incidents.find(incident_id(trial, alarm.kind))
    seen_at = incident.seen_at if incident is not None else None
    good = last_good(found.checkpoints, alarm.since_step, seen_at.timestamp() if seen_at else None)
    if good is not None:
        return Rescue(
            checkpoint=good.path,
            checkpoint_of=trial.id,
            checkpoint_sha256=good.sha256,
            step=good.step,
        )
    before = trial.rescue
    if not before.checkpoint or not _healthy(before, alarm):
        return None
    return Rescue(
        checkpoint=before.checkpoint,
        checkpoint_of=before.checkpoint_of or trial.restarts,
        checkpoint_sha256=before.checkpoint_sha256,
        step=before.step,
    )


def _healthy(before: Rescue, alarm: Alarm) -> bool:
    """Whether the checkpoint that a run itself began at was saved before the trouble."""
    if alarm.since_step is None or before.step is None:
        return True
    return before.step <= alarm.since_step
