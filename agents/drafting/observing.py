"""What first runs showed: series of numbers, the time a step takes, troubles, and noise."""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from agents.drafting.series import STEPS, series_of_files, series_of_lines
from agents.drafting.troubles import trouble
from labcrew.domain.draft import FirstRun, Noise, SeenLine, Series
from labcrew.domain.survey import Trait

_MOST_SERIES = 300


def observe(
    run: FirstRun,
    lines: Iterable[SeenLine],
    files: Mapping[str, str],
    *,
    outputs: str = "outputs",
    traits: Sequence[Trait] = (),
) -> FirstRun:
    """The run with its series, the seconds a step takes, and its trouble.

    Args:
        run: the facts, as tools/first_run.py answers them.
        lines: all that were kept of it; its tail where there are none.
        files: path in the workspace → text of the small files that it wrote.
        outputs: the folder that is kept of a run.
        traits: of the entry point.
    """
    seen = list(lines) or list(run.tail)
    shown, step_s = series_of_lines(seen, traits)
    written = series_of_files(files, outputs)
    series = (*shown, *written)[:_MOST_SERIES]
    numbers = any(one.name.lower() not in STEPS for one in series)
    return run.model_copy(
        update={"series": series, "step_s": step_s, "trouble": trouble(run, numbers)}
    )


def last_value(run: FirstRun, name: str, file: str = "") -> float | None:
    """The last value of a series; the one whose pattern reads it first, None without any."""
    fitting = [one for one in run.series if one.name == name and one.file == file]
    fitting.sort(key=lambda one: not one.pattern)
    return fitting[0].values[-1] if fitting else None


def trend(series: Series) -> float:
    """How a series moves, from -1 (falls all the time) to 1 (rises); 0 for fewer than three."""
    values = series.values
    if len(values) < 3:
        return 0.0
    third = max(1, len(values) // 3)
    early, late = values[:third], values[-third:]
    steps = [b - a for a, b in itertools.pairwise(values)]
    moves = sum((step > 0) - (step < 0) for step in steps) / len(steps)
    across = statistics.fmean(late) - statistics.fmean(early)
    spread = max(values) - min(values)
    if not spread or spread != spread or across != across:
        return 0.0
    return max(-1.0, min(1.0, 0.5 * moves + 0.5 * across / spread))


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def noise(
    metric: str,
    same: Sequence[FirstRun],
    other: Sequence[FirstRun],
    *,
    file: str = "",
    whole: FirstRun | None = None,
) -> Noise | None:
    """How repeatable a metric is; None where no run with the one seed showed it, finite.

    Args:
        metric: the series' name.
        same: runs with one seed.
        other: runs with other seeds.
        file: of the series; empty: the output.
        whole: the one whole run, where these are shortened; None: these are whole.
    """
    repeats = _finite(last_value(run, metric, file) for run in same)
    seeds = _finite(last_value(run, metric, file) for run in other)
    if not repeats:
        return None
    gap = max(repeats) - min(repeats)
    deterministic = len(repeats) > 1 and gap == 0
    over_seeds = [repeats[0], *seeds]
    spread = max(over_seeds) - min(over_seeds)
    seeds_matter = bool(seeds) and spread > (0 if deterministic else 2 * gap)
    lasted = (*same, *other) if whole is None else (whole,)
    basis = over_seeds if seeds_matter else [*repeats, *seeds]
    std = statistics.stdev(basis) if len(basis) > 1 else 0.0
    return Noise(
        metric=metric,
        same_seed=tuple(repeats),
        other_seeds=tuple(seeds),
        deterministic=deterministic,
        seeds_matter=seeds_matter,
        std=std if std == std and std != float("inf") else 0.0,
        run_s=round(statistics.median(run.duration_s for run in lasted), 3),
        longest_s=round(max(run.duration_s for run in lasted), 3),
        whole=whole is None,
    )
