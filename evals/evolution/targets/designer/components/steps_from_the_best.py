"""
---
name: steps-from-the-best
for: Takes some of the later settings near the best ones so far.
needs: [sampler]
put: wrap function sampler
---
"""

from typing import Any


def sampler(seed: int, startup: int) -> Any:
    """As before, but for a share of the trials: those step away from the best settings so far."""
    from random import Random

    import optuna

    learnt = before(seed, startup)
    random = Random(seed)
    scored = (optuna.trial.TrialState.COMPLETE,)

    class Stepping(optuna.samplers.BaseSampler):
        best: dict[str, Any]  # empty: this trial's settings are as before

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


def _near(best: float, told: Any, random: Any) -> float:
    """A real number a normal step away, on the parameter's own scale, within its range."""
    if told.log:
        low, high = math.log(told.low), math.log(told.high)
        moved = math.log(best) + random.gauss(0, STEP) * (high - low)
        return min(told.high, max(told.low, math.exp(min(high, max(low, moved)))))
    moved = best + random.gauss(0, STEP) * (told.high - told.low)
    return float(min(told.high, max(told.low, moved)))


STEPPING = 0.3  # 0.0..1.0
STEP = 0.1  # 0.01..0.4 log
