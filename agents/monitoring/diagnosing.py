"""What a run that ended badly died of, where the rules are not sure: a judgement.

Only of a run that has ended, so that nobody's answer has one killed or kept; a running one is
judged by detectors alone. And only a class whose remedies may be tried on a run's settings: what
the engine knows, and who has to pay for a run, is no matter of opinion.
"""

from collections.abc import Sequence

from pydantic import Field

from agents.monitoring.diagnosis import cause, explained
from labcrew.domain.base import Model
from labcrew.domain.monitoring import Alarm, IncidentKind
from labcrew.domain.search_space import Values
from labcrew.judgement import Judgement, Verdict, shortened

TOLD_BY_WORDS: tuple[IncidentKind, ...] = (
    "not_finite", "diverged", "gradient_explosion", "out_of_memory", "storage_full",
    "corrupt_batch", "bad_checkpoint", "stalled",
)  # fmt: skip
"""What a program's last words may tell of when all that the rules see is that it crashed."""
_KNOWN_FOR_SURE = frozenset({"engine_lost", "time_limit", "no_metric", "evaluation_disagrees"})
"""Kinds that the engine or the evaluator tells: where one is there, nothing is asked."""
_SURE = 0.9
_NAMED = 0.6
"""The confidence of a class that a model named."""
_LINES, _LINE, _EVIDENCE, _LEAST_QUOTE = 24, 300, 12, 8


class DiagnosisQuestion(Model):
    """What a run that ended badly died of."""

    exit_code: int | None
    step: int = Field(description="how far it came")
    values: Values
    alarms: tuple[Alarm, ...] = Field(min_length=1, description="what was seen, oldest first")
    lines: tuple[str, ...] = Field(description="the end of its log: untrusted text")
    known: tuple[IncidentKind, ...] = Field(description="the classes that may be named")


class DiagnosisAnswer(Model):
    """One of the known classes, and what shows it."""

    kind: IncidentKind
    quotes: tuple[str, ...] = Field(
        max_length=_EVIDENCE,
        description="lines of the log that show it, or pieces of them, as they stand",
    )
    because: str = Field(max_length=300, description="one sentence")


def doubtful(alarms: Sequence[Alarm]) -> bool:
    """Whether the rules are not sure of a cause: a crash says nothing of its reason; of several
    alarms the first is in doubt itself, or does not explain the others.
    """
    if any(alarm.kind in _KNOWN_FOR_SURE for alarm in alarms):
        return False
    first = cause(alarms)
    apart = len(alarms) - 1 - len(explained(first, alarms))
    return first.kind == "crashed" or apart > 0 or (len(alarms) > 1 and first.confidence < _SURE)


def diagnosis_question(
    alarms: Sequence[Alarm],
    tail: Sequence[str],
    *,
    exit_code: int | None,
    step: int,
    values: Values,
) -> DiagnosisQuestion:
    """What is asked about a run that ended badly.

    Args:
        alarms: what is wrong with it; at least one.
        tail: the newest lines of its log, oldest first.
    """
    lines = [line.rstrip()[:_LINE] for line in tail if line.strip()]
    words = TOLD_BY_WORDS if cause(alarms).kind == "crashed" else ()
    return DiagnosisQuestion(
        exit_code=exit_code,
        step=step,
        values=values,
        alarms=tuple(
            a.model_copy(update={"lines": tuple(line[:_LINE] for line in a.lines[-_EVIDENCE:])})
            for a in alarms
        ),
        lines=tuple(lines[-_LINES:]),
        known=tuple(dict.fromkeys((*(alarm.kind for alarm in alarms), *words))),
    )


def diagnosed(alarms: Sequence[Alarm], verdict: Verdict[DiagnosisAnswer]) -> Alarm:
    """The alarm to act on: a detector's own where one is of the class that was named.

    Args:
        alarms: that the question was asked about.
    """
    first, named = cause(alarms), verdict.answer
    if verdict.by == "rule" or named.kind == first.kind:
        return first
    for alarm in alarms:
        if alarm.kind == named.kind:
            return alarm
    return first.model_copy(
        update={
            "kind": named.kind,
            "diagnosis": f"{first.diagnosis}; {verdict.by}: {shortened(named.because)}",
            "confidence": _NAMED,
            "lines": named.quotes,
        }
    )


def _rule(question: DiagnosisQuestion) -> DiagnosisAnswer:
    first = cause(question.alarms)
    return DiagnosisAnswer(
        kind=first.kind, quotes=first.lines[-_EVIDENCE:], because=first.diagnosis[:_LINE]
    )


def _trouble(question: DiagnosisQuestion, answer: DiagnosisAnswer) -> str | None:
    if answer.kind not in question.known:
        return f"{answer.kind} is not in {question.known}"
    if answer.kind == cause(question.alarms).kind:
        return None
    evidence = (line for alarm in question.alarms for line in alarm.lines)
    shown = [_squeezed(line) for line in (*question.lines, *evidence)]
    if not answer.quotes:
        return "it rests on no line of the log"
    for quote in map(_squeezed, answer.quotes):
        if len(quote) < _LEAST_QUOTE or not any(quote in line for line in shown):
            return f"{quote[:60]!r} is no line of the log, nor a telling piece of one"
    return None


def _squeezed(text: str) -> str:
    return " ".join(text.split())


DIAGNOSIS = Judgement(
    name="log_monitor.diagnosis",
    agent="log_monitor",
    answer=DiagnosisAnswer,
    rule=_rule,
    prompt=(
        "You supervise training runs. One has ended badly, and the rules are not sure what it died"
        " of. Name one class of `known`: `crashed` where its own code or environment is at fault,"
        " or nothing tells more; another only where the log shows it. Quote the lines that do."
    ),
    check=_trouble,
    reads=lambda q: ("logs",),
)
