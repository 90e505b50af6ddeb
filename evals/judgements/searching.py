"""Cases for the settings of the next trial: searches under way on functions that are known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agents.experiment_launcher import NEAR
from agents.next_trial import NEXT_TRIAL, NextTrialAnswer, NextTrialQuestion, TriedSettings
from agents.sampler import asked, fitted, rebuilt
from evals.judgements.case import Case
from labcrew.domain.base import canonical_json, content_hash
from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Value,
    Values,
    distance,
)

_STARTUP = 4
_ASKED = 1000
RATE = FloatParameter(type="float", low=1e-5, high=1.0, log=True, role="learning_rate")
DROPOUT = FloatParameter(type="float", low=0.0, high=0.8)
DECAY = FloatParameter(type="float", low=1e-6, high=0.1, log=True, role="regularisation")
DEPTH = IntParameter(type="int", low=1, high=12)
BATCH = ChoiceParameter(type="choice", choices=(16, 32, 64, 128, 256), role="batch_size")


@dataclass(frozen=True)
class Hill:
    """How good settings are, from 0 to 1: 1 at the best ones, less with the distance from them.

    Args:
        best: the best settings.
        width: of a number: the distance, scaled to [0, 1], that costs half of what there is.
        choices: what another choice than the best is worth beside it; 0: nothing.
        width_of: other widths, by parameter.
    """

    best: Values
    width: float = 0.12
    choices: Mapping[Value, float] | None = None
    width_of: Mapping[str, float] | None = None

    def at(self, space: Mapping[str, Parameter], values: Mapping[str, Value]) -> float:
        """The worth of some settings."""
        worth = 1.0
        for name, best in self.best.items():
            if name not in values:
                return 0.0
            if isinstance(space[name], ChoiceParameter):
                other = (self.choices or {}).get(values[name], 0.0)
                worth *= 1.0 if values[name] == best else other
                continue
            width = (self.width_of or {}).get(name, self.width)
            away = distance({name: space[name]}, {name: best}, {name: values[name]})
            worth *= math.exp(-math.log(2) * (away / width) ** 2)
        return worth


def _case(
    name: str,
    question: str,
    space: dict[str, Parameter],
    hill: Hill,
    tried: Sequence[Mapping[str, Value]],
    *,
    failed: Sequence[Mapping[str, Value]] = (),
    metric: str = "accuracy",
    direction: Literal["maximize", "minimize"] = "maximize",
    worst: float = 0.5,
    top: float = 0.9,
    left: int = 8,
) -> Case:
    """A search under way; an answer is worth what the hill says, from 0 to 1.

    Args:
        tried: settings that were run and scored, by the hill.
        failed: settings whose runs failed.
        worst: the metric where the hill is flat; `top` where it is highest.
    """

    def measured(values: Mapping[str, Value]) -> float:
        return round(worst + (top - worst) * hill.at(space, values), 4)

    shown = [TriedSettings(values=dict(values), failed=True) for values in failed]
    shown += [TriedSettings(values=dict(values), score=measured(values)) for values in tried]
    asks = NextTrialQuestion(
        title=name,
        question=question,
        metric=metric,
        direction=direction,
        target=None,
        search_space=space,
        baseline=round(worst + 0.3 * (top - worst), 4),
        tried=tuple(shown),
        runs_left=left,
        near=NEAR,
        proposed=_sampled(name, space, shown, direction),
    )
    right = NextTrialAnswer(values=hill.best, because="the runs so far point there")
    return Case(name, NEXT_TRIAL, asks, lambda a: _worth(space, hill, a), right)


def _worth(space: dict[str, Parameter], hill: Hill, answer: Any) -> float:
    return hill.at(space, fitted(space, answer.values))


def _sampled(
    name: str,
    space: dict[str, Parameter],
    tried: Sequence[TriedSettings],
    direction: Literal["maximize", "minimize"],
) -> Values:
    """What the launcher's own sampler proposes after those runs."""
    study = rebuilt(
        space,
        [(one.values, one.score) for one in tried],
        direction=direction,
        seed=int(content_hash([name, len(tried)])[:8], 16),
        startup=_STARTUP,
    )
    known = {canonical_json(one.values) for one in tried}
    failed = [one.values for one in tried if one.failed]
    for _ in range(_ASKED):
        values = asked(study, space)
        near = any(distance(space, one, values) <= NEAR for one in failed)
        if canonical_json(values) not in known and not near:
            return values
    raise RuntimeError(f"{name}: asked {_ASKED} times, the sampler has nothing new")


def next_trials() -> tuple[Case, ...]:
    """Peaks between runs and beside them, what is known of such parameters, and what has failed."""
    rates: list[Values] = [{"rate": r} for r in (1e-5, 1e-4, 1e-3, 1e-1, 1.0)]
    grid = {"dropout": FloatParameter(type="float", low=0.0, high=0.8, step=0.1)}
    switch = ChoiceParameter(type="choice", choices=("sgd", "adam"))
    momenta: list[Values] = [{"optimizer": "sgd", "momentum": m} for m in (0.0, 0.5, 0.75, 0.99)]
    of_sgd = FloatParameter(type="float", low=0.0, high=0.99, when={"optimizer": ("sgd",)})
    return (
        _case("a peak between two rates", "Which learning rate is best?", {"rate": RATE},
              Hill({"rate": 1e-2}), rates),
        _case("better with every larger rate", "Which learning rate is best?", {"rate": RATE},
              Hill({"rate": 0.2}), rates[:4]),
        _case("better with every smaller rate", "Which step size for the fine-tuning?",
              {"rate": RATE}, Hill({"rate": 4e-5}),
              [{"rate": r} for r in (0.3, 0.02, 2e-3, 2.5e-4)], metric="loss",
              direction="minimize", worst=2.0, top=0.3),
        _case("close in on the best dropout", "How much dropout?", {"dropout": DROPOUT},
              Hill({"dropout": 0.35}), [{"dropout": d} for d in (0.0, 0.25, 0.5, 0.8)]),
        _case("one left of a small grid", "How much dropout?", dict(grid),
              Hill({"dropout": 0.2}), [{"dropout": d} for d in (0.0, 0.1, 0.3, 0.4, 0.5)]),
        _case("the depth between", "How many layers?", {"depth": DEPTH},
              Hill({"depth": 6}), [{"depth": d} for d in (1, 3, 9, 12)]),
        _case("the batch that is left", "Which batch size?", {"batch": BATCH},
              Hill({"batch": 64}, choices={16: 0.2, 32: 0.6, 128: 0.6, 256: 0.2}),
              [{"batch": b} for b in (16, 32, 128, 256)]),
        _case("one optimizer is better whatever the rate", "Which optimizer, and what rate?",
              {"optimizer": switch, "rate": RATE},
              Hill({"optimizer": "adam", "rate": 1e-3}, choices={"sgd": 0.3}),
              [{"optimizer": o, "rate": r} for o in ("sgd", "adam") for r in (1e-5, 1e-4, 1e-2)]),
        _case("momentum where it counts", "Momentum for the optimizer?",
              {"optimizer": switch, "momentum": of_sgd},
              Hill({"optimizer": "sgd", "momentum": 0.9}),
              [{"optimizer": "adam"}, *momenta]),
        _case("two numbers, one at a time", "Learning rate and weight decay?",
              {"rate": RATE, "decay": DECAY}, Hill({"rate": 3e-3, "decay": 1e-4}),
              [{"rate": 3e-3, "decay": d} for d in (1e-6, 1e-2, 0.1)]
              + [{"rate": r, "decay": 1e-3} for r in (1e-5, 1e-3, 1e-2, 1.0)]),
        _case("one number does not matter", "Rate and depth of the tagger?",
              {"rate": RATE, "depth": DEPTH}, Hill({"rate": 0.05, "depth": 4},
                                                  width_of={"depth": 50.0}),
              [{"rate": r, "depth": d} for r, d in ((1e-4, 2), (1e-3, 9), (1e-2, 5), (0.3, 3),
                                                    (1e-2, 11))]),
        _case("large rates fail", "The largest rate that trains?", {"rate": RATE},
              Hill({"rate": 0.03}, width=0.1), [{"rate": r} for r in (1e-4, 1e-3, 8e-3)],
              failed=[{"rate": r} for r in (1.0, 0.4, 0.15)]),
        _case("nothing tried, Adam's rate", "Learning rate of Adam for a small transformer?",
              {"learning_rate": RATE}, Hill({"learning_rate": 1e-3}, width=0.2), []),
        _case("nothing tried, SGD with momentum 0.9", "Momentum for SGD on CIFAR-10?",
              {"momentum": FloatParameter(type="float", low=0.0, high=0.999)},
              Hill({"momentum": 0.9}, width=0.15), []),
        _case("a fine search near its end", "Which learning rate is best?", {"rate": RATE},
              Hill({"rate": 5e-3}, width=0.08),
              [{"rate": r} for r in (1e-4, 1e-3, 2e-3, 3e-3, 8e-3, 1.5e-2, 0.1)], left=1),
    )  # fmt: skip
