"""A memory rebuilt from the ledger is the memory that was."""

from datetime import UTC, datetime
from pathlib import Path

from desk.views.recall import Recall
from labcrew.domain.experiment import Score, Trial, TrialResult
from labcrew.domain.remembered import record_of_finding, record_of_lesson, record_of_trial
from labcrew.domain.research import Citation, Finding, Lesson
from labcrew.ledger import Ledger
from memory.chroma import ChromaMemory
from memory.rebuild import rebuild
from tests.doubles.embedder import WordEmbedder
from tests.tickets import make_assigned


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


FINDING = Finding(
    id="T1-F01",
    ticket="T1",
    claim="A learning rate of 0.1 works.",
    citation=Citation(key="a", title="A", locator="papers/a.md, line 1"),
    relevance=0.5,
    confidence=0.8,
)
LESSON = Lesson(
    id="T1-L1", ticket="T1", text="Lower it.", code_hash="c", data_hash="d", repository="/lab"
)
SCORE = Score(
    value=0.9,
    split="validation",
    source="evaluator",
    trial="T1-2",
    commit="c",
    data_sha256="d",
    outputs_sha256="o",
    seed=0,
    image_digest="i",
)
RESULT = TrialResult(
    exit_code=1,
    reason="out of memory",
    duration_s=2,
    outputs_sha256="",
    output_files=0,
    log_bytes=9,
)


TICKET = make_assigned().model_copy(update={"id": "T1"})


def trial(number: int, status: str, score: Score | None = None, **changes: object) -> Trial:
    fields = {
        "id": f"T1-{number}",
        "ticket": "T1",
        "number": number,
        "kind": "search",
        "values": {"learning_rate": 0.1},
        "seed": 0,
        "data": "original",
        "memory_mb": 512,
        "status": status,
        "score": score,
    }
    return Trial.model_validate(fields | changes)


def test_rebuilt_equals_original(tmp_path: Path) -> None:
    trials = [trial(1, "running"), trial(2, "scored", SCORE), trial(3, "failed", result=RESULT)]
    ledger = Ledger.open(
        f"sqlite:///{tmp_path / 'ledger.db'}", anchor=tmp_path / "head", clock=FixedClock()
    )
    ledger.tickets.put(TICKET, actor="test")
    again = FINDING.model_copy(update={"id": "T2-F01", "ticket": "T2"})
    for finding in (FINDING, again):  # one sentence, which the first ticket found
        ledger.findings.put(finding, actor="test")
    ledger.lessons.put(LESSON, actor="test")
    for item in trials:
        ledger.trials.put(item, actor="test")
    memory = ChromaMemory(tmp_path / "memory", WordEmbedder())
    memory.remember([record_of_finding(FINDING), record_of_lesson(LESSON)])
    memory.remember([record_of_finding(again)])
    memory.remember([record_of_trial(item, TICKET, "") for item in trials[1:]])
    scopes = ("findings", "lessons", "trials")
    before = [memory.recall(scope, "learning rate") for scope in scopes]
    assert [found.record.id for found in before[0]] == ["T1-F01"]
    board = Recall(ledger, WordEmbedder())
    assert [found.record for found in board.search("learning rate", "findings", 9)] == [
        found.record for found in before[0]
    ]

    assert rebuild(memory, ledger) == 4

    assert [memory.recall(scope, "learning rate") for scope in scopes] == before
    memory.close()
    ledger.close()


def test_a_trial_is_told_with_settings_and_outcome() -> None:
    scored = record_of_trial(trial(2, "scored", SCORE), TICKET, "e")
    assert scored.text == (
        "lab: search trial on original data with learning_rate=0.1, seed 0: validation score 0.9"
    )
    failed = record_of_trial(trial(3, "failed", result=RESULT, values={}), TICKET, "e")
    for record in (scored, failed):
        assert (record.commit, record.data_hash) == (TICKET.base_commit, "e")
        assert (record.ticket, record.repository) == ("T1", "/lab")
    assert "the default settings" in failed.text
    assert failed.text.endswith("failed: out of memory")
    reported = SCORE.model_copy(update={"source": "reported"})
    assert "reported metric" in record_of_trial(trial(4, "scored", reported), TICKET, "e").text
