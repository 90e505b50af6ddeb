"""A board that is killed with SIGKILL in the middle of things: nothing lost, nothing twice."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from desk.wiring import Opened
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, HandClock
from tests.desk.records import plan_gate
from tests.desk.web.clients import lab_at

pytestmark = pytest.mark.crash
POINTS = ("taken in", "before the commit", "after the commit")


@contextmanager
def board(home: Home, point: str = "") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.desk.api.served", str(home.root), point]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}/api/v1", child
        finally:
            child.kill()


@pytest.fixture
def home(opened: Opened, toy: Path) -> tuple[Home, str]:
    """A home with a ticket and an open gate; and a token."""
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    plan_gate(opened, "T-001", expires_at=None)
    token = lab_at(opened).access.add("ada", "approver")
    opened.ledger.close()
    return opened.home, token


def post(base: str, token: str, path: str, body: dict[str, Any], key: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return httpx2.post(f"{base}{path}", json=body, headers=headers, timeout=30)


def decision(home: Home, clock: HandClock) -> dict[str, Any]:
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        return {"kind": "accept", "payload_hash": ledger.gates.get("T-001-plan-r0.0").payload_hash}


def told(home: Home, clock: HandClock) -> tuple[list[str], list[str]]:
    """The tickets, and the kinds of the lines; the chain is checked on the way."""
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock, check="full") as ledger:
        return [t.id for t in ledger.tickets.all()], [e.kind for e in ledger.events.of(None)]


@pytest.mark.parametrize("point", POINTS[1:])
def test_in_mid_decision(home: tuple[Home, str], clock: HandClock, point: str) -> None:
    place, token = home
    body, path = decision(place, clock), "/gates/T-001-plan-r0.0/decision"
    with board(place, point) as (base, child):
        with pytest.raises(httpx2.TransportError):
            post(base, token, path, body, "once")
        assert child.wait(60) == -9
    assert told(place, clock)[1].count("gate.decided") == (point == "after the commit")
    with board(place) as (base, _):
        answer = post(base, token, path, body, "once")
        assert (answer.status_code, answer.json()["by"]) == (200, "ada")
        assert post(base, token, path, body, "another").status_code == 409
    assert told(place, clock)[1].count("gate.decided") == 1


@pytest.mark.parametrize("point", POINTS)
def test_in_mid_assign(home: tuple[Home, str], clock: HandClock, toy: Path, point: str) -> None:
    place, token = home
    body = {"text": TICKET, "beside": str(toy)}
    with board(place, point) as (base, child):
        with pytest.raises(httpx2.TransportError):
            post(base, token, "/tickets", body, "once")
        assert child.wait(60) == -9
    assert len(told(place, clock)[0]) == 1 + (point == "after the commit")
    with board(place) as (base, _):
        answer = post(base, token, "/tickets", body, "once")
        assert (answer.status_code, answer.json()["id"]) == (201, "T-002")
    assert told(place, clock)[0] == ["T-001", "T-002"]


def test_at_any_moment(home: tuple[Home, str], clock: HandClock, toy: Path) -> None:
    place, token = home
    rng = random.Random(7)
    asked = {f"key-{n}": {"text": TICKET, "beside": str(toy)} for n in range(4)}
    answered: dict[str, str] = {}
    for _ in range(6):
        with board(place) as (base, child):
            deadline = time.monotonic() + rng.uniform(0.05, 0.8)
            for key, body in asked.items():
                try:
                    answer = post(base, token, "/tickets", body, key)
                except httpx2.TransportError:
                    break
                assert answer.status_code == 201, answer.text
                assert answered.setdefault(key, answer.json()["id"]) == answer.json()["id"]
                if time.monotonic() > deadline:
                    break
            child.kill()
            child.wait(60)
    with board(place) as (base, _):
        for key, body in asked.items():
            made = post(base, token, "/tickets", body, key).json()["id"]
            assert answered.setdefault(key, made) == made
    assert told(place, clock)[0] == [f"T-{n:03d}" for n in range(1, 6)]
    assert sorted(answered.values()) == [f"T-{n:03d}" for n in range(2, 6)]
