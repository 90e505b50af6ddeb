"""Cases for which doubtful rows are proposed for quarantine."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.quarantine import (
    MOST_OF_A_FILE,
    QUARANTINE,
    DoubtfulRow,
    DoubtGroup,
    QuarantineAnswer,
    QuarantineQuestion,
)
from evals.judgements.case import Case, Scorer, f1

TRAIN = "data/train.csv"
Group = tuple[str, int, float, float, tuple[str, ...]]
"""Check, rows, least and most confidence, examples."""


def _score(right: QuarantineAnswer) -> Scorer:
    def score(answer: Any) -> float:
        groups = f1(answer.groups, right.groups)
        kept = {key for key in answer.leave_in if key.partition(":")[0] in right.groups}
        wrong = kept ^ set(right.leave_in)
        return groups * (1.0 if not wrong else 0.75)

    return score


def _case(
    name: str,
    groups: Sequence[Group],
    right: Sequence[int],
    *,
    rows: Mapping[int, Sequence[tuple[int, str, float]]] | None = None,
    leave_in: Sequence[str] = (),
    file_rows: int = 1000,
) -> Case:
    """Groups are G1, G2 …; `rows` are the least sure ones of a group: (row, reason, confidence)."""
    question = QuarantineQuestion(
        file_rows={TRAIN: file_rows},
        groups=tuple(
            DoubtGroup(
                key=f"G{number}", path=TRAIN, check=check, rows=count, confidence_least=least,
                confidence_most=most, examples=examples,
            )
            for number, (check, count, least, most, examples) in enumerate(groups, start=1)
        ),
        least_sure=tuple(
            DoubtfulRow(key=f"G{number}:{row}", group=f"G{number}", reason=reason, confidence=sure)
            for number, listed in sorted((rows or {}).items())
            for row, reason, sure in listed
        ),
        most_of_a_file=MOST_OF_A_FILE,
    )  # fmt: skip
    answer = QuarantineAnswer(groups=tuple(f"G{n}" for n in right), leave_in=tuple(leave_in))
    return Case(name, QUARANTINE, question, _score(answer), answer)


def quarantines() -> tuple[Case, ...]:
    """Copies, contradictions and damage are proposed; rare but honest rows are not."""
    copies: Group = ("split_overlap", 12, 1.0, 1.0, ("equals row 4 of validation",))
    twice: Group = ("duplicate", 30, 0.9, 1.0, ("repeats row 17", "repeats row 203"))
    contradicts: Group = (
        "conflicting_label", 6, 0.6, 0.9, ("labelled cat, but identical row 88 is dog",),
    )  # fmt: skip
    return (
        _case("copies of validation rows", [copies], [1]),
        _case("copies and duplicates", [copies, twice], [1, 2]),
        _case("nothing is sure", [
            ("suspicious_label", 9, 0.2, 0.4, ("labelled 3, but 3 of 5 neighbours say 8",)),
        ], []),
        _case("rare but honest values", [
            ("out_of_range", 7, 0.55, 0.7, ("age is 97, most lie from 18 to 80",)), copies,
        ], [2]),
        _case("impossible values", [
            ("out_of_range", 5, 0.8, 0.95, ("age is -40, most lie from 18 to 80",)),
        ], [1]),
        _case("copies that are only nearly equal", [
            ("split_overlap", 4, 0.4, 0.49, ("equals row 9 of holdout up to rounding",)), twice,
        ], [1, 2]),
        _case("contradictions", [contradicts, twice], [1, 2]),
        _case("damaged lines", [
            ("ragged_row", 3, 0.95, 0.95, ("has more or fewer cells than the header",)),
            ("malformed_cell", 4, 0.9, 0.9, ("price is 'n/a?', not a number",)),
        ], [1, 2]),
        _case("an optional column is empty", [
            ("missing_cell", 120, 0.5, 0.6, ("'comment' is empty",)), contradicts,
        ], [2]),
        _case("too much of a file", [
            ("suspicious_label", 400, 0.6, 0.9, ("labelled 1, but 5 of 5 neighbours say 7",)),
        ], []),
        _case("too much together, copies first", [
            copies, ("suspicious_label", 195, 0.55, 0.7, ("labelled 1, but neighbours say 7",)),
        ], [1]),
        _case("sure labels, one row unconvincing", [
            ("suspicious_label", 8, 0.7, 0.99, ("labelled 0, but 9 of 9 neighbours say 6",)),
        ], [1], rows={1: [
            (31, "labelled 0, but 5 of 9 neighbours say 6; 4 say 0", 0.7),
            (44, "labelled 0, but 9 of 9 neighbours say 6", 0.98),
        ]}, leave_in=["G1:31"]),
        _case("a few honest extremes among damage", [
            ("out_of_range", 6, 0.6, 0.95, ("income is -1, most lie above 0",)),
        ], [1], rows={1: [
            (5, "income is 910000, most lie from 10000 to 200000", 0.6),
            (70, "income is -1, most lie from 10000 to 200000", 0.95),
        ]}, leave_in=["G1:5"]),
        _case("seasons are no damage", [
            ("drift", 80, 0.5, 0.55, ("temperature is lower in the last fifth of the file",)),
            ("duplicate", 2, 1.0, 1.0, ("repeats row 1",)),
        ], [2]),
    )  # fmt: skip
