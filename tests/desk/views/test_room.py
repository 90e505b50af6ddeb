"""Who is at work, whose turn it is, what waits for a person, and who handed over to whom."""

from pathlib import Path
from typing import Any

import pytest

from desk.views.crew import crew_of
from desk.views.room import Room, room_of
from desk.wiring import Opened
from labcrew.domain.evolution import NoiseFloor
from labcrew.domain.ticket import AssignedTicket
from tests.desk import records
from tests.desk.board.reviewed import assigned
from tests.desk.evolved import started


def at_work(opened: Opened, toy: Path) -> AssignedTicket:
    ticket = assigned(opened, toy)
    running = ticket.model_copy(update={"status": "running"})
    opened.ledger.tickets.put(running, actor="worker")
    assert opened.ledger.acquire(ticket.id, "worker-1", 60) is not None
    return running


def tool(opened: Opened, ticket: str, actor: str, name: str) -> None:
    key = f"{ticket}/{name}/{opened.ledger.events.last()}"
    data = {"tool": name, "outcome": "done"}
    opened.ledger.events.append(ticket=ticket, actor=actor, kind="tool.used", key=key, data=data)


def states(room: Room) -> dict[str, str]:
    return {desk.agent: desk.state for desk in room.desks if desk.state != "resting"}


def test_an_idle_lab(opened: Opened) -> None:
    room = room_of(opened.ledger)
    assert [desk.name for desk in room.desks] == [
        *("Coordinator", "Literature review", "Data pipeline", "Experiment launcher"),
        *("Log monitor", "Merge request"),
    ]
    assert states(room) == {}
    assert room.summary == "The crew rests. Nothing waits."
    assert (room.handovers, room.gates, room.last) == ((), (), None)


def test_work_goes_from_desk_to_desk(opened: Opened, toy: Path) -> None:
    ticket = at_work(opened, toy)
    tool(opened, ticket.id, "literature_review", "read_library")
    room = room_of(opened.ledger)
    assert states(room) == {"literature_review": "working"}
    assert room.handovers == ()
    tool(opened, ticket.id, "data_pipeline", "profile_data")
    room = room_of(opened.ledger)
    assert states(room) == {"data_pipeline": "working"}
    assert room.summary == "At work: Data pipeline on T-001."
    (one,) = room.handovers
    assert (one.sender, one.receiver, one.ticket, one.now) == (
        *("literature_review", "data_pipeline"),
        *(ticket.id, True),
    )
    assert room.desks[2].doing[0].words == "Data pipeline profiled the data"

    opened.clock.pass_(seconds=61)  # type: ignore[attr-defined]  # the worker's lease lapses
    room = room_of(opened.ledger)
    assert states(room) == {}
    assert not room.handovers[0].now


def test_a_gate_holds_the_ticket_up(opened: Opened, toy: Path) -> None:
    ticket = at_work(opened, toy)
    tool(opened, ticket.id, "data_pipeline", "profile_data")
    gate = records.plan_gate(opened, ticket.id)
    room = room_of(opened.ledger)
    assert states(room) == {"coordinator": "waiting"}
    assert [waiting.id for waiting in room.desks[0].waits] == [gate.id]
    assert (room.handovers[0].sender, room.handovers[0].receiver) == ("coordinator", "people")
    assert room.summary == "The crew rests; 1 decision waits for a person."


def test_running_trials_keep_two_at_work(opened: Opened, toy: Path) -> None:
    ticket = at_work(opened, toy)
    for number in (1, 2):
        records.trial(opened, ticket.id, number, status="running", score=None, result=None)
    tool(opened, ticket.id, "log_monitor", "read_log")
    room = room_of(opened.ledger)
    assert states(room) == {"experiment_launcher": "working", "log_monitor": "working"}
    assert room.desks[3].doing[0].words == "Runs T-001-001 and T-001-002"


def loop_at_work(opened: Opened, folder: Path, **changes: Any) -> str:
    loop = started(opened, folder)
    running = loop.model_copy(update={"status": "running", **changes})
    opened.ledger.evolutions.put(running, actor="coordinator")
    assert opened.ledger.acquire(loop.id, "worker-1", 60) is not None
    return loop.id


def test_a_loop_is_work_too(opened: Opened, tmp_path: Path) -> None:
    id = loop_at_work(opened, tmp_path)
    room = room_of(opened.ledger)
    assert states(room) == {"coordinator": "working"}
    assert room.summary == "At work: Coordinator on E-001."
    assert [(one.id, one.title, one.status) for one in room.tickets] == [
        ("E-001", "Better skill", "running")
    ]
    for number in range(3):
        tool(opened, id, "experiment_launcher", f"run_candidate-{number}")
    room = room_of(opened.ledger)
    assert states(room) == {"experiment_launcher": "working"}
    assert room.desks[3].doing[0].words == "Measures the noise of the program as it is"
    assert (room.handovers[0].ticket, room.handovers[0].now) == (id, True)
    # A gate beside the rounds does not hold a loop up.
    records.plan_gate(opened, id)
    tool(opened, id, "experiment_launcher", "run_candidate-3")
    assert states(room_of(opened.ledger, id)) == {
        "coordinator": "waiting",
        "experiment_launcher": "working",
    }
    opened.clock.pass_(seconds=61)  # type: ignore[attr-defined]  # the worker's lease lapses
    assert states(room_of(opened.ledger)) == {"coordinator": "waiting"}


@pytest.mark.parametrize(("done", "said"), [(0, "round 1 of"), (2, "round 3 of"), (99, "Weighs")])
def test_a_loops_runs_say_which_round(opened: Opened, tmp_path: Path, done: int, said: str) -> None:
    noise = NoiseFloor(
        pairs=9, std=0.1, case_std=0.1, mean=0.5, difference=0.0, detectable=0.05, needed=9,
        worthwhile=0.1, deterministic=False,
    )  # fmt: skip
    id = loop_at_work(opened, tmp_path, noise=noise, rounds=done)
    tool(opened, id, "experiment_launcher", "run_candidate")
    assert said in room_of(opened.ledger).desks[3].doing[0].words


def test_what_was_done_long_ago_is_not_forgotten(opened: Opened, toy: Path) -> None:
    ticket = at_work(opened, toy)
    tool(opened, ticket.id, "literature_review", "read_library")
    other = at_work(opened, toy)
    tool(opened, other.id, "data_pipeline", "profile_data")
    with opened.ledger.transaction():
        for number in range(520):
            tool(opened, ticket.id, "log_monitor", f"read_log-{number}")
    room = room_of(opened.ledger)
    words = {desk.agent: [one.words for one in desk.doing] for desk in room.desks}
    assert words["literature_review"] == ["Literature review read the library of papers"]
    assert words["log_monitor"] == ["Took part in T-001"]
    assert words["merge_request"] == []
    assert states(room) == {"data_pipeline": "working", "log_monitor": "working"}
    crew = {one.actor: (one.ticket, one.doing) for one in crew_of(opened.ledger)}
    assert crew["literature_review"] == (ticket.id, "Literature review read the library of papers")
    assert crew["merge_request"] == ("", "")


def test_many_tickets_at_once_and_one_alone(opened: Opened, toy: Path) -> None:
    for _ in range(3):
        at_work(opened, toy)
    tool(opened, "T-001", "data_pipeline", "profile_data")
    tool(opened, "T-002", "data_pipeline", "profile_data")
    tool(opened, "T-003", "coordinator", "survey_repository")
    room = room_of(opened.ledger)
    assert [one.ticket for one in room.desks[2].doing] == ["T-002", "T-001"]
    assert "Data pipeline on T-002 and T-001" in room.summary
    alone = room_of(opened.ledger, "T-003")
    assert states(alone) == {"coordinator": "working"}
    assert [ticket.id for ticket in alone.tickets] == ["T-003", "T-002", "T-001"]
