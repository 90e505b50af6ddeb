"""Skills: what a lab wrote down about its ways, and what its rules are held against."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.research import AgentName
from labcrew.domain.skill_rules import Rule

TicketKind = Literal["search", "implement", "fix"]


class When(Model):
    """Which questions a skill is for; all that is named must fit, and nothing named fits all."""

    kinds: tuple[TicketKind, ...] = Field(default=(), description="kinds of tickets")
    agents: tuple[AgentName, ...] = ()
    paths: tuple[str, ...] = Field(
        default=(), max_length=100, description="globs; one path that a ticket may change fits"
    )
    about: str = Field(
        default="", max_length=1000, description="in words; taken where a question is near to it"
    )


class CompiledRule(Model):
    """A rule that is checked, and where it was written."""

    line: int = Field(ge=1)
    source: str = Field(description="the sentence or the kind of rule, as written")
    rule: Rule


class Advice(Model):
    """A sentence of `rules:` that no check was found for; chat models alone read it."""

    line: int = Field(ge=1)
    text: str
    must: bool = Field(default=False, description="the lab asked for a check that there is not")


class Skill(Model):
    """One Markdown file of a lab."""

    name: str
    file: str
    when: When
    text: str = Field(description="below the front matter")
    rules: tuple[CompiledRule, ...] = ()
    advice: tuple[Advice, ...] = ()


class Asking(Model):
    """What skills are chosen for: fixed for a ticket and an agent, so that prompts stay the same.

    An empty kind or agent fits every skill.
    """

    agent: AgentName | None = None
    kind: TicketKind | None = None
    text: str = Field(description="the ticket's title and question")
    paths: tuple[str, ...] = Field(default=(), description="paths or globs that it may change")


class Chosen(Model):
    """The skills that a question is about, by name."""

    shown: tuple[Skill, ...] = Field(description="given to chat models")
    left_out: tuple[Skill, ...] = Field(
        default=(), description="no room in a prompt; their rules are checked all the same"
    )
    nearness: dict[str, float] = Field(
        default_factory=dict, description="skill → similarity, for those chosen by their words"
    )

    @property
    def relevant(self) -> tuple[Skill, ...]:
        return tuple(sorted((*self.shown, *self.left_out), key=lambda skill: skill.name))


class FileChange(Model):
    """One file, before and after; None where there is none."""

    path: str
    before: str | None = None
    after: str | None = None


class Work(Model):
    """What rules are held against: code that was written, and what is planned to measure it."""

    files: tuple[FileChange, ...] | None = Field(default=None, description="None: no code yet")
    message: str | None = Field(default=None, description="the commit's; None: not written yet")
    metric: str | None = Field(default=None, description="that the ticket reports")
    seeds: int | None = Field(default=None, ge=0, description="that each reported figure rests on")
    budget: Budget | None = None


Outcome = Literal["kept", "broken", "not_applicable", "unchecked"]


class RuleResult(Model):
    """What a check said of one rule."""

    skill: str
    line: int
    rule: str = Field(description="in words")
    must: bool
    outcome: Outcome = Field(description="unchecked: it could not be told")
    where: tuple[str, ...] = Field(
        default=(), description="path:line and what stands there: untrusted text, shortened"
    )

    @property
    def blocks(self) -> bool:
        """Whether work may not be called ready: what could not be told counts as broken."""
        return self.must and self.outcome in ("broken", "unchecked")
