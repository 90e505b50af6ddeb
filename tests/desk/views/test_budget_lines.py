"""What the ledger warns of a budget is told to people."""

from typing import Any

import pytest

from desk.wiring import Opened
from desk.wording import sentence


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (
            "warned",
            {"bound": "model_tokens", "of": 2_000_000, "used": 1_640_000, "share": 0.8},
            "Budget: 80% of model_tokens is used, 1,640,000 of 2,000,000",
        ),
        (
            "warned",
            {"bound": "spending.merge_request.usd", "of": 2.5, "used": 1.26, "share": 0.5},
            "Budget: 50% of spending.merge_request.usd is used, 1.26 of 2.5",
        ),
        (
            "warned",
            {"bound": "steps", "of": 10, "used": 5, "share": 0.5},
            "Budget: 50% of steps is used, 5 of 10",
        ),
        ("exhausted", {"because": "model_tokens allows 4"}, "Budget: model_tokens allows 4"),
        ("unpriced", {"because": "no price is set for m"}, "Budget: no price is set for m"),
    ],
)
def test_each_line_has_words(opened: Opened, kind: str, data: dict[str, Any], said: str) -> None:
    line = opened.ledger.events.append(
        ticket="T-001", actor="worker", kind=f"spending.{kind}", key="one", data=data
    )
    assert sentence(line, opened.ledger) == said
