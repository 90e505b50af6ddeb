"""The log monitor: what ended a run, and choosing from the closed list."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents.log_monitor import (
    INTERVENTION,
    InterventionAnswer,
    InterventionQuestion,
    LogMonitor,
)
from agents.monitoring.responses import Situation
from agents.monitoring.watch import Reading
from labcrew.domain.experiment import Incident, Intervention
from labcrew.domain.monitoring import Alarm
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.supervision import Offer
from labcrew.judgement import Judge, Verdict
from tests.doubles.chat import ScriptedChat
from tests.tickets import make_assigned, make_result, make_trial

RULES = Judge(models={})
ASSIGNED = make_assigned(metric={"name": "val acc", "direction": "maximize", "file": "m.jsonl"})


def reading(**changes: Any) -> Reading:
    return Reading.model_validate({"ended": False, "step": 5} | changes)


@pytest.mark.parametrize(
    ("status", "read", "age_s", "kind"),
    [
        ({"state": "running"}, {}, 1, None),
        ({"state": "exited", "exit_code": 0}, {}, 1, None),
        ({"state": "created"}, {}, 1, None),
        ({"state": "exited", "exit_code": 137, "out_of_memory": True}, {}, 1, "out_of_memory"),
        ({"state": "exited", "exit_code": 1, "workspace_full": True}, {}, 1, "storage_full"),
        ({"state": "running"}, {}, 1e9, "time_limit"),
        ({"state": "running"}, {"seconds_silent": 1e9}, 1, "stalled"),
        ({"state": "missing"}, {}, 1, "engine_lost"),
        ({"state": "exited", "exit_code": 1}, {"tail": ("Error: x", "")}, 1, "crashed"),
    ],
)
def test_diagnoses(
    status: dict[str, Any], read: dict[str, Any], age_s: float, kind: str | None
) -> None:
    found = LogMonitor(RULES).ended(
        ASSIGNED, reading(**read), SandboxStatus(name="t", **status), age_s
    )
    assert (found.kind if found else None) == kind
    if kind == "crashed":
        assert found is not None
        assert "Error: x" in found.diagnosis


TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "train.py", line 9, in <module>',
    "    main()",
    "ValueError: batch size must divide 50",
)


@pytest.mark.parametrize("code", [137, 143, 255])
@pytest.mark.parametrize(
    ("tail", "lost_with", "kind"),
    [
        ((), None, "engine_lost"),
        (("step 5 loss 0.5",), None, "engine_lost"),
        ((*TRACEBACK, "error: giving up"), None, "crashed"),
        # It got over that one and went on.
        ((*TRACEBACK, *["step 5 loss 0.5"] * 30), None, "engine_lost"),
        ((), "the same", "crashed"),
        ((), "another", "engine_lost"),
    ],
)
def test_who_ends_with_an_engines_exit_code_by_itself_has_crashed(
    code: int, tail: tuple[str, ...], lost_with: str | None, kind: str
) -> None:
    ended = make_result(exit_code=code if lost_with == "the same" else 1)
    earlier = [make_trial(0, status="unknown", result=ended)] if lost_with else []
    status = SandboxStatus(name="t", state="exited", exit_code=code)
    found = LogMonitor(RULES).ended(ASSIGNED, reading(tail=tail), status, 1, earlier)
    assert found is not None
    assert found.kind == kind
    if tail[: len(TRACEBACK)] == TRACEBACK and kind == "crashed":
        assert "ValueError: batch size must divide 50 at train.py:9" in found.diagnosis


def test_a_run_that_labcrew_stopped_is_none_that_was_lost() -> None:
    stopped = make_trial(0, status="stopped", result=make_result(exit_code=137))
    status = SandboxStatus(name="t", state="exited", exit_code=137)
    found = LogMonitor(RULES).ended(ASSIGNED, reading(), status, 1, [stopped])
    assert found is not None
    assert found.kind == "engine_lost"


def test_a_silent_crash_is_said_to_be_silent() -> None:
    status = SandboxStatus(name="t", state="exited", exit_code=3)
    found = LogMonitor(RULES).ended(ASSIGNED, reading(tail=("", "")), status, 1)
    assert found is not None
    assert "exit code 3" in found.diagnosis
    assert "printed nothing" in found.diagnosis


def situation(**changes: Any) -> Situation:
    given: dict[str, Any] = {
        "chain": (), "restarts": 0, "budget_left": 5, "offers": frozenset(), "running": False,
        "trial": make_trial(1, values={"lr": 0.1, "batch": 16}), "assigned": make_assigned(),
        "alarm": Alarm(kind="diverged", diagnosis="d"), "reading": reading(),
    } | changes  # fmt: skip
    first = [given.pop(name) for name in ("assigned", "trial", "alarm", "reading")]
    return LogMonitor(RULES).situation(*first, **given)


async def chosen(
    kind: Any,
    now: Situation,
    *,
    monitor: LogMonitor | None = None,
    earlier: Sequence[Incident] = (),
    acts: str = "rules",
    **supervision: Any,
) -> Verdict[InterventionAnswer]:
    return await (monitor or LogMonitor(RULES)).intervene(
        make_assigned(supervision=supervision),
        make_trial(1),
        Alarm(kind=kind, diagnosis="d"),
        now,
        earlier=earlier,
        acts=acts,
    )


@pytest.mark.parametrize(
    ("kind", "changes", "action"),
    [
        ("diverged", {}, "restart_lower_rate"),
        ("not_finite", {}, "restart_lower_rate"),
        ("out_of_memory", {}, "restart_smaller_batch"),
        ("crashed", {"reading": reading(step=0)}, "give_up"),
        ("crashed", {}, "restart_same"),
        ("stalled", {}, "restart_same"),
        ("diverged", {"budget_left": 0}, "give_up"),
        ("diverged", {"restarts": 9}, "give_up"),
        ("engine_lost", {"budget_left": 0}, "restart_same"),
        ("metric_jump", {"running": True}, "escalate"),
        ("metric_jump", {}, "give_up"),
        ("slowed", {"running": True}, "continue"),
        ("disk_filling", {"running": True}, "free_space"),
    ],
)
async def test_the_fixed_order_is_bounded_by_the_situation(
    kind: Any, changes: dict[str, Any], action: str
) -> None:
    now = situation(alarm=Alarm(kind=kind, diagnosis="d"), **changes)
    assert (await chosen(kind, now)).answer.action == action


@pytest.mark.parametrize(
    ("kind", "offer", "action"),
    [
        ("gradient_explosion", "gradient_clip", "restart_clipped"),
        ("corrupt_batch", "quarantine", "restart_without_batch"),
        ("plateau", "resume", "restart_same"),
        ("not_finite", "learning_rate", "restart_lower_rate"),
    ],
)
async def test_what_a_program_offers_widens_the_choice(
    kind: Any, offer: Offer, action: str
) -> None:
    alarm = Alarm(kind=kind, diagnosis="d", subject="shard-3")
    plain = situation(alarm=alarm, trial=make_trial(1, values={}), running=True)
    assert (await chosen(kind, plain)).answer.action != action
    offering = situation(
        alarm=alarm, trial=make_trial(1, values={}), running=True, offers=frozenset({offer})
    )
    assert (await chosen(kind, offering)).answer.action == action


async def test_a_ticket_narrows_the_list_and_alert_does_nothing() -> None:
    now = situation(running=True)
    narrowed = await chosen("diverged", now, actions=["give_up"])
    assert narrowed.answer.action == "give_up"
    assert (await chosen("diverged", now, acts="alert")).answer.action == "continue"
    ended = situation(running=False)
    assert (await chosen("diverged", ended, acts="alert")).answer.action == "give_up"


def restarted(number: int, kind: Any, action: Any) -> Incident:
    trial = f"T-0001-00{number}"
    done = Intervention(action=action, because="b", by="rule", new_trial=f"T-0001-00{number + 1}")
    return Incident(
        id=f"{trial}-x", ticket="T-0001", trial=trial, kind=kind, evidence=(), diagnosis="d",
        at_s=1, intervention=done,
    )  # fmt: skip


async def test_a_chain_of_restarts_is_bounded_and_repeats_nothing_that_failed() -> None:
    once = (restarted(1, "crashed", "restart_same"),)
    crashed = Alarm(kind="crashed", diagnosis="d")
    again = situation(alarm=crashed, chain=once)
    assert (await chosen("crashed", again)).answer.action == "give_up"
    # Another tenth of the rate may be what it takes.
    lower = situation(chain=(restarted(1, "diverged", "restart_lower_rate"),))
    assert (await chosen("diverged", lower)).answer.action == "restart_lower_rate"
    twice = (*once, restarted(2, "crashed", "restart_same"))
    assert situation(alarm=crashed, chain=twice).restarts_left == 0


async def test_no_run_gets_more_memory_than_a_person_approved() -> None:
    alarm = Alarm(kind="out_of_memory", diagnosis="d")
    smallest = make_trial(1, memory_mb=make_assigned().budget.memory_mb)
    now = situation(alarm=alarm, trial=smallest)
    assert (await chosen("out_of_memory", now)).answer.action == "give_up"
    approved = make_assigned()
    more = approved.budget.model_copy(update={"memory_limit_mb": 2 * smallest.memory_mb})
    approved = approved.model_copy(update={"budget": more})
    now = situation(alarm=alarm, trial=smallest, assigned=approved)
    assert (await chosen("out_of_memory", now)).answer.action == "restart_with_memory"


async def test_it_learns_which_action_helps_and_a_critical_run_is_no_experiment() -> None:
    def known(action: Any, score: float, number: int) -> Incident:
        incident = restarted(number, "diverged", action)
        done = incident.intervention
        assert done is not None
        return incident.model_copy(
            update={"intervention": done.model_copy(update={"score": score})}
        )

    earlier = [known("restart_lower_rate", 0.0, n) for n in range(8)]
    earlier += [known("restart_clipped", 1.0, n) for n in range(8)]
    now = situation(offers=frozenset({"gradient_clip"}))
    learnt = await chosen("diverged", now, earlier=earlier, acts="learning", critical=True)
    assert learnt.answer.action == "restart_clipped"
    assert "1.00 of 1 in 8 earlier runs" in learnt.answer.because
    assert not learnt.answer.explored
    fixed = await chosen("diverged", now, earlier=earlier, acts="rules")
    assert fixed.answer.action == "restart_lower_rate"


async def test_a_model_cannot_leave_the_closed_list() -> None:
    wanted = {"action": "restart_with_memory", "because": "I want it"}
    stubborn = ScriptedChat(wanted, name="stubborn")
    monitor = LogMonitor(Judge(models={"log_monitor": stubborn}))
    now = situation(reading=reading(step=0), alarm=Alarm(kind="crashed", diagnosis="d"))
    verdict = await chosen("crashed", now, monitor=monitor)
    assert (verdict.answer.action, verdict.by) == ("give_up", "rule")
    assert "restart_with_memory is not in" in verdict.fallbacks[0]


def test_an_incident_keeps_the_last_lines() -> None:
    lines = tuple(f"line {n} " + "x" * 500 for n in range(20))
    alarm = Alarm(kind="diverged", diagnosis="d", lines=lines)
    made = LogMonitor(RULES).incident(make_trial(3), alarm, 1.2644)
    assert (made.id, made.kind, made.at_s) == ("T-0001-003-diverged", "diverged", 1.264)
    assert len(made.evidence) == 8
    assert all(len(line) == 300 for line in made.evidence)
    assert made.evidence[-1].startswith("line 19")


def test_the_rule_never_leaves_the_allowed_list() -> None:
    question = InterventionQuestion(
        id="T-0001-000-not-finite", kind="not_finite", diagnosis="d", evidence=(), values={},
        allowed=("give_up",),
    )  # fmt: skip
    assert INTERVENTION.rule(question).action == "give_up"
    wrong = InterventionAnswer(action="escalate", because="")
    assert INTERVENTION.check(question, wrong) is not None


def question(**changes: Any) -> InterventionQuestion:
    fields: dict[str, Any] = {
        "id": "T-0001-000-diverged", "kind": "diverged", "diagnosis": "d", "evidence": (),
        "values": {}, "allowed": ("restart_lower_rate", "restart_clipped", "give_up"),
    } | changes  # fmt: skip
    return InterventionQuestion.model_validate(fields)


@pytest.mark.parametrize(
    ("changes", "action", "said"),
    [
        ({}, "restart_clipped", None),
        ({}, "give_up", "a remedy is left"),
        ({}, "reevaluate", "is not in"),
        ({"explore": False}, "restart_clipped", "no experiments here"),
        ({"learning": False}, "restart_clipped", "no experiments here"),
        ({"explore": False}, "restart_lower_rate", None),
        ({"allowed": ("give_up", "escalate")}, "give_up", None),
    ],
)
def test_a_model_keeps_to_what_binds_the_rule(
    changes: dict[str, Any], action: Any, said: str | None
) -> None:
    trouble = INTERVENTION.check(
        question(**changes), InterventionAnswer(action=action, because="b")
    )
    assert (trouble is None) == (said is None)
    assert said is None or said in str(trouble)


async def test_without_giving_up_in_its_list_a_running_run_goes_on() -> None:
    now = situation(running=True, budget_left=0)
    assert (await chosen("diverged", now, actions=["continue"])).answer.action == "continue"
    ended = situation(running=False, budget_left=0)
    assert (await chosen("diverged", ended, actions=["continue"])).answer.action == "give_up"
