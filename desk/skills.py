"""What people see of a lab's skills: which there are, and how a ticket keeps to them."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from desk.wiring import Opened, skills_of
from labcrew.domain.base import Model
from labcrew.domain.repository import Repositories
from labcrew.domain.research import AgentName, Embedder
from labcrew.domain.skills import RuleResult, Skill
from labcrew.errors import NotFound
from labcrew.skills.adherence import adherence, blocking
from labcrew.skills.choosing import in_prompt
from labcrew.skills.house import House
from tools.house_rules import planned_work, texts, written_work


class ShownSkill(Model):
    """A skill, and for a ticket whether it is meant."""

    skill: Skill
    text: str = Field(description="as a chat model reads it")
    ticket: str = ""
    chosen: bool | None = Field(default=None, description="None: no ticket was named")
    nearness: float | None = Field(default=None, description="cosine similarity to the ticket")
    because: str = ""


class Adherence(Model):
    """How a ticket's work keeps to the lab's rules."""

    ticket: str
    looked_at: str = Field(description="what was there to be checked")
    results: tuple[RuleResult, ...]
    advice: tuple[str, ...] = Field(description="what only chat models read: no check fits it")
    ready: bool = Field(description="no rule marked must is broken or could not be told")


@dataclass(frozen=True)
class SkillsDesk:
    """Answers about the skills of an open home."""

    opened: Opened
    embedder: Callable[[], Embedder]

    def all(self) -> tuple[Skill, ...]:
        """Every skill. Raises SkillError."""
        return skills_of(self.opened)

    def show(self, name: str, ticket: str | None, agent: AgentName | None = None) -> ShownSkill:
        """One skill, and why it is or is not chosen for a ticket. Raises NotFound, SkillError."""
        skills = self.all()
        skill = next((one for one in skills if one.name == name), None)
        if skill is None:
            known = ", ".join(one.name for one in skills) or "none; write one in the skills folder"
            raise NotFound(f"There is no skill {name}.", f"There are: {known}.")
        if ticket is None:
            return ShownSkill(skill=skill, text=in_prompt(skill))
        assigned = self.opened.ledger.tickets.get(ticket)
        chosen = self._house(skills).chosen(assigned.ticket, agent)
        near = chosen.nearness.get(name)
        if skill in chosen.shown:
            because = "near to its question" if near is not None else "its conditions fit"
        elif skill in chosen.left_out:
            because = "no room in a prompt; its rules are checked all the same"
        else:
            because = "its conditions do not fit, or its words are not near to the question"
        return ShownSkill(
            skill=skill,
            text=in_prompt(skill),
            ticket=ticket,
            chosen=skill in chosen.shown,
            nearness=near,
            because=because,
        )

    def check(self, ticket: str, repositories: Repositories) -> Adherence:
        """Holds a ticket's newest patch and its plan against the rules.

        Raises NotFound, SkillError.
        """
        assigned = self.opened.ledger.tickets.get(ticket)
        relevant = self._house(self.all()).chosen(assigned.ticket).relevant
        patches = self.opened.ledger.patches.of(ticket)
        if patches:
            looked = f"the patch {patches[-1].id} and the ticket's plan"
            work = written_work(texts(patches[-1]), assigned, repositories)
        else:
            looked, work = "the ticket's plan: no code was written yet", planned_work(assigned)
        results = adherence(relevant, work)
        return Adherence(
            ticket=ticket,
            looked_at=looked,
            results=results,
            advice=tuple(advice.text for skill in relevant for advice in skill.advice),
            ready=not blocking(results),
        )

    def _house(self, skills: tuple[Skill, ...]) -> House:
        return House(skills, self.embedder() if any(s.when.about for s in skills) else _Unasked())


class _Unasked:
    """Stands where no skill needs an embedding, so that no model is loaded."""

    dimensions = 1

    def embed(self, texts: list[str]) -> list[list[float]]:
        raise AssertionError("no skill asks for an embedding")
