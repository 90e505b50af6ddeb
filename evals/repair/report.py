"""The page on repairs: each arm's share of solved tasks, from the kept results alone."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from evals.repair.attempt import ARMS, COMPLETION_TOKENS, STEPS, Arm, Attempt
from evals.repair.running import load
from evals.repositories.report import Share
from labcrew.domain.base import Model

HALVES = ("visible", "unseen")
MODELS = ("0.5b", "1.5b")
HELD_AGAINST: tuple[Arm, ...] = ("single", "samples")
ABLATIONS: tuple[Arm, ...] = ("no-feedback", "no-search", "no-critique", "no-reduce")
PEER: Arm = "mini-swe-agent"
FACTOR = 2
"""How many times the single shot's repairs the loop is to reach."""
_SHOWN = {
    "single": "single shot",
    "samples": "single shots until one passes",
    "loop": "labcrew's loop",
    "no-feedback": "loop without error feedback",
    "no-search": "loop without search",
    "no-critique": "loop without critique",
    "no-reduce": "loop that takes nothing out again",
    "mini-swe-agent": "mini-swe-agent",
}


class Paired(Model):
    """Two arms on the tasks that both tried."""

    tasks: int
    both: int
    only_first: int
    only_second: int
    p: float = 1.0

    @property
    def first(self) -> int:
        return self.both + self.only_first

    @property
    def second(self) -> int:
        return self.both + self.only_second


class Report(Model):
    """All that the kept results say."""

    attempts: tuple[Attempt, ...]

    def of(self, arm: str, model: str, half: str = "") -> list[Attempt]:
        """The attempts of an arm with a model; of one half, or of both."""
        return [
            one
            for one in self.attempts
            if (one.arm, one.model) == (arm, model) and half in ("", one.half)
        ]

    def solved(self, arm: str, model: str, half: str = "") -> Share:
        """How many were repaired, of those that were tried."""
        return Share.count([one.solved for one in self.of(arm, model, half)])

    def paired(self, first: str, second: str, model: str, half: str = "") -> Paired:
        """Two arms on the same tasks; p is of the exact sign test on those that differ."""
        from scipy.stats import binomtest

        a = {(one.task, one.seed): one.solved for one in self.of(first, model, half)}
        b = {(one.task, one.seed): one.solved for one in self.of(second, model, half)}
        pairs = [(a[key], b[key]) for key in sorted(a.keys() & b.keys())]
        only_first = sum(x and not y for x, y in pairs)
        only_second = sum(y and not x for x, y in pairs)
        differing = only_first + only_second
        return Paired(
            tasks=len(pairs),
            both=sum(x and y for x, y in pairs),
            only_first=only_first,
            only_second=only_second,
            p=float(binomtest(only_first, differing).pvalue) if differing else 1.0,
        )

    def summary(self) -> dict[str, Share]:
        """Shares by arm, model and half, of all that was tried."""
        return {
            f"{arm}/{model}/{half}": self.solved(arm, model, half)
            for arm in ARMS
            for model in MODELS
            for half in HALVES
            if self.of(arm, model, half)
        }


def read(folder: Path) -> Report:
    """Reads what is kept."""
    return Report(attempts=tuple(load(folder)))


_HEAD = f"""\
# What small models repair, alone and in the loop

[Tasks](../evals/repair/tasks) of our own making: small Python programs as research code has them,
each with one bug, the issue that a researcher would file, and tests that fail because of the bug or
pass all along. Half, kind and difficulty were set when a task was written. The visible half is
for tuning prompts and loops; the unseen half is for measuring. Models: Qwen2.5-Coder-Instruct
with 0.5 and 1.5 billion weights, in four bits, in this process, on two shared cores.

Every arm is given the issue and the program, and may have the model write {COMPLETION_TOKENS:,}
tokens for a task in at most {STEPS} answers. *Single shot*: one prompt, whole files back (functions
and SEARCH/REPLACE blocks are taken too); it is not shown the tests, because on the visible half the
0.5B, shown them, wrote the tests again. *Single shots until one passes*: the same prompt again,
drawn at a temperature of 0.7 after the first, until the tests pass or the budget is used up: what
more tries and the tests bring without a loop. *Loop*: a ticket of kind `fix`, from assignment to
its end, every gate accepted; also without one of its parts. *mini-swe-agent* 2.4.6: its own prompts
and loop, its commands in a hardened container. Whatever comes back, the judge runs the tests on it
once more in a fresh sandbox without network: solved means that every test passes. Nobody's word
counts, and what can't be read out of an answer is not solved. Made by

    labcrew eval repair --results evals/results/repair > docs/repair.md

(one attempt a task, the first answer without sampling; intervals are Wilson's, 95%; p is of the
exact sign test on the tasks where two arms differ).

Prompts and loop were tuned on the visible half, and on what a model replied to two tasks of the
unseen half, accumulation and adam-correction. The rows with the 1.5B were made before those with
the 0.5B: since then stuck loops are seen in more cases, and fewer doubts hold up a change.

"""


def document(report: Report) -> str:
    """The whole page."""
    parts = [_HEAD, "## Solved\n\n", _arms(report), "\n## The loop against shots\n\n"]
    parts.append(_reach(report))
    if any(report.of(arm, "0.5b") for arm in (*ABLATIONS, PEER)):
        parts += ["\n## Parts of the loop, and a peer (0.5B, unseen half)\n\n", _parts(report)]
    parts += ["\n## Tasks\n\n", _tasks(report)]
    return "".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _arms(report: Report) -> str:
    rows = []
    for arm in ARMS:
        for model in MODELS:
            found = report.of(arm, model)
            if not found:
                continue
            rows.append(
                [
                    f"{_SHOWN[arm]}, {model.upper()}",
                    *(str(report.solved(arm, model, half)) for half in HALVES),
                    f"{fmean(one.steps for one in found):.1f}",
                    f"{fmean(one.tokens.completion for one in found):,.0f}",
                    f"{fmean(one.tokens.prompt for one in found):,.0f}",
                    f"{sum(not one.changed for one in found)}",
                ]
            )
    head = ("arm", *(f"{half} half" for half in HALVES), "answers", "written", "read", "no change")
    told = (
        "\nAnswers, tokens written and tokens read are means a task. No change: tasks for which"
        " nothing came back that differs from the program.\n"
    )
    return _table(head, rows) + told


def _reach(report: Report) -> str:
    rows = []
    for model in MODELS:
        for half in HALVES:
            for other in HELD_AGAINST:
                pair = report.paired("loop", other, model, half)
                if not pair.tasks:
                    continue
                ratio = f"{pair.first / pair.second:.1f}" if pair.second else "-"
                twice = pair.first >= FACTOR * pair.second and pair.first > 0
                rows.append(
                    [
                        f"{model.upper()}, {half}",
                        _SHOWN[other],
                        f"{pair.first} and {pair.second} of {pair.tasks}",
                        ratio,
                        _reached(twice, pair.p) if other == "single" else "",
                        f"{pair.only_first} and {pair.only_second}",
                        f"{pair.p:.2g}",
                    ]
                )
    head = ("model, half", "against", "solved", "times", "at least twice", "only one", "p")
    return _table(head, rows) if rows else "Nothing to compare yet.\n"


def _reached(twice: bool, p: float) -> str:
    """One task more or less is chance: twice as many counts where the sign test says so as well."""
    if not twice:
        return "**no**"
    return "yes" if p < 0.05 else "not shown"


def _parts(report: Report) -> str:
    rows = [[_SHOWN["loop"], str(report.solved("loop", "0.5b", "unseen")), "", ""]]
    for arm in (*ABLATIONS, PEER):
        if report.of(arm, "0.5b", "unseen"):
            pair = report.paired("loop", arm, "0.5b", "unseen")
            rows.append(
                [
                    _SHOWN[arm],
                    str(report.solved(arm, "0.5b", "unseen")),
                    f"{pair.only_first} and {pair.only_second} of {pair.tasks}",
                    f"{pair.p:.2g}",
                ]
            )
    return _table(("arm", "solved", "only the loop, only this", "p"), rows)


def _tasks(report: Report) -> str:
    shown = [(arm, model) for model in MODELS for arm in ARMS if report.of(arm, model)]
    known = {(one.task, one.arm, one.model): one for one in report.attempts}
    tasks = sorted({(one.half != "visible", one.task) for one in report.attempts})
    by_name = {one.task: one for one in report.attempts}
    rows = [
        [name, by_name[name].half, by_name[name].difficulty]
        + [_mark(known.get((name, arm, model))) for arm, model in shown]
        for _, name in tasks
    ]
    head = ["task", "half", "difficulty", *(f"{arm} {model.upper()}" for arm, model in shown)]
    return _table(head, rows)


def _mark(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    return "solved" if attempt.solved else "no"
