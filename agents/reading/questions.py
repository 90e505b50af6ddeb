"""The literature review's two judgements: which sentences to keep, which settings they report."""

from itertools import pairwise

from pydantic import Field

from agents.reading.naming import Wording
from agents.reading.numbers import numbers
from agents.reading.reported import reported, spans
from labcrew.domain.base import Model
from labcrew.domain.search_space import Parameter, Value, Values, legal
from labcrew.judgement import Judgement

BRIEF_SENTENCES = 12
LEAST_RELEVANCE = 0.2
"""Below this cosine similarity a sentence has nothing to do with the question (unrelated sentences
lie around 0 to 0.15 with this embedding)."""

_BEFORE = 20
"""Characters before a range's first number in which "between" may stand."""


class Candidate(Model):
    """A sentence that may go into the brief."""

    id: str
    text: str = Field(description="untrusted text")
    source: str
    relevance: float


class BriefQuestion(Model):
    """What a ticket asks, and the sentences found, best and most different first."""

    question: str
    candidates: tuple[Candidate, ...]
    most: int = BRIEF_SENTENCES


class BriefAnswer(Model):
    """Which sentences to keep, most useful first."""

    keep: tuple[str, ...] = Field(description="ids of candidates")


class ReadSentence(Model):
    """A sentence that names a parameter of the search space."""

    id: str
    text: str = Field(description="untrusted text")
    after: str = Field(default="", description="the sentence that follows it")


class SuggestionsQuestion(Model):
    """Which settings do these sentences report as good?"""

    sentences: tuple[ReadSentence, ...]
    search_space: dict[str, Parameter]


class SettingsReport(Model):
    """Settings that one sentence reports."""

    sentence: str = Field(description="the sentence's id")
    values: Values
    note: str = Field(default="", max_length=300, description="how they were read, if not printed")


class SuggestionsAnswer(Model):
    """All reports, in the order of the sentences."""

    reports: tuple[SettingsReport, ...]


def prints(sentence: str, value: Value) -> bool:
    """Whether a sentence holds a value: the number itself, a range around it, or the word.

    Any two numbers are no range: an accuracy and a number of epochs have every rate between them.
    """
    if isinstance(value, bool):
        return True  # "with", "without", "enabled": no single spelling to look for
    if isinstance(value, str):
        return value.casefold() in sentence.casefold()
    found = numbers(sentence)
    return any(number.value == value for number in found) or any(
        low.value <= value <= high.value
        and spans(
            sentence[max(0, low.start - _BEFORE) : low.start],
            sentence[low.end : high.start],
            sentence[high.end :],
        )
        for low, high in pairwise(found)
    )


def _keep_first(question: BriefQuestion) -> BriefAnswer:
    near = [c.id for c in question.candidates if c.relevance >= LEAST_RELEVANCE]
    return BriefAnswer(keep=tuple(near[: question.most]))


def _brief_trouble(question: BriefQuestion, answer: BriefAnswer) -> str | None:
    known = {candidate.id for candidate in question.candidates}
    unknown = [id_ for id_ in answer.keep if id_ not in known]
    if unknown:
        return f"{unknown[0]!r} is not the id of a candidate"
    if len(set(answer.keep)) != len(answer.keep):
        return "an id is kept twice"
    if len(answer.keep) > question.most:
        return f"{len(answer.keep)} sentences are kept, at most {question.most} may be"
    return None


def _read_settings(question: SuggestionsQuestion) -> SuggestionsAnswer:
    wording = Wording(question.search_space)
    reports = []
    for sentence in question.sentences:
        found = reported(sentence.text, question.search_space, wording, sentence.after)
        if found.values:
            reports.append(
                SettingsReport(
                    sentence=sentence.id,
                    values=found.values,
                    note="; ".join(found.notes.values()),
                )
            )
    return SuggestionsAnswer(reports=tuple(reports))


def _settings_trouble(question: SuggestionsQuestion, answer: SuggestionsAnswer) -> str | None:
    texts = {sentence.id: sentence.text for sentence in question.sentences}
    seen: set[str] = set()
    for report in answer.reports:
        if report.sentence not in texts:
            return f"{report.sentence!r} is not the id of a sentence"
        if report.sentence in seen:
            return f"sentence {report.sentence} is reported twice"
        seen.add(report.sentence)
        if not report.values:
            return f"the report on {report.sentence} has no values"
        for name, value in report.values.items():
            parameter = question.search_space.get(name)
            if parameter is None:
                return f"{name!r} is not a parameter of the search space"
            if not legal(parameter, value):
                return f"{name}={value!r} is outside the search space"
            if not prints(texts[report.sentence], value):
                return f"sentence {report.sentence} does not say {name}={value!r}"
    return None


BRIEF = Judgement[BriefQuestion, BriefAnswer](
    name="literature_review.brief",
    agent="literature_review",
    answer=BriefAnswer,
    rule=_keep_first,
    prompt=(
        "You read papers for a machine-learning lab. Choose the candidate sentences that help most"
        " to answer the question: concrete findings, settings and causes, each saying something"
        " new. Answer with their ids, most useful first, at most as many as `most`."
    ),
    check=_brief_trouble,
    reads=lambda q: ("papers",) if q.candidates else (),
)
SUGGESTIONS = Judgement[SuggestionsQuestion, SuggestionsAnswer](
    name="literature_review.suggestions",
    agent="literature_review",
    answer=SuggestionsAnswer,
    rule=_read_settings,
    prompt=(
        "Read which values of the search space's parameters each sentence reports as good. Report"
        " a value only if the sentence itself gives it and does not warn of it; leave out bounds,"
        " values that failed, and values outside the search space. At most one report a sentence."
    ),
    check=_settings_trouble,
    reads=lambda q: ("papers",) if q.sentences else (),
)
