"""arXiv as a literature source, through the `arxiv` client library."""

from typing import TYPE_CHECKING

from labcrew.domain.research import Citation, Paper
from labcrew.errors import ToolError
from tools.literature.web import DEADLINE_S, BoundedSession, ask
from tools.literature.wording import content_words, surname

if TYPE_CHECKING:
    import arxiv

_WORDS_A_QUERY = 8
_ABSTRACT_CHARACTERS = 20_000


class ArxivSource:
    """Abstracts from arXiv; one request a search, as its terms of use ask for few.

    Args:
        url: the API's query address, without its arguments.
        deadline_s: seconds for the whole search.
    """

    name = "arxiv"

    def __init__(
        self, url: str = "https://export.arxiv.org/api/query", deadline_s: float = DEADLINE_S
    ) -> None:
        self._url = url
        self._deadline_s = deadline_s

    def search(self, queries: tuple[str, ...], limit: int) -> tuple[Paper, ...]:
        """The abstracts nearest to any of the queries, by arXiv's own relevance.

        Args:
            queries: plain words; only their content words are sent.
            limit: most papers.

        Raises:
            SourceUnreachable, ToolError: no connection; no use in the answer.
        """
        import arxiv

        terms = [
            "(" + " OR ".join(f"all:{word}" for word in words) + ")"
            for words in (content_words(query, _WORDS_A_QUERY) for query in queries)
            if words
        ]
        if not terms or limit < 1:
            return ()
        client = arxiv.Client(page_size=limit, delay_seconds=0, num_retries=0)
        client.query_url_format = self._url + "?{}"
        client._session = BoundedSession(self._deadline_s, accepts=_is_feed)
        search = arxiv.Search(query=" OR ".join(terms), max_results=limit)
        results = ask(self.name, lambda: list(client.results(search)), self._deadline_s)
        for result in results:
            if "/api/errors" in result.entry_id:
                raise ToolError(f"arxiv refused the search: {result.summary.strip()[:200]}")
        return tuple(_paper(result) for result in results if result.summary.strip())


def _is_feed(body: bytes) -> bool:
    # The client's parser recovers from anything: an error page would pass for "nothing found".
    return b"<feed" in body[:4096] and b"</feed>" in body[-256:]


def _paper(result: "arxiv.Result") -> Paper:
    authors = tuple(author.name for author in result.authors)
    identifier = result.get_short_id()
    return Paper(
        citation=Citation(
            key=f"{surname(authors)}{result.published.year}-{identifier}",
            title=" ".join(result.title.split()),
            authors=authors,
            year=result.published.year,
            venue=" ".join((result.journal_ref or "arXiv").split()),
            locator=f"arXiv:{identifier}",
            verification="looked_up",
        ),
        text=" ".join(result.summary.split())[:_ABSTRACT_CHARACTERS],
    )
