"""Which proposer has its turn: learnt from what each one's rounds brought."""

from collections.abc import Collection, Sequence
from random import Random

from labcrew.domain.base import Model
from labcrew.domain.evolution import Round

_GAINED = 0.25
_FADES = 0.97
_PRIOR = (1.0, 2.0)


class Turn(Model):
    """Whose turn it is.

    Args:
        order: proposers; the next one has the turn of one that has nothing to say.
        why: one sentence.
    """

    order: tuple[str, ...]
    why: str


def choose(
    names: Sequence[str],
    rounds: Sequence[Round],
    random: Random,
    *,
    resting: Collection[str] = (),
) -> Turn:
    """Thompson sampling (Thompson 1933; for Bernoulli arms Chapelle and Li 2011).

    The belief about a proposer is a Beta distribution over what a round of it brings: 1 for a
    change that was kept, a quarter for one whose mean gain was above zero, else nothing. Earlier
    rounds count less, as what helped a poor program may not help a better one.

    Args:
        names: proposers that can propose now, in their fixed order; not empty.
        rounds: all that ended, oldest first.
        resting: those that come last this time, whatever was drawn.
    """
    beliefs = {name: _belief(name, rounds) for name in names}
    drawn = {name: random.betavariate(*beliefs[name]) for name in names}
    order = sorted(names, key=lambda n: (n in resting, -drawn[n]))
    first = order[0]
    mine = _of(first, rounds)
    kept = sum(round.verdict == "kept" for round in mine)
    a, b = beliefs[first]
    why = (
        f"{first} drew {drawn[first]:.2f}, the most of {len(names)}: it is believed to bring"
        f" {a / (a + b):.2f} a round after {len(mine)} rounds of which {kept} were kept."
    )
    return Turn(order=tuple(order), why=why)


def reward(round: Round) -> float:
    """What a round brought, from 0 to 1."""
    if round.verdict == "kept":
        return 1.0
    return _GAINED if round.first is not None and round.first.gain > 0 else 0.0


def _of(name: str, rounds: Sequence[Round]) -> list[Round]:
    return [
        round
        for round in rounds
        if round.proposal is not None and round.proposal.proposer == name and round.verdict
    ]


def _belief(name: str, rounds: Sequence[Round]) -> tuple[float, float]:
    a, b = _PRIOR
    last = rounds[-1].number if rounds else 0
    for round in _of(name, rounds):
        weight = _FADES ** (last - round.number)
        a += weight * reward(round)
        b += weight * (1 - reward(round))
    return a, b
