"""The log monitor: following, diagnosing, and choosing from the closed list."""

import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.log_monitor import (
    INTERVENTION,
    InterventionAnswer,
    InterventionQuestion,
    LogMonitor,
    Reading,
    Watch,
    _lines,
    evidence,
)
from labcrew.domain.monitoring import Alarm
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.search_space import distance, legal
from labcrew.errors import EngineError
from labcrew.judgement import Judge
from tests.spaces import settings_of, spaces
from tests.tickets import make_assigned, make_trial

A = TypeVar("A", bound=BaseModel)
RULES = Judge(models={})
ASSIGNED = make_assigned(metric={"name": "val acc", "direction": "maximize", "file": "m.jsonl"})


def followed(*chunks: str) -> Watch:
    watch = Watch(iter(chunks), ASSIGNED, lambda: None)
    watch.join(5)
    return watch


def reading(**changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "ended": False,
        "alarm": None,
        "reported": None,
        "step": 0,
        "seconds_silent": 0.0,
        "log_bytes": 0,
        "tail": (),
    }
    return Reading.model_validate(fields | changes)


def test_a_run_is_read_across_chunks() -> None:
    found = followed("step 1 loss 0.9\nstep 2 lo", "ss 0.8\nval acc: 0.7\r\nbye").reading()
    assert found.ended
    assert found.tail == ("step 1 loss 0.9", "step 2 loss 0.8", "val acc: 0.7", "bye")
    assert (found.step, found.reported, found.alarm) == (2, 0.7, None)
    assert found.seconds_silent == 0


def test_an_alarm_wakes_once_and_stays() -> None:
    woken: list[str] = []
    lines = "loss nan\n" * 5
    watch = Watch(iter([lines]), ASSIGNED, lambda: woken.append("x"))
    watch.join(5)
    assert watch.reading().alarm is not None
    assert len(woken) == 2  # the alarm, and the end


def test_an_engine_that_breaks_off_ends_the_following_without_noise() -> None:
    def breaks() -> Iterator[str]:
        yield "step 1\n"
        raise EngineError("gone")

    watch = Watch(breaks(), ASSIGNED, lambda: None)
    watch.join(5)
    assert watch.reading().ended
    assert watch.reading().tail == ("step 1",)


def test_a_watch_can_be_let_go_and_woken_elsewhere() -> None:
    go, woken = threading.Event(), threading.Event()

    def chunks() -> Iterator[str]:
        yield "a\n"
        assert go.wait(5)
        yield "b\nc\n"

    watch = Watch(chunks(), ASSIGNED, lambda: None)
    watch.wake_by(woken.set)
    watch.close()
    go.set()
    assert woken.wait(5)
    watch.join(5)
    assert "c" not in watch.reading().tail


@given(st.lists(st.text(alphabet="ab\r\n", max_size=12)))
def test_lines_do_not_depend_on_where_chunks_are_cut(chunks: list[str]) -> None:
    found = list(_lines(chunks))
    assert all("\n" not in line and "\r" not in line for line in found)
    text = "".join(chunks)
    assert "".join(found) == text.replace("\r", "").replace("\n", "")
    assert [line for line in found if line] == [line for line in text.split() if line]


def test_a_line_without_end_is_cut() -> None:
    assert [len(line) for line in _lines(["x" * 15_000, "x" * 15_000, "y\n"])] == [30_000, 1]


@pytest.mark.parametrize(
    ("status", "read", "age_s", "kind"),
    [
        ({"state": "running"}, {}, 1, None),
        ({"state": "exited", "exit_code": 0}, {}, 1, None),
        ({"state": "created"}, {}, 1, None),
        ({"state": "exited", "exit_code": 137, "out_of_memory": True}, {}, 1, "out_of_memory"),
        ({"state": "exited", "exit_code": 1, "workspace_full": True}, {}, 1, "storage_full"),
        ({"state": "running"}, {"alarm": Alarm(kind="diverged", diagnosis="d")}, 1, "diverged"),
        ({"state": "running"}, {}, 1e9, "time_limit"),
        ({"state": "running"}, {"seconds_silent": 1e9}, 1, "stalled"),
        ({"state": "missing"}, {}, 1, "engine_lost"),
        ({"state": "exited", "exit_code": 1}, {"tail": ("Error: x", "")}, 1, "crashed"),
    ],
)
def test_diagnoses(
    status: dict[str, Any], read: dict[str, Any], age_s: float, kind: str | None
) -> None:
    found = LogMonitor(RULES).diagnose(
        ASSIGNED, reading(**read), SandboxStatus(name="t", **status), age_s
    )
    assert (found.kind if found else None) == kind
    if kind == "crashed":
        assert found is not None
        assert "Error: x" in found.diagnosis


def test_a_silent_crash_is_said_to_be_silent() -> None:
    status = SandboxStatus(name="t", state="exited", exit_code=3)
    found = LogMonitor(RULES).diagnose(ASSIGNED, reading(tail=("  File x", "")), status, 1)
    assert found is not None
    assert found.diagnosis == "it ended with exit code 3 and printed nothing"


@pytest.mark.parametrize(
    ("kind", "action", "values", "memory"),
    [
        ("diverged", "restart_lower_rate", {"lr": 0.01, "batch": 16}, 512),
        ("not_finite", "restart_lower_rate", {"lr": 0.01, "batch": 16}, 512),
        ("out_of_memory", "restart_smaller_batch", {"lr": 0.1, "batch": 8}, 512),
        ("crashed", "give_up", {"lr": 0.1, "batch": 16}, 512),
        ("stalled", "give_up", {"lr": 0.1, "batch": 16}, 512),
    ],
)
async def test_the_rule_knows_remedies(
    kind: Any, action: str, values: dict[str, Any], memory: int
) -> None:
    trial = make_trial(1, values={"lr": 0.1, "batch": 16})
    alarm = Alarm(kind=kind, diagnosis="d")
    verdict, changed, mb = await LogMonitor(RULES).intervene(
        make_assigned(), trial, alarm, reading(), restarts=0, budget_left=5
    )
    assert (verdict.answer.action, changed, mb) == (action, values, memory)


@pytest.mark.parametrize(
    ("changes", "restarts", "left"), [({"restarts": "T-0001-000"}, 0, 5), ({}, 9, 5), ({}, 0, 0)]
)
async def test_restarts_are_bounded(changes: dict[str, Any], restarts: int, left: int) -> None:
    alarm = Alarm(kind="diverged", diagnosis="d")
    verdict, _, _ = await LogMonitor(RULES).intervene(
        make_assigned(),
        make_trial(1, **changes),
        alarm,
        reading(),
        restarts=restarts,
        budget_left=left,
    )
    assert verdict.answer.action == "give_up"


async def test_what_runs_out_of_memory_at_its_smallest_gets_more_once() -> None:
    alarm = Alarm(kind="out_of_memory", diagnosis="d")
    approved = make_assigned()
    approved = approved.model_copy(
        update={"budget": approved.budget.model_copy(update={"memory_limit_mb": 1024})}
    )
    verdict, values, memory = await LogMonitor(RULES).intervene(
        approved, make_trial(1), alarm, reading(), restarts=0, budget_left=5
    )
    assert (verdict.answer.action, memory) == ("restart_with_memory", 1024)
    assert values == {"lr": 0.1, "batch": 8}


async def test_no_run_gets_more_memory_than_a_person_approved() -> None:
    alarm = Alarm(kind="out_of_memory", diagnosis="d")
    trial = make_trial(1, memory_mb=make_assigned().budget.memory_mb)
    verdict, _, memory = await LogMonitor(RULES).intervene(
        make_assigned(), trial, alarm, reading(), restarts=0, budget_left=5
    )
    assert (verdict.answer.action, memory) == ("give_up", trial.memory_mb)


class Stubborn:
    """A chat model that always wants the same."""

    name = "stubborn"

    async def answer(self, system: str, user: str, schema: type[A]) -> A:
        return schema.model_validate({"action": "restart_with_memory", "because": "I want it"})


async def test_a_model_cannot_leave_the_closed_list() -> None:
    monitor = LogMonitor(Judge(models={"log_monitor": Stubborn()}))
    verdict, _, memory = await monitor.intervene(
        make_assigned(),
        make_trial(1),
        Alarm(kind="crashed", diagnosis="d"),
        reading(),
        restarts=0,
        budget_left=5,
    )
    assert (verdict.answer.action, verdict.by, memory) == ("give_up", "rule", 512)
    assert "restart_with_memory is not in" in verdict.fallbacks[0]


@given(spaces(), st.sampled_from(["diverged", "out_of_memory"]), st.data())
async def test_a_smaller_setting_is_legal_and_smaller(
    space: dict[str, Any], kind: Any, data: st.DataObject
) -> None:
    role = "learning_rate" if kind == "diverged" else "batch_size"
    space = {name: p.model_copy(update={"role": role}) for name, p in space.items()}
    given_values = data.draw(settings_of(space))
    assigned = make_assigned(search_space={n: p.model_dump() for n, p in space.items()})
    verdict, values, _ = await LogMonitor(RULES).intervene(
        assigned,
        make_trial(1, values=given_values),
        Alarm(kind=kind, diagnosis="d"),
        reading(),
        restarts=0,
        budget_left=5,
    )
    if verdict.answer.action in ("restart_lower_rate", "restart_smaller_batch"):
        changed = [name for name in values if values[name] != given_values[name]]
        assert len(changed) == 1
        assert float(values[changed[0]]) < float(given_values[changed[0]])
        assert legal(space[changed[0]], values[changed[0]])
        assert distance(space, values, values) == 0


def test_an_incident_keeps_the_last_lines() -> None:
    read = reading(tail=tuple(f"line {n} " + "x" * 500 for n in range(20)))
    made = LogMonitor(RULES).incident(
        make_trial(3), Alarm(kind="diverged", diagnosis="d"), read, 1.26
    )
    assert (made.id, made.kind, made.at_s) == ("T-0001-003-I", "diverged", 1.3)
    assert len(made.evidence) == 8
    assert all(len(line) == 300 for line in made.evidence)
    assert evidence(read)[-1].startswith("line 19")


def test_the_rule_never_leaves_the_allowed_list() -> None:
    question = InterventionQuestion(
        kind="not_finite", diagnosis="d", evidence=(), values={}, adjustable=(),
        allowed=("give_up",),
    )  # fmt: skip
    assert INTERVENTION.rule(question).action == "give_up"
    wrong = InterventionAnswer(action="escalate", because="")
    assert INTERVENTION.check(question, wrong) is not None
