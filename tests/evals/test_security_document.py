"""README.md and SECURITY.md tell what the kept run of the battery found, no more."""

from pathlib import Path

import pytest

from evals.attacks.battery import Report
from evals.attacks.table import documented

ROOT = Path(__file__).parents[2]


def kept() -> Report:
    return Report.model_validate_json((ROOT / "evals/results/attacks.json").read_text("utf-8"))


def test_the_kept_run_held() -> None:
    assert kept().passed
    assert [part.complaints for part in kept().parts if part.complaints] == []


@pytest.mark.parametrize("document", ["README.md", "SECURITY.md"])
def test_its_table_stands_in_the_documents(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    assert documented(text, kept()) == text


def test_a_document_without_marks_is_told() -> None:
    with pytest.raises(ValueError, match="no two lines"):
        documented("# Nothing", kept())
