"""The port that every proposer fulfils, and what a proposer is told."""

from random import Random
from typing import Protocol

from pydantic import ValidationInfo, field_validator

from labcrew.domain.base import Model
from labcrew.domain.evolution import Analysis, CodeFile, Proposal, Round
from labcrew.domain.evolution_spec import EvolutionSpec


class Tried(Model):
    """A program that was evaluated on the gate split."""

    code: str
    files: tuple[CodeFile, ...]
    score: float
    seconds: float
    kept: bool
    round: int


class Situation(Model):
    """All that a proposer may know: of the gate split first looks, of the sealed split nothing.

    Re-tests against one champion share their seeds. Of one that kept nothing no proposer sees a
    figure, so that no change is made after what those seeds liked. Where re-tests share their cases
    for the whole loop, it sees none of any.

    Args:
        parted: re-tests have cases of their own, the same in each.
    """

    parted: bool = False  # before `rounds`, which are hidden by it
    spec: EvolutionSpec
    champion: tuple[CodeFile, ...]
    baseline: tuple[CodeFile, ...]
    analysis: Analysis
    tried: tuple[Tried, ...] = ()
    rounds: tuple[Round, ...] = ()
    notes: tuple[str, ...] = ()
    components: tuple[CodeFile, ...] = ()

    @field_validator("rounds")
    @classmethod
    def _without_retests(
        cls, rounds: tuple[Round, ...], known: ValidationInfo
    ) -> tuple[Round, ...]:
        hidden = {"retest": None, "reason": ""}
        seen = () if known.data["parted"] else ("kept",)
        return tuple(r if r.verdict in seen else r.model_copy(update=hidden) for r in rounds)


class Proposer(Protocol):
    """One way to make a change. A new one is a file in proposers/ and a line in its table."""

    name: str

    def can(self, situation: Situation) -> bool:
        """Whether it has anything to work on here: a cheap question."""

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        """A change of the champion, or of another program; None where nothing new comes to it.

        The same situation and the same state of `random` give the same change, but for a model's.
        """
