"""Cases for plans: the order of the suggestions, and what the words must speak of."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agents.coordinator import PLAN, PlanAnswer, PlanQuestion
from evals.judgements.case import Case, Scorer, numbers_of, says, share
from labcrew.domain.programming import Investigation
from labcrew.domain.research import Suggestion

_LONGEST_SUMMARY = 600
_SMALL = set(range(11))
"""Numbers that count steps; nobody takes them for results."""
Mention = tuple[str, ...]
"""Beginnings of words, one of which must stand in the plan."""


def _score(question: PlanQuestion, first: Sequence[int], mentions: Sequence[Mention]) -> Scorer:
    known = numbers_of(question.model_dump_json()) | _SMALL | {95.0}

    def score(answer: Any) -> float:
        text = " ".join((answer.summary, *answer.steps))
        checks = [
            len(answer.summary) <= _LONGEST_SUMMARY,
            3 <= len(answer.steps) <= 12,
            numbers_of(text) <= known,
            *(says(text, mention) for mention in mentions),
        ]
        if first:
            order = tuple(dict.fromkeys(answer.suggestion_order))
            # The order is what the crew acts on; words are read by a person alone.
            checks += [bool(order) and order[0] in first] * 2
        return share(checks)

    return score


def _case(
    name: str,
    title: str,
    question: str,
    *,
    metric: str = "validation accuracy",
    direction: str = "maximize",
    target: float | None = None,
    suggestions: Sequence[tuple[dict[str, Any], str]] = (),
    first: Sequence[int] = (),
    mentions: Sequence[Mention] = (),
    quarantined: Mapping[str, int] | None = None,
    lessons: Sequence[str] = (),
    comment: str = "",
    kind: Literal["search", "implement", "fix"] = "search",
    found: Investigation | None = None,
    tests: Sequence[str] = (),
    measured: bool = True,
) -> Case:
    asked = PlanQuestion(
        title=title, question=question, metric=metric, direction=direction, target=target,
        baseline_runs=3, search_runs=24, quarantined=dict(quarantined or {}),
        suggestions=tuple(
            Suggestion(values=values, because=because, finding=f"T-0009-F{number:02}")
            for number, (values, because) in enumerate(suggestions, start=1)
        ),
        lessons=tuple(lessons), comment=comment, kind=kind, found=found, tests=tuple(tests),
        measured=measured,
    )  # fmt: skip
    needed: list[Mention] = [*mentions]
    if kind == "search":
        needed.append(("baseline", "as it is"))
    elif measured:
        needed.append((metric,))
    if kind != "search":
        needed.append(("test",))
    if quarantined:
        needed.append(("quarantine", "clean", "rows", "leave out"))
    rest = [n for n in range(len(suggestions)) if n not in first]
    right = PlanAnswer(
        summary="First " + ", then ".join(mention[0] for mention in needed) + ".",
        steps=(
            *(f"See to: {mention[0]}." for mention in needed),
            *("Compare with the start.", "Choose on validation.", "Open a merge request."),
        ),
        suggestion_order=(*first, *rest),
    )
    return Case(name, PLAN, asked, _score(asked, first, needed), right)


def plans() -> tuple[Case, ...]:
    """Searches with and without suggestions, data to clean, comments to follow, code to write."""
    rate_low = ({"learning_rate": 0.001}, "A learning rate of 0.001 was stable in all runs.")
    rate_high = ({"learning_rate": 0.9}, "Runs with 0.9 often diverged, but the best used 0.9.")
    smooth = ({"label_smoothing": 0.1}, "Label smoothing of 0.1 improved calibration and ECE.")
    dropout = ({"dropout": 0.5}, "Dropout of 0.5 reduced overfitting on small data sets.")
    batch = ({"batch_size": 512}, "A batch size of 512 was fastest; accuracy was unchanged.")
    fault = Investigation(
        summary="evaluate() in scoring.py divides by the number of batches, not of samples.",
        steps=("Divide by the number of samples in scoring.py.",), files=("scoring.py",),
    )  # fmt: skip
    feature = Investigation(
        summary="schedule.py knows constant and step; train.py chooses by name.",
        steps=("Add cosine to schedule.py.", "Let train.py choose it."),
        files=("schedule.py", "train.py"),
    )
    return (
        _case("nothing but a metric", "A better digit classifier",
              "Raise the accuracy of the digit classifier."),
        _case("a target", "Reach 0.97", "Bring validation accuracy to 0.97 or above.",
              target=0.97, mentions=[("0.97", "target")]),
        _case("diverging runs", "Runs diverge",
              "Half of our runs end in NaN. Find settings with which training is stable.",
              metric="validation loss", direction="minimize",
              suggestions=[rate_high, batch, rate_low], first=[2]),
        _case("overfitting", "Overfitting on 400 samples",
              "Training accuracy is 1.0, validation 0.71. Reduce the overfitting.",
              suggestions=[batch, rate_high, dropout], first=[2], mentions=[("overfit",)]),
        _case("calibration", "Badly calibrated probabilities",
              "The model is far too sure. Lower the expected calibration error.", metric="ECE",
              direction="minimize", suggestions=[dropout, batch, smooth], first=[2]),
        _case("speed at the same accuracy", "Training is too slow",
              "Make an epoch faster without losing accuracy.", metric="seconds an epoch",
              direction="minimize", suggestions=[dropout, smooth, batch], first=[2]),
        _case("the first suggestion is right", "Small data set",
              "Only 300 labelled images; lower the generalisation gap.",
              suggestions=[dropout, batch], first=[0]),
        _case("dirty data", "Noisy labels", "Raise accuracy; labels may be wrong in places.",
              quarantined={"duplicate": 31, "conflicting_label": 6},
              mentions=[("duplicate",), ("conflicting", "contradict")]),
        _case("a person's wish", "Digits", "Raise the accuracy.",
              comment="Please don't tune dropout; start with the learning rate.",
              suggestions=[dropout, rate_low], first=[1], mentions=[("learning rate",)]),
        _case("a lesson", "Digits again", "Raise the accuracy further.",
              lessons=["T-0003: batch sizes above 256 lost 2 points of accuracy."],
              suggestions=[batch, smooth], first=[1]),
        _case("a fix with tests", "Evaluation depends on the batch size",
              "The validation loss differs between batch sizes.", kind="fix", found=fault,
              tests=["tests/test_scoring.py::test_batches"], measured=False,
              mentions=[("tests/test_scoring.py",), ("same pattern", "elsewhere", "alike")]),
        _case("a fix without tests", "Wrong mean", "The reported mean is too small.", kind="fix",
              found=fault, measured=False,
              mentions=[("write a test", "add a test"), ("scoring.py", "divides", "samples")]),
        _case("a feature that is measured", "Cosine schedule",
              "Implement a cosine schedule and see whether it helps.", kind="implement",
              found=feature, mentions=[("cosine",), ("seeds",)]),
        _case("a feature, files named", "Cosine schedule without trials",
              "Implement a cosine schedule, chosen by name.", kind="implement", found=feature,
              measured=False, mentions=[("schedule.py",), ("train.py",)]),
    )  # fmt: skip
