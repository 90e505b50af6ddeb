"""Which of several alarms is the cause of the others. Pure."""

from collections.abc import Sequence

from labcrew.domain.monitoring import Alarm, IncidentKind

EXPLAINS: tuple[tuple[IncidentKind, frozenset[IncidentKind], str], ...] = (
    (
        "corrupt_batch",
        frozenset({"not_finite", "diverged", "loss_spike", "gradient_explosion", "shifted_data"}),
        "one batch was bad, and the loss and its gradients followed",
    ),
    (
        "gradient_explosion",
        frozenset({"diverged", "not_finite", "loss_spike", "shifted_data"}),
        "gradients grew first; the step that they took spoilt the weights",
    ),
    (
        "shifted_data",
        frozenset({"loss_spike", "train_validation_contradiction", "overfitting"}),
        "the data is not what it was, so the loss stands elsewhere",
    ),
    (
        "diverged",
        frozenset({"not_finite", "loss_spike", "plateau", "shifted_data", "overfitting"}),
        "the loss had grown away before it was no number any more",
    ),
    (
        "not_finite",
        frozenset({"plateau", "no_metric", "crashed"}),
        "nothing is computed from NaN but NaN",
    ),
    (
        "data_starved",
        frozenset({"slowed", "stalled"}),
        "steps wait for their data",
    ),
    (
        "memory_rising",
        frozenset({"out_of_memory", "crashed", "slowed", "engine_lost"}),
        "memory rose until there was none left",
    ),
    (
        "out_of_memory",
        frozenset({"crashed", "engine_lost", "stalled", "no_metric"}),
        "an allocation failed, or the kernel ended it",
    ),
    (
        "disk_filling",
        frozenset({"storage_full", "bad_checkpoint", "crashed"}),
        "the workspace filled until nothing could be written",
    ),
    (
        "storage_full",
        frozenset({"crashed", "bad_checkpoint", "no_metric"}),
        "nothing could be written any more",
    ),
    (
        "metric_jump",
        frozenset({"train_validation_contradiction", "evaluation_disagrees"}),
        "validation is too good to agree with anything else",
    ),
    (
        "train_validation_contradiction",
        frozenset({"overfitting"}),
        "validation fell at once, it was not learned away",
    ),
    (
        "bad_checkpoint",
        frozenset({"crashed"}),
        "the file that it died of is named",
    ),
    (
        "stalled",
        frozenset({"slowed", "time_limit", "no_metric"}),
        "it hung, so nothing came in time",
    ),
    (
        "crashed",
        frozenset({"no_metric", "stalled"}),
        "it ended before it could print a metric",
    ),
)
"""Cause, effects, and why: the first row whose cause is there wins over all of its effects."""

_DOUBTFUL = 0.5
"""A cause less certain than this explains nothing that is surer."""


def cause(alarms: Sequence[Alarm]) -> Alarm:
    """The alarm that explains most of the others: the one to act on.

    An alarm is explained by another whose kind brings it about (the table above) and that did not
    begin later. Of those that none explains the one that explains most is the cause, then the
    surest, then the first.

    Args:
        alarms: of one run and close together, in the order of their coming; at least one.

    Raises:
        ValueError: there are none.
    """
    if not alarms:
        raise ValueError("there is no alarm, so there is no cause")
    roots = [a for a in alarms if not any(_explains(b, a) for b in alarms if b is not a)]
    return max(
        roots or list(alarms),
        key=lambda a: (len(explained(a, alarms)), a.confidence, -alarms.index(a)),
    )


def explained(by: Alarm, alarms: Sequence[Alarm]) -> tuple[Alarm, ...]:
    """The alarms that another one brings about."""
    return tuple(alarm for alarm in alarms if alarm is not by and _explains(by, alarm))


def reason(by: Alarm, alarm: Alarm) -> str:
    """Why one brings about the other, in a sentence; empty where it doesn't."""
    for kind, effects, why in EXPLAINS:
        if kind == by.kind and alarm.kind in effects:
            return why
    return ""


def _explains(by: Alarm, alarm: Alarm) -> bool:
    if not reason(by, alarm) or (by.confidence < _DOUBTFUL <= alarm.confidence):
        return False
    # A cause is not seen to begin after its effect was seen whole.
    began, seen = by.since_step, alarm.since_step
    if began is None or seen is None:
        return True
    return began <= seen + max(2, seen // 50)
