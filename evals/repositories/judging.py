"""Compares a draft with an entry's right answers, and measures how honest its confidences are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from evals.repositories.catalogue import Answers, Entry
from labcrew.domain.base import Model
from labcrew.domain.draft import Draft
from labcrew.domain.ticket import Ticket

FieldName = Literal["command", "metric", "direction", "split", "environment", "parameters"]

FIELDS: tuple[FieldName, ...] = (
    "command",
    "metric",
    "direction",
    "split",
    "environment",
    "parameters",
)

_GUESSED_AS: dict[FieldName, tuple[str, ...]] = {
    "command": ("run.command", "command", "run"),
    "metric": ("metric.name", "metric"),
    "direction": ("metric.direction", "direction"),
    "split": ("metric.split", "split"),
    "environment": ("environment",),
    "parameters": ("search_space", "parameters"),
}
"""The names a draft's guesses may have for a field; the first that is there counts."""

SURE = 0.8
"""From this confidence on an answer counts as stated with confidence."""


class FieldJudged(Model):
    """One field of a draft against the right answer."""

    right: bool
    confidence: float | None = Field(default=None, ge=0, le=1, description="none: not stated")
    asked: bool = Field(description="a person was asked; else it was guessed")
    found: str = Field(default="", max_length=600, description="what the draft says")

    @property
    def wrong_and_sure(self) -> bool:
        """Whether it is wrong, nobody was asked, and the draft was sure or said nothing."""
        return (
            not self.right
            and not self.asked
            and (self.confidence is None or self.confidence >= SURE)
        )


class Judged(Model):
    """A draft against its entry."""

    name: str
    fields: dict[FieldName, FieldJudged] = Field(
        description="empty where a refusal was right; all wrong where no ticket was written"
    )
    refusal_wanted: bool
    refused: str = Field(default="", description="the kind of trouble the draft ended with")
    refusal_right: bool = False
    maximize: bool = Field(description="the right direction; no meaning where a refusal is right")

    @property
    def right(self) -> int:
        """How many fields are right."""
        return sum(field.right for field in self.fields.values())

    def line(self) -> str:
        """The result on one line, for a person."""
        if self.refusal_wanted:
            verdict = "right" if self.refusal_right else "wrong"
            return f"{self.name}: {verdict} end ({self.refused or 'no refusal'})"
        marks = ", ".join(
            f"{name} {'right' if field.right else 'wrong'}{' (asked)' if field.asked else ''}"
            for name, field in self.fields.items()
        )
        refused = f"; refused: {self.refused}" if self.refused else ""
        return f"{self.name}: {self.right} of {len(self.fields)} right: {marks}{refused}"


def judge(draft: Draft | None, entry: Entry) -> Judged:
    """Judges each field of a draft.

    Args:
        draft: as it ended; None where none came to be.
        entry: with the right answers, or with the refusal that is right.
    """
    trouble = draft.trouble.kind if draft is not None and draft.trouble is not None else ""
    answers = entry.answers
    if answers is None:
        return Judged(
            name=entry.name,
            fields={},
            refusal_wanted=True,
            refused=trouble,
            refusal_right=trouble in entry.refusals and (draft is None or draft.ticket is None),
            maximize=False,
        )
    ticket = draft.ticket if draft is not None else None
    return Judged(
        name=entry.name,
        fields={name: _field(name, draft, ticket, answers) for name in FIELDS},
        refusal_wanted=False,
        refused=trouble if ticket is None else "",
        maximize=answers.direction == "maximize",
    )


def _field(
    name: FieldName, draft: Draft | None, ticket: Ticket | None, answers: Answers
) -> FieldJudged:
    if draft is None or ticket is None:
        return FieldJudged(right=False, confidence=0.0, asked=False)
    guesses = {guess.field: guess for guess in draft.guesses}
    guess = next((guesses[key] for key in _GUESSED_AS[name] if key in guesses), None)
    asked = {options.field for options in draft.questions} | set(draft.answers)
    found = _found(name, ticket, guess.value if guess is not None else None)
    return FieldJudged(
        right=_right(name, found, answers),
        confidence=guess.confidence if guess is not None else None,
        asked=any(key in asked for key in _GUESSED_AS[name]),
        found=", ".join(found)[:600],
    )


def _found(name: FieldName, ticket: Ticket, guessed: object) -> list[str]:
    """What a draft says of a field. The ticket counts; only the split stands in the guess alone."""
    match name:
        case "command":
            return [ticket.run.command]
        case "metric":
            return [ticket.metric.name]
        case "direction":
            return [ticket.metric.direction]
        case "split":
            return [guessed] if isinstance(guessed, str) else ["unknown"]
        case "environment":
            environment = ticket.environment
            files = [environment.requirements, environment.dockerfile]
            return [*environment.packages, *(f"file:{file}" for file in files if file)]
        case "parameters":
            return list(ticket.search_space)


def _right(name: FieldName, found: list[str], answers: Answers) -> bool:
    match name:
        case "command":
            return any(re.search(pattern, found[0]) for pattern in answers.command)
        case "metric":
            return plain(found[0]) in {plain(name) for name in answers.metric}
        case "direction":
            return found[0] == answers.direction
        case "split":
            return found[0] in answers.split
        case "environment":
            # Whether it installs is measured by the run itself.
            files = {item for item in found if item.startswith("file:")}
            have = {_package(item) for item in found if item not in files}
            named = any(f"file:{file}" in files for file in answers.files)
            return named or {_package(needed) for needed in answers.packages} <= have
        case "parameters":
            have = {_address(item) for item in found}
            hits = sum(
                any(_address(name) in have for name in names) for names in answers.parameters
            )
            return hits >= answers.parameters_needed


def plain(name: str) -> str:
    """A metric's name without case, punctuation and spaces."""
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _package(requirement: str) -> str:
    named = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", named[0]).lower() if named else ""


def _address(name: str) -> str:
    return name.strip().lower().removeprefix("--").replace("-", "_")


class Bin(Model):
    """Answers whose stated confidence lies in one interval."""

    low: float
    high: float
    count: int
    confidence: float = Field(description="mean, as stated")
    right: float = Field(description="share that was right")


class Calibration(Model):
    """How well stated confidences match what was right."""

    count: int
    brier: float = Field(description="mean squared distance of confidence and outcome; 0 is best")
    error: float = Field(description="expected calibration error: mean distance over the bins")
    bins: tuple[Bin, ...] = Field(description="those that hold an answer")


def calibration(judged: Iterable[Judged], bins: int = 10) -> Calibration | None:
    """Measures the confidences of all fields that state one; None where none does.

    The score is Brier's (1950); the bins are of one width over [0, 1].

    Args:
        judged: the judged drafts.
        bins: how many; at least 1.
    """
    pairs = [
        (field.confidence, field.right)
        for one in judged
        for field in one.fields.values()
        if field.confidence is not None and field.found
    ]
    if not pairs:
        return None
    filled = []
    for number in range(bins):
        inside = [(c, r) for c, r in pairs if min(int(c * bins), bins - 1) == number]
        if inside:
            filled.append(
                Bin(
                    low=number / bins,
                    high=(number + 1) / bins,
                    count=len(inside),
                    confidence=sum(c for c, _ in inside) / len(inside),
                    right=sum(r for _, r in inside) / len(inside),
                )
            )
    return Calibration(
        count=len(pairs),
        brier=sum((c - r) ** 2 for c, r in pairs) / len(pairs),
        error=sum(b.count * abs(b.confidence - b.right) for b in filled) / len(pairs),
        bins=tuple(filled),
    )
