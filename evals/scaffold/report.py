"""The page on the scaffold target, and its picture: from the kept results alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evals.scaffold.results import Arm, Summary, read
from labcrew.evolution_file import read_spec

Draws = Mapping[int, Sequence[Arm]]

_NAMES = {
    "": "the loop",
    "random_search": "random search",
    "always_keep": "always keep",
    "no_memory": "no memory",
}
_SPEC = Path(__file__).with_name("SPEC.md")
PICTURE = "scaffold.svg"
EQUAL = "equal"
"""Below the long run's results: draws, by number, of the loop and its controls at equal rounds."""
_KEPT, _FAINT, _BASE = "#0a7d5a", "#8c959f", "#57606a"

_OLD_SEEDS = (
    " Told here on the seeds of the re-tests that the program had stood against its rivals on, so"
    " that luck on them counts for it; loops of today tell it on seeds of its own."
)

_HEAD = """\
# A coding agent improves itself

The program is a [small coding agent](../evals/scaffold/program/agent.py) round
Qwen2.5-Coder-Instruct with 0.5 billion weights, in four bits, in this process. It is given a
function to write: a sentence or three, a signature, two or three examples. To begin with it asks
once, at temperature 0.8, and hands in the first block of code. The loop may change `agent.py`
alone, and may ask up to four times a task. [Tasks](../evals/scaffold/tasks) are of our own writing,
in eight kinds and two levels: 32 for analysis, 16 for the gate, 48 sealed, the same mix in each,
and three that nobody can solve. A function is right if it passes all of its hidden tests. Made by

    labcrew eval scaffold --results evals/results/scaffold
    python -m evals.scaffold.report

A public account of such a loop tells of +30% over more than 100 rounds on a programming scaffold,
with a large model and its own tasks. Ours is an analogue: a small model, small tasks, two cores.
"""

_EQUAL = """\
Loops of their own: nothing of the long one is used. *Random search* changes the first
program blindly and holds the best gate score; *always keep* builds upon every change; *no memory*
has the loop's rules, and proposers that are drawn by lot and know nothing of earlier rounds. Chance
plays in which changes are proposed: each arm is one draw of it a row, and the intervals are of its
tasks and seeds alone. Each draw, in a home of its own, made by

    labcrew eval scaffold --rounds N [--control NAME] --home HOME \\
        --results evals/results/scaffold/equal/DRAW

An arm that was cut off stands with the rounds that it ran. What is equal within a draw: the rounds,
the bounds of time and tokens (`--tokens`, for a budget that binds), and the seeds of every split;
from draw to draw the seeds differ, and with them what the first program has (*before*). A draw's
`seeds.txt`, if there is one, tells what they come from: its arms can be run on any machine. What
each arm spent from beginning to end is not: *random search* and *always keep* run no re-tests, but
every candidate's whole gate; what was kept is scored on the sealed split too; and programs ask the
model more or less.
"""


def document(arms: Sequence[Arm], draws: Draws = MappingProxyType({})) -> str:
    """The page.

    Args:
        arms: of any budget.
        draws: by number, each the loop and its controls at one smaller number of rounds.
    """
    equal = [(number, arm) for number, of_draw in sorted(draws.items()) for arm in of_draw]
    if not any(arm.rounds for arm in (*arms, *(arm for _, arm in equal))):
        return f"{_HEAD}\nNothing has been run yet.\n"
    loop = next((arm for arm in arms if not arm.control and arm.rounds), None)
    parts = [_HEAD, _sealed("On the sealed split", [(None, arm) for arm in arms])]
    if loop is not None:
        parts += [f"![Gate score by round]({PICTURE})\n", _kept(loop), _rounds(loop)]
    if equal:
        parts += [
            _sealed("Beside its controls, each of as many rounds", equal),
            _EQUAL,
            _spent(equal),
            _kept_beside(equal),
        ]
    return "\n".join(parts)


def _name(number: int | None, arm: Arm) -> str:
    """An arm as its row begins, with the draw that it is of."""
    return _NAMES[arm.control] + ("" if number is None else f", draw {number}")


def _sealed(title: str, arms: Sequence[tuple[int | None, Arm]]) -> str:
    lines = [
        f"## {title}\n",
        "| | rounds | kept | before | after | gain, points | relative | best of those opened |",
        "|---|---|---|---|---|---|---|---|",
    ]
    open_ones = []
    for number, arm in arms:
        kept = sum(line.verdict == "kept" for line in arm.rounds)
        head = f"| {_name(number, arm)} | {len(arm.rounds)} | {kept} |"
        sealed = arm.summary.sealed if arm.summary else None
        if sealed is None:
            lines.append(f"{head} not opened yet | | | | |")
            continue
        open_ones.append(sealed)
        gain = sealed.comparison
        relative = "-" if sealed.relative is None else f"{100 * sealed.relative:+.0f}%"
        lines.append(
            f"{head} {_percent(sealed.baseline)} | {_percent(sealed.final)} |"
            f" {_points(gain.gain)} [{_points(gain.low)}, {_points(gain.high)}] | {relative} |"
            f" {_percent(sealed.hindsight)} (of {sealed.opened}) |"
        )
    if open_ones:
        one = open_ones[0]
        lines.append(
            f"\nShares of tasks that are right, over {one.seeds} seeds a task. The interval's ends"
            f" are one-sided bounds at {100 * one.comparison.level:.0f}%. Opened once, after the"
            " last round, for what the gate had chosen; and to tell of hindsight for all that was"
            " kept and the three best, by the gate, of what was not. What the best of those has"
            " above *after* is optimism, and a lower bound of what picking from all rounds by"
            " hindsight would have brought; arms that opened more programs are nearer to theirs."
        )
    return "\n".join(lines) + "\n"


def _spent(arms: Sequence[tuple[int | None, Arm]]) -> str:
    """What each arm used, beside what was equal."""
    lines = [
        "| | rounds | runs | tokens | hours |",
        "|---|---|---|---|---|",
    ]
    for number, arm in arms:
        head, told = f"| {_name(number, arm)} | {len(arm.rounds)} |", arm.summary
        if told is None:
            lines.append(f"{head} not ended yet | | |")
            continue
        runs = "-" if told.runs is None else f"{told.runs:,}"
        lines.append(f"{head} {runs} | {told.tokens:,} | {told.hours:.1f} |")
    return "\n".join(lines) + "\n"


def _kept_beside(arms: Sequence[tuple[int | None, Arm]]) -> str:
    """What each arm chose; always keep chooses nothing."""
    said = []
    for number, arm in arms:
        kept = [line for line in arm.rounds if line.verdict == "kept"]
        if arm.control == "always_keep":
            continue
        titles = "; ".join(
            f"{_cell(line.title)} (round {line.round}, at the gate {_percent(line.score)})"
            for line in kept
        )
        said.append(f"- {_name(number, arm)}: {titles or 'nothing'}")
    return "What was kept, by all but *always keep*:\n\n" + "\n".join(said) + "\n"


def _kept(arm: Arm) -> str:
    own = arm.summary.kept if arm.summary else ()
    brings = {k.round: k.left_out for k in own}
    lines = [
        "## What was kept\n",
        "| round | proposer | change | gate score | gain at the re-test | without it |",
        "|---|---|---|---|---|---|",
    ]
    for line in arm.rounds:
        if line.verdict != "kept":
            continue
        left_out = brings.get(line.round)
        lines.append(
            f"| {line.round} | {line.proposer} | {_cell(line.title)} | {_percent(line.score)} |"
            f" {_interval(line.gain, line.low, line.high)} |"
            f" {_points(-left_out.gain) if left_out else '-'} |"
        )
    if len(lines) == 3:
        return "## What was kept\n\nNothing.\n"
    lines.append(
        "\n*Without it*: what the final program's gate score changes by when the change is left"
        " out; - where later changes rest on it."
        f"{'' if all(k.own_seeds for k in own) else _OLD_SEEDS} Diffs:"
        " [evals/results/scaffold](../evals/results/scaffold)."
    )
    return "\n".join(lines) + "\n"


def _rounds(arm: Arm) -> str:
    ended = Counter(line.verdict for line in arm.rounds)
    run = [line for line in arm.rounds if line.verdict != "refused"]
    seconds = sum(line.seconds for line in arm.rounds)
    own = sum(line.own_seconds for line in arm.rounds)
    tokens = sum(line.tokens for line in arm.rounds)
    lines = [
        "## Rounds\n",
        "| proposer | rounds | kept | reverted | dropped at half | refused |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted({line.proposer for line in arm.rounds}):
        mine = Counter(line.verdict for line in arm.rounds if line.proposer == name)
        lines.append(
            f"| {name or '-'} | {mine.total()} | {mine['kept']} | {mine['reverted']} |"
            f" {mine['dropped']} | {mine['refused']} |"
        )
    mean = seconds / max(1, len(run))
    share = 100 * own / max(seconds + own, 1e-9)
    lines.append(
        f"\n{len(arm.rounds)} rounds, {ended['halted']} halted by a canary. Evaluations took"
        f" {seconds / 3600:.1f} hours ({mean:.0f} s a round that was run), the loop itself"
        f" {own:.0f} s ({share:.1f}% of both); {tokens:,} tokens, those that the model wrote"
        " before and the cache gave again counted too."
    )
    return "\n".join([*lines, "", *_noise(arm.summary)]) + "\n"


def _noise(summary: Summary | None) -> list[str]:
    noise = summary.noise if summary else None
    if noise is None:
        return []
    needed = (
        f"{noise.needed} pairs show a gain of {_points(noise.worthwhile)} points"
        if noise.needed
        else f"no number of pairs shows a gain of {_points(noise.worthwhile)} points"
    )
    return [
        f"The baseline against itself (A/A, {noise.pairs} pairs): a mean of {_percent(noise.mean)},"
        f" a standard deviation of {_points(noise.std)} points a pair. Told at its"
        f" start, of a re-test alone: it sees a gain of {_points(noise.detectable)} points four"
        f" times in five; {needed}."
    ]


def draw(arm: Arm) -> bytes:
    """Gate score by round, with the noise band, what was kept, and the sealed result, as SVG."""
    import io

    import matplotlib as mpl
    from matplotlib.figure import Figure

    from tools.plots import LOCK, STYLE

    with LOCK, mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.9), layout="constrained")
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [3, 1]}, sharey=True)
        _draw_gate(left, arm)
        _draw_sealed(right, arm)
        made = io.BytesIO()
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": "labcrew"})
    return made.getvalue()


def _draw_gate(axes: Any, arm: Arm) -> None:
    noise = arm.summary.noise if arm.summary else None
    if noise is not None:
        wide = 100 * noise.band(read_spec(_SPEC).keep)
        mean = 100 * noise.mean
        axes.axhspan(mean - wide, mean + wide, color=_BASE, alpha=0.18, lw=0, label="noise")
        axes.axhline(mean, color=_BASE, lw=1, ls="--")
    for verdict, colour, size, marker in (
        ("reverted", _FAINT, 18, "o"),
        ("kept", _KEPT, 40, "D"),
    ):
        shown = [
            (line.round, 100 * line.score)
            for line in arm.rounds
            if line.verdict == verdict and line.score is not None
        ]
        if shown:
            x, y = zip(*shown, strict=True)
            axes.scatter(x, y, color=colour, s=size, marker=marker, label=verdict, zorder=3)
    dropped = [line.round for line in arm.rounds if line.verdict == "dropped"]
    if dropped:
        axes.scatter(dropped, [0] * len(dropped), color=_FAINT, s=18, marker="x", label="dropped")
    axes.set_xlabel("round")
    axes.set_ylabel("gate tasks that are right, %")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, loc="best")


def _draw_sealed(axes: Any, arm: Arm) -> None:
    axes.set_title("sealed", fontsize=10)
    sealed = arm.summary.sealed if arm.summary else None
    axes.set_xticks([0, 1], ["before", "after"])
    axes.set_xlim(-0.5, 1.5)
    if sealed is None:
        return
    before, gain = 100 * sealed.baseline, sealed.comparison
    axes.scatter([0], [before], color=_BASE, marker="s")
    axes.scatter([1], [100 * sealed.final], color=_KEPT, marker="D")
    axes.vlines(1, before + 100 * gain.low, before + 100 * gain.high, color=_KEPT)


def draws_in(place: Path) -> Draws:
    """The draws that have results below a folder, by number."""
    folders = (place / EQUAL).glob("[0-9]*")
    return {int(folder.name): read(folder) for folder in folders}


def write(folder: Path, arms: Sequence[Arm], draws: Draws) -> None:
    """Writes the page and the picture."""
    (folder / "scaffold.md").write_text(document(arms, draws), encoding="utf-8")
    loop = next((arm for arm in arms if not arm.control and arm.rounds), None)
    if loop is not None:
        (folder / PICTURE).write_bytes(draw(loop))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")


def _interval(gain: float | None, low: float | None, high: float | None) -> str:
    if gain is None or low is None or high is None:
        return "-"
    return f"{_points(gain)} [{_points(low)}, {_points(high)}]"


def _cell(text: str) -> str:
    """A title in a table: what proposers wrote is text, never markup."""
    plain = "".join(c if c.isprintable() else " " for c in text)[:120]
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


if __name__ == "__main__":
    import argparse

    argparse.ArgumentParser(description=__doc__).parse_args()
    ROOT = Path(__file__).parents[2]
    RESULTS = ROOT / "evals/results/scaffold"
    write(ROOT / "docs", read(RESULTS), draws_in(RESULTS))
