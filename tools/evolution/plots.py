"""The picture of a loop: gate score by round, the noise band, what was kept, the sealed result."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

from labcrew.domain.evolution import Evolution, Round
from tools.plots import INK, LOCK, STYLE, plain

_KEPT, _FAINT, _BASE, _LINE = "#0a7d5a", "#8c959f", "#57606a", "#2f5fb3"


def progress_svg(evolution: Evolution, rounds: Sequence[Round]) -> bytes:
    """Gate score by round with the noise band; at the right the sealed split's two means.

    The same for the same ledger. The background is white, whatever page it stands on.

    Args:
        evolution: names the scale, the noise floor, and the sealed result once it is there.
        rounds: in any order; those without a score are marked at the foot.
    """
    return _drawn(evolution, rounds, "svg", {"Date": None, "Creator": "labcrew"})


def progress_png(evolution: Evolution, rounds: Sequence[Round]) -> bytes:
    """The same picture in pixels, for documents that hold no SVG."""
    return _drawn(evolution, rounds, "png", {"Software": None})


def _drawn(
    evolution: Evolution, rounds: Sequence[Round], form: str, metadata: dict[str, str | None]
) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ordered = sorted(rounds, key=lambda r: r.number)
    with LOCK, mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure = Figure(figsize=(9.6, 3.9), layout="constrained")
        if evolution.sealed is not None:
            left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [2.7, 1]})
            _sealed(right, evolution)
        else:
            left = figure.subplots()
        _gate(left, evolution, ordered)
        made = io.BytesIO()
        pixels: Any = {"dpi": 160} if form == "png" else {}
        figure.savefig(made, format=form, metadata=metadata, **pixels)
    return made.getvalue()


def _gate(axes: Any, evolution: Evolution, rounds: Sequence[Round]) -> None:
    from matplotlib.ticker import MaxNLocator

    noise = evolution.noise
    if noise is not None:
        wide = noise.band(evolution.spec.keep)
        axes.axhspan(
            noise.mean - wide, noise.mean + wide, color=_BASE, alpha=0.18, lw=0,
            label="noise of the baseline",
        )  # fmt: skip
        axes.axhline(noise.mean, color=_BASE, lw=1, ls="--")
    low, high = _bounds(evolution, rounds)
    foot = low + 0.05 * (high - low)
    below = [r.number for r in rounds if r.score is None or not foot <= r.score <= high]
    kept = [r for r in rounds if r.verdict == "kept"]
    tried = [r for r in rounds if r.verdict != "kept" and r.number not in below]
    _points(axes, tried, marker="o", s=16, color=_FAINT, alpha=0.6, label="reverted")
    _points(axes, kept, marker="D", s=38, color=_KEPT, zorder=4, label="kept")
    _champion(axes, evolution, rounds)
    axes.set_ylim(low, high)
    if below:
        axes.scatter(
            below, [low + 0.03 * (high - low)] * len(below), marker="x", s=16, color=_FAINT,
            alpha=0.8, lw=1, label="not run, or far worse", zorder=3,
        )  # fmt: skip
    axes.set_xlabel("round")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(-0.02 * max(len(rounds), 10), (rounds[-1].number if rounds else 1) * 1.02 + 0.2)
    metric = evolution.scale
    arrow = "higher" if metric.direction == "maximize" else "lower"
    axes.set_ylabel(plain(metric.name)[:40])
    axes.set_title(f"Gate split by round ({arrow} is better)", loc="left", fontsize=10.5, color=INK)
    axes.grid(axis="y", color="#d0d7de", lw=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=5
        )


def _points(axes: Any, rounds: Sequence[Round], **look: Any) -> None:
    shown = [(r.number, r.score) for r in rounds if r.score is not None]
    if shown:
        x, y = zip(*shown, strict=True)
        axes.scatter(x, y, **look)


def _champion(axes: Any, evolution: Evolution, rounds: Sequence[Round]) -> None:
    """The first-look score of what stands, round by round."""
    if evolution.noise is None or not rounds:
        return
    steps = [(0, evolution.noise.mean)]
    steps += [(r.number, r.score) for r in rounds if r.verdict == "kept" and r.score is not None]
    steps.append((rounds[-1].number, steps[-1][1]))
    x, y = zip(*steps, strict=True)
    axes.step(x, y, where="post", color=_KEPT, lw=1.2, alpha=0.7)


def _bounds(evolution: Evolution, rounds: Sequence[Round]) -> tuple[float, float]:
    """The scores that are shown: where most lie and all that stood, not the outermost failure."""
    stood = [r.score for r in rounds if r.verdict == "kept" and r.score is not None]
    noise = evolution.noise
    if noise is not None:
        wide = noise.band(evolution.spec.keep)
        stood += [noise.mean - wide, noise.mean + wide]
    scores = sorted(r.score for r in rounds if r.score is not None)
    worst = evolution.scale.worst
    near = [score for score in scores if score != worst] or scores
    inner = near[len(near) // 10 : len(near) - len(near) // 10] or near
    if evolution.scale.direction == "maximize":
        shown = [*stood, *inner, *near[-1:]]
    else:
        shown = [*stood, *inner, *near[:1]]
    if not shown:
        return evolution.scale.low, evolution.scale.high
    low, high = min(shown), max(shown)
    room = 0.1 * (high - low) or 0.05 * max(abs(high), 1e-9)
    return low - room, high + room


def _sealed(axes: Any, evolution: Evolution) -> None:
    sealed = evolution.sealed
    assert sealed is not None
    gain = sealed.comparison
    points = [(sealed.baseline, _BASE, "s"), (sealed.final, _KEPT, "D")]
    names = ["baseline", "chosen"]
    if sealed.opened > 1:
        points.append((sealed.hindsight, _LINE, "o"))
        names.append("hindsight")
    for place, (mean, colour, marker) in enumerate(points):
        axes.scatter([place], [mean], s=34, color=colour, zorder=3, marker=marker)
        axes.annotate(f"{mean:.4g}", (place + 0.12, mean), fontsize=9, color=colour, va="center")
    # The interval is the gain's: it is drawn at the final mean, from the baseline's.
    sign = 1 if evolution.scale.direction == "maximize" else -1
    ends = sorted((sealed.baseline + sign * gain.low, sealed.baseline + sign * gain.high))
    axes.vlines(1, *ends, color=_KEPT, lw=1.6)
    axes.plot([0, 1], [sealed.baseline, sealed.final], color=_FAINT, lw=1, ls=":")
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.4, len(names) - 0.3)
    axes.margins(y=0.22)
    axes.set_title("Sealed split", loc="left", fontsize=10.5, color=INK)
    axes.grid(axis="y", color="#d0d7de", lw=0.6)
