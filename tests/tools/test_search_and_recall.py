"""The tools search_papers and recall_memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from labcrew.domain.research import Citation, MemoryRecord, Paper
from labcrew.errors import PolicyRefused, ToolError
from tests.doubles.bench import Shelf, make_assigned, make_bench, unreachable
from tools.recall_memory import RecallMemory, recall_memory
from tools.search_papers import SearchPapers, search_papers
from tools.toolbox import Toolbox, Workbench


def paper(key: str, title: str, text: str = "Text.") -> Paper:
    return Paper(citation=Citation(key=key, title=title, locator=f"arXiv:{key}"), text=text)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = make_bench(
        tmp_path,
        sources=(
            Shelf("one", paper("a", "Step sizes"), paper("b", "Momentum")),
            unreachable("two"),
            Shelf("three", paper("c", "STEP  sizes."), paper("d", "Batches")),
            Shelf("four", fault=ToolError("four answered with an error (HTTP 500).")),
        ),
    )
    yield made
    made.ledger.close()


OWN = make_assigned().ticket.queries()


def hands(bench: Workbench, agent: str = "literature_review") -> Toolbox:
    return Toolbox(agent, make_assigned(), bench, "review")  # type: ignore[arg-type]


async def test_every_source_is_asked_and_reported(bench: Workbench) -> None:
    found = await hands(bench).use(search_papers, SearchPapers(queries=OWN))
    assert [(r.source, r.state, r.documents) for r in found.reports] == [
        ("one", "searched", 2),
        ("two", "unreachable", 0),
        ("three", "searched", 2),
        ("four", "failed", 0),
    ]
    assert "can't be reached" in found.reports[1].detail
    assert "HTTP 500" in found.reports[3].detail


async def test_a_paper_of_two_sources_is_one(bench: Workbench) -> None:
    found = await hands(bench).use(search_papers, SearchPapers(queries=OWN))
    assert [paper.citation.key for paper in found.papers] == ["a", "b", "d"]


async def test_no_sources(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    found = await hands(bench).use(search_papers, SearchPapers(queries=OWN))
    assert (found.papers, found.reports) == ((), ())
    bench.ledger.close()


async def test_other_agents_do_not_search(bench: Workbench) -> None:
    with pytest.raises(PolicyRefused):
        await hands(bench, "log_monitor").use(search_papers, SearchPapers(queries=OWN))


@pytest.mark.parametrize("bad", [{"queries": ()}, {"queries": ("x",) * 9}, {"limit": 0}])
def test_calls_are_bounded(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SearchPapers.model_validate({"queries": ("x",)} | bad)


async def test_recall_gives_records_with_their_lapse(bench: Workbench) -> None:
    bench.memory.remember(
        [
            MemoryRecord(
                id="L1",
                scope="lessons",
                text="lower the learning rate",
                agent="coordinator",
                ticket="T0",
                commit="old",
                data_hash="",
            )
        ]
    )
    call = RecallMemory(scope="lessons", query="learning rate", commit="new")
    [found] = await hands(bench).use(recall_memory, call)
    assert (found.record.id, found.lapsed) == ("L1", True)
    assert await hands(bench).use(recall_memory, RecallMemory(scope="trials", query="x")) == []
