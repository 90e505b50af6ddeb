"""Each question that a chat model may be asked, once, as a ticket would ask it."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from labcrew.domain.draft import Option, Options
from labcrew.judgement import Judgement


def examples() -> Iterator[tuple[Judgement[Any, Any], BaseModel]]:
    """Every judgement with a question.

    Raises KeyError: there is a judgement without an example.
    """
    from agents.monitoring.narrative import Night
    from desk.models.questions import judgements
    from evals.attacks.takeover.judging import cases

    known: dict[str, BaseModel] = {case.judgement.name: case.question for case in cases()}
    known["log_monitor.narrative"] = Night(
        hours=8, started=3, scored=2, failed=1, running=0, incidents=1, helped=1, waiting=0,
        saved_hours=1.5, told=("T-0001-002: not finite",),
    )  # fmt: skip
    options = Options(
        field="metric.direction",
        question="Is a higher or a lower value better?",
        options=(
            Option(label="higher", value="maximize", score=2, because="it is an accuracy"),
            Option(label="lower", value="minimize", score=0, because="it could be a loss"),
        ),
        sentence="a better accuracy",
    )
    for judgement in judgements():
        drafted = judgement.name.partition(".")[2].startswith("draft_")
        yield judgement, options if drafted else known[judgement.name]
