"""What may be done about a run that labcrew did not start."""

from collections.abc import Iterable

from agents.monitoring.responses import Situation, allowed
from labcrew.domain.experiment import Incident
from labcrew.domain.monitoring import Action, Alarm, Attachment
from labcrew.domain.supervision import Supervision


def possible(
    attached: Attachment,
    alarm: Alarm,
    earlier: Iterable[Incident],
    *,
    progressed: bool,
    running: bool,
) -> tuple[Action, ...]:
    """The actions of the closed list that the person's commands make possible, best first.

    Args:
        earlier: the incidents of this run and those before it.
        progressed: whether it had begun to train.
        running: whether it still runs.
    """
    tried = {i.intervention.action for i in earlier if i.intervention and i.kind == alarm.kind}
    situation = Situation(
        offers=frozenset(attached.offers),
        running=running,
        adjustable=frozenset(),
        memory_mb=0,
        memory_limit_mb=-1,
        parallel=1,
        restarts_left=max(0, attached.rescues - attached.restarts) if attached.restart else 0,
        evaluated=False,
        named_batch=False,
        progressed=progressed,
        tried=frozenset(tried),
    )
    found = [
        action
        for action in allowed(alarm.kind, Supervision(), situation)
        if action not in ("escalate", "free_space")
        and (action != "give_up" or attached.stop or not running)
    ]
    return tuple(found) or ("continue",)
