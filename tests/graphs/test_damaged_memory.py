"""A memory whose index is damaged holds up no ticket: all of it is in the ledger, too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

from desk.wording import sentence
from graphs.crew import Crew
from graphs.nodes.closing import reflect
from graphs.nodes.preparation import recalled, review_literature
from graphs.work import Work
from labcrew.domain.research import Citation, Paper
from labcrew.judgement import Judge
from memory.chroma import ChromaMemory
from memory.rebuild import rebuild
from tests.doubles.bench import Shelf, make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder

SENTENCE = "A learning rate of 0.1 trains a small network best."


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[ChromaMemory]:
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "chroma.sqlite3").write_bytes(b"damaged" * 5000)
    made = ChromaMemory(folder, WordEmbedder())
    yield made
    made.close()


@pytest.fixture
def work(tmp_path: Path, memory: ChromaMemory) -> Iterator[Work]:
    paper = Paper(citation=Citation(key="a", title="A", locator="arXiv:a"), text=SENTENCE)
    bench = make_bench(tmp_path, memory=memory, sources=(Shelf("one", paper),))
    crew = Crew.of(Judge(models={}), WordEmbedder())
    with bench.ledger:
        bench.ledger.tickets.put(make_assigned(), actor="person:ada")
        yield Work(bench=bench, crew=crew, rules=crew)


def told(work: Work) -> list[str]:
    return [sentence(e, work.ledger) or "" for e in work.ledger.events.of(kind="memory.damaged")]


async def test_a_merged_ticket_is_done_and_its_lessons_are_in_the_ledger(
    work: Work, memory: ChromaMemory
) -> None:
    state: Any = {"ticket": "T1", "outcome": "merged: main holds abc"}
    await reflect(state, Runtime(context=work))
    assert work.assigned("T1").status == "done"
    assert [lesson.text for lesson in work.ledger.lessons.of("T1")] == [
        "Better accuracy: merged: main holds abc."
    ]
    (line,) = told(work)
    assert line.startswith("Kept in the ledger alone. ")
    assert "labcrew memory rebuild" in line

    assert rebuild(memory, work.ledger) == 1
    assert memory.count("lessons") == 1


async def test_the_review_goes_on_without_memory_and_keeps_its_findings(work: Work) -> None:
    assert await review_literature(work, work.assigned("T1"), False, 1) == []
    assert [finding.claim for finding in work.ledger.findings.of("T1")] == [SENTENCE]
    (brief,) = work.ledger.briefs.of("T1")
    assert [(s.source, s.state) for s in brief.searched] == [
        ("one", "searched"),
        ("memory", "failed"),
    ]
    assert len(told(work)) == 1


async def test_a_plan_recalls_nothing_and_the_log_says_why(work: Work) -> None:
    assigned = work.assigned("T1")
    assert await recalled(work, assigned, work.toolbox("coordinator", assigned, "plan/0")) == ()
    (line,) = (sentence(e, work.ledger) or "" for e in work.ledger.events.of(kind="tool.used"))
    assert line.startswith("Coordinator could not recall memory: MemoryDamaged: The memory in ")
