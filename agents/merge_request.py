"""The merge request: which change to propose, and the evidence packet that speaks for it.

The description is a function of the ledger's records alone. `mr verify` writes it again and
compares every character, so that an altered digit shows. What came of the change is told by rule; a
model's words stand behind it, and are told to be a model's.
"""

import inspect
import json
import math
import re
from collections.abc import Sequence
from typing import Literal

from agents import code_description, description
from agents.description import Packet, write
from labcrew.domain.base import Model, content_hash
from labcrew.domain.experiment import Score
from labcrew.domain.review import Evidence, MergeRequest, Verdict
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_text, fill, number
from labcrew.intervals import difference_interval
from labcrew.judgement import Judge, Judgement
from labcrew.plain_text import is_plain
from labcrew.spelt_numbers import spelt_out

_COMMAND = re.compile(r"^\s*/", re.MULTILINE)  # "/merge" on a line of its own is done by forges


JudgedBy = Literal["holdout", "reported holdout", "fresh seeds", "fresh seeds seen before"]


class SummaryQuestion(Model):
    """What the opening paragraph may speak of; numbers only by their keys."""

    title: str
    question: str
    keys: tuple[str, ...]
    settings: Values
    quarantined_rows: int
    verdict: Verdict
    judged_by: JudgedBy = "holdout"
    code: Literal["", "implement", "fix"] = ""
    measured: bool = True


class SummaryAnswer(Model):
    """The opening paragraph, in Markdown, with {{key}} for every number."""

    paragraph: str


def _summary_rule(q: SummaryQuestion) -> SummaryAnswer:
    if q.code:
        return SummaryAnswer(paragraph=_about_code(q))
    what = " and ".join(
        ["better settings"] * (bool(q.settings) or not q.quarantined_rows)
        + ["cleaner training data"] * bool(q.quarantined_rows)
    )
    where, key = {
        "holdout": ("On the holdout", "holdout"),
        "reported holdout": ("On the holdout, as the runs report it,", "holdout"),
        "fresh seeds": ("With fresh seeds, by which nothing was chosen,", "fresh"),
        "fresh seeds seen before": ("With fresh seeds, seen in an earlier revision,", "fresh"),
    }[q.judged_by]
    figures = f"{{{{{key}_best_mean}}}} against {{{{{key}_baseline_mean}}}}"
    if q.verdict == "unmeasured":
        measured = f"{key}_best_mean" in q.keys and f"{key}_baseline_mean" in q.keys
        said = f"{where} it has {figures}, of too few seeds to tell a gain from noise."
        return SummaryAnswer(
            paragraph=f"This change proposes {what}, chosen on validation. "
            + (said if measured else "No holdout was measured.")
        )
    outcome = (
        "beats the program as it was"
        if q.verdict == "improves"
        else "does not beat the program as it was beyond the seeds' noise"
    )
    return SummaryAnswer(
        paragraph=f"This change proposes {what}. {where} it {outcome}: {figures} (means over the"
        " seeds)."
    )


def _about_code(q: SummaryQuestion) -> str:
    done = "mends a fault" if q.code == "fix" else "adds what the ticket asks for"
    said = (
        f"This change {done}. The tests that show it failed before and pass now, and those that"
        " passed still do."
    )
    if not q.measured:
        return said
    return (
        f"{said} "
        + {
            "improves": "The metric is better than before, beyond the seeds' noise.",
            "no_gain": "The metric is not better than before beyond the seeds' noise.",
            "unmeasured": "The metric was not measured on data that nothing was chosen by.",
            "tests_pass": "",
            "no_score_before": "The program as it was gave no score, so no gain is claimed; with"
            " this change it gives {{validation_best_mean}} (the mean over the seeds).",
        }[q.verdict].rstrip()
    )


SUMMARY = Judgement(
    name="merge_request.summary",
    agent="merge_request",
    answer=SummaryAnswer,
    rule=_summary_rule,
    prompt=(
        "Write the opening paragraph of a merge request in plain words. Write no number yourself,"
        " neither in digits nor in words; refer to a number as {{key}} with one of the keys."
    ),
    check=lambda q, a: _summary_trouble(q, a),
)


def _summary_trouble(q: SummaryQuestion, a: SummaryAnswer) -> str | None:
    rest = a.paragraph
    for key in q.keys:
        rest = rest.replace("{{" + key + "}}", "")
    if any(c.isnumeric() for c in rest):
        return "it holds a digit that is not a reference"
    if spelt_out(rest):
        return "it holds a number in words that is not a reference"
    lowered = rest.lower()
    if any(mark in lowered for mark in ("{{", "<", "[", "://", "www.", "`", "|", "\n#")):
        return "it holds an unknown reference, HTML, a link, code, a table or a heading"
    if "@" in rest or not is_plain(rest, "\n") or _COMMAND.search(rest):
        return "it speaks to a forge or its people, or holds characters that nobody sees"
    return None if 0 < len(a.paragraph) <= 2000 else "it is empty or too long"


def compared(
    assigned: AssignedTicket, baseline: Sequence[Score], best: Sequence[Score]
) -> tuple[float | None, Verdict]:
    """The holdout gain, and whether its 95% interval lies above zero."""
    metric = assigned.ticket.metric
    interval = difference_interval([s.value for s in best], [s.value for s in baseline])
    if interval is None:
        return None, "unmeasured"
    low = min(metric.gain(interval.low, 0.0), metric.gain(interval.high, 0.0))
    return metric.gain(interval.estimate, 0.0), "improves" if low > 0 else "no_gain"


def numbers(packet: Packet) -> tuple[Evidence, ...]:
    """Every number of the description that is a score or computed from scores."""
    metric, digits = packet.assigned.ticket.metric, _digits(packet)
    found = [
        number(metric, f"t{trial.number}", "value", [trial.score], digits=digits)
        for trial in packet.trials
        if trial.score is not None
    ]
    for name, scores in (
        ("validation_baseline", packet.validation_baseline),
        ("validation_cleaned", packet.validation_cleaned),
        ("validation_best", packet.validation_best),
        ("holdout_baseline", packet.holdout_baseline),
        ("holdout_best", packet.holdout_best),
        ("fresh_baseline", packet.fresh_baseline),
        ("fresh_best", packet.fresh_best),
    ):
        if scores:
            found.append(number(metric, f"{name}_mean", "mean", scores, digits=digits))
        if len(scores) > 1:
            found.append(number(metric, f"{name}_std", "std", scores, digits=digits))
    for split, new, old in (
        ("validation", packet.validation_best, packet.validation_baseline),
        ("holdout", packet.holdout_best, packet.holdout_baseline),
        ("fresh", packet.fresh_best, packet.fresh_baseline),
    ):
        if len(new) > 1 and len(old) > 1:
            found += [
                number(metric, f"{split}_{statistic}", statistic, new, old, digits)
                for statistic in ("gain", "gain_low", "gain_high")
            ]
        elif new and old:
            found.append(number(metric, f"{split}_gain", "gain", new, old, digits))
    return tuple(found)


def _digits(packet: Packet) -> int:
    """Decimals for the packet's numbers: four, and more where the best scores are very small."""
    sizes = [abs(s.value) for s in (*packet.validation_best, *packet.validation_baseline)]
    largest = max(sizes, default=1.0)
    if largest == 0 or largest >= 0.1:
        return 4
    return min(12, 3 + math.ceil(-math.log10(largest)))


def _judged_by(packet: Packet) -> JudgedBy:
    if packet.holdout_best:
        reported = packet.assigned.ticket.metric.holdout is not None
        return "reported holdout" if reported else "holdout"
    if not packet.fresh_best:
        return "holdout"
    return "fresh seeds seen before" if packet.assigned.revision else "fresh seeds"


def wording() -> str:
    """The version of the description's text: a hash of the modules that write it."""
    texts = inspect.getsource(description) + inspect.getsource(code_description)
    return content_hash(texts)[:16]


class MergeRequestAgent:
    """Turns the winner into files, and the ledger into a description."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def summarise(self, packet: Packet) -> str:
        """The opening; asked once and kept, so that a model is not asked again."""
        question = SummaryQuestion(
            title=packet.assigned.ticket.title,
            question=packet.assigned.ticket.question[:2000],
            keys=tuple(item.key for item in numbers(packet)),
            settings=packet.settings,
            quarantined_rows=len(packet.quarantined),
            verdict=packet.verdict,
            judged_by=_judged_by(packet),
            code="" if packet.patch is None else packet.assigned.ticket.kind,
            measured=packet.assigned.ticket.measured,
        )
        told = await self._judge.ask(SUMMARY, question)
        by_rule = SUMMARY.rule(question).paragraph
        if told.by == "rule":
            return by_rule
        words = " ".join(told.answer.paragraph.split())
        return (
            f"{by_rule}\n\nIn the words of {as_text(told.by)}, of which the numbers alone are"
            f" checked: “{words}”"
        )

    def compose(self, packet: Packet, *, revision: int, branch: str, commit: str) -> MergeRequest:
        """The merge request as the ledger's records have it."""
        evidence = numbers(packet)
        template = write(packet)
        assigned = packet.assigned
        return MergeRequest(
            id=f"{assigned.id}-MR{revision}",
            ticket=assigned.id,
            revision=revision,
            title=assigned.ticket.title,
            branch=branch,
            target=assigned.target_branch,
            base_commit=assigned.base_commit,
            commit=commit,
            template=template,
            description=fill(template, evidence),
            evidence=evidence,
            plots=("trials.svg",) if packet.trials else (),
            smoke=packet.smoke,
            gain=packet.gain,
            verdict=packet.verdict,
            wording=wording(),
        )

    def records(self, packet: Packet, folder: str, plot: bytes) -> tuple[OverlayFile, ...]:
        """Files that document the change in the repository: settings, quarantine, plot."""
        settings = {
            "ticket": packet.assigned.id,
            "base_commit": packet.assigned.base_commit,
            "settings": packet.settings,
            "seeds": list(packet.assigned.ticket.seeds),
        }
        files = [
            OverlayFile(
                path=f"{folder}/settings.json",
                content=(json.dumps(settings, indent=2) + "\n").encode(),
            ),
            OverlayFile(path=f"{folder}/trials.svg", content=plot),
        ]
        if packet.quarantined:
            lines = ["path,row,id,check,confidence,reason"] + [
                ",".join(
                    _cell(str(value))
                    for value in (
                        row.path,
                        row.row,
                        row.id,
                        row.check,
                        f"{row.confidence:.2f}",
                        row.reason,
                    )
                )
                for row in packet.quarantined
            ]
            files.append(
                OverlayFile(
                    path=f"{folder}/quarantine.csv", content=("\n".join(lines) + "\n").encode()
                )
            )
        return tuple(files)


def _cell(text: str) -> str:
    """An id of the user's data as one CSV cell that no spreadsheet runs as a formula."""
    plain = "".join(c for c in text if c.isprintable()).replace('"', '""')
    guarded = f"'{plain}" if plain[:1] in "=+-@" else plain
    return f'"{guarded}"' if any(c in guarded for c in ',"') else guarded
