"""Optuna's ask and tell as functions of the ledger's trials: nothing is kept between two calls."""

from collections.abc import Sequence
from typing import Any, Literal

from agents.trial_design import sampler, startup_trials
from labcrew.domain.base import content_hash
from labcrew.domain.experiment import Trial
from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    Parameter,
    Value,
    Values,
    applies,
    legal,
    nearest,
    parents_first,
    top,
)
from labcrew.domain.ticket import AssignedTicket

ENDED = ("scored", "failed", "stopped", "skipped", "unknown")


def _distribution(parameter: Parameter) -> Any:
    """A parameter's range as trials are told: without a grid for real numbers.

    Optuna takes a decimal fraction far from zero for off its own grid.
    """
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(parameter, ChoiceParameter):
        return CategoricalDistribution(parameter.choices)
    high = top(parameter)
    if isinstance(parameter, FloatParameter):
        return FloatDistribution(parameter.low, high, log=parameter.log)
    return IntDistribution(parameter.low, int(high), log=parameter.log, step=parameter.step)


def study_of(assigned: AssignedTicket, tried: Sequence[Trial]) -> Any:
    """An Optuna study rebuilt from the ledger; failures are told as pruned, so TPE avoids them."""
    return rebuilt(
        assigned.ticket.search_space,
        [
            (trial.values, trial.score.value if trial.score is not None else None)
            for trial in tried
            if trial.status in ENDED
        ],
        direction=assigned.ticket.metric.direction,
        seed=int(content_hash([assigned.ticket.title, len(tried)])[:8], 16),
        startup=startup_trials(assigned.budget.trials),
    )


def rebuilt(
    space: dict[str, Parameter],
    history: Sequence[tuple[Values, float | None]],
    *,
    direction: Literal["maximize", "minimize"],
    seed: int,
    startup: int,
) -> Any:
    """An Optuna study that was told a history.

    Args:
        history: settings and what they scored, oldest first; None: they failed, and are told as
            pruned. Settings that don't fit the space are passed over.
        startup: random settings before the sampler learns.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    worst = float("-inf") if direction == "maximize" else float("inf")
    study = optuna.create_study(direction=direction, sampler=sampler(seed, startup))
    distributions = {name: _distribution(parameter) for name, parameter in space.items()}
    for values, score in history:
        if not fits(space, values):
            continue
        scored = score is not None
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.COMPLETE
                if scored
                else optuna.trial.TrialState.PRUNED,
                value=score,
                params={name: _fit(space[name], value) for name, value in values.items()},
                distributions={name: distributions[name] for name in values},
                intermediate_values={} if scored else {0: worst},
            )
        )
    return study


def asked(study: Any, space: dict[str, Parameter]) -> Values:
    """The next settings to try, legal and on each parameter's grid.

    A parameter is asked for only where it counts beside those that were asked before it.
    """
    return fitted(space, suggested(study.ask(), space))


def suggested(trial: Any, space: dict[str, Parameter]) -> Values:
    """What an Optuna trial suggests for each parameter that counts."""
    values: Values = {}
    for name in parents_first(space):
        parameter = space[name]
        if not applies(parameter, values):
            continue
        if isinstance(parameter, ChoiceParameter):
            values[name] = trial.suggest_categorical(name, parameter.choices)
            continue
        high = top(parameter)  # Optuna warns of a range that its step doesn't divide
        suggest = trial.suggest_float if parameter.type == "float" else trial.suggest_int
        values[name] = suggest(name, parameter.low, high, log=parameter.log, step=parameter.step)
    return values


def fits(space: dict[str, Parameter], values: Values) -> bool:
    """Whether a trial set all that counts and nothing else, within each range."""
    wanted = {name for name, parameter in space.items() if applies(parameter, values)}
    return set(values) == wanted and all(legal(space[n], v) for n, v in values.items())


def fitted(space: dict[str, Parameter], values: Values) -> Values:
    """Legal values, each on its parameter's grid."""
    return {name: _fit(space[name], value) for name, value in values.items()}


def _fit(parameter: Parameter, value: Value) -> Value:
    """A legal value on the parameter's grid, of its type, without idle digits."""
    if isinstance(parameter, ChoiceParameter) or isinstance(value, str):
        return value
    return nearest(parameter, value)


def completed(space: dict[str, Parameter], values: Values, salt: str) -> Values:
    """A suggestion with the parameters that it doesn't name put in the middle of their range.

    What it names decides the choices that it depends on; what does not count is left out.
    """
    complete: Values = {}
    for name in parents_first(space):
        parameter = space[name]
        if not applies(parameter, complete):
            continue
        if name in values and legal(parameter, values[name]):
            on_grid = not isinstance(parameter, ChoiceParameter) and parameter.step is not None
            whole = parameter.type == "int"
            # A real number without a grid stays as its source spells it.
            complete[name] = _fit(parameter, values[name]) if on_grid or whole else values[name]
        elif isinstance(parameter, ChoiceParameter):
            needed = [space[n].when[name] for n in values if n in space and name in space[n].when]
            choices = needed[0] if needed else parameter.choices
            position = int(content_hash([salt, name])[:8], 16) % len(choices)
            complete[name] = choices[position]
        elif parameter.log:
            complete[name] = nearest(parameter, (parameter.low**0.5) * (parameter.high**0.5))
        else:
            complete[name] = nearest(parameter, parameter.low / 2 + parameter.high / 2)
    return {name: complete[name] for name in space if name in complete}
