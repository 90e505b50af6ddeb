"""The tool that asks the online literature sources."""

from concurrent.futures import ThreadPoolExecutor

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.research import LiteratureSource, Paper, SourceReport
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import SourceUnreachable, ToolError
from tools.toolbox import Tool, Workbench


class SearchPapers(Model):
    """What to look for. The words come from the ticket, never from a text that was read."""

    queries: tuple[str, ...] = Field(min_length=1, max_length=8)
    limit: int = Field(default=20, ge=1, le=100, description="most papers a source")


class FoundPapers(Model):
    """Abstracts, and what became of asking each source."""

    papers: tuple[Paper, ...]
    reports: tuple[SourceReport, ...]


def _ask_one(
    source: LiteratureSource, call: SearchPapers
) -> tuple[tuple[Paper, ...], SourceReport]:
    try:
        papers = source.search(call.queries, call.limit)[: call.limit]
    except SourceUnreachable as error:
        return (), SourceReport(source=source.name, state="unreachable", detail=error.message)
    except ToolError as error:
        return (), SourceReport(source=source.name, state="failed", detail=error.message)
    return papers, SourceReport(source=source.name, state="searched", documents=len(papers))


def _run(call: SearchPapers, assigned: AssignedTicket, bench: Workbench) -> FoundPapers:
    """Asks all sources at once; one that can't be reached is reported, never raised."""
    del assigned
    if not bench.sources:
        return FoundPapers(papers=(), reports=())
    with ThreadPoolExecutor(len(bench.sources), thread_name_prefix="literature") as pool:
        answers = list(pool.map(lambda source: _ask_one(source, call), bench.sources))
    seen: dict[str, Paper] = {}
    for papers, _ in answers:
        for paper in papers:
            # The same paper comes from several sources: its title tells.
            title = "".join(c for c in paper.citation.title.casefold() if c.isalnum())
            seen.setdefault(title or paper.citation.locator, paper)
    return FoundPapers(papers=tuple(seen.values()), reports=tuple(r for _, r in answers))


search_papers: Tool[SearchPapers, FoundPapers] = Tool("search_papers", SearchPapers, _run)
