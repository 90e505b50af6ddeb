"""Shares, quantiles and means of judged runs, each with a 95% interval."""

from collections.abc import Sequence

from evals.incidents.judging import CLOSE, Judged
from evals.repositories.report import Share
from labcrew.domain.base import Model
from labcrew.intervals import Interval, mean_interval


class Quantile(Model):
    """A quantile with an interval; None where there is no value."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def at(cls, values: Sequence[float], share: float) -> "Quantile":
        """The quantile, and its distribution-free interval by order statistics (Conover, 1999).

        Args:
            share: from 0 to 1.
        """
        from numpy import quantile
        from scipy.stats import binom

        if not values:
            return cls(value=None)
        ranked, count = sorted(values), len(values)
        low = int(binom.ppf(0.025, count, share))
        high = int(binom.ppf(0.975, count, share))
        return cls(
            value=round(float(quantile(ranked, share)), 4),
            low=round(ranked[max(0, low - 1)], 4),
            high=round(ranked[min(count - 1, high)], 4),
        )

    @property
    def short(self) -> str:
        """Without its interval."""
        return "-" if self.value is None else f"{self.value:.3g}"

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


class Figures(Model):
    """What a set of runs shows."""

    runs: int
    errors: int
    detected: Share
    seconds: Quantile
    seconds_95: Quantile
    steps: Quantile
    steps_95: Quantile
    diagnosed: Share
    acted: Share
    recovered: Share
    close: Share
    gap: Quantile
    destroyed: Share
    early: Share
    reward: Interval | None

    @property
    def reward_words(self) -> str:
        """The mean reward with its interval over the seeds."""
        if self.reward is None:
            return "-"
        return f"{self.reward.estimate:.2f} [{self.reward.low:.2f}, {self.reward.high:.2f}]"


def figures(runs: Sequence[Judged]) -> Figures:
    """The figures of some runs; shares of none where there are none."""
    seconds = [one.seconds for one in runs if one.seconds is not None]
    steps = [float(one.steps) for one in runs if one.steps is not None]
    recovered = [one for one in runs if one.recovered]
    return Figures(
        runs=len(runs),
        errors=sum(bool(one.result.error) for one in runs),
        detected=Share.count([one.detected for one in runs]),
        seconds=Quantile.at(seconds, 0.5),
        seconds_95=Quantile.at(seconds, 0.95),
        steps=Quantile.at(steps, 0.5),
        steps_95=Quantile.at(steps, 0.95),
        diagnosed=Share.count([one.diagnosed for one in runs]),
        acted=Share.count([one.acted for one in runs]),
        recovered=Share.count([one.recovered for one in runs if one.recovered is not None]),
        close=Share.count([one.gap is not None and one.gap <= CLOSE for one in recovered]),
        gap=Quantile.at([one.gap for one in recovered if one.gap is not None], 0.5),
        destroyed=Share.count([one.destroyed for one in runs]),
        early=Share.count([one.early > 0 for one in runs]),
        reward=mean_interval(_by_seed(runs)),
    )


def _by_seed(runs: Sequence[Judged]) -> list[float]:
    """The mean reward of each seed."""
    rewards: dict[int, list[float]] = {}
    for one in runs:
        if one.reward is not None:
            rewards.setdefault(one.result.seed, []).append(one.reward)
    return [sum(values) / len(values) for _, values in sorted(rewards.items())]


def rewards_by_round(runs: Sequence[Judged], arm: str) -> list[tuple[int, float, float, float]]:
    """Round, mean reward over the seeds, and its interval's ends; equal ends for one seed."""
    made = []
    for number in sorted({one.result.round for one in runs if one.result.arm == arm}):
        means = _by_seed([o for o in runs if o.result.arm == arm and o.result.round == number])
        if not means:
            continue
        mean = sum(means) / len(means)
        interval = mean_interval(means) or Interval(estimate=mean, low=mean, high=mean)
        made.append((number + 1, mean, max(0.0, interval.low), min(1.0, interval.high)))
    return made
