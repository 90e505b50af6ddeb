"""The learning curve as an SVG that is the same for the same results."""

import io
from collections.abc import Sequence
from typing import Any

from evals.incidents.figures import rewards_by_round
from evals.incidents.judging import Judged
from tools.plots import INK, STYLE

_ARMS = {
    "alert": ("#8c959f", "alert only"),
    "rules": ("#2f5fb3", "fixed rules"),
    "learning": ("#0a7d5a", "learning"),
}


def learning_curve(judged: Sequence[Judged]) -> bytes:
    """Mean reward by round for each arm, with its interval over the seeds as a bar."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots()
        ends: list[tuple[float, float, str, str]] = []
        for place, (arm, (colour, label)) in enumerate(_ARMS.items()):
            points = rewards_by_round(judged, arm)
            if not points:
                continue
            rounds, means, lows, highs = zip(*points, strict=True)
            below = [mean - low for mean, low in zip(means, lows, strict=True)]
            above = [high - mean for mean, high in zip(means, highs, strict=True)]
            beside = [number + 0.06 * (place - 1) for number in rounds]
            axes.errorbar(
                beside, means, yerr=[below, above], color=colour, lw=1.8, marker="o", ms=5,
                elinewidth=1, capsize=3, label=label,
            )  # fmt: skip
            ends.append((means[-1], rounds[-1] + 0.16, colour, label))
        _labels(axes, ends)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("round (each class of faults once)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("mean reward")
        axes.set_title(
            "Recoverable faults: how well runs end", loc="left", fontsize=10.5, color=INK
        )
        axes.grid(axis="y", color="#d0d7de", lw=0.6)
        last = max((x for _, x, _, _ in ends), default=1.0)
        axes.set_xlim(0.7, last + 0.3 + 0.15 * last)  # room for the names
        made = io.BytesIO()
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": "labcrew"})
    return made.getvalue()


def _labels(axes: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """Names the lines at their ends, moved apart where they would cover each other."""
    highest = 2.0
    for mean, x, colour, label in sorted(ends, reverse=True):
        highest = min(mean, highest - 0.07)
        axes.annotate(
            label, (x, highest), color=colour, va="center", fontsize=9, annotation_clip=False
        )
