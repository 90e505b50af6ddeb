"""The page on self-evolution: each target's loop against its controls, from the kept results."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

from evals.evolution.figures import lift, median_interval
from evals.evolution.results import Result, read, results_in
from evals.evolution.targets.kmodule.control import share_within
from evals.evolution.targets.packing.control import Start, best_of, seconds_of_a_run
from labcrew.domain.base import Model

ARMS = ("loop", "random_search", "always_keep", "no_memory")
_NAMES = {
    "loop": "the loop",
    "random_search": "random search",
    "always_keep": "always keep",
    "no_memory": "no memory",
}
_METHODS = {"slsqp": "SLSQP", "linear_programs": "linear programs"}
_TUNED_BELOW = 12
TARGETS = ("packing", "kmodule", "designer", "ranking")
STARTS, EARLIER = "starts.jsonl", "earlier-rule"


class Report(Model):
    """All that the kept results say.

    Args:
        results: of each target, what ran as many rounds as the longest of its loops.
        others: what ran more or fewer.
        earlier: of loops by a rule that is no longer the loop's.
    """

    results: tuple[Result, ...]
    others: tuple[Result, ...] = ()
    starts: tuple[Start, ...] = ()
    earlier: tuple[Result, ...] = ()

    def of(self, target: str, arm: str = "") -> list[Result]:
        """The results of a target, and of an arm; empty: of all."""
        return [r for r in self.results if r.target == target and arm in ("", r.arm)]


def load(folder: Path) -> Report:
    """Reads what is kept."""
    results: list[Result] = []
    others: list[Result] = []
    for target in TARGETS:
        found = results_in(folder, target)
        # A control of more rounds takes no loop from its place.
        loops = [r for r in found if r.arm == "loop"] or found
        rounds = max((r.rounds_allowed for r in loops), default=0)
        for result in found:
            (results if result.rounds_allowed == rounds else others).append(result)
    return Report(
        results=tuple(results),
        others=tuple(others),
        starts=tuple(read(folder / "packing" / STARTS, Start)),
        earlier=tuple(r for target in TARGETS for r in results_in(folder / EARLIER, target)),
    )


_HEAD = """\
# What self-evolution brings

Programs that improve themselves in `labcrew evolve`'s loop, and the same loop as a control beside
it, each as many rounds: *random search* tries blind changes of the program as it began and holds on
to the best gate score; *always keep* keeps every change; *no memory* compares and re-tests as the
loop does, but its proposers are told nothing of earlier rounds. No language model proposes
anything here. Made by

    labcrew eval evolution --results evals/results/evolution --plots docs \\
        > docs/evolution-results.md

Intervals are 95%: of medians by order statistics, of one loop's gain the keep rule's own
bounds, each of them one-sided. The sealed split is opened once a loop, after its last round; "by
hindsight" is what the best of the programs opened there scores: all that were kept, and the three
best by the gate of what was not. What stands above the chosen one is optimism, and of all rounds
there would be as much at least; *always keep* opens every round. What is equal between arms is the
number of rounds, the bounds of time and tokens, and the seeds of every split. What each spent in
its rounds stands beside it, as runs of programs and their minutes, medians over loops: *random
search* and *always keep* run no re-tests, but every candidate's whole gate, and what they keep is
scored on the sealed split too.
"""


_EARLIER = """\
By an earlier rule any gain on the gate cases was kept where runs never differ; half of all changes
that move each case up or down by chance would be. Today a gain must hold on gate cases of which no
proposer learns anything, at a confidence that all re-tests share out."""


def document(report: Report) -> str:
    """The whole page."""
    parts = [_HEAD]
    told_by = {
        "packing": _packing, "kmodule": _kmodule, "designer": _designer, "ranking": _ranking
    }  # fmt: skip
    for target, told in told_by.items():
        found = report.of(target)
        if found or (target == "packing" and report.starts):
            parts.append("\n" + told(report, found))
        if target != "packing":  # which gives them rows
            parts.append(_left_out(report, target))
    return "".join(parts)


def _left_out(report: Report, target: str) -> str:
    """That results of other numbers of rounds are kept, which no table holds."""
    counts = Counter((r.arm, r.rounds_allowed) for r in report.others if r.target == target)
    told = [
        f"{_NAMES[arm]} with {rounds} rounds ({loops})"
        for (arm, rounds), loops in sorted(counts.items())
    ]
    return f"\nKept, and in no table here: {', '.join(told)}.\n" if told else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _packing(report: Report, found: Sequence[Result]) -> str:
    text = f"""\
## Circle packing, n = 26

The sum of the radii of 26 circles in the unit square, from [a plain
program](../evals/evolution/targets/packing/program/pack.py). A run has
{seconds_of_a_run():g} seconds of processor time; the
[checker](../evals/evolution/targets/packing/scorer/score.py) compares fractions and has no
tolerance. What may be put in is in [the
library](../evals/evolution/targets/packing/components); which of it, in which order and with which
numbers is the loop's to find. To reach: a median above 2.628, a best above 2.634. Published:
OpenEvolve 2.634, AlphaEvolve 2.6358, ShinkaEvolve 2.63598.

"""
    rows = [_packed(report.of("packing", arm)) for arm in _there(report, "packing")]
    others = [r for r in report.others if r.target == "packing"]
    for arm, rounds in sorted({(r.arm, r.rounds_allowed) for r in others}):
        rows.append(_packed([r for r in others if (r.arm, r.rounds_allowed) == (arm, rounds)]))
    if rows:
        text += _table(
            [
                "arm", "loops", "rounds",
                "sealed mean of a loop's program: median over loops",
                "one run of it: median over all", "best run", "optimism by hindsight, at least",
                "runs", "minutes of runs",
            ],
            rows,
        )  # fmt: skip
    if found:
        begun = [r.baseline for r in found if r.baseline is not None]
        text += f"\nThe program begins at {fmean(begun):.3f}. " if begun else "\n"
        text += _reach(report)
    if any(r.arm == "loop" for r in others):
        text += _LOOKS
    text += _misplaced([*found, *others])
    if report.starts:
        text += "\n" + _starts(report)
    return text + "\n" + _kept(report, "packing")


_LOOKS = """
Several numbers of rounds (`--rounds`) are several looks at the same seeds: more rounds were run
because fewer had fallen short. What is said to be reached is of the most rounds alone.
"""
_MISPLACED = "temperature-schedule"


def _misplaced(results: Sequence[Result]) -> str:
    """How many rounds a component for programs of another kind has cost."""
    lost = sum(_MISPLACED in change.title for r in results for change in r.changes)
    if not lost:
        return ""
    every = sum(len(r.changes) for r in results)
    return (
        f"\nOf all {every} rounds in this table {lost} put in `{_MISPLACED}`, which is made for"
        " programs that ask a\nlanguage model and breaks this one. It has no place in it any more;"
        " these loops ran before that.\n"
    )


def _packed(results: Sequence[Result]) -> list[str]:
    """A row: the loops of one arm and one number of rounds."""
    finals = [r.sealed_final for r in results if r.sealed_final is not None]
    runs = [score for r in results for score in r.final_scores]
    return [
        _NAMES[results[0].arm],
        str(len(results)),
        _rounds(results),
        median_interval(finals).words(4),
        f"{median(runs):.4f}" if runs else "-",  # of a loop alike: no interval is honest
        f"{max(runs):.5f}" if runs else "-",
        _optimism(results, 4),
        _runs(results),
        _minutes(results),
    ]


def _reach(report: Report) -> str:
    results = report.of("packing", "loop")
    runs = [score for r in results for score in r.final_scores]
    if not runs:
        return "No loop has ended yet.\n"
    middle, top = median(runs), max(runs)
    said = [
        f"median above 2.628: {'reached' if middle > 2.628 else 'not reached'} ({middle:.4f})",
        f"best above 2.634: {'reached' if top > 2.634 else 'not reached'} ({top:.4f})",
    ]
    few = "" if len(results) >= 8 else f" Of the 8 loops asked for, {len(results)} have ended."
    return f"Of single runs of what the loops chose: {'; '.join(said)}.{few}\n"


def _starts(report: Report) -> str:
    loops = report.of("packing", "loop")
    run, whole = seconds_of_a_run(), median([r.run_seconds for r in loops]) if loops else 0.0
    rows = []
    for by, name in _METHODS.items():
        starts = [one for one in report.starts if one.by == by]
        if starts:
            each = [one.score for one in starts]
            rows.append(
                [
                    name,
                    str(len(starts)),
                    f"{fmean(one.seconds for one in starts):.3f} s",
                    f"{median(each):.4f}",
                    f"{max(each):.4f}",
                    str(best_of(starts, run)),
                    str(best_of(starts, whole)) if whole else "-",
                ]
            )
    head = ["from random centres", "starts", "a start", "median", "best"]
    of_loop = f", {whole:.0f} s" if whole else ""
    times = [f"best within a run's {run:g} s", f"within all runs of a loop{of_loop}"]
    return (
        "With no learning: start after start at random centres, each improved once. The last two"
        " are medians of the best within an amount of processor time; *at least* where it is the"
        " best of all starts that were made, and the time allows more:\n\n"
        + _table([*head, *times], rows)
    )


def _kmodule(report: Report, found: Sequence[Result]) -> str:
    text = f"""\
## Four hidden modules out of 625 pipelines

The score is the share of the four places that are right, as in OpenEvolve's K-Module problem;
which of them is never told. Published: 52 tries on average. Blind draws find it within 100 tries
{share_within(100):.0%} of the time and within 52 {share_within(52):.0%}; their median is
433. Each seed hides other modules.

"""
    rows = []
    for arm in _there(report, "kmodule"):
        results = report.of("kmodule", arm)
        allowed = max(r.rounds_allowed for r in results)
        needed = [r.solved if r.solved is not None else allowed + 1 for r in results]
        solved = [n for n in needed if n <= allowed]
        middle = median_interval(needed)
        rows.append(
            [
                _NAMES[arm],
                str(len(results)),
                str(allowed),
                f"{len(solved)}/{len(results)}",
                f"more than {allowed}" if middle.estimate > allowed else middle.words(0),
                f"{fmean(solved):.1f}" if len(solved) == len(results) else "-",
                _runs(results),
                _minutes(results),
            ]
        )
    head = [
        "arm", "seeds", "rounds allowed", "solved", "rounds to solve: median", "mean", "runs",
        "minutes of runs",
    ]  # fmt: skip
    return text + _table(head, rows) + _unseen(report.of("kmodule", "loop")) + _once(found)


def _once(results: Sequence[Result]) -> str:
    if not _exact(results):
        return ""
    return """
These loops ran by an earlier rule, which kept a gain after one run more. Today's repeats it ten
times, in case a change brings luck in; no change here can, so that it would keep the same ones.
"""


def _unseen(results: Sequence[Result]) -> str:
    """The loop on hidden modules that its proposer was not tuned on."""
    new = [r.solved or r.rounds_allowed + 1 for r in results if r.seed >= _TUNED_BELOW]
    if not new:
        return ""
    middle = median_interval(new).words(0)
    return f"""
How the proposer `effects` weighs its observations was settled on the modules of seeds 0 to
{_TUNED_BELOW - 1}; on the {len(new)} seeds after them the median is {middle}.
"""


def _designer(report: Report, found: Sequence[Result]) -> str:
    text = """\
## labcrew's own choice of settings

How Optuna's sampler is set up for a ticket's trials
([`agents/trial_design.py`](../agents/trial_design.py)), on
[landscapes](../evals/evolution/targets/designer/landscapes.py) of four kinds with noise, two to six
numbers and a choice, in 12, 20 or 30 trials. The score is what the chosen settings are truly worth,
of 1, on the mean of 24 searches a run. Each split has landscapes of its own.

"""
    merged = """\
What that loop kept is merged into labcrew, tidied without changing which settings are proposed: in
three of ten trials, choices stay as in the best trial so far and real numbers near it. Loops from
now on begin with it, and its two components are no longer in the library: the loop above ran at
commit 8b024fc. Labcrew's tests then found what no landscape shows: which trials step was
drawn once a study, so that where only choices are searched a step asked for again never came to
anything new. It is drawn for each trial now; a study's first, all that landscapes ask for, is as it
was.
"""
    kept = any(r.kept for r in report.of("designer", "loop"))
    return text + _own(report, "designer") + (merged if kept else "")


def _ranking(report: Report, found: Sequence[Result]) -> str:
    text = """\
## labcrew's own ranking of sentences

How the literature review orders sentences
([`agents/reading/ranking.py`](../agents/reading/ranking.py)), by nDCG over twelve places on
questions of a lab ([the benchmark](../evals/evolution/targets/ranking/scorer/topics.toml)). A case
is a topic with three questions; the splits share no sentence. Questions and sentences are of one
author's making: a gain here is a gain on such text.

"""
    return text + _own(report, "ranking")


def _exact(results: Sequence[Result]) -> bool:
    """Whether any was judged by the rule that took each gain of steady runs at its word."""
    return any(not r.cases and r.noise is not None and r.noise.deterministic for r in results)


def _own(report: Report, target: str) -> str:
    rows = []
    for arm in _there(report, target):
        for r in report.of(target, arm):
            rows.append(
                [
                    _NAMES[arm],
                    str(r.seed),
                    str(len(r.changes)),
                    str(len(r.kept)),
                    "-" if r.sealed_baseline is None else f"{r.sealed_baseline:.3f}",
                    "-" if r.sealed_final is None else f"{r.sealed_final:.3f}",
                    lift(r),
                    "-" if r.hindsight is None else f"{r.hindsight:.3f}",
                    _runs([r]),
                    _minutes([r]),
                ]
            )
    head = [
        "arm", "seed", "rounds", "kept", "sealed before", "sealed after", "gain",
        "by hindsight, at least", "runs", "minutes of runs",
    ]  # fmt: skip
    earlier = "".join(
        f" A loop by that rule kept {len(r.kept)} changes in {len(r.changes)} rounds: sealed"
        f" {r.sealed_baseline:.3f} before, {r.sealed_final:.3f} after, {lift(r)}."
        for r in report.earlier
        if r.target == target and r.sealed_baseline is not None and r.sealed_final is not None
    )
    said = f"\n{_EARLIER}{earlier}\n" if earlier else ""
    return _table(head, rows) + said + "\n" + _kept(report, target)


def _there(report: Report, target: str) -> list[str]:
    return [arm for arm in ARMS if report.of(target, arm)]


def _rounds(results: Sequence[Result]) -> str:
    counts = sorted({len(r.changes) for r in results})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _runs(results: Sequence[Result]) -> str:
    return f"{median([r.runs for r in results]):,.0f}"


def _minutes(results: Sequence[Result]) -> str:
    return f"{median([r.run_seconds for r in results]) / 60:.1f}"


def _optimism(results: Sequence[Result], digits: int) -> str:
    gaps = [
        r.hindsight - r.sealed_final
        for r in results
        if r.hindsight is not None and r.sealed_final is not None
    ]
    return f"{fmean(gaps):.{digits}f}" if gaps else "-"


def _kept(report: Report, target: str) -> str:
    """What the loops kept, and what each change brings: the result over the result without it."""
    rows = []
    for r in report.of(target, "loop"):
        for number, title in enumerate(r.kept):
            brings = r.brings[number] if number < len(r.brings) else None
            gain = "can't be left out" if brings is None else f"{brings.gain:+.4f}"
            rows.append([str(r.seed), title.replace("|", "\\|"), gain])
    if not rows:
        return ""
    picture = f"![Gate score by round]({picture_name(target)})\n\n"
    return f"What the loops kept:\n\n{_table(['seed', 'change', 'brings'], rows)}\n{picture}"


def picture_name(target: str) -> str:
    """The picture of a target's loops."""
    return f"evolution-{target}.svg"


def write_plots(report: Report, folder: Path) -> list[Path]:
    """Draws the targets' pictures beside the page."""
    from evals.evolution.pictures import progress

    made = []
    for target in TARGETS:
        if report.of(target, "loop"):
            file = folder / picture_name(target)
            file.write_bytes(progress(report.of(target)))
            made.append(file)
    return made
