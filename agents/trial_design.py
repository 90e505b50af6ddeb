"""How the next settings are chosen: where Optuna's sampler is set up, and nothing else."""

import math
import warnings
from typing import Any

STARTUP_SHARE = 0.25  # 0.05..0.6
CANDIDATES = 24  # 8..256 log
GOOD_SHARE = 0.1  # 0.05..0.5
MULTIVARIATE = False  # one of: False, True


def startup_trials(budget: int) -> int:
    """Settings drawn at random before the sampler learns.

    Args:
        budget: trials that there are in all.
    """
    return max(4, min(10, int(budget * STARTUP_SHARE)))


def sampler(seed: int, startup: int) -> Any:
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


def good_trials(count: int) -> int:
    """How many of so many trials are taken for the good ones."""
    return min(math.ceil(GOOD_SHARE * count), 25)
