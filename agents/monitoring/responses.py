"""What may be done about each kind of incident, best first by what is known before any run."""

from collections.abc import Set
from typing import Literal

from labcrew.domain.base import Model
from labcrew.domain.monitoring import Action, IncidentKind
from labcrew.domain.supervision import Offer, Supervision

RESPONSES: dict[IncidentKind, tuple[Action, ...]] = {
    "not_finite": ("restart_lower_rate", "restart_clipped", "restart_same", "give_up"),
    "diverged": ("restart_lower_rate", "restart_clipped", "restart_same", "give_up"),
    "gradient_explosion": ("restart_clipped", "restart_lower_rate", "continue", "give_up"),
    "loss_spike": ("continue", "restart_clipped", "restart_lower_rate"),
    "plateau": ("restart_same", "continue", "give_up"),
    "overfitting": ("continue", "give_up"),
    "stalled": ("restart_same", "restart_elsewhere", "give_up"),
    "slowed": ("continue", "restart_elsewhere"),
    "data_starved": ("continue", "restart_elsewhere", "restart_same"),
    "memory_rising": ("restart_same", "restart_smaller_batch", "restart_with_memory", "continue"),
    "out_of_memory": ("restart_smaller_batch", "restart_with_memory", "restart_same", "give_up"),
    "disk_filling": ("free_space", "continue"),
    "storage_full": ("restart_same", "give_up"),
    "corrupt_batch": ("restart_without_batch", "restart_clipped", "restart_same", "give_up"),
    "shifted_data": ("restart_without_batch", "escalate", "continue"),
    "metric_jump": ("escalate", "continue"),
    "train_validation_contradiction": ("escalate", "continue"),
    "evaluation_disagrees": ("reevaluate", "escalate", "continue"),
    "bad_checkpoint": ("continue", "restart_same"),
    "crashed": ("restart_same", "give_up"),
    "time_limit": ("give_up",),
    "no_metric": ("give_up",),
    "engine_lost": ("restart_same", "give_up"),
}
"""The closed list. What isn't here for a kind is never done about it, whoever answers."""

ADVISORY: frozenset[IncidentKind] = frozenset(
    kind for kind, actions in RESPONSES.items() if "continue" in actions
)
"""Kinds that a run may go on with."""


_SAME_AGAIN: frozenset[IncidentKind] = frozenset(
    {
        "not_finite",
        "diverged",
        "plateau",
        "memory_rising",
        "out_of_memory",
        "storage_full",
        "corrupt_batch",
    }
)
"""From its start the same run would go the same way; from a checkpoint it may not."""


class Situation(Model):
    """What bounds the choice for one run.

    Args:
        offers: what its program lets its supervisor do.
        running: whether it still runs.
        adjustable: whether a lower learning rate or a smaller batch is a legal setting.
        memory_mb: MiB it has; `memory_limit_mb` is the most it may be given.
        parallel: how many slots there are.
        restarts_left: restarts that its own chain, the ticket and the budget still allow.
        evaluated: whether an evaluator can be asked about its outputs.
        named_batch: whether the incident names a batch.
        progressed: whether the run had begun to train: what fails before will fail again.
        tried: actions that were tried in this run's chain of restarts, for this kind.
    """

    offers: frozenset[Offer]
    running: bool
    adjustable: frozenset[Literal["learning_rate", "batch_size"]]
    memory_mb: int
    memory_limit_mb: int
    parallel: int
    restarts_left: int
    evaluated: bool
    named_batch: bool
    progressed: bool = True
    tried: frozenset[Action] = frozenset()


def allowed(
    kind: IncidentKind, supervision: Supervision, situation: Situation
) -> tuple[Action, ...]:
    """What may be done now, best first by the fixed order; never empty.

    Giving up an ended run, and letting a running one go on where its kind permits that, are never
    refused: they are the floor.
    """
    open_: list[Action] = [
        action
        for action in RESPONSES[kind]
        if action in supervision.actions and _possible(kind, action, situation)
    ]
    goes_on = kind in ADVISORY or "give_up" not in supervision.actions
    floor: Action = "continue" if situation.running and goes_on else "give_up"
    return tuple(open_) if open_ else (floor,)


def _possible(kind: IncidentKind, action: Action, now: Situation) -> bool:
    if action in ("continue", "free_space", "escalate") and not now.running:
        return False
    if action == "reevaluate":
        return now.evaluated and not now.running and action not in now.tried
    if not action.startswith("restart"):
        return True
    if now.restarts_left <= 0:
        return False
    if action == "restart_same" and (
        (kind in _SAME_AGAIN and "resume" not in now.offers)
        or (kind == "crashed" and not now.progressed)
    ):
        return False
    # Lower once more, or without another batch, is something new.
    repeatable = action in ("restart_lower_rate", "restart_without_batch")
    return (repeatable or action not in now.tried) and _offered(action, now)


def _offered(action: Action, now: Situation) -> bool:
    offers: Set[str] = now.offers | now.adjustable
    if action == "restart_lower_rate":
        return "learning_rate" in offers
    if action == "restart_smaller_batch":
        return "batch_size" in offers
    if action == "restart_clipped":
        return "gradient_clip" in offers
    if action == "restart_without_batch":
        return "quarantine" in offers and now.named_batch
    # Only as far as a person approved: no agent raises its own budget.
    if action == "restart_with_memory":
        return 2 * now.memory_mb <= now.memory_limit_mb
    if action == "restart_elsewhere":
        return now.parallel > 1
    return True
