"""The learning curve as an SVG that is the same for the same results."""

import io
from collections.abc import Sequence
from typing import Any

from evals.incidents.figures import rewards_by_round
from evals.incidents.judging import Judged

_INK = "#24292f"
_ARMS = {
    "alert": ("#8c959f", "alert only"),
    "rules": ("#2f5fb3", "fixed rules"),
    "learning": ("#0a7d5a", "learning"),
}
_STYLE: Any = {
    "svg.hashsalt": "labcrew",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.facecolor": "white",
}


def learning_curve(judged: Sequence[Judged]) -> bytes:
    """Mean reward by round for each arm, with its interval over the seeds as a bar."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots()
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
            axes.annotate(
                label, (beside[-1], means[-1]), xytext=(10, 0), textcoords="offset points",
                color=colour, va="center", fontsize=9,
            )  # fmt: skip
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("round (each class of faults once)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("mean reward")
        axes.set_title(
            "Recoverable faults: how well runs end", loc="left", fontsize=10.5, color=_INK
        )
        axes.grid(axis="y", color="#d0d7de", lw=0.6)
        axes.margins(x=0.16)
        made = io.BytesIO()
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": "labcrew"})
    return made.getvalue()
