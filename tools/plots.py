"""Plots as SVG, the same for the same data: a ticket's trials, a run's number at an incident."""

import io
import math
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from labcrew.domain.experiment import MetricPoint, Score, Trial
from labcrew.domain.measuring import Metric

LOCK = threading.Lock()
INK, _GOOD, _BAD, _BASE = "#24292f", "#0a7d5a", "#c0392b", "#57606a"
STYLE: Any = {
    "svg.hashsalt": "labcrew",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
}


def trials_svg(
    metric: Metric,
    trials: Sequence[Trial],
    holdout: Sequence[tuple[str, Sequence[Score]]] = (),
) -> bytes:
    """Validation by trial with the best so far, the baseline's spread, and the holdout by seed.

    Args:
        holdout: a label and its holdout scores, one a seed; shown in a panel of its own.
    """
    return _trials(metric, trials, holdout, "svg", {"Date": None, "Creator": "labcrew"})


def trials_png(
    metric: Metric,
    trials: Sequence[Trial],
    holdout: Sequence[tuple[str, Sequence[Score]]] = (),
) -> bytes:
    """The same picture in pixels, for documents that hold no SVG."""
    return _trials(metric, trials, holdout, "png", {"Software": None})


def _trials(
    metric: Metric,
    trials: Sequence[Trial],
    holdout: Sequence[tuple[str, Sequence[Score]]],
    form: str,
    metadata: dict[str, str | None],
) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # The style is the process's: two tickets' plots at once would mix theirs. A browser has the
    # glyphs that Matplotlib's own font lacks: the file holds text, not outlines.
    with LOCK, mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure = Figure(figsize=(9.6, 3.8), layout="constrained")
        if holdout:
            left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [2.4, 1]})
            _holdout(right, metric, holdout)
        else:
            left = figure.subplots()
        _search(left, metric, trials)
        made = io.BytesIO()
        pixels: Any = {"dpi": 160} if form == "png" else {}
        figure.savefig(made, format=form, metadata=metadata, **pixels)
    return made.getvalue()


def _search(axes: Any, metric: Metric, trials: Sequence[Trial]) -> None:
    from matplotlib.ticker import MaxNLocator

    scored = [
        (t.number, t.score.value, t.kind)
        for t in trials
        if t.score is not None and t.kind != "confirmation"  # nothing was chosen by those
    ]
    base = [value for _, value, kind in scored if kind == "baseline"]
    if base:
        axes.axhspan(min(base), max(base), color=_BASE, alpha=0.18, lw=0)
        axes.axhline(sum(base) / len(base), color=_BASE, lw=1, ls="--", label="baseline")
    for kinds, marker, label in (
        (("baseline", "cleaned_baseline"), "s", "program's own settings"),
        (("search", "restart"), "o", "search"),
        (("finalist",), "D", "finalist, other seed"),
        (("changed",), "^", "program with the patch"),
    ):
        chosen = [(n, v) for n, v, kind in scored if kind in kinds]
        if chosen:
            x, y = zip(*chosen, strict=True)
            fill = _BASE if marker == "s" else "none" if marker == "D" else _GOOD
            axes.scatter(
                x, y, marker=marker, s=26, label=label, zorder=3, facecolor=fill,
                edgecolor=_BASE if marker == "s" else _GOOD,
            )  # fmt: skip
    _best_line(axes, metric, scored)
    low, high = axes.get_ylim()
    bad = [t.number for t in trials if t.status in ("failed", "stopped")]
    if bad:
        axes.scatter(
            bad, [low + 0.03 * (high - low)] * len(bad), marker="x", s=34, color=_BAD,
            label="stopped or failed", zorder=3,
        )  # fmt: skip
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"validation {plain(metric.name)}")
    arrow = "higher" if metric.direction == "maximize" else "lower"
    axes.set_title(f"Trials ({arrow} is better)", loc="left", fontsize=10.5, color=INK)
    axes.grid(axis="y", color="#d0d7de", lw=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, loc="best")


def _best_line(axes: Any, metric: Metric, scored: Sequence[tuple[int, float, str]]) -> None:
    best: list[tuple[int, float]] = []
    for number, value, kind in scored:
        if kind != "finalist" and (not best or metric.better(value, best[-1][1])):
            best.append((number, value))
    if len(best) > 1:
        x, y = zip(*best, (scored[-1][0], best[-1][1]), strict=True)
        axes.step(x, y, where="post", color=_GOOD, lw=1.2, alpha=0.7, label="best so far")


def _holdout(axes: Any, metric: Metric, holdout: Sequence[tuple[str, Sequence[Score]]]) -> None:
    for place, (label, scores) in enumerate(holdout):
        values = [score.value for score in scores]
        colour = _BASE if label == "baseline" else _GOOD
        axes.scatter([place] * len(values), values, s=30, color=colour, zorder=3)
        mean = sum(values) / len(values)
        axes.hlines(mean, place - 0.25, place + 0.25, color=colour, lw=2)
        axes.annotate(f"{mean:.4g}", (place + 0.28, mean), fontsize=9, color=colour, va="center")
    axes.set_xticks(range(len(holdout)), [label for label, _ in holdout])
    axes.set_xlim(-0.5, len(holdout) - 0.2)
    axes.margins(y=0.15)
    axes.set_title(f"Holdout {plain(metric.name)}, each seed", loc="left", fontsize=10.5, color=INK)
    axes.grid(axis="y", color="#d0d7de", lw=0.6)


def plain(name: str) -> str:
    """A name without what no XML may hold."""
    return "".join(c for c in name if c.isprintable())


def logarithmic(axes: Any) -> None:
    """A logarithmic y axis with plain numbers: its own labels would be mathematical text."""
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def incident_svg(name: str, points: Sequence[MetricPoint], step: int | None = None) -> bytes:
    """One number of a run over its steps, with the incident marked; the same for the same points.

    Args:
        name: which of the points' names: untrusted.
        points: the run's numbers; others than `name` are left out.
        step: where the incident was seen, if it is known.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = [(p.step, p.value) for p in points if p.name == name and math.isfinite(p.value)]
    with LOCK, mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        axes = figure.subplots()
        if shown:
            x, y = zip(*shown, strict=True)
            axes.plot(x, y, color=_GOOD, lw=1.3, marker="." if len(shown) < 40 else None)
            if min(y) > 0 and max(y) > 100 * min(y):
                logarithmic(axes)
        if step is not None:
            axes.axvline(step, color=_BAD, lw=1.2, ls="--", label="incident")
            axes.legend(frameon=False, fontsize=8)
        axes.set_xlabel("step")
        axes.set_ylabel(plain(name)[:40])
        axes.grid(axis="y", color="#d0d7de", lw=0.6)
        made = io.BytesIO()
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": "labcrew"})
    return made.getvalue()
