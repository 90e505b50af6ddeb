"""A draft is judged field by field, and confidences are held against what was right."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.repositories.catalogue import Entry
from evals.repositories.judging import FIELDS, FieldJudged, Judged, calibration, judge, plain
from labcrew.domain.draft import Draft, Guess, Options, Trouble
from tests.tickets import make_ticket

ENTRY = Entry.model_validate(
    {
        "name": "one",
        "own": "progression",
        "sentence": "Raise the accuracy.",
        "end": "gain possible",
        "answers": {
            "command": [r"train\.py"],
            "metric": ["Val Accuracy", "accuracy"],
            "direction": "maximize",
            "split": ["validation"],
            "packages": ["scikit_learn", "NumPy"],
            "files": ["requirements.txt"],
            "parameters": [["lr", "optim.lr"], ["batch"], ["depth"]],
        },
    }
)
REFUSAL = Entry.model_validate(
    {
        "name": "two",
        "own": "progression",
        "sentence": "Raise the accuracy.",
        "end": "refusal:download|asks",
    }
)


def _draft(guesses: dict[str, tuple[Any, float]] | None = None, **changes: Any) -> Draft:
    ticket = {"environment": {"packages": ["numpy>=2", "scikit-learn==1.9.1", "scipy"]}}
    return Draft(
        id="D-001",
        repository="/lab",
        base_commit="b" * 40,
        sentence="Raise the accuracy.",
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
        guesses=tuple(
            Guess(field=field, value=value, confidence=confidence, because="read")
            for field, (value, confidence) in (guesses or {}).items()
        ),
        **({"ticket": make_ticket(**(ticket | changes.pop("ticket_changes", {})))} | changes),
    )


SPLIT = {"metric.split": ("validation", 0.7)}


def test_a_right_draft_is_right_in_every_field() -> None:
    judged = judge(_draft(SPLIT | {"metric": ("accuracy", 0.9)}), ENTRY)
    assert tuple(judged.fields) == FIELDS
    assert judged.right == len(FIELDS)
    assert judged.fields["metric"].confidence == 0.9
    assert judged.fields["command"].confidence is None
    assert judged.maximize
    assert judged.line().startswith("one: 6 of 6 right")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("command", {"run": {"command": "python test.py {settings}"}}),
        ("metric", {"metric": {"name": "loss", "direction": "maximize", "file": "m.jsonl"}}),
        ("direction", {"metric": {"name": "accuracy", "direction": "minimize", "file": "m.jsonl"}}),
        ("environment", {"environment": {"packages": ["numpy"]}}),
        ("environment", {"environment": {"requirements": "docs/requirements.txt"}}),
        (
            "parameters",
            {"search_space": {"lr": {"type": "float", "low": 0.1, "high": 1}}},
        ),
    ],
)
def test_one_wrong_field_is_wrong_alone(field: str, changes: dict[str, Any]) -> None:
    judged = judge(_draft(SPLIT, ticket_changes=changes), ENTRY)
    assert [name for name in FIELDS if not judged.fields[name].right] == [field]


def test_a_file_that_names_the_packages_is_as_good() -> None:
    changes = {"environment": {"requirements": "requirements.txt"}}
    assert judge(_draft(SPLIT, ticket_changes=changes), ENTRY).fields["environment"].right


def test_a_split_that_is_not_stated_is_unknown() -> None:
    field = judge(_draft(), ENTRY).fields["split"]
    assert not field.right
    assert field.found == "unknown"


def test_what_was_asked_is_told_from_what_was_guessed() -> None:
    questions = (Options(field="metric.direction", question="Which?", options=()),)
    changes = {"metric": {"name": "accuracy", "direction": "minimize", "file": "m.jsonl"}}
    sure = {"metric.direction": ("minimize", 0.95)}
    asked = judge(_draft(sure, questions=questions, ticket_changes=changes), ENTRY)
    guessed = judge(_draft(sure, ticket_changes=changes), ENTRY)
    assert asked.fields["direction"].asked
    assert not asked.fields["direction"].wrong_and_sure
    assert guessed.fields["direction"].wrong_and_sure
    unsure = judge(_draft({"metric.direction": ("minimize", 0.5)}, ticket_changes=changes), ENTRY)
    assert not unsure.fields["direction"].wrong_and_sure
    assert judge(_draft(ticket_changes=changes), ENTRY).fields["direction"].wrong_and_sure


def test_no_draft_or_no_ticket_has_every_field_wrong() -> None:
    trouble = Trouble(kind="crash", what="train.py", message="It crashed.")
    for draft in (None, _draft(ticket=None, trouble=trouble)):
        judged = judge(draft, ENTRY)
        assert judged.right == 0
        assert len(judged.fields) == len(FIELDS)
        assert not any(field.wrong_and_sure for field in judged.fields.values())
    assert judge(_draft(ticket=None, trouble=trouble), ENTRY).refused == "crash"


@pytest.mark.parametrize(
    ("kind", "right"), [("download", True), ("asks", True), ("crash", False), (None, False)]
)
def test_only_the_right_refusal_is_right(kind: Any, right: bool) -> None:
    trouble = Trouble(kind=kind, what="files", message="It downloads.") if kind else None
    judged = judge(_draft(ticket=None, trouble=trouble), REFUSAL)
    assert judged.refusal_wanted
    assert judged.refusal_right is right
    assert not judged.fields
    assert not judge(None, REFUSAL).refusal_right
    assert not judge(_draft(trouble=trouble), REFUSAL).refusal_right


@pytest.mark.parametrize("name", ["val accuracy", "VAL_ACCURACY", "val/accuracy:"])
def test_spelling_does_not_count(name: str) -> None:
    assert plain(name) == "valaccuracy"


def _judged(pairs: list[tuple[float, bool]]) -> list[Judged]:
    return [
        Judged(
            name="one",
            fields={"metric": FieldJudged(right=r, confidence=c, asked=False, found="loss")},
            refusal_wanted=False,
            maximize=False,
        )
        for c, r in pairs
    ]


def test_calibration_of_known_answers() -> None:
    found = calibration(_judged([(0.95, True), (0.95, False), (0.15, False)]))
    assert found is not None
    assert found.count == 3
    assert found.brier == pytest.approx((0.05**2 + 0.95**2 + 0.15**2) / 3)
    assert [(b.low, b.count, b.right) for b in found.bins] == [(0.1, 1, 0.0), (0.9, 2, 0.5)]
    assert found.error == pytest.approx((0.15 + 2 * 0.45) / 3)
    assert calibration([]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_counts_each_answer_once(pairs: list[tuple[float, bool]]) -> None:
    found = calibration(_judged(pairs))
    assert found is not None
    assert sum(b.count for b in found.bins) == found.count == len(pairs)
    assert 0 <= found.brier <= 1
    assert 0 <= found.error <= 1
    assert all(b.low - 1e-9 <= b.confidence <= b.high + 1e-9 for b in found.bins)
