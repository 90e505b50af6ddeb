"""A merge request's packet with everything in it, and with any field changed."""

from datetime import UTC, datetime
from typing import Any

from agents.description import Packet
from labcrew.domain.experiment import Incident, Intervention, Score
from labcrew.domain.research import (
    Citation,
    DataFault,
    DatasetCard,
    Finding,
    QuarantinedRow,
    Suggestion,
)
from labcrew.domain.review import Comment, SmokeTest
from tests.tickets import failed, make_assigned, make_plan, make_score, make_trial

CARD = DatasetCard(
    id="T-0001-D01", ticket="T-0001", path="data/train.csv", split="train", sha256="a" * 64,
    size_bytes=1, rows=10, columns=(), label="y",
)  # fmt: skip


def scores(*values: float, split: str = "validation") -> tuple[Score, ...]:
    return tuple(
        make_score(value, split=split, seed=seed, trial=f"T-0001-{seed:03d}")
        for seed, value in enumerate(values)
    )


def make_packet(text: str = "said", **changes: Any) -> Packet:
    """A full packet; `text` stands wherever others may write.

    It goes into findings, comments, data paths, fault details, incident lines, reasons of trials
    and the names of changed files.
    """
    finding = Finding(
        id="F1",
        ticket="T-0001",
        claim=text,
        citation=Citation(key="k", title=text, locator=text, verification="local_file"),
        relevance=0.5,
        confidence=0.5,
    )
    incident = Incident(
        id="T-0001-003-I",
        ticket="T-0001",
        trial="T-0001-003",
        kind="diverged",
        evidence=(text,),
        diagnosis=text,
        at_s=1,
        intervention=Intervention(
            action="restart_lower_rate", because="b", by="rule", new_trial="T-0001-004", helped=True
        ),
    )
    card = CARD.model_copy(
        update={
            "path": text,
            "cleaned_sha256": "c" * 64,
            "cleaned_rows": 9,
            "faults": (
                DataFault(check="duplicate", path=text, rows=1, detail=text, severity="warning"),
            ),
        }
    )
    trials = (
        make_trial(0, 0.7, kind="baseline", values={}),
        make_trial(1, 0.9),
        make_trial(2, status="skipped", because=text, cites=text),
        failed(make_trial(3), reason=text),
        make_trial(4, because=text),
    )
    fields: dict[str, Any] = {
        "assigned": make_assigned(),
        "plan": make_plan(suggestions=(Suggestion(values={"lr": 0.1}, because="p", finding="F1"),)),
        "trials": trials,
        "incidents": (incident, incident.model_copy(update={"intervention": None})),
        "cards": (card,),
        "findings": (finding,),
        "quarantined": (
            QuarantinedRow(path=text, row=1, check="duplicate", reason=text, confidence=0.9),
        ),
        "settings": {"batch": 8, "lr": 0.1},
        "validation_baseline": scores(0.70, 0.71, 0.72),
        "validation_best": scores(0.90, 0.91, 0.92),
        "validation_cleaned": scores(0.80, 0.81, 0.82),
        "holdout_baseline": scores(0.69, 0.70, 0.71, split="holdout"),
        "holdout_best": scores(0.89, 0.90, 0.91, split="holdout"),
        "gain": 0.2,
        "verdict": "improves",
        "changed_files": ("train.py", text),
        "unplaced": ("lr",),
        "comments": (
            Comment(
                id="C1",
                merge_request="T-0001-MR0",
                by=text[:200] or "ada",
                at=datetime(2026, 1, 1, tzinfo=UTC),
                text=text[:20_000],
            ),
        ),
        "paragraph": "This change reaches {{holdout_best_mean}}.",
        "smoke": SmokeTest(command=text, exit_code=0, passed=True, detail=text, duration_s=1.0),
    }
    return Packet.model_validate(fields | changes)
