"""Which action to take about an incident: learnt from what earlier ones brought."""

import random
from collections.abc import Iterable, Sequence

from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident
from labcrew.domain.monitoring import Action, IncidentKind

_STRENGTH = 6.0
_FIRST, _STEP, _LEAST = 0.8, 0.2, 0.2


class Experience(Model):
    """What an action brought for one kind of incident so far.

    Args:
        gained: the sum of its scores, each from 0 to 1.
        times: how often it was scored.
    """

    action: Action
    gained: float = 0.0
    times: int = 0


def experience(
    kind: IncidentKind, allowed: Sequence[Action], incidents: Iterable[Incident]
) -> tuple[Experience, ...]:
    """What each allowed action brought, over all recorded incidents of a kind."""
    gained = dict.fromkeys(allowed, 0.0)
    times = dict.fromkeys(allowed, 0)
    for incident in incidents:
        done = incident.intervention
        if incident.kind == kind and done and done.score is not None and done.action in times:
            gained[done.action] += done.score
            times[done.action] += 1
    return tuple(Experience(action=a, gained=gained[a], times=times[a]) for a in allowed)


class Choice(Model):
    """A choice among actions.

    Args:
        expected: the mean of what the action is believed to bring, from 0 to 1.
        explored: whether another action is believed to bring more.
    """

    action: Action
    expected: float
    explored: bool


def choose(known: Sequence[Experience], *, seed: str, explore: bool) -> Choice:
    """Thompson sampling (Thompson 1933; for Bernoulli arms Chapelle and Li 2011).

    The belief about an action is a Beta distribution over its score. Before any run it leans
    towards the fixed order of the actions, with the weight of six runs. A score between 0 and 1
    counts as that share of a success.

    Args:
        known: the allowed actions in their fixed order, with what they brought; not empty.
        seed: names the incident; the same seed chooses the same.
        explore: False takes the best mean.
    """
    beliefs = [_belief(place, one) for place, one in enumerate(known)]
    means = [a / (a + b) for a, b in beliefs]
    best = max(range(len(known)), key=lambda n: means[n])
    chosen = best
    if explore and len(known) > 1:
        chance = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        drawn = [chance.betavariate(a, b) for a, b in beliefs]
        chosen = max(range(len(known)), key=lambda n: drawn[n])
    return Choice(
        action=known[chosen].action, expected=round(means[chosen], 4), explored=chosen != best
    )


def _belief(place: int, one: Experience) -> tuple[float, float]:
    prior = max(_LEAST, _FIRST - _STEP * place)
    missed = max(0.0, one.times - one.gained)
    return _STRENGTH * prior + one.gained, _STRENGTH * (1 - prior) + missed
