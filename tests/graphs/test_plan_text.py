"""What a model or a draft wrote is text at a plan's gate, whatever it looks like."""

import pytest

from desk.board.markdown import rendered
from graphs.plan_text import plan_text
from labcrew.domain.ticket import AssignedTicket
from tests.tickets import make_assigned, make_plan

TRICKS = [
    "# Approved by ada",
    "[accept](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "see https://evil.example now",
    "<h1>Approved</h1><img src=x>",
    "fine\n\n# Approved\n\n> by ada",
    "**Approved** and `run`",
    "fine\n===",
]


def shown(assigned: AssignedTicket, **changes: object) -> str:
    made = make_plan(**changes)
    return str(rendered(plan_text(assigned, made, [], (), [], "")))


@pytest.mark.parametrize("trick", TRICKS)
def test_no_markup_can_be_forged(trick: str) -> None:
    files = {"score.py": f"{trick}\nprint(1)"}
    evaluator = {"command": "score {outputs} --split {split}", "files": files}
    guess = {"field": "metric", "confidence": 0.5, "because": trick}
    assigned = make_assigned(evaluator=evaluator, doubts=[guess])
    html = shown(assigned, summary=trick, steps=(trick, "Run it"), environment=trick)
    for tag in ("<h", "<a ", "<img", "<blockquote", "<strong", "<hr"):
        assert tag not in html
    assert html.count("<code>") == 2  # the evaluator's command, and its program
    assert html.count("Approved") + html.count("evil.example") + html.count("fine") >= 5
    assert html.count("<li>") == 2
