"""What every literature source must do, on real HTTP with faults."""

import socket
from collections.abc import Callable, Iterator

import pytest

from labcrew.domain.research import LiteratureSource
from labcrew.errors import SourceUnreachable, ToolError
from tests.doubles.papers_server import PapersServer, papers_server
from tools.literature.arxiv_source import ArxivSource
from tools.literature.openalex import OpenAlexSource

Make = Callable[[str, float], LiteratureSource]


@pytest.fixture(params=["arxiv", "openalex"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if request.param == "arxiv":
        return lambda url, deadline_s: ArxivSource(f"{url}/api/query", deadline_s)
    return OpenAlexSource


@pytest.fixture
def server() -> Iterator[PapersServer]:
    with papers_server() as served:
        yield served


def test_papers_are_cited_and_looked_up(make: Make, server: PapersServer) -> None:
    papers = make(server.url, 5).search(("Which learning rate is best?",), 10)
    assert len(papers) == 2
    first = papers[0]
    assert "learning rate of 0.1" in first.text
    assert first.citation.verification == "looked_up"
    assert first.citation.locator in {"arXiv:1206.5533v1", "doi:10.1000/one"}
    assert len({paper.citation.key for paper in papers}) == 2
    assert "<" not in first.citation.title
    assert "\n" not in first.citation.title


def test_only_the_tickets_content_words_leave(make: Make, server: PapersServer) -> None:
    make(server.url, 5).search(('Which "momentum" & learning rate; is best?\n#x=1',), 3)
    [(_, arguments)] = server.requests
    asked = (arguments.get("search_query") or arguments["search"])[0]
    assert "momentum" in asked
    assert not set(asked) & set('"&#;\n?')


def test_the_limit_holds(make: Make, server: PapersServer) -> None:
    assert len(make(server.url, 5).search(("momentum", "learning rate"), 1)) == 1
    assert make(server.url, 5).search(("momentum",), 0) == ()


@pytest.mark.parametrize("queries", [(), ("",), ("the of and",)])
def test_nothing_to_ask_asks_nothing(
    make: Make, server: PapersServer, queries: tuple[str, ...]
) -> None:
    assert make(server.url, 5).search(queries, 5) == ()
    assert server.requests == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", ToolError),
        ("401", ToolError),
        ("429", ToolError),
        ("500", ToolError),
        ("503", ToolError),
        ("garbage", ToolError),
        ("empty", ToolError),
        ("shape", ToolError),
        ("flood", ToolError),
        ("redirect", ToolError),
        ("close", SourceUnreachable),
        ("hang", SourceUnreachable),
        ("trickle", SourceUnreachable),
    ],
)
def test_a_fault_is_a_tool_error_and_asked_once(
    make: Make, fault: str, error: type[ToolError]
) -> None:
    with papers_server(fault) as served:  # one that hangs or trickles does until the block ends
        deadline_s = 1 if fault in ("hang", "trickle") else 60
        with pytest.raises(ToolError) as caught:
            make(served.url, deadline_s).search(("learning rate",), 5)
        assert len(served.requests) <= 1
    assert isinstance(caught.value, error)
    assert isinstance(caught.value, SourceUnreachable) is (error is SourceUnreachable)
    assert caught.value.message.endswith(".")
    assert all(path != "/elsewhere" for path, _ in served.requests)


def test_a_refused_connection_is_unreachable(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(SourceUnreachable, match="can't be reached"):  # not: no answer in time
            make(url, 60).search(("learning rate",), 5)
