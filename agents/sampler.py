"""Optuna's ask and tell as functions of the ledger's trials: nothing is kept between two calls."""

from collections.abc import Sequence
from typing import Any

from labcrew.domain.base import content_hash
from labcrew.domain.experiment import Trial
from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    Parameter,
    Value,
    Values,
    legal,
    nearest,
    top,
)
from labcrew.domain.ticket import AssignedTicket

ENDED = ("scored", "failed", "stopped", "skipped", "unknown")


def _distribution(parameter: Parameter, *, grid: bool = True) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(parameter, ChoiceParameter):
        return CategoricalDistribution(parameter.choices)
    high = top(parameter)  # Optuna warns of a range that its step doesn't divide
    if isinstance(parameter, FloatParameter):
        step = parameter.step if grid else None
        return FloatDistribution(parameter.low, high, log=parameter.log, step=step)
    return IntDistribution(parameter.low, int(high), log=parameter.log, step=parameter.step)


def study_of(assigned: AssignedTicket, tried: Sequence[Trial]) -> Any:
    """An Optuna study rebuilt from the ledger; failures are told as pruned, so TPE avoids them."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = assigned.ticket.search_space
    budget = assigned.budget.trials
    seed = int(content_hash([assigned.ticket.title, len(tried)])[:8], 16)
    worst = float("-inf") if assigned.ticket.metric.direction == "maximize" else float("inf")
    study = optuna.create_study(
        direction=assigned.ticket.metric.direction,
        sampler=optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=max(4, min(10, budget // 4)), constant_liar=True
        ),
    )
    # Told without a grid: Optuna takes a decimal fraction far from zero for off its own.
    distributions = {name: _distribution(p, grid=False) for name, p in space.items()}
    for trial in tried:
        if trial.status not in ENDED or set(trial.values) != set(space):
            continue
        if not all(legal(space[name], value) for name, value in trial.values.items()):
            continue
        scored = trial.score is not None
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.COMPLETE
                if scored
                else optuna.trial.TrialState.PRUNED,
                value=trial.score.value if trial.score is not None else None,
                params={name: _fit(space[name], value) for name, value in trial.values.items()},
                distributions=distributions,
                intermediate_values={} if scored else {0: worst},
            )
        )
    return study


def asked(study: Any, space: dict[str, Parameter]) -> Values:
    """The next settings to try, legal and on each parameter's grid."""
    trial = study.ask({name: _distribution(parameter) for name, parameter in space.items()})
    return {name: _fit(space[name], value) for name, value in trial.params.items()}


def _fit(parameter: Parameter, value: Value) -> Value:
    """A legal value on the parameter's grid, of its type, without idle digits."""
    if isinstance(parameter, ChoiceParameter) or isinstance(value, str):
        return value
    return nearest(parameter, value)


def completed(space: dict[str, Parameter], values: Values, salt: str) -> Values:
    """A suggestion with the parameters that it doesn't name put in the middle of their range."""
    complete: Values = {}
    for name, parameter in space.items():
        if name in values and legal(parameter, values[name]):
            on_grid = not isinstance(parameter, ChoiceParameter) and parameter.step is not None
            whole = parameter.type == "int"
            # A real number without a grid stays as its source spells it.
            complete[name] = _fit(parameter, values[name]) if on_grid or whole else values[name]
        elif isinstance(parameter, ChoiceParameter):
            position = int(content_hash([salt, name])[:8], 16) % len(parameter.choices)
            complete[name] = parameter.choices[position]
        elif parameter.log:
            complete[name] = nearest(parameter, (parameter.low**0.5) * (parameter.high**0.5))
        else:
            complete[name] = nearest(parameter, parameter.low / 2 + parameter.high / 2)
    return complete
