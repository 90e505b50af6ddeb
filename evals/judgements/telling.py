"""Cases for texts: a merge request's first paragraph, and a night's."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from agents.merge_request import SUMMARY, SummaryAnswer, SummaryQuestion
from agents.monitoring.narrative import NARRATIVE, Narrative, Night
from evals.judgements.case import Case, Scorer, is_plain, numbers_of, says, sentences, share
from labcrew.domain.review import Verdict

_BETTER = ("beat", "better", "improv", "outperform", "exceed", "gain", "rais", "reduc", "lower")
_DENIED = re.compile(
    rf"(?:\b(?:no|not|never|neither|cannot|nothing|without|fails? to)\b|n't\b)"
    rf"(?:\s+\w+){{0,6}}?\s+(?:{'|'.join(_BETTER)})",
    re.IGNORECASE,
)
"""A negation, at most six words without a comma, and a word for better."""
_UNMEASURED = re.compile(r"\b(?:no|not|nothing|never)\b[^.]*\bmeasur|unmeasured", re.IGNORECASE)
_LONGEST_PARAGRAPH = 700
_SCORES = ("holdout_baseline_mean", "holdout_best_mean")
_FRESH = ("fresh_baseline_mean", "fresh_best_mean")
_MOST_SENTENCES = 5


def _claim(text: str, verdict: Verdict) -> bool:
    """Whether a paragraph says what the verdict says, and nothing better."""
    denied = _DENIED.search(text) is not None
    if verdict == "improves":
        return says(text, _BETTER) and not denied
    if verdict == "no_gain":
        return denied or says(text, ("same", "equal", "within the noise", "unchanged"))
    return _UNMEASURED.search(text) is not None


def _summary_score(question: SummaryQuestion, about: Sequence[str]) -> Scorer:
    def score(answer: Any) -> float:
        text = answer.paragraph
        checks = [len(text) <= _LONGEST_PARAGRAPH, says(text, about)]
        if question.verdict != "tests_pass":
            checks += [_claim(re.sub(r"\{\{\w+\}\}", "", text), question.verdict)] * 2
        if question.code:
            checks.append(says(text, ("test",)))
        checks += ["{{" + key + "}}" in text for key in question.keys if key.endswith("_mean")]
        if question.quarantined_rows:
            checks.append(says(text, ("clean", "quarantin", "rows", "data")))
        checks += [says(text, [name, name.replace("_", " ")]) for name in question.settings]
        return share(checks)

    return score


def _summary(
    name: str,
    title: str,
    about: Sequence[str],
    right: str,
    verdict: Verdict,
    *,
    settings: Sequence[str] = (),
    keys: Sequence[str] = _SCORES,
    rows: int = 0,
    judged_by: Literal["holdout", "reported holdout", "fresh seeds"] = "holdout",
    code: Literal["", "implement", "fix"] = "",
    measured: bool = True,
) -> Case:
    question = SummaryQuestion(
        title=title, question=f"{title}. See what can be done.", keys=tuple(keys),
        settings=dict.fromkeys(settings, 0.01), quarantined_rows=rows, verdict=verdict,
        judged_by=judged_by, code=code, measured=measured,
    )  # fmt: skip
    answer = SummaryAnswer(paragraph=right)
    return Case(name, SUMMARY, question, _summary_score(question, about), answer)


def summaries() -> tuple[Case, ...]:
    """Gains, none, and none measured; settings, cleaner data, and code."""
    means = "{{holdout_best_mean}} against {{holdout_baseline_mean}}"
    fresh = "{{fresh_best_mean}} against {{fresh_baseline_mean}}"
    return (
        _summary("a gain", "Raise the digits' accuracy", ["digit", "accuracy"],
                 f"A new learning rate improves the accuracy: {means}.", "improves",
                 settings=["learning_rate"]),
        _summary("a lower error", "Lower the forecast's error", ["forecast", "error"],
                 f"A new window makes the forecast better: its error is {means}.", "improves",
                 settings=["window"]),
        _summary("no gain", "Raise the digits' accuracy", ["digit", "accuracy"],
                 f"A new dropout does not raise the accuracy beyond noise: {means}.", "no_gain",
                 settings=["dropout"]),
        _summary("no gain, several settings", "Better tagging of words", ["tag", "word"],
                 f"Neither rate nor depth makes the tagging better: {means}.", "no_gain",
                 settings=["rate", "depth"]),
        _summary("cleaner data", "Noisy labels in the leaf data", ["leaf", "label", "leaves"],
                 f"Cleaner leaf data and a new rate improve the score: {means}.",
                 "improves", settings=["rate"], rows=37),
        _summary("cleaner data, no gain", "Noisy labels in the leaf data",
                 ["leaf", "label", "leaves"],
                 f"Leaf data without doubtful rows brought no gain: {means}.", "no_gain", rows=12),
        _summary("nothing measured", "Tune the segmenter", ["segment"],
                 "A new rate for the segmenter; no holdout was measured.", "unmeasured",
                 settings=["rate"], keys=()),
        _summary("fresh seeds", "A steadier agent", ["agent", "stead"],
                 f"With fresh seeds the new gamma improves the agent: {fresh}.", "improves",
                 settings=["gamma"], keys=_FRESH, judged_by="fresh seeds"),
        _summary("fresh seeds, no gain", "A steadier agent", ["agent", "stead"],
                 f"With fresh seeds the new gamma is no better for the agent: {fresh}.",
                 "no_gain", settings=["gamma"], keys=_FRESH, judged_by="fresh seeds"),
        _summary("a reported holdout", "Rank search results better", ["rank", "search"],
                 f"A new margin improves the ranking, as the runs report: {means}.", "improves",
                 settings=["margin"], judged_by="reported holdout"),
        _summary("a fix", "Evaluation depends on the batch size", ["evaluation", "batch"],
                 "The evaluation no longer depends on the batch size; its tests pass.",
                 "tests_pass", keys=(), code="fix", measured=False),
        _summary("a feature", "Add a cosine schedule", ["cosine", "schedule"],
                 "A cosine schedule, with tests that failed before and pass now.", "tests_pass",
                 keys=(), code="implement", measured=False),
        _summary("a feature that helps", "Add warm-up", ["warm"],
                 f"Warm-up is there, its tests pass, and the score is better: {means}.",
                 "improves", code="implement"),
        _summary("a fix that changes no score", "Wrong fold is validated", ["fold"],
                 f"The right fold is validated, tests pass; the score is not better: {means}.",
                 "no_gain", code="fix"),
    )  # fmt: skip


def _night_score(night: Night, worst: Sequence[str]) -> Scorer:
    def score(answer: Any) -> float:
        text = answer.text
        checks = [sentences(text) <= _MOST_SENTENCES, is_plain(text)]
        if night.waiting:
            held = numbers_of(text) | ({1.0} if says(text, ("one", "a ")) else set())
            checks.append(
                night.waiting in held and says(text, ("wait", "decid", "decision", "need", "you"))
            )
        if night.failed:
            checks.append(night.failed in numbers_of(text) and says(text, ("fail", "stopped")))
        if night.started:
            checks.append(night.started in numbers_of(text))
        if worst:
            checks += [says(text, worst)] * 2
        if not night.started and not night.incidents:
            checks.append(says(text, ("nothing", "no run", "quiet")))
        return share(checks)

    return score


def _night(
    name: str,
    right: str,
    worst: Sequence[str] = (),
    *,
    told: Sequence[str] = (),
    **numbers: float,
) -> Case:
    counts = dict.fromkeys(
        ("started", "scored", "failed", "running", "incidents", "helped", "waiting"), 0
    )
    known: dict[str, Any] = {"hours": 12.0, "saved_hours": None, **counts, **numbers}
    night = Night(told=tuple(told), **known)
    return Case(name, NARRATIVE, night, _night_score(night, worst), Narrative(text=right))


def narratives() -> tuple[Case, ...]:
    """Quiet nights and bad ones; the incident that matters most must be named."""
    memory = "T-0004-007: out of memory, the kernel ended it; restart smaller batch, helped: yes"
    bad_split = "T-0004-011: metric jump, accuracy 1.0 from one epoch to the next; escalate"
    diverged = "T-0005-002: diverged, the loss rose for 40 steps; restart lower rate, helped: yes"
    return (
        _night("nothing ran", "Nothing ran."),
        _night("nothing ran, one gate waits", "Nothing ran; 1 thing waits for you.", waiting=1),
        _night("a quiet night", "14 runs began, all scored.", started=14, scored=14),
        _night("some failed", "Of 9 runs 2 failed.", started=9, scored=7, failed=2),
        _night("memory ran out", "2 gates wait for you. 6 runs began, one ran out of memory; a"
               " smaller batch helped.", ["memory"], told=[memory], started=6, scored=6,
               incidents=1, helped=1, waiting=2),
        _night("a score too good", "1 thing waits: accuracy jumped to 1.0 in T-0004-011. 8 runs"
               " began.", ["jump", "accuracy"], told=[memory, bad_split], started=8, scored=7,
               running=1, incidents=2, helped=1, waiting=1),
        _night("divergence", "20 runs began, 3 failed; one diverged and a lower rate helped.",
               ["diverg"], told=[diverged], started=20, scored=16, failed=3, running=1,
               incidents=1, helped=1),
        _night("hours saved", "30 runs began; one diverged.", ["diverg"], told=[diverged],
               started=30, scored=30, incidents=1, helped=1, saved_hours=4.5),
        _night("a full disk stopped all", "5 of 5 runs failed: the disk is full. 1 thing waits.",
               ["disk", "storage", "workspace"],
               told=["T-0006-001: storage full, its workspace is full; give up, helped: no"],
               started=5, failed=5, incidents=1, waiting=1),
        _night("much waits", "7 things wait for you. 3 runs began.", started=3, scored=3,
               waiting=7),
        _night("only going on", "2 runs began and go on.", started=2, running=2),
        _night("a crash among spikes", "11 runs began, 1 failed: it crashed on a missing file.",
               ["crash", "missing", "file"],
               told=["T-0008-001: loss spike, 1.2 to 3.9 in one step; continue, helped: yes",
                     "T-0008-004: crashed, FileNotFoundError: vocab.txt; give up, helped: no"],
               started=11, scored=10, failed=1, incidents=2, helped=1),
        _night("evaluations disagree", "1 decision waits: the evaluator disagrees with the run."
               " 4 runs began.", ["disagree", "evaluat"],
               told=["T-0009-003: evaluation disagrees, 0.91 reported, 0.62 evaluated; escalate"],
               started=4, scored=4, incidents=1, waiting=1),
    )  # fmt: skip
