"""The benchmark's page: the figures against what is to be reached, arms, classes, false alarms."""

from collections.abc import Sequence
from pathlib import Path

from evals.incidents.curve import learning_curve
from evals.incidents.faults import FAULTS, all_faults, fault
from evals.incidents.figures import Figures, figures
from evals.incidents.judging import Judged, judge
from evals.incidents.results import CleanResult, Result, Twin, read
from evals.repositories.report import Share
from labcrew.domain.base import Model

ARMS = ("alert", "rules", "learning")
HALVES = ("tuned", "held_out")
CURVE = "incidents-curve.svg"


class Report(Model):
    """All that the kept results say."""

    judged: tuple[Judged, ...]
    clean: tuple[CleanResult, ...]
    twins: tuple[Twin, ...]

    def of(self, arm: str = "", half: str = "", name: str = "") -> list[Judged]:
        """The judged runs of an arm, a half, a class; empty: of all."""
        return [
            one
            for one in self.judged
            if arm in ("", one.result.arm)
            and half in ("", one.result.half)
            and name in ("", one.result.fault)
        ]

    @property
    def false_alarms(self) -> Share:
        """Clean runs with an incident."""
        return Share.count([bool(one.incidents) for one in self.clean])

    def summary(self) -> dict[str, Figures]:
        """The figures by arm and half."""
        return {
            f"{arm}/{half or 'both'}": figures(self.of(arm, half))
            for arm in ARMS
            for half in ("", *HALVES)
            if self.of(arm, half)
        }


def load(folder: Path) -> Report:
    """Reads and judges what is kept."""
    twins = read(folder / "twins.jsonl", Twin)
    results = [
        result for arm in ARMS for file in sorted(folder.glob(f"{arm}-*.jsonl"))
        for result in read(file, Result)
    ]  # fmt: skip
    known = {one.name: one for one in all_faults()}
    alone = {(r.fault, r.seed, r.round): r for r in results if r.arm == "alert"}
    return Report(
        judged=tuple(
            judge(known[r.fault], r, twins, alone.get((r.fault, r.seed, r.round)))
            for r in results
            if r.fault in known
        ),
        clean=tuple(read(folder / "clean.jsonl", CleanResult)),
        twins=tuple(twins),
    )


_HEAD = """\
# How well training runs are supervised

Real training runs on a processor, of four kinds: a NumPy network, scikit-learn's SGDClassifier,
gradient boosting on scikit-learn's trees and a PyTorch network, each on data that scikit-learn
brings, each in a sandbox with the supervisor that every ticket has. Faults of {classes} classes
begin at a step and with a magnitude that a seed draws; the supervisor is told nothing of them. Each
run has a twin without the fault, with the same seed. The halves are of one distribution: runs with
even seeds may be looked at when detectors are tuned, those with odd seeds are held out. Three arms
have the same faults: *alert* writes incidents down and lets runs go on, *rules* acts in a fixed
order, *learning* chooses by what helped earlier in the same ledger, which begins empty with each
seed. Made by

    labcrew eval incidents --results evals/results/incidents --curve docs > docs/incidents.md

(two shared cores, two runs at a time; seeds: {seeds}; intervals are 95%: Wilson's for shares, by
order statistics for quantiles).

"Detected": an incident was opened in the first attempt, after the fault's onset. "Right
diagnosis": the first incident that no other explains is of a kind that the class lists beforehand
in [its file](../evals/incidents/faults). "Recovered": the last attempt has a score at most 10%
worse than its twin's, and nobody was asked; of classes that leave a good end alone. The evaluator
makes the score, never what a run prints. "Destroyed work": a run was stopped before its fault
began, or the same run left alone (the alert arm's) ended within 10% of its twin and this one did
not, or after its onset something was done that its class lists as destructive.

"""


def document(report: Report) -> str:
    """The whole page."""
    seeds = len({one.result.seed for one in report.judged})
    parts = [_HEAD.format(classes=len(FAULTS), seeds=seeds)]
    parts += ["## Against what is to be reached\n\n", _reach(report)]
    parts += ["\n## Arms\n\n", _arms(report)]
    parts += ["\n## What is learnt\n\n", _curve_words(report)]
    for arm in ("learning", "rules", "alert"):
        if report.of(arm):
            parts += [f"\n## Classes, {arm}\n\n", _classes(report, arm)]
    parts += ["\n## Clean runs\n\n", _clean(report)]
    return "".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _reach(report: Report) -> str:
    arm = "learning"
    by_half = [figures(report.of(arm, half)) for half in ("", *HALVES)]
    rows = [
        ["faults detected", "≥ 98%", *(str(f.detected) for f in by_half)],
        ["diagnosed right", "≥ 85%", *(str(f.diagnosed) for f in by_half)],
        ["recoverable faults recovered", "≥ 70%", *(str(f.recovered) for f in by_half)],
        ["recovered runs within 2% of their twin", "all", *(str(f.close) for f in by_half)],
        ["runs whose work was destroyed", "none", *(str(f.destroyed) for f in by_half)],
    ]
    text = _table(["learning arm", "to reach", "both halves", "tuned", "held out"], rows)
    reached = _reached(report)
    return f"{text}\nFalse alarms: {report.false_alarms} of clean runs, to reach 1 in 200." + (
        f" Not reached: {', '.join(reached)}.\n" if reached else " All reached.\n"
    )


def _reached(report: Report) -> list[str]:
    """What falls short, in words."""
    found = figures(report.of("learning"))
    alarms = report.false_alarms
    short = {
        "detected": found.detected.of == 0 or found.detected.right < 0.98 * found.detected.of,
        "diagnosed": found.diagnosed.of == 0 or found.diagnosed.right < 0.85 * found.diagnosed.of,
        "recovered": found.recovered.of == 0 or found.recovered.right < 0.7 * found.recovered.of,
        "within 2%": found.close.right < found.close.of,
        "destroyed work": found.destroyed.right > 0,
        "false alarms": alarms.of < 200 or alarms.right * 200 > alarms.of,
    }
    return [name for name, missed in short.items() if missed]


def _arms(report: Report) -> str:
    arms = [arm for arm in ARMS if report.of(arm)]
    by_arm = [figures(report.of(arm)) for arm in arms]
    rows = [
        ["runs", *(str(f.runs) for f in by_arm)],
        ["detected", *(str(f.detected) for f in by_arm)],
        ["seconds to detect: median", *(str(f.seconds) for f in by_arm)],
        ["seconds to detect: 95th percentile", *(str(f.seconds_95) for f in by_arm)],
        ["steps to detect: median", *(str(f.steps) for f in by_arm)],
        ["steps to detect: 95th percentile", *(str(f.steps_95) for f in by_arm)],
        ["right diagnosis", *(str(f.diagnosed) for f in by_arm)],
        ["recovered", *(str(f.recovered) for f in by_arm)],
        ["recovered within 2%", *(str(f.close) for f in by_arm)],
        ["share worse than the twin: median", *(str(f.gap) for f in by_arm)],
        ["destroyed work", *(str(f.destroyed) for f in by_arm)],
        ["false alarm before the onset", *(str(f.early) for f in by_arm)],
        ["reward: mean over seeds", *(f.reward_words for f in by_arm)],
        ["errors of the supervisor's own", *(str(f.errors) for f in by_arm)],
    ]
    return _table(["", *arms], rows)


def _curve_words(report: Report) -> str:
    return (
        f"![Reward by round]({CURVE})\n\nThe reward of a run is 1 for a score within 2% of its"
        " twin's, 0.5 within 10%, 0.2 for any, less 0.1 for each restart after the first; the mean"
        " over the classes that leave a good end, with Student's interval over the seeds. In a"
        " round each class comes once.\n"
        if report.judged
        else "No runs yet.\n"
    )


def _classes(report: Report, arm: str) -> str:
    rows = []
    for name in FAULTS:
        chosen = report.of(arm, name=name)
        if not chosen:
            continue
        found = figures(chosen)
        halves = [figures(report.of(arm, half, name)) for half in HALVES]
        rows.append(
            [
                name.replace("_", " "),
                str(found.detected),
                "; ".join(f"{h.detected.right}/{h.detected.of}" for h in halves),
                f"{found.seconds.short} ({found.seconds_95.short})",
                f"{found.steps.short} ({found.steps_95.short})",
                str(found.diagnosed),
                str(found.recovered) if fault(name).recoverable else "no good end",
                f"{found.close.right}/{found.close.of}",
                found.gap.short,
                str(found.acted),
                str(found.destroyed.right),
            ]
        )
    head = [
        "class", "detected", "tuned; held out", "seconds: median (95%)", "steps: median (95%)",
        "right diagnosis", "recovered", "within 2%", "worse than twin", "helpful action",
        "destroyed",
    ]  # fmt: skip
    return _table(head, rows)


def _clean(report: Report) -> str:
    rows = []
    for sort in sorted({one.sort for one in report.clean}):
        chosen = [one for one in report.clean if one.sort == sort]
        wrong = sorted({seen.kind for one in chosen for seen in one.incidents})
        share = Share.count([bool(one.incidents) for one in chosen])
        rows.append([sort, str(share), ", ".join(wrong) or "-"])
    twins = Share.count([bool(twin.incidents) for twin in report.twins])
    text = _table(["sort", "runs with an incident", "of kind"], rows)
    return (
        f"{text}\nIn all {report.false_alarms}. They have the arm *rules*, which acts on what it"
        f" sees. The twins, which are clean too and have the arm *alert*: {twins}.\n"
    )


def write_curve(report: Report, folder: Path) -> Path:
    """Draws the learning curve beside the page."""
    file = folder / CURVE
    file.write_bytes(learning_curve(report.judged))
    return file
