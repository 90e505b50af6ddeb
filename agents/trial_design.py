"""How the next settings are chosen: where Optuna's sampler is set up, and nothing else."""

import math
import warnings
from random import Random
from typing import Any

STARTUP_SHARE = 0.25  # 0.05..0.6
CANDIDATES = 24  # 8..256 log
GOOD_ROOTS = 0.5  # 0.25..2.0
MULTIVARIATE = False  # one of: False, True
STEPPING = 0.3  # 0.0..1.0
STEP = 0.1  # 0.01..0.4 log


def startup_trials(budget: int) -> int:
    """Settings drawn at random before the sampler learns.

    Args:
        budget: trials that there are in all.
    """
    return max(4, min(10, int(budget * STARTUP_SHARE)))


def good_trials(count: int) -> int:
    """How many of so many trials are taken for the good ones.

    A square root, as in hyperopt (Bergstra et al. 2013, "Making a science of model search").
    """
    return min(math.ceil(GOOD_ROOTS * math.sqrt(count)), 25)


def sampler(seed: int, startup: int) -> Any:
    """The estimator's settings, but a share of the trials steps from the best ones so far.

    Which do is drawn for each trial: whoever asks again for something new must not be held near the
    best.

    Args:
        seed: of the sampler's chance.
        startup: random settings before it learns.
    """
    import optuna

    learnt = estimator(seed, startup)
    random = Random(seed)  # noqa: S311 - settings to try, not a secret
    scored = (optuna.trial.TrialState.COMPLETE,)

    class Stepping(optuna.samplers.BaseSampler):
        best: dict[str, Any]  # empty: this trial's settings are as learnt

        def before_trial(self, study: Any, trial: Any) -> None:
            learnt.before_trial(study, trial)
            steps = random.random() < STEPPING
            known = steps and len(study.get_trials(deepcopy=False, states=scored)) >= startup
            self.best = study.best_trial.params if known else {}

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return {} if self.best else learnt.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, space: Any) -> Any:
            return learnt.sample_relative(study, trial, space)

        def sample_independent(self, study: Any, trial: Any, name: str, told: Any) -> Any:
            best = self.best.get(name)
            if best is None or isinstance(told, optuna.distributions.IntDistribution):
                return learnt.sample_independent(study, trial, name, told)
            if isinstance(told, optuna.distributions.CategoricalDistribution):
                return best
            return _near(best, told, random)

    return Stepping()


def estimator(seed: int, startup: int) -> Any:
    """The tree-structured Parzen estimator (Bergstra et al. 2011) with labcrew's settings.

    Args:
        seed: of the sampler's chance.
        startup: random settings before it learns.
    """
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # gamma stays until Optuna 6
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=startup,
            constant_liar=True,
            n_ei_candidates=CANDIDATES,
            multivariate=MULTIVARIATE,
            gamma=good_trials,
        )


def _near(best: float, told: Any, random: Random) -> float:
    """A real number a normal step away, on the parameter's own scale, within its range."""
    if told.log:
        low, high = math.log(told.low), math.log(told.high)
        moved = math.log(best) + random.gauss(0, STEP) * (high - low)
        return float(min(told.high, max(told.low, math.exp(min(high, max(low, moved))))))
    moved = best + random.gauss(0, STEP) * (told.high - told.low)
    return float(min(told.high, max(told.low, moved)))
