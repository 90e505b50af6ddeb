"""The parameters a ticket lets the crew change, and their legal values."""

import math
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model

Value = bool | int | float | str
Role = Literal["learning_rate", "batch_size", "gradient_clip", "regularisation", "epochs", "other"]


class _Parameter(Model):
    aliases: tuple[str, ...] = Field(
        default=(), description="other names that papers use, e.g. [lr, step size]"
    )
    role: Role = Field(
        default="other",
        description="what the parameter is to a training run; lets the monitor restart a diverged"
        " run with a lower learning rate or an out-of-memory one with a smaller batch",
    )
    when: dict[str, tuple[Value, ...]] = Field(
        default_factory=dict,
        description="the choices of other parameters with which this one counts, e.g."
        " {optimizer: [sgd]}; otherwise it is not set",
    )


class FloatParameter(_Parameter):
    """A real number in [low, high]."""

    type: Literal["float"]
    low: float
    high: float
    log: bool = Field(default=False, description="search on a logarithmic scale (low > 0)")
    step: float | None = Field(default=None, gt=0, description="grid spacing; not with log")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError("low and high must be finite")
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log: true needs low > 0, but low is {self.low}")
        if self.log and self.step is not None:
            raise ValueError("log: true and step can't be combined")
        return self


class IntParameter(_Parameter):
    """A whole number in [low, high]."""

    type: Literal["int"]
    low: int
    high: int
    log: bool = Field(default=False, description="search on a logarithmic scale (low > 0)")
    step: int = Field(default=1, ge=1, description="grid spacing; not with log")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log: true needs low > 0, but low is {self.low}")
        if self.log and self.step != 1:
            raise ValueError("log: true and step can't be combined")
        return self


class ChoiceParameter(_Parameter):
    """One of a list of values."""

    type: Literal["choice"]
    choices: tuple[Value, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({(type(c), c) for c in self.choices}) != len(self.choices):
            raise ValueError("choices holds the same value twice")
        if any(isinstance(c, float) and not math.isfinite(c) for c in self.choices):
            raise ValueError("choices must be finite")
        return self


Parameter = Annotated[FloatParameter | IntParameter | ChoiceParameter, Field(discriminator="type")]
Values = dict[str, Value]


def legal(parameter: Parameter, value: Any) -> bool:
    """Whether `value` lies in the parameter's range (an int counts as a float)."""
    if isinstance(parameter, ChoiceParameter):
        return any(_same(c, value) for c in parameter.choices)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(parameter, IntParameter) and isinstance(value, float) and not value.is_integer():
        return False
    return bool(parameter.low <= value <= parameter.high)


def samples(space: dict[str, Parameter]) -> list[Values]:
    """Legal values of all parameters at once, in so many rows that every choice is in one."""
    most = max(
        (len(p.choices) for p in space.values() if isinstance(p, ChoiceParameter)), default=1
    )
    return [
        {
            name: p.choices[row % len(p.choices)] if isinstance(p, ChoiceParameter) else p.low
            for name, p in space.items()
        }
        for row in range(most)
    ]


def is_switch(parameter: Parameter) -> bool:
    """Whether a parameter is true or false and nothing else."""
    return parameter.type == "choice" and all(isinstance(c, bool) for c in parameter.choices)


def applies(parameter: Parameter, values: Values) -> bool:
    """Whether a parameter counts beside the values of those that it depends on."""
    return all(
        other in values and any(_same(choice, values[other]) for choice in choices)
        for other, choices in parameter.when.items()
    )


def parents_first(space: dict[str, Parameter]) -> tuple[str, ...]:
    """The parameters' names, each after those that it depends on, else in their order."""
    ordered: dict[str, None] = {}
    left = dict(space)
    while left:
        ready = [n for n, p in left.items() if not (p.when.keys() & left.keys())]
        for name in ready or left:
            ordered[name] = None
        left = {n: p for n, p in left.items() if n not in ordered}
    return tuple(ordered)


def condition_problems(space: dict[str, Parameter]) -> list[str]:
    """What is wrong with the conditions between parameters, a line each."""
    problems = []
    for name, parameter in space.items():
        for other, choices in parameter.when.items():
            where, parent = f"search_space.{name}.when", space.get(other)
            if parent is None:
                problems.append(f"{where} names {other!r}, which is not in the search_space")
            elif not isinstance(parent, ChoiceParameter):
                problems.append(f"{where}: {other} must be of type choice, not {parent.type}")
            elif not choices:
                problems.append(f"{where}: {other} needs at least one of its choices")
            else:
                problems += [
                    f"{where}: {choice!r} is not one of {other}'s choices,"
                    f" {', '.join(map(str, parent.choices))}"
                    for choice in choices
                    if not legal(parent, choice)
                ]
        seen, reach = {name}, set(parameter.when)
        while reach and name not in reach:
            seen |= reach
            above = {n for other in reach if other in space for n in space[other].when}
            reach = above - (seen - {name})
        if reach:
            problems.append(f"search_space.{name}.when: it depends on itself")
    return problems


def _same(a: Value, b: Value) -> bool:
    return type(a) is type(b) and a == b


def top(parameter: FloatParameter | IntParameter) -> int | float:
    """The highest value on the parameter's grid; `high` where there is no grid."""
    if isinstance(parameter, IntParameter):
        return parameter.high - (parameter.high - parameter.low) % parameter.step
    if parameter.step is None:
        return parameter.high
    low, step = Decimal(str(parameter.low)), Decimal(str(parameter.step))
    return float(low + (Decimal(str(parameter.high)) - low) // step * step)


def nearest(parameter: FloatParameter | IntParameter, value: float) -> int | float:
    """The value in range, on the grid and of the parameter's type that is nearest to a number.

    Without a grid a real number keeps as few digits (at least six) as leave it about a millionth of
    the range away: they are enough to repeat a run, and fit a table.
    """
    bounded = min(max(value, parameter.low), top(parameter))
    if parameter.step is not None:
        low, step = Decimal(str(parameter.low)), Decimal(str(parameter.step))
        on_grid = low + round((Decimal(str(bounded)) - low) / step) * step
        return int(on_grid) if isinstance(parameter, IntParameter) else float(on_grid)
    for digits in range(6, 18):
        short = min(max(float(f"{bounded:.{digits}g}"), parameter.low), parameter.high)
        if _gap(parameter, short, bounded) <= 1e-6:
            # Once more: the shorter number may have one near it that is shorter still.
            return short if short == bounded else nearest(parameter, short)
    return bounded


def distance(space: dict[str, Parameter], a: Values, b: Values) -> float:
    """The largest difference of two settings over all parameters, each scaled to [0, 1].

    A logarithmic parameter is compared by its logarithm, a choice by equality. Parameters that
    only one of the two sets, and values that the parameter can't have at all (another ticket's
    space may have been another), count as entirely different.
    """
    worst = 0.0
    for name, parameter in space.items():
        if (name in a) != (name in b):
            return 1.0
        if name not in a:
            continue
        worst = max(worst, _gap(parameter, a[name], b[name]))
    return worst


def _gap(parameter: Parameter, a: Value, b: Value) -> float:
    if isinstance(parameter, ChoiceParameter):
        return 0.0 if type(a) is type(b) and a == b else 1.0
    if a == b:
        return 0.0
    if isinstance(a, str | bool) or isinstance(b, str | bool):
        return 1.0
    if parameter.log and min(a, b) <= 0:
        return 1.0
    scale = math.log if parameter.log else float
    try:
        gap = abs(scale(a) - scale(b)) / (scale(parameter.high) - scale(parameter.low))
    except OverflowError:
        return 1.0
    return gap if math.isfinite(gap) else 1.0
