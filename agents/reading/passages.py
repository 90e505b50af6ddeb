"""From papers and recalled records to sentences that know where they stand."""

from dataclasses import dataclass

from agents.reading.sentences import sentences
from labcrew.domain.research import Citation, Paper, Recalled

MOST_SENTENCES = 1500
_MOST_READ = 200_000


@dataclass(frozen=True)
class Passage:
    """One sentence of a source.

    Args:
        id: "s1", "s2", … in order of reading.
        text: the sentence.
        citation: its source.
        after: the sentence behind it in the same paragraph or page, or "".
        paragraph: number of the paragraph or page it is in.
    """

    id: str
    text: str
    citation: Citation
    after: str
    paragraph: int


def passages_of(papers: list[Paper]) -> list[Passage]:
    """Every different sentence of the papers, in order; a repeated one counts once."""
    found: list[Passage] = []
    seen: set[str] = set()
    for number, paper in enumerate(papers):
        parts = sentences(paper.text)
        for index, text in enumerate(parts):
            plain = "".join(c for c in text.casefold() if c.isalnum())
            if len(plain) < 4 or plain in seen:
                continue
            seen.add(plain)
            after = parts[index + 1] if index + 1 < len(parts) else ""
            found.append(Passage(f"s{len(found) + 1}", text, paper.citation, after, number))
            if len(found) == _MOST_READ:
                return found
    return found


def most_promising(passages: list[Passage], words: set[str]) -> list[Passage]:
    """At most 1500 passages, in order: those that share most words with the question.

    Embedding takes milliseconds a sentence; a large library would take minutes.

    Args:
        words: the question's content words, lower case.
    """
    if len(passages) <= MOST_SENTENCES:
        return passages
    shared = {passage.id: len(words & set(passage.text.casefold().split())) for passage in passages}
    best = sorted(range(len(passages)), key=lambda i: (-shared[passages[i].id], i))
    return [passages[i] for i in sorted(best[:MOST_SENTENCES])]


def recalled_papers(recalled: list[Recalled]) -> list[Paper]:
    """What memory recalled, as sources."""
    return [
        Paper(
            citation=Citation(
                key=item.record.id,
                title=f"{item.record.scope[:-1].capitalize()} of ticket {item.record.ticket}",
                locator=f"ledger record {item.record.id}",
                verification="crew_record",
            ),
            text=item.record.text,
        )
        for item in recalled
    ]
