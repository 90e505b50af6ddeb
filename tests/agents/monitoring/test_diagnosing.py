"""A model names what an ended run died of, where the rules are not sure; it rests on the log."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest

from agents.log_monitor import LogMonitor
from agents.monitoring.diagnosing import (
    DIAGNOSIS,
    TOLD_BY_WORDS,
    DiagnosisAnswer,
    DiagnosisQuestion,
    diagnosis_question,
    doubtful,
)
from agents.monitoring.diagnosis import cause
from agents.monitoring.ending import ended
from agents.monitoring.watch import Reading
from labcrew.domain.monitoring import Alarm, IncidentKind
from labcrew.domain.sandbox import SandboxStatus
from labcrew.judgement import Judge
from tests.doubles.chat import ScriptedChat
from tests.tickets import make_trial

TAIL = (
    "step 300 loss 0.41",
    "Traceback (most recent call last):",
    '  File "train.py", line 88, in <module>',
    "    loss.backward()",
    "RuntimeError: Function 'LogSoftmaxBackward0' returned nan values in its 0th output.",
)
NAN = {"kind": "not_finite", "quotes": ["returned  nan values"], "because": "autograd met a NaN"}
EXITED = SandboxStatus(name="t", state="exited", exit_code=1)


def crash(tail: Sequence[str] = TAIL) -> Alarm:
    found = ended(1, False, False, tail)
    assert found is not None
    return found


def alarm(kind: IncidentKind, confidence: float = 1.0, **more: Any) -> Alarm:
    return Alarm(kind=kind, diagnosis=f"it is {kind}", confidence=confidence, **more)


async def diagnose(
    alarms: Sequence[Alarm], *answers: Any, acts: str = "learning"
) -> tuple[Alarm, ScriptedChat]:
    chat = ScriptedChat(*answers, name="big")
    monitor = LogMonitor(Judge(models={"log_monitor": chat}, attempts=1))
    reading = Reading(ended=True, step=300, tail=TAIL)
    made = await monitor.diagnose(make_trial(1), alarms, reading, EXITED, acts=acts)
    return made, chat


async def test_without_a_model_the_rule_stands() -> None:
    monitor = LogMonitor(Judge(models={}))
    reading = Reading(ended=True, tail=TAIL)
    made = await monitor.diagnose(make_trial(1), [crash()], reading, EXITED, acts="learning")
    assert made == crash()


async def test_a_crash_whose_words_tell_more_is_named() -> None:
    made, chat = await diagnose([crash()], NAN)
    assert made.kind == "not_finite"
    assert made.diagnosis.startswith(crash().diagnosis)
    assert made.diagnosis.endswith("; model:big: autograd met a NaN")
    assert made.lines == ("returned  nan values",)
    assert made.confidence < crash().confidence
    question = DiagnosisQuestion.model_validate_json(chat.asked[0][1].content)
    assert question.lines == TAIL
    assert (question.exit_code, question.step) == (1, 300)
    assert question.known == ("crashed", *TOLD_BY_WORDS)
    assert DIAGNOSIS.reads(question) == ("logs",)


async def test_an_alarm_of_the_named_class_is_a_detectors_own() -> None:
    # Two detectors in doubt, neither of which explains the other.
    alarms = [
        alarm("overfitting", 0.8, lines=("epoch 9 val 0.61 rises",)),
        alarm("memory_rising", 0.7, step=40, lines=("rss 7.1 GiB",)),
    ]
    answer = {"kind": "memory_rising", "quotes": ["rss 7.1 GiB"], "because": "it grew"}
    made, chat = await diagnose(alarms, answer)
    assert made == alarms[1]
    assert DiagnosisQuestion.model_validate_json(chat.asked[0][1].content).known == (
        "overfitting", "memory_rising",
    )  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        NAN | {"kind": "engine_lost"},
        NAN | {"kind": "time_limit"},
        NAN | {"kind": "metric_jump"},
        NAN | {"kind": "healthy"},
        NAN | {"quotes": []},
        NAN | {"quotes": ["the loss is nan"]},
        NAN | {"quotes": ["returned nan values", "CUDA out of memory"]},
        NAN | {"quotes": ["nan"]},
        "crashed",
    ],
)
async def test_what_the_log_does_not_say_is_not_taken(answer: Any) -> None:
    made, chat = await diagnose([crash()], answer)
    assert made == crash()
    assert len(chat.asked) == 1


@pytest.mark.parametrize(
    "alarms",
    [
        [alarm("engine_lost")],
        [alarm("time_limit")],
        [crash(), alarm("time_limit")],
        [alarm("plateau", 0.5), alarm("engine_lost")],
        [alarm("no_metric")],
        [alarm("overfitting", 0.5)],
        [alarm("out_of_memory")],
        [alarm("out_of_memory"), crash()],
        [alarm("diverged", 0.95), alarm("not_finite")],
    ],
)
async def test_what_is_known_for_sure_is_asked_of_nobody(alarms: list[Alarm]) -> None:
    assert not doubtful(alarms)
    made, chat = await diagnose(alarms, NAN)
    assert made == cause(alarms)
    assert chat.asked == []


async def test_fixed_rules_ask_nobody() -> None:
    made, chat = await diagnose([crash()], NAN, acts="rules")
    assert made == crash()
    assert chat.asked == []


def test_no_question_lets_a_run_be_free_or_lost() -> None:
    """Who is named engine_lost costs no budget; what the engine or evaluator says is not named."""
    facts = {"engine_lost", "time_limit", "no_metric", "evaluation_disagrees"}
    for kind in get_args(IncidentKind):
        alarms = [crash(), alarm(kind, 0.5)]
        if doubtful(alarms):
            question = diagnosis_question(alarms, TAIL, exit_code=1, step=1, values={})
            assert not facts & set(question.known)
    assert not facts & set(TOLD_BY_WORDS)


def test_a_long_log_is_shown_by_its_end() -> None:
    tail = [f"line {n} " + "x" * 900 for n in range(400)]
    long = alarm("overfitting", 0.5, lines=tuple(tail))
    question = diagnosis_question(
        [long, alarm("slowed", 0.5)], tail, exit_code=0, step=1, values={}
    )
    assert len(question.model_dump_json()) < 13_000
    assert question.lines[-1].startswith("line 399 ")
    answer = DIAGNOSIS.rule(question)
    assert DiagnosisAnswer.model_validate_json(answer.model_dump_json()) == answer
    assert DIAGNOSIS.check(question, answer) is None
