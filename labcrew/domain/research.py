"""What the crew learns before it acts: findings with sources, datasets with faults, lessons."""

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.search_space import Values

AgentName = Literal[
    "coordinator",
    "literature_review",
    "data_pipeline",
    "experiment_launcher",
    "log_monitor",
    "merge_request",
]


UntrustedText = Literal["papers", "memory", "logs", "data", "repository", "comments", "tools"]


class Citation(Model):
    """A source, and what is known of its existence."""

    key: str = Field(description="short and unique in the ticket, e.g. lecun1998")
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    locator: str = Field(description="file and page or line, DOI, arXiv id or ledger record")
    verification: Literal["local_file", "looked_up", "crew_record", "unverified"] = "unverified"


class Finding(Model):
    """A claim, word for word as its source has it."""

    id: str
    ticket: str
    claim: str = Field(description="one sentence of the source, untouched: untrusted text")
    citation: Citation
    relevance: float = Field(ge=-1, le=1, description="cosine similarity to the question")
    confidence: float = Field(ge=0, le=1)
    suggests: Values = Field(
        default_factory=dict, description="settings in the search space that the sentence reports"
    )


class Brief(Model):
    """The literature review's result: sentences with their sources, best first."""

    ticket: str
    findings: tuple[str, ...] = Field(description="ids")
    suggestions: tuple["Suggestion", ...] = ()
    searched: tuple["SourceReport", ...]


class Suggestion(Model):
    """Settings worth a trial, with the finding that says so."""

    values: Values
    because: str
    finding: str


class SourceReport(Model):
    """What became of asking one literature source."""

    source: str
    state: Literal["searched", "unreachable", "skipped", "failed"]
    documents: int = 0
    detail: str = ""


class DataFault(Model):
    """One thing that a check found in a data file."""

    check: str = Field(description="name of the check, e.g. duplicate, split_overlap")
    path: str
    rows: int = Field(ge=0, description="how many rows it concerns")
    detail: str
    severity: Literal["note", "warning", "error"]


class QuarantinedRow(Model):
    """A row that is proposed to be taken out of a training file, and why."""

    path: str
    row: int = Field(ge=0, description="position in the file, the first data row is 0")
    id: str = Field(default="", description="the row's id column, if the file has one")
    check: str
    reason: str
    confidence: float = Field(ge=0, le=1)


class ColumnProfile(Model):
    """One column of a data file."""

    name: str
    type: str
    missing: int
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None


class DatasetCard(Model):
    """What a data file is: content hash, shape, faults, and the cleaned version if one was made."""

    id: str
    ticket: str
    path: str
    split: str
    sha256: str = Field(description="of the file's bytes")
    size_bytes: int
    rows: int
    columns: tuple[ColumnProfile, ...]
    label: str | None
    label_counts: dict[str, int] = Field(default_factory=dict)
    faults: tuple[DataFault, ...] = ()
    quarantined: tuple[QuarantinedRow, ...] = ()
    readmitted: tuple[int, ...] = Field(default=(), description="rows a person took back in")
    cleaned_sha256: str | None = None
    cleaned_rows: int | None = None

    @property
    def read(self) -> bool:
        """Whether it could be read; else nothing is known of it but its bytes' hash."""
        return bool(self.columns or self.rows)


def data_hash(cards: Sequence[DatasetCard], *, cleaned: bool) -> str:
    """One hash over what a run sees of a ticket's data; empty without data."""
    seen = [
        [card.path, card.cleaned_sha256 if cleaned and card.cleaned_sha256 else card.sha256]
        for card in sorted(cards, key=lambda card: card.path)
    ]
    return content_hash(list(seen)) if seen else ""


class Lesson(Model):
    """What memory keeps after a ticket."""

    id: str
    ticket: str
    text: str
    code_hash: str = Field(description="commit the lesson rests on")
    data_hash: str = Field(description="hash over the data it rests on; empty: none")
    repository: str


class MemoryRecord(Model):
    """One remembered text with where it came from."""

    id: str
    scope: Literal["findings", "lessons", "trials"]
    text: str
    agent: AgentName
    ticket: str
    commit: str
    data_hash: str
    repository: str = Field(
        default="", description="that it was learnt in; empty: none, or kept by an older labcrew"
    )

    @property
    def key(self) -> str:
        """What it is kept under: a sentence of a source is one record, however many tickets find
        it, and the first one's.
        """
        return content_hash(self.text) if self.scope == "findings" else self.id


class Recalled(Model):
    """A record found by meaning."""

    record: MemoryRecord
    similarity: float = Field(ge=-1, le=1)
    lapsed: bool = Field(description="the code or data it rests on has changed since")


class Embedder(Protocol):
    """Texts to unit vectors."""

    dimensions: int

    def embed(self, texts: list[str]) -> list[list[float]]:
        """One L2-normalised vector of `dimensions` floats a text."""


class Memory(Protocol):
    """The crew's shared memory: a rebuildable index of what the ledger holds.

    Where it can't be used, all but `clear` raise MemoryDamaged.
    """

    def remember(self, records: list[MemoryRecord]) -> None:
        """Stores records; one with an id that is known replaces the old one, but for a finding
        whose sentence is known, which stays with the ticket that found it first.
        """

    def recall(
        self,
        scope: str,
        query: str,
        *,
        limit: int = 8,
        commit: str | None = None,
        data_hash: str | None = None,
        repository: str | None = None,
        other_than: str = "",
        holding: bool = False,
    ) -> list[Recalled]:
        """The nearest records, best first; what is left out takes no other's place.

        Args:
            scope: "findings", "lessons" or "trials".
            query: what to look for, in plain words.
            limit: the most records; below 1 gives none.
            commit, data_hash: the present state; a record that rests on another one is `lapsed`.
                A record without a commit or data hash rests on none, and can't lapse by it.
            repository: only what was learnt in it, or in none.
            other_than: a ticket whose own records are left out.
            holding: what has lapsed is left out.
        """

    def count(self, scope: str) -> int:
        """How many records a scope holds."""

    def clear(self) -> None:
        """Empties the index, before it is rebuilt."""


class Paper(Model):
    """A document found by a literature source, as text: untrusted."""

    citation: Citation
    text: str


class LiteratureSource(Protocol):
    """Where papers come from: one file in tools/literature each."""

    name: str

    def search(self, queries: tuple[str, ...], limit: int) -> tuple[Paper, ...]:
        """Raises ToolError when the source can't be reached or answers nonsense."""
