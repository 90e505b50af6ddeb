"""The benchmark's tables, for each half and over all, from the kept results."""

import math
from collections.abc import Sequence
from pathlib import Path

from evals.repositories.catalogue import catalogue
from evals.repositories.judging import FIELDS, calibration
from evals.repositories.running import Result
from labcrew.domain.base import Model

HALVES = ("visible", "unseen")


class Share(Model):
    """Right of how many, with a 95% interval."""

    right: int
    of: int
    low: float
    high: float

    @classmethod
    def count(cls, hits: Sequence[bool]) -> "Share":
        """Counts hits; the interval is Wilson's (1927)."""
        from scipy.stats import binomtest

        low, high = 0.0, 1.0
        if hits:
            interval = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
            low, high = float(interval.low), float(interval.high)
        return cls(right=sum(hits), of=len(hits), low=round(low, 3), high=round(high, 3))

    def __str__(self) -> str:
        if not self.of:
            return "-"
        return (
            f"{self.right}/{self.of} ({self.right / self.of:.0%} [{self.low:.0%}, {self.high:.0%}])"
        )


class Half(Model):
    """One half's figures."""

    name: str
    repositories: int
    fields: dict[str, Share]
    all_fields: Share
    asked: float
    wrong_and_sure: tuple[str, ...]
    sure_wrong_direction: int
    brier: float | None
    environment_built: Share
    reproduced: Share
    ended_well: Share
    better_than_optuna: Share
    as_good_as_optuna: Share
    draft_over_own: float | None
    minutes: float


def load(folder: Path) -> list[Result]:
    """The kept results, by name."""
    files = sorted(folder.glob("*.json"))
    return [Result.model_validate_json(file.read_text()) for file in files]


def half(name: str, results: Sequence[Result]) -> Half:
    """The figures of one half."""
    chosen = [result for result in results if result.half == name]
    drafted = [r for r in chosen if r.draft_status in ("written", "asking")]
    fields = {
        field: Share.count(
            [r.judged.fields[field].right for r in chosen if field in r.judged.fields]
        )
        for field in FIELDS
    }
    every = [(r, f, v) for r in chosen for f, v in r.judged.fields.items()]
    sure = [f"{r.name}: {f}" for r, f, v in every if not v.right and (v.confidence or 0) >= 0.8]
    told = [(v.confidence, v.right) for _, _, v in every if v.confidence is not None]
    raced = [r for r in chosen if r.best is not None and r.optuna is not None]
    ratios = [r.draft_s / r.draft_own_s for r in drafted if r.draft_own_s > 0]
    return Half(
        name=name,
        repositories=len(chosen),
        fields=fields,
        all_fields=Share.count([v.right for _, _, v in every]),
        asked=round(sum(len(r.asked) for r in chosen) / max(1, len(chosen)), 2),
        wrong_and_sure=tuple(sure),
        sure_wrong_direction=sum(one.endswith(": direction") for one in sure),
        brier=round(sum((c - ok) ** 2 for c, ok in told) / len(told), 3) if told else None,
        environment_built=Share.count([r in drafted for r in chosen if not _refusal_wanted(r)]),
        reproduced=Share.count([bool(r.reproduced) for r in chosen if r.reproduced is not None]),
        ended_well=Share.count([r.well for r in chosen]),
        better_than_optuna=Share.count([_gap(r) > 0 for r in raced]),
        as_good_as_optuna=Share.count([_gap(r) >= 0 for r in raced]),
        draft_over_own=round(sorted(ratios)[len(ratios) // 2], 2) if ratios else None,
        minutes=round(sum(r.minutes for r in chosen), 1),
    )


def _refusal_wanted(result: Result) -> bool:
    return result.judged.refusal_wanted


def _gap(result: Result) -> float:
    """How much better the crew's best is than plain Optuna's, by the answer's direction."""
    assert result.best is not None
    assert result.optuna is not None
    gap = result.best - result.optuna
    gap = gap if result.judged.maximize else -gap
    return 0.0 if math.isclose(result.best, result.optuna, rel_tol=1e-6) else gap


_HEAD = """\
# How right a draft is

Tickets drafted with `--yes` for repositories that labcrew never saw, each then run to its end with
12 trials and every gate accepted, and plain Optuna with as many runs on the same ticket beside it.
The right answers were written by hand, from reading the programs, before any draft was made. A hash
of the name puts an entry in a half; what was found wrong in the visible half was mended, the unseen
half was not looked at. Real programs come from source distributions on the package index, the
others are [our own](../evals/repositories/own). Where no ticket was made and no refusal was right,
every field counts as wrong. An earlier run of eleven of the unseen half had 48% of fields right;
what was mended between the two was found on other programs, not in that half. Made by

    labcrew eval repositories --results evals/results/repositories > docs/repositories.md

(one run, no network but the package index, two shared cores; intervals are Wilson's, 95%).

"""


def document(results: Sequence[Result]) -> str:
    """The whole page: what was done, the halves, the confidences, each repository."""
    parts = [_HEAD + tables(results)]
    stated = calibration([result.judged for result in results])
    if stated is not None:
        parts.append(
            "\nHow sure the drafts were, and how often they were right"
            f" ({stated.count} answers; expected calibration error {stated.error:.2f}):\n\n"
            "| confidence | answers | mean confidence | right |\n|---|---|---|---|\n"
            + "".join(
                f"| {b.low:.0%} to {b.high:.0%} | {b.count} | {b.confidence:.0%} |"
                f" {b.right:.0%} |\n"
                for b in stated.bins
            )
        )
    wrong = [line for name in HALVES for line in half(name, results).wrong_and_sure]
    if wrong:
        parts.append("\nWrong, though at least 80% sure: " + "; ".join(sorted(wrong)) + ".\n")
    return "".join(parts)


def tables(results: Sequence[Result]) -> str:
    """The report as Markdown."""
    halves = [half(name, results) for name in HALVES]
    rows: list[tuple[str, list[str]]] = [
        ("repositories with a result", [f"{h.repositories} of {_known(h.name)}" for h in halves]),
        *((f"{field} right", [str(h.fields[field]) for h in halves]) for field in FIELDS),
        ("**all fields right**", [str(h.all_fields) for h in halves]),
        ("wrong, but at least 80% sure", [str(len(h.wrong_and_sure)) for h in halves]),
        ("wrong direction, but at least 80% sure", [str(h.sure_wrong_direction) for h in halves]),
        ("Brier score of the confidences", [_number(h.brier) for h in halves]),
        ("questions a draft would ask", [f"{h.asked:g}" for h in halves]),
        ("drafted, where that was right", [str(h.environment_built) for h in halves]),
        ("baseline reproduced by the ticket", [str(h.reproduced) for h in halves]),
        ("**ended well**", [str(h.ended_well) for h in halves]),
        ("at least as good as plain Optuna", [str(h.as_good_as_optuna) for h in halves]),
        ("better than plain Optuna", [str(h.better_than_optuna) for h in halves]),
        (
            "draft over its own installs and runs (median)",
            [_number(h.draft_over_own) for h in halves],
        ),
        ("minutes in all", [f"{h.minutes:g}" for h in halves]),
    ]
    lines = ["| | visible half | unseen half |", "|---|---|---|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]
    lines += ["", "| repository | half | fields right | ended | crew | plain Optuna | minutes |"]
    lines.append("|---|---|---|---|---|---|---|")
    for result in sorted(results, key=lambda r: (r.half != "visible", r.name)):
        right = sum(v.right for v in result.judged.fields.values())
        wrong = [f for f, v in result.judged.fields.items() if not v.right]
        note = f" (not {', '.join(wrong)})" if wrong else ""
        lines.append(
            f"| {result.name} | {result.half} | {right}/{len(result.judged.fields)}{note} |"
            f" {result.ended.replace('|', '/')[:80]} | {_number(result.best)} |"
            f" {_number(result.optuna)} | {result.minutes:g} |"
        )
    return "\n".join(lines) + "\n"


def _known(half_name: str) -> int:
    return sum(entry.half == half_name for entry in catalogue().entries)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
