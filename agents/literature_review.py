"""The literature review: what papers, and the crew's own memory, say to a ticket's question.

Extractive: every sentence of the brief stands word for word in a source and carries it.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from agents.reading.naming import Wording
from agents.reading.passages import Passage, most_promising, passages_of, recalled_papers
from agents.reading.questions import (
    BRIEF,
    BRIEF_SENTENCES,
    SUGGESTIONS,
    BriefQuestion,
    Candidate,
    ReadSentence,
    SettingsReport,
    SuggestionsQuestion,
    prints,
)
from agents.reading.ranking import best_first, relevance
from agents.reading.sentences import reads_like_prose
from labcrew.domain.base import Model
from labcrew.domain.research import (
    Brief,
    Embedder,
    Finding,
    Paper,
    Recalled,
    SourceReport,
    Suggestion,
)
from labcrew.domain.search_space import legal
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import GateRequired, MemoryDamaged, PolicyRefused, ToolError
from labcrew.judgement import Judge
from tools.read_library import ReadLibrary, read_library
from tools.recall_memory import RecallMemory, recall_memory
from tools.search_papers import SearchPapers, search_papers
from tools.toolbox import Toolbox

A = TypeVar("A", bound=BaseModel)
_CANDIDATES = 30
_SENTENCES_WITH_SETTINGS = 120
_SUGGESTIONS = 20
_CONFIDENCE = {"local_file": 0.8, "looked_up": 0.7, "crew_record": 0.6, "unverified": 0.3}


class Review(Model):
    """What the review brings back."""

    brief: Brief
    findings: tuple[Finding, ...]
    untrusted_text_read: bool


class LiteratureReview:
    """Reads, ranks and quotes.

    Args:
        judge: answers the two judgements.
        embedder: ranks sentences against the question.
    """

    def __init__(self, judge: Judge, embedder: Embedder) -> None:
        self._judge = judge
        self._embedder = embedder

    async def review(self, assigned: AssignedTicket, tools: Toolbox) -> Review:
        """The brief, its findings, and settings worth a trial; the same for the same sources.

        The web is asked first and with the ticket's own words alone: nothing that was read can
        steer a request. A source that can't be used is reported in the brief.

        Raises:
            PolicyRefused, GateRequired: the policy table forbids a step other than the search,
                which is reported as skipped.
        """
        papers, reports = await _gather(assigned, tools)
        passages = passages_of(papers)
        queries = assigned.ticket.queries()
        words = {word for query in queries for word in query.casefold().split() if len(word) > 3}
        ranked = most_promising([p for p in passages if reads_like_prose(p.text)], words)
        naming = _naming_parameters(assigned, passages)
        known, near, vectors, asked = await asyncio.to_thread(
            self._measure, queries, ranked, naming
        )

        order = await asyncio.to_thread(
            best_first,
            [p.text for p in ranked],
            vectors[: len(ranked)],
            queries,
            asked,
            _CANDIDATES,
        )
        brief_question = BriefQuestion(
            question="\n".join(queries),
            candidates=tuple(
                Candidate(
                    id=ranked[i].id,
                    text=ranked[i].text,
                    source=ranked[i].citation.key,
                    relevance=round(near[i], 4),
                )
                for i in order
            ),
            most=BRIEF_SENTENCES,
        )
        kept = await self._judge.ask(BRIEF, brief_question)
        settings_question = SuggestionsQuestion(
            sentences=tuple(ReadSentence(id=p.id, text=p.text, after=p.after) for p in naming),
            search_space=assigned.ticket.search_space,
        )
        read = await self._judge.ask(SUGGESTIONS, settings_question)

        findings = _findings(assigned.id, passages, kept.answer.keep, read.answer.reports, known)
        return Review(
            brief=Brief(
                ticket=assigned.id,
                findings=tuple(findings[id_].id for id_ in kept.answer.keep),
                suggestions=_suggestions(passages, read.answer.reports, findings),
                searched=tuple(reports),
            ),
            findings=tuple(findings.values()),
            untrusted_text_read=bool(papers),
        )

    def _measure(
        self, queries: Sequence[str], ranked: Sequence[Passage], naming: Sequence[Passage]
    ) -> tuple[dict[str, float], list[float], list[list[float]], list[list[float]]]:
        """Relevances by id; relevances and vectors in the order ranked + others; the queries'."""
        seen = {passage.id for passage in ranked}
        every = [*ranked, *(passage for passage in naming if passage.id not in seen)]
        vectors = self._embedder.embed([passage.text for passage in every])
        asked = self._embedder.embed(list(queries))
        near = relevance(vectors, asked)
        return {p.id: n for p, n in zip(every, near, strict=True)}, near, vectors, asked


def review_problems(review: Review, assigned: AssignedTicket) -> list[str]:
    """What is wrong with a review, a sentence each; [] when it can be used.

    Each sentence of the brief needs a finding with a source, each suggestion legal values that the
    findings' sentences print, and nothing may be there twice.
    """
    problems: list[str] = []
    findings = {finding.id: finding for finding in review.findings}
    if len(findings) != len(review.findings):
        problems.append("Two findings have the same id.")
    if len(review.brief.findings) > BRIEF_SENTENCES:
        problems.append(f"The brief has more than {BRIEF_SENTENCES} sentences.")
    if len(set(review.brief.findings)) != len(review.brief.findings):
        problems.append("The brief has a sentence twice.")
    claims = [" ".join(finding.claim.casefold().split()) for finding in review.findings]
    if len(set(claims)) != len(claims):
        problems.append("Two findings make the same claim.")
    for id_ in review.brief.findings:
        if id_ not in findings:
            problems.append(f"The brief names {id_}, which is no finding.")
    for finding in review.findings:
        if not (finding.citation.key.strip() and finding.citation.locator.strip()):
            problems.append(f"Finding {finding.id} has no source.")
        if finding.ticket != assigned.id:
            problems.append(f"Finding {finding.id} belongs to ticket {finding.ticket}.")
        for name, value in finding.suggests.items():
            if not prints(finding.claim, value):
                problems.append(f"Finding {finding.id} doesn't say {name}={value!r}.")
    space = assigned.ticket.search_space
    told = {(n, repr(v)) for finding in review.findings for n, v in finding.suggests.items()}
    seen: list[str] = []
    for suggestion in review.brief.suggestions:
        where = f"The suggestion of {suggestion.finding}"
        if suggestion.finding not in findings:
            problems.append(f"{where} names no finding.")
        if not suggestion.values:
            problems.append(f"{where} sets nothing.")
        for name, value in suggestion.values.items():
            if name not in space or not legal(space[name], value):
                problems.append(f"{where} has {name}={value!r}, outside the search space.")
            elif (name, repr(value)) not in told:
                problems.append(f"{where} has {name}={value!r}, which no finding says.")
        spelt = repr(sorted(suggestion.values.items()))
        if spelt in seen:
            problems.append(f"{where} is there twice.")
        seen.append(spelt)
    return problems


async def _gather(
    assigned: AssignedTicket, tools: Toolbox
) -> tuple[list[Paper], list[SourceReport]]:
    """Everything to read, and what became of each source."""
    literature = assigned.ticket.literature
    papers: list[Paper] = []
    reports: list[SourceReport] = []
    online: tuple[Paper, ...] = ()
    if literature.online:
        try:
            found = await tools.use(search_papers, SearchPapers(queries=assigned.ticket.queries()))
        except PolicyRefused as error:
            # Something untrusted was read already: the web is not asked any more.
            reports.append(SourceReport(source="online", state="skipped", detail=error.message))
        else:
            online, reports = found.papers, list(found.reports)
    else:
        reports.append(SourceReport(source="online", state="skipped", detail="online: false"))
    if literature.library is not None:
        try:
            library = await tools.use(read_library, ReadLibrary(folder=literature.library))
        except (PolicyRefused, GateRequired):
            raise
        except ToolError as error:
            reports.insert(0, SourceReport(source="library", state="failed", detail=error.message))
        else:
            papers += library.papers
            report = SourceReport(
                source="library",
                state="searched",
                documents=len({paper.citation.key for paper in library.papers}),
                detail="; ".join(library.problems),
            )
            reports.insert(0, report)
    papers += online
    if assigned.ticket.hosts:
        detail = "runs with network hosts are steered by nothing that was read"
        reports.append(SourceReport(source="memory", state="skipped", detail=detail))
        return papers, reports
    recalled: list[Recalled] = []
    query = assigned.ticket.queries()[0]
    try:
        for call in (
            RecallMemory(scope="findings", query=query),
            RecallMemory(scope="lessons", query=query, commit=assigned.base_commit, holding=True),
        ):
            near: list[Recalled] = await tools.use(recall_memory, call)
            recalled += near
    except MemoryDamaged as error:
        reports.append(SourceReport(source="memory", state="failed", detail=error.message))
        return papers, reports
    earlier = recalled_papers(recalled)
    reports.append(SourceReport(source="memory", state="searched", documents=len(earlier)))
    return [*papers, *earlier], reports


def _naming_parameters(assigned: AssignedTicket, passages: Sequence[Passage]) -> list[Passage]:
    """The sentences that name a parameter of the search space, in order of reading."""
    wording = Wording(assigned.ticket.search_space)
    naming = [passage for passage in passages if wording.mentions(passage.text)]
    return naming[:_SENTENCES_WITH_SETTINGS]


def _findings(
    ticket: str,
    passages: Sequence[Passage],
    kept: Sequence[str],
    reports: Sequence[SettingsReport],
    near: dict[str, float],
) -> dict[str, Finding]:
    """Sentence id → finding: the brief's in its order, then the other reporting sentences."""
    by_id = {passage.id: passage for passage in passages}
    suggests = {report.sentence: report.values for report in reports}
    ids = dict.fromkeys([*kept, *suggests])
    return {
        id_: Finding(
            id=f"{ticket}-F{number:02d}",
            ticket=ticket,
            claim=by_id[id_].text,
            citation=by_id[id_].citation,
            relevance=round(near.get(id_, 0.0), 4),
            confidence=_CONFIDENCE[by_id[id_].citation.verification],
            suggests=suggests.get(id_, {}),
        )
        for number, id_ in enumerate(ids, 1)
    }


def _suggestions(
    passages: Sequence[Passage], reports: Sequence[SettingsReport], findings: dict[str, Finding]
) -> tuple[Suggestion, ...]:
    """One suggestion a sentence; neighbours of one paragraph that set different things are one."""
    place = {passage.id: number for number, passage in enumerate(passages)}
    paragraph = {passage.id: passage.paragraph for passage in passages}
    groups: list[list[SettingsReport]] = []
    for report in sorted(reports, key=lambda r: place[r.sentence]):
        last = groups[-1] if groups else []
        neighbours = (
            bool(last)
            and place[report.sentence] - place[last[-1].sentence] == 1
            and paragraph[report.sentence] == paragraph[last[-1].sentence]
            and not any(set(report.values) & set(other.values) for other in last)
        )
        if neighbours:
            last.append(report)
        else:
            groups.append([report])
    groups.sort(key=lambda g: -max(findings[r.sentence].relevance for r in g))
    found: dict[str, Suggestion] = {}
    for group in groups:
        values = {name: value for report in group for name, value in report.values.items()}
        spelt = repr(sorted(values.items()))
        if spelt not in found:
            found[spelt] = Suggestion(
                values=values,
                because=_because(group, findings),
                finding=findings[group[0].sentence].id,
            )
    return tuple(found.values())[:_SUGGESTIONS]


def _because(group: Sequence[SettingsReport], findings: dict[str, Finding]) -> str:
    source = findings[group[0].sentence].citation
    quotes = " ".join(f"“{findings[report.sentence].claim}”" for report in group)
    notes = "; ".join(report.note for report in group if report.note)
    return f"{source.key} ({source.locator}): {quotes}" + (f" ({notes})" if notes else "")
