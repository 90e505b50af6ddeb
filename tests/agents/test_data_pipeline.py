"""The data pipeline: from a ticket's files to cards, a proposal and cleaned copies."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from agents.data_pipeline import (
    DataPipeline,
    DataReport,
    data_problems,
    left_to_people,
    report_problems,
)
from agents.quarantine import (
    QUARANTINE,
    DoubtfulRow,
    DoubtGroup,
    QuarantineAnswer,
    QuarantineQuestion,
)
from labcrew.domain.base import content_hash
from labcrew.domain.budget import Budget
from labcrew.domain.data_input import DataInput
from labcrew.domain.measuring import Metric
from labcrew.domain.research import DataFault, DatasetCard, QuarantinedRow
from labcrew.domain.running import Run
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import GateRequired, InputError
from labcrew.judgement import Judge
from tests.data_lab import COPY, EMPTY, LEAK, DataLab, blobs, data_lab
from tests.doubles.chat import ScriptedChat
from tests.packets import CARD
from tools.clean_data import CleanData, CleanedFile

RULES = Judge(models={})


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[DataLab]:
    with data_lab(tmp_path) as lab:
        yield lab


@pytest.mark.engine
async def test_rows_are_proposed_accepted_and_readmitted(lab: DataLab) -> None:
    assigned = lab.assigned(lab.inside("train"), lab.inside("validation"))
    pipeline = DataPipeline(RULES)
    report = await pipeline.profile(assigned, lab.toolbox(assigned))
    assert [card.id for card in report.cards] == ["T-0001-D01", "T-0001-D02"]
    assert (report.problems, report.by) == ((), "rule")
    assert report_problems(report, assigned) == []
    train, validation = report.cards
    assert [row.row for row in train.quarantined] == [LEAK, EMPTY, COPY]
    assert validation.quarantined == ()
    again = await pipeline.profile(assigned, lab.toolbox(assigned))
    assert again == report

    accepted = tuple(row for row in train.quarantined if row.row != EMPTY)
    with pytest.raises(GateRequired):
        await pipeline.clean(
            assigned, report.cards, accepted, lab.toolbox(assigned, approved=False)
        )
    cleaned = await pipeline.clean(assigned, report.cards, accepted, lab.toolbox(assigned))
    assert cleaned[0].readmitted == (EMPTY,)
    assert cleaned[0].cleaned_rows == 148
    assert cleaned[0].cleaned_sha256 not in (None, train.sha256)
    assert cleaned[1] == validation
    kept = await pipeline.clean(assigned, report.cards, (), lab.toolbox(assigned))
    assert kept[0].cleaned_sha256 is None
    assert kept[0].readmitted == (LEAK, EMPTY, COPY)
    stranger = accepted[0].model_copy(update={"row": 1})
    with pytest.raises(InputError, match=r"Row 1 of data/train\.csv was never"):
        await pipeline.clean(assigned, report.cards, (stranger,), lab.toolbox(assigned))


class Copying:
    """A toolbox that cleans: each copy has a hash of its own."""

    async def use(self, tool: object, call: CleanData) -> CleanedFile:
        return CleanedFile(
            path=call.path,
            sha256=content_hash([call.path, list(call.rows)]),
            rows=9,
            file=Path(call.path),
        )


async def test_a_file_whose_rows_are_all_taken_back_has_no_cleaned_copy() -> None:
    rows = [
        QuarantinedRow(path=path, row=1, check="duplicate", reason="r", confidence=1)
        for path in ("a.csv", "b.csv")
    ]
    cards = [CARD.model_copy(update={"path": row.path, "quarantined": (row,)}) for row in rows]
    pipeline, tools, nobody = DataPipeline(RULES), cast(Any, Copying()), cast(Any, None)
    both = await pipeline.clean(nobody, cards, rows, tools)
    assert all(card.cleaned_sha256 and card.cleaned_rows == 9 for card in both)
    a, b = await pipeline.clean(nobody, both, rows[1:], tools)
    assert (a.readmitted, a.cleaned_sha256, a.cleaned_rows) == ((1,), None, None)
    assert b == both[1]


@pytest.mark.engine
async def test_when_too_much_is_doubtful_nothing_is_proposed_and_it_is_said(lab: DataLab) -> None:
    train = lab.user.path / "data/train.csv"
    blobs(train, 60, 2)
    lab.user.commit()
    assigned = lab.assigned(lab.inside("train"), lab.inside("validation"))
    report = await DataPipeline(RULES).profile(assigned, lab.toolbox(assigned))
    assert report.cards[0].quarantined == ()
    assert "60 of 60 rows of data/train.csv are doubtful" in report.problems[0]
    assert report_problems(report, assigned) == []
    assert any("also stands in another split" in p for p in data_problems(report, assigned))


@pytest.mark.engine
async def test_files_that_cannot_be_read_are_noted(lab: DataLab) -> None:
    (lab.user.path / "data/other.csv").write_bytes(b"\0\1\2")
    lab.user.commit()
    assigned = lab.assigned(
        lab.inside("other"), DataInput(path="data"), DataInput(path="data/gone.csv"),
        lab.inside("train"), lab.inside("validation"),
    )  # fmt: skip
    report = await DataPipeline(RULES).profile(assigned, lab.toolbox(assigned))
    assert [card.id for card in report.cards] == ["T-0001-D01", "T-0001-D04", "T-0001-D05"]
    assert [row.row for row in report.cards[1].quarantined] == [LEAK, EMPTY, COPY]
    assert [problem.partition(" ")[0] for problem in report.problems] == [
        "data/other.csv", "data", "data/gone.csv",
    ]  # fmt: skip
    assert report.unread == {"data": "not_a_file", "data/gone.csv": "missing"}
    assert report_problems(report, assigned) == []
    assert data_problems(report, assigned) == ["data/gone.csv does not exist."]


@pytest.mark.engine
async def test_a_model_may_choose_within_the_bounds(lab: DataLab) -> None:
    assigned = lab.assigned(lab.inside("train"), lab.inside("validation"))
    model = ScriptedChat(
        QuarantineAnswer(groups=("G9",)),
        QuarantineAnswer(groups=("G1", "G2"), leave_in=(f"G2:{EMPTY}",)),
    )
    pipeline = DataPipeline(Judge(models={"data_pipeline": model}))
    report = await pipeline.profile(assigned, lab.toolbox(assigned))
    assert report.by == "model:scripted"
    assert report.fallbacks == ("there is no group 'G9'",)
    assert [row.row for row in report.cards[0].quarantined] == [LEAK]
    assert "there is no group" in model.questions[1]


@pytest.mark.engine
async def test_what_no_row_left_out_would_mend_is_left_to_people(lab: DataLab) -> None:
    train, held = lab.user.path / "data/train.csv", lab.user.path / "data/validation.csv"
    blobs(train, 150, 1)
    rows, theirs = _cells(train), _cells(held)
    for row in (*rows, *theirs):
        row["class_no"] = str("abc".index(row["label"]))
        row["site"] = "north" if row in rows else "south"
    for row in rows[:3]:
        row["label"] = f" {row['label']}"
    for row in theirs[:4]:
        row["label"] = "d"
    theirs[9]["id"] = rows[7]["id"]
    _write(train, rows)
    _write(held, theirs)
    lab.user.commit()
    assigned = lab.assigned(lab.inside("train"), lab.inside("validation"))
    report = await DataPipeline(RULES).profile(assigned, lab.toolbox(assigned))
    assert report.problems == ()
    assert [(row.row, row.check) for row in report.cards[0].quarantined] == [(7, "shared_id")]
    [drift] = [fault for fault in report.cards[1].faults if fault.check == "drift"]
    assert "site" in drift.detail
    told = [line.partition(": ")[2] for line in left_to_people(report.cards)]
    assert told[0].startswith("3 rows spell their class in another way than most: ")
    assert told[1].startswith("class\\_no stands one to one for the label's 3 classes")
    assert told[2:] == ["4 rows of 1 class that training never has: 'd' (4 rows)"]


def _cells(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_what_is_left_to_people_is_short_and_plain() -> None:
    def fault(number: int, severity: str = "warning") -> DataFault:
        detail = f"<b>{number}</b>"
        return DataFault.model_validate(
            {"check": "c", "path": "a.csv", "rows": number, "detail": detail, "severity": severity}
        )

    def card(*faults: DataFault, doubted: str = "d") -> DatasetCard:
        row = QuarantinedRow(path="a.csv", row=0, check=doubted, reason="r", confidence=1)
        return DatasetCard(
            id="D", ticket="T", path="a.csv", split="train", sha256="0" * 64, size_bytes=1, rows=9,
            columns=(), label=None, faults=faults, quarantined=(row,),
        )  # fmt: skip

    told = left_to_people([card(fault(0), fault(1, "error"), fault(2, "note"))])
    assert told == ["a.csv: \\<b\\>0\\</b\\>", "a.csv: 1 \\<b\\>1\\</b\\>"]
    assert left_to_people([card(fault(1), doubted="c")]) == []
    many = left_to_people([card(*(fault(n) for n in range(40)))])
    assert (len(many), many[-1]) == (13, "28 more warnings are on the data's cards")


async def test_a_ticket_without_data_needs_no_sandbox(lab: DataLab) -> None:
    assigned = lab.assigned()
    report = await DataPipeline(RULES).profile(assigned, lab.toolbox(assigned))
    assert report == DataReport(cards=(), problems=(), data_hash="")
    assert report_problems(report, assigned) == []


def group(key: str, rows: int, confidence: float, path: str = "train.csv") -> DoubtGroup:
    return DoubtGroup(
        key=key,
        path=path,
        check="duplicate",
        rows=rows,
        confidence_least=confidence,
        confidence_most=confidence,
        examples=(),
    )


def question(*groups: DoubtGroup, rows: int = 100) -> QuarantineQuestion:
    return QuarantineQuestion(
        file_rows={g.path: rows for g in groups},
        groups=groups,
        least_sure=(DoubtfulRow(key="G1:7", group="G1", reason="r", confidence=0.6),),
        most_of_a_file=0.2,
    )


def test_the_rule_proposes_what_is_sure_up_to_a_fifth_of_each_file() -> None:
    asked = question(
        group("G1", 20, 0.5), group("G2", 70, 0.49), group("G3", 21, 0.9, path="other.csv")
    )
    assert QUARANTINE.rule(asked) == QuarantineAnswer(groups=("G1",))
    assert QUARANTINE.check(asked, QUARANTINE.rule(asked)) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (QuarantineAnswer(groups=("G3",)), "no group"),
        (QuarantineAnswer(groups=("G1",), leave_in=("G1:8",)), "no row"),
        (QuarantineAnswer(groups=("G1", "G2")), "more than 20%"),
    ],
)
def test_an_answer_beyond_the_question_is_refused(answer: QuarantineAnswer, why: str) -> None:
    trouble = QUARANTINE.check(question(group("G1", 11, 0.9), group("G2", 10, 0.9)), answer)
    assert trouble is not None
    assert why in trouble


def test_a_wrong_report_is_told_from_a_right_one() -> None:
    def card(path: str, split: str, **changes: object) -> DatasetCard:
        values = {
            "id": f"T-{path}",
            "ticket": "T",
            "path": path,
            "split": split,
            "sha256": content_hash(path),
            "size_bytes": 1,
            "rows": 10,
            "columns": ({"name": "y", "type": "text", "missing": 0, "distinct": 2},),
            "label": "y",
        }
        return DatasetCard.model_validate(values | changes)

    def row(number: int, path: str) -> QuarantinedRow:
        return QuarantinedRow(path=path, row=number, check="duplicate", reason="r", confidence=1)

    train = DataInput(path="train", split="train", label="y")
    held = DataInput(path="held", split="holdout", label="y")
    fault = DataFault(check="split_overlap", path="train", rows=10, detail="", severity="warning")
    cases = {
        "has no label column": (card("train", "train", columns=({
            "name": "z", "type": "text", "missing": 0, "distinct": 2},)), card("held", "holdout")),
        "has no profile": (card("train", "train"),),
        "not a training file": (
            card("train", "train"), card("held", "holdout", quarantined=(row(1, "held"),))),
        "does not have": (
            card("train", "train", quarantined=(row(10, "train"),)), card("held", "holdout")),
        "twice": (card("train", "train", quarantined=(row(1, "train"), row(1, "train"))),
            card("held", "holdout")),
        "too many": (card("train", "train", quarantined=tuple(row(i, "train") for i in range(3))),
            card("held", "holdout")),
        "the same file": (
            card("train", "train"), card("held", "holdout", sha256=content_hash("train"))),
        "Every row of train": (card("train", "train", faults=(fault,)), card("held", "holdout")),
        "has no rows": (card("train", "train"), card("held", "holdout", rows=0)),
        "not in the ticket": (card("train", "train"), card("held", "holdout"), card("x", "other")),
    }  # fmt: skip
    with_data = _assigned(train, held)
    for words, cards in cases.items():
        report = DataReport(cards=cards, problems=(), data_hash=_hash(cards))
        problems = report_problems(report, with_data) or data_problems(report, with_data)
        assert len(problems) == 1, problems
        assert words in problems[0]
    unreadable = card("held", "holdout", rows=0, columns=())
    for held_out in (card("held", "holdout"), unreadable):
        good = (card("train", "train"), held_out)
        report = DataReport(cards=good, problems=(), data_hash=_hash(good))
        assert report_problems(report, with_data) + data_problems(report, with_data) == []
    wrong = DataReport(cards=good, problems=(), data_hash="x")
    assert report_problems(wrong, with_data) == ["The data hash does not fit the cards."]


def _hash(cards: tuple[DatasetCard, ...]) -> str:
    return content_hash(sorted([card.path, card.sha256] for card in cards))


def _assigned(*data: DataInput) -> AssignedTicket:
    ticket = Ticket(
        title="t",
        kind="implement",
        repository="r",
        metric=Metric(name="m", direction="maximize", file="m.jsonl"),
        run=Run(command="c"),
        data=data,
    )
    return AssignedTicket(
        id="T",
        ticket=ticket,
        source="test",
        assigned_by="person:ada",
        assigned_at="2026-01-01T00:00:00Z",
        repository="r",
        base_commit="0" * 40,
        target_branch=None,
        budget=Budget(),
    )
