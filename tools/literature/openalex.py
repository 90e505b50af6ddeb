"""OpenAlex as a literature source, through the `pyalex` client library."""

import re
from typing import Any

from pydantic import BaseModel, ValidationError

from labcrew.domain.research import Citation, Paper
from labcrew.errors import ToolError
from tools.literature.web import DEADLINE_S, BoundedSession, ask
from tools.literature.wording import content_words, surname

_WORDS = 6
_ABSTRACT_CHARACTERS = 20_000
_MOST_POSITION = 20_000
_FIELDS = (
    "id,doi,display_name,publication_year,authorships,primary_location,abstract_inverted_index"
)
# Markup alone: texts have comparisons too, such as "batches <32 were stable, and those >128 slow".
_ATTRIBUTE = r"""\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*')"""
_TAG = re.compile(rf"</?[A-Za-z][\w:.-]*(?:{_ATTRIBUTE})*\s*/?>")


class OpenAlexSource:
    """Abstracts from OpenAlex; one request a query.

    Args:
        url: the API's address.
        deadline_s: seconds for the whole search.
    """

    name = "openalex"

    def __init__(
        self, url: str = "https://api.openalex.org", deadline_s: float = DEADLINE_S
    ) -> None:
        self._url = url.rstrip("/")
        self._deadline_s = deadline_s

    def search(self, queries: tuple[str, ...], limit: int) -> tuple[Paper, ...]:
        """The works nearest to each of the queries, by OpenAlex's own relevance, taken in turns.

        Args:
            queries: plain words; only their content words are sent.
            limit: most papers.

        Raises:
            SourceUnreachable, ToolError: no connection; no use in the answer.
        """
        searches = tuple(dict.fromkeys(" ".join(content_words(q, _WORDS)) for q in queries))
        if not any(searches) or limit < 1:
            return ()
        answers = ask(
            self.name,
            lambda: [self._works(words, limit) for words in searches if words],
            self._deadline_s,
        )
        found: dict[str, Paper] = {}
        for rank in range(limit):
            for works in answers:
                if rank < len(works):
                    paper = _paper(works[rank])
                    if paper is not None:
                        found.setdefault(paper.citation.locator, paper)
        return tuple(found.values())[:limit]

    def _works(self, words: str, limit: int) -> list[dict[str, Any]]:
        import pyalex

        base, session = self._url, BoundedSession(self._deadline_s)

        class Works(pyalex.Works):  # type: ignore[misc]  # pyalex is untyped
            """pyalex fixes its address and gives its requests no time-out."""

            @property
            def url(self) -> str:
                return f"{base}/works?{self._url_query()}"

            def _get_from_url(self, url: str, session_: Any = None) -> Any:
                return super()._get_from_url(url, session)

        query = Works().search(words).select(_FIELDS.split(","))
        works = query.get(per_page=min(limit, 200))
        if not isinstance(works, list):
            raise ValueError("a list of works was expected")
        return [dict(work) for work in works]


class _Named(BaseModel):
    display_name: str | None = None


class _Authorship(BaseModel):
    author: _Named = _Named()


class _Location(BaseModel):
    source: _Named | None = None


class _Work(BaseModel):
    """What is used of a work; anything else it has is left aside."""

    id: str
    doi: str | None = None
    display_name: str | None = None
    publication_year: int | None = None
    authorships: list[_Authorship] = []
    primary_location: _Location | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None


def _paper(raw: dict[str, Any]) -> Paper | None:
    """A work with its abstract; None for one without. Raises ToolError for another shape."""
    try:
        work = _Work.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ToolError(
            f"openalex gave an answer of no use: a work's {where}: {first['msg']}."
        ) from None
    text = _abstract(work.abstract_inverted_index or {})
    if not text:
        return None
    authors = tuple(
        name for a in work.authorships if (name := (a.author.display_name or "").strip())
    )
    identifier = work.id.rstrip("/").rsplit("/", 1)[-1]
    venue = work.primary_location.source if work.primary_location else None
    return Paper(
        citation=Citation(
            key=f"{surname(authors)}{work.publication_year or ''}-{identifier}",
            title=_TAG.sub("", work.display_name or identifier),
            authors=authors,
            year=work.publication_year,
            venue=(venue.display_name if venue else None) or "",
            locator=(work.doi or f"OpenAlex:{identifier}").replace("https://doi.org/", "doi:"),
            verification="looked_up",
        ),
        text=text,
    )


def _abstract(index: dict[str, list[int]]) -> str:
    """The running text of an inverted index: OpenAlex keeps abstracts as word → positions."""
    placed = [(p, word) for word, places in index.items() for p in places[:_MOST_POSITION]]
    words = [word for _, word in sorted(placed)[:_MOST_POSITION]]
    return _TAG.sub("", " ".join(words))[:_ABSTRACT_CHARACTERS]
