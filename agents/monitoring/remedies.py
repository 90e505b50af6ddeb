"""What an action changes in the run that is started again."""

import statistics
from collections.abc import Iterable

from labcrew.domain.base import Model
from labcrew.domain.experiment import Rescue, Trial
from labcrew.domain.monitoring import Action, Alarm
from labcrew.domain.search_space import Parameter, Value, Values, nearest
from labcrew.domain.ticket import AssignedTicket

_RATE, _BATCH, _CLIP = 0.1, 0.5, 1.0
_TOLD_RATE = 0.25
"""Of a run that goes on: it has learnt something already, and has little time left to learn."""
_LEAST_SCALE = 1e-4


class Remedy(Model):
    """How a restart differs from the run before.

    Args:
        values: its settings.
        memory_mb: MiB that it gets.
        rescue: what it is told beside its settings; the checkpoint is chosen later.
    """

    values: Values
    memory_mb: int
    rescue: Rescue


def adjustable(space: dict[str, Parameter], values: Values) -> frozenset[str]:
    """Which of learning_rate and batch_size a smaller legal value exists for, by the settings."""
    roles = {"learning_rate": _RATE, "batch_size": _BATCH}
    return frozenset(r for r, factor in roles.items() if _smaller(space, values, r, factor))


def remedy(
    assigned: AssignedTicket, trial: Trial, action: Action, alarm: Alarm, others: Iterable[Trial]
) -> Remedy:
    """What a restart changes.

    A lower learning rate is a tenth of the present one; in a search not above the median of what
    healthy runs had, so that one restart is enough. Settings are changed where the search space
    has the parameter, else the program is told by a variable, to go on with a quarter of its rate.

    Args:
        others: the ticket's trials, whose scores tell which settings are healthy.
    """
    space, memory = assigned.ticket.search_space, trial.memory_mb
    lower = None
    if action == "restart_lower_rate":
        lower = _smaller(space, trial.values, "learning_rate", _RATE, _healthy(space, others))
    elif action == "restart_smaller_batch":
        lower = _smaller(space, trial.values, "batch_size", _BATCH)
    elif action == "restart_with_memory":
        memory *= 2
    anew = trial.rescue.model_copy(
        update={"checkpoint": "", "checkpoint_of": "", "checkpoint_sha256": "", "step": None}
    )
    return Remedy(
        values=lower or trial.values,
        memory_mb=memory,
        rescue=anew if lower else told(anew, action, alarm.subject),
    )


def told(before: Rescue, action: Action, subject: str = "") -> Rescue:
    """What a restart is told, beside what the run before it was told.

    Args:
        subject: the batch that is left out, where that is the action.
    """
    if action == "restart_lower_rate":
        scale = max(_LEAST_SCALE, before.learning_rate_scale * _TOLD_RATE)
        return before.model_copy(update={"learning_rate_scale": scale})
    if action == "restart_smaller_batch":
        return before.model_copy(update={"batch_scale": before.batch_scale * _BATCH})
    if action == "restart_clipped":
        clip = _CLIP if before.gradient_clip is None else before.gradient_clip / 10
        return before.model_copy(update={"gradient_clip": clip})
    if action == "restart_without_batch":
        names = tuple(dict.fromkeys((*before.without_batches, subject)))
        return before.model_copy(update={"without_batches": names})
    return before


def _healthy(space: dict[str, Parameter], others: Iterable[Trial]) -> float | None:
    """The median learning rate of scored trials."""
    name = next((n for n, p in space.items() if p.role == "learning_rate"), None)
    rates = [
        float(value)
        for trial in others
        if trial.score is not None and name is not None
        for value in [trial.values.get(name)]
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return statistics.median(rates) if rates else None


def _smaller(
    space: dict[str, Parameter],
    values: Values,
    role: str,
    factor: float,
    most: float | None = None,
) -> Values | None:
    """Settings with a smaller value of a role; None where none is legal."""
    for name, parameter in space.items():
        value = values.get(name)
        if parameter.role != role or value is None or isinstance(value, str | bool):
            continue
        aim = value * factor if most is None else min(value * factor, most)
        lower = _legal_below(parameter, value, aim)
        if lower is not None:
            return values | {name: lower}
    return None


def _legal_below(parameter: Parameter, value: int | float, aim: float) -> Value | None:
    if parameter.type == "choice":
        below = [
            c
            for c in parameter.choices
            if isinstance(c, int | float) and not isinstance(c, bool) and c < value
        ]
        return max(below, default=None)
    lower = nearest(parameter, aim)
    return lower if lower < value else None
