"""How much running time incidents cost no longer, because something was done about them."""

import statistics
from collections.abc import Mapping, Sequence

from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident, Trial

DEFINITION = (
    "Time saved: for a run that was stopped early, the rest of its forecast time, which is the"
    " median of the ticket's runs that ran to their end; for a rescued run that was scored, the"
    " time up to its checkpoint, which was not repeated, taken as the checkpoint's share of the"
    " steps that the run before it had done. A run without a forecast or a step counts for nothing."
)
_STOPS = ("give_up",)


class Saving(Model):
    """What one incident's answer saved.

    Args:
        seconds: of running time.
        because: how it was reckoned, in words.
    """

    incident: str
    trial: str
    seconds: float
    because: str


def savings(
    incidents: Sequence[Incident], trials: Mapping[str, Trial], of_ticket: Mapping[str, list[Trial]]
) -> tuple[Saving, ...]:
    """What each incident's answer saved; those that saved nothing known are left out.

    Args:
        incidents: with their interventions.
        trials: by id.
        of_ticket: a ticket's trials.
    """
    found: list[Saving] = []
    for incident in incidents:
        done, trial = incident.intervention, trials.get(incident.trial)
        if done is None or done.part_of or trial is None or trial.result is None:
            continue
        if trial.status == "stopped" and (done.action in _STOPS or done.new_trial):
            forecast = _forecast(of_ticket.get(incident.ticket, []))
            if forecast is not None and forecast > trial.result.duration_s:
                rest = forecast - trial.result.duration_s
                because = f"stopped after {trial.result.duration_s:.0f} of {forecast:.0f} s"
                found.append(_saving(incident, rest, because))
        again = trials.get(done.new_trial)
        if again is not None and again.status == "scored" and again.rescue.checkpoint:
            kept = _kept_share(incident, again)
            if kept is not None:
                seconds = kept * trial.result.duration_s
                because = f"went on from step {again.rescue.step} of {incident.step}"
                found.append(_saving(incident, seconds, because))
    return tuple(found)


def _saving(incident: Incident, seconds: float, because: str) -> Saving:
    return Saving(
        incident=incident.id, trial=incident.trial, seconds=round(seconds, 3), because=because
    )


def _forecast(trials: Sequence[Trial]) -> float | None:
    """Seconds that a whole run of the ticket takes; a rescued one's is only a part."""
    whole = [
        t.result.duration_s
        for t in trials
        if t.status == "scored" and t.result is not None and not t.rescue.checkpoint
    ]
    return statistics.median(whole) if whole else None


def _kept_share(incident: Incident, again: Trial) -> float | None:
    step = again.rescue.step
    if step is None or not incident.step or incident.step <= 0:
        return None
    return min(1.0, max(0.0, step / incident.step))
