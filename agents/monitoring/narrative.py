"""A short paragraph over a night's work, in words; the numbers stand below it in any case."""

import re

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.judgement import Judgement

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONGEST = 1200


class Night(Model):
    """What happened since a time, in numbers, and the incidents in their own words."""

    hours: float
    started: int
    scored: int
    failed: int
    running: int
    incidents: int
    helped: int
    waiting: int = Field(description="gates, incidents and what failed that wait for a person")
    saved_hours: float | None
    told: tuple[str, ...] = Field(default=(), description="incidents and what was done: untrusted")


class Narrative(Model):
    """The paragraph."""

    text: str = Field(min_length=1, max_length=_LONGEST)


def _rule(night: Night) -> Narrative:
    if not night.started and not night.incidents and not night.running:
        waiting = f" {_waiting(night.waiting)}" if night.waiting else ""
        return Narrative(text=f"Nothing ran in the last {night.hours:g} hours.{waiting}")
    parts = [
        f"In the last {night.hours:g} hours {_count(night.started, 'run')} began;"
        f" {night.scored} scored, {night.failed} failed or stopped, {night.running} still going."
    ]
    if night.incidents:
        parts.append(
            f"There {'was' if night.incidents == 1 else 'were'}"
            f" {_count(night.incidents, 'incident')}; what was done helped in {night.helped}."
        )
    else:
        parts.append("There were no incidents.")
    if night.saved_hours:
        parts.append(f"That saved {night.saved_hours:g} hours of runs.")
    parts.append(_waiting(night.waiting) if night.waiting else "Nothing waits.")
    return Narrative(text=" ".join(parts))


def _waiting(number: int) -> str:
    return f"{_count(number, 'thing')} {'waits' if number == 1 else 'wait'} for you."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def _unknown_numbers(night: Night, answer: Narrative) -> str | None:
    """A number in the paragraph that nothing it was told holds: a model made it up."""
    known = set(_NUMBER.findall(night.model_dump_json()))
    known |= {f"{float(n):g}" for n in known}
    made_up = [n for n in _NUMBER.findall(answer.text) if n not in known]
    return f"the numbers {', '.join(made_up[:5])} are not in the question" if made_up else None


NARRATIVE = Judgement(
    name="log_monitor.narrative",
    agent="log_monitor",
    answer=Narrative,
    rule=_rule,
    prompt="You write the first paragraph of a lab's morning report: at most five plain sentences"
    " about what ran, what went wrong, what was done, and what needs a person, worst first. Use no"
    " number that is not in the question, and no markup.",
    check=_unknown_numbers,
    reads=lambda night: ("logs",),
)
