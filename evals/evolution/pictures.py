"""Loops and their controls in one picture: the gate score of what stands, by round."""

import io
from collections.abc import Sequence
from statistics import median

from evals.evolution.results import Result
from tools.plots import INK, LOCK, STYLE, logarithmic

_ARMS = {
    "loop": ("#0a7d5a", "the loop"),
    "random_search": ("#8c959f", "random search"),
    "always_keep": ("#c0392b", "always keep"),
    "no_memory": ("#2f5fb3", "no memory"),
}


BEST = {"packing": 2.63599}
"""What is known to be possible, rounded up: the picture shows what is lacking, on a log axis."""
_CLOSE = 1e-4


def progress(results: Sequence[Result]) -> bytes:
    """For each arm the median over its loops as a line, and each loop as a faint one."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    best = next((BEST.get(result.target) for result in results), None)
    with LOCK, mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots()
        for arm, (colour, label) in _ARMS.items():
            lines = [standing(r) for r in results if r.arm == arm and r.baseline is not None]
            if not lines:
                continue
            if best is not None:
                lines = [[max(best - score, _CLOSE) for score in line] for line in lines]
            longest = max(map(len, lines))
            for line in lines:
                axes.step(range(len(line)), line, where="post", color=colour, lw=0.7, alpha=0.3)
            filled = [[*line, *[line[-1]] * (longest - len(line))] for line in lines]
            middle = [median(column) for column in zip(*filled, strict=True)]
            shown = f"{label} ({len(lines)})"
            axes.step(range(longest), middle, where="post", color=colour, lw=2, label=shown)
        axes.set_xlabel("round")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if best is None:
            axes.set_ylabel("gate score of what stands")
        else:
            logarithmic(axes)
            axes.invert_yaxis()
            axes.set_ylabel(f"gate score: how far below {best:g}")
        axes.set_title("Median over loops, each loop faint", loc="left", fontsize=10.5, color=INK)
        axes.grid(axis="y", color="#d0d7de", lw=0.6)
        if axes.get_legend_handles_labels()[0]:
            # Below the axes, where no line runs through it.
            figure.legend(frameon=False, fontsize=8.5, loc="outside lower center", ncols=4)
        made = io.BytesIO()
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": "labcrew"})
    return made.getvalue()


def standing(result: Result) -> list[float]:
    """The gate score on the first seeds of what stands, from the baseline on, a round each."""
    line = [result.baseline or 0.0]
    for change in result.changes:
        kept = change.verdict == "kept" and change.score is not None
        line.append(change.score if kept and change.score is not None else line[-1])
    return line
