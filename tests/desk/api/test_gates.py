"""Gates over the API: decided once, on what was seen, by whoever was first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from desk.web.lab import Lab
from desk.wiring import Opened
from labcrew.domain.review import Gate
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import HandClock
from tests.desk.records import plan_gate
from tests.desk.web.clients import client_of, lab_at

API = "/api/v1"


@pytest.fixture
def lab(opened: Opened, toy: Path) -> Lab:
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    return lab_at(opened)


@pytest.fixture
def gate(lab: Lab, opened: Opened) -> Gate:
    return plan_gate(opened, "T-001")


@pytest.fixture
def client(lab: Lab) -> TestClient:
    return client_of(lab)


def test_the_inbox_and_a_decision(client: TestClient, gate: Gate, opened: Opened) -> None:
    [waiting] = client.get(f"{API}/gates", params={"status": "open"}).json()["items"]
    assert (waiting["gate"]["id"], waiting["payload_hash"]) == (gate.id, gate.payload_hash)
    url = f"{API}/gates/{gate.id}/decision"
    body = {"kind": "edit", "payload_hash": waiting["payload_hash"]}
    edited = client.post(url, json={**body, "edits": {"budget": {"trials": 12}}})
    assert edited.status_code == 200, edited.text
    assert (edited.json()["by"], edited.json()["edits"]["budget"]["trials"]) == ("ada", 12)
    assert client.get(f"{API}/gates", params={"status": "open"}).json()["items"] == []
    one = client.get(f"{API}/gates/{gate.id}").json()
    assert (one["gate"]["status"], one["decision"]["kind"]) == ("decided", "edit")
    assert opened.ledger.decisions.get(gate.id).by == "ada"


def test_what_was_seen_must_be_named(client: TestClient, gate: Gate) -> None:
    url = f"{API}/gates/{gate.id}/decision"
    assert client.post(url, json={"kind": "accept"}).status_code == 422
    stale = client.post(url, json={"kind": "accept", "payload_hash": "0" * 64})
    assert stale.status_code == 409
    assert stale.json()["now"] == {"status": "changed", "payload_hash": gate.payload_hash}
    assert client.get(f"{API}/gates/{gate.id}").json()["gate"]["status"] == "open"


def test_two_people_at_once(lab: Lab, gate: Gate, opened: Opened) -> None:
    people = {name: client_of(lab, name=name) for name in ("ada", "bo", "cy")}
    url = f"{API}/gates/{gate.id}/decision"
    kinds = {"ada": "accept", "bo": "ignore", "cy": "accept"}
    for person in people.values():
        assert person.post(url, json={}).status_code == 422  # FastAPI makes its routes ready

    def say(name: str) -> tuple[str, int, dict[str, object]]:
        body = {"kind": kinds[name], "payload_hash": gate.payload_hash}
        answer = people[name].post(url, json=body)
        return name, answer.status_code, answer.json()

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(say, people))
    [winner] = [name for name, status, _ in answers if status == 200]
    kept = opened.ledger.decisions.get(gate.id)
    assert (kept.by, kept.kind) == (winner, kinds[winner])
    for name, status, told in answers:
        if name != winner:
            assert status == 409
            now = told["now"]
            assert isinstance(now, dict)
            assert (now["by"], now["kind"]) == (winner, kinds[winner])
            assert now["at"]
            assert f"by {winner}" in str(told["detail"])


def test_expired(client: TestClient, lab: Lab, gate: Gate, clock: HandClock) -> None:
    clock.pass_(hours=3)
    url = f"{API}/gates/{gate.id}/decision"
    late = client.post(url, json={"kind": "accept", "payload_hash": gate.payload_hash})
    assert (late.status_code, late.json()["now"]["status"]) == (409, "expired")
    lab.office.settle()  # as a server does by itself, every other second
    assert client.get(f"{API}/gates", params={"status": "open"}).json()["items"] == []


def test_void_after_a_stop(client: TestClient, gate: Gate) -> None:
    client.post(f"{API}/tickets/T-001/stop")
    url = f"{API}/gates/{gate.id}/decision"
    late = client.post(url, json={"kind": "accept", "payload_hash": gate.payload_hash})
    assert (late.status_code, late.json()["now"]) == (409, {"status": "void"})


def test_only_an_approver_decides(lab: Lab, gate: Gate) -> None:
    url = f"{API}/gates/{gate.id}/decision"
    body = {"kind": "accept", "payload_hash": gate.payload_hash}
    assert client_of(lab, "viewer").post(url, json=body).status_code == 403
    assert client_of(lab, "researcher", "bo").post(url, json=body).status_code == 403


def test_the_same_key_decides_once(client: TestClient, gate: Gate, opened: Opened) -> None:
    url, key = f"{API}/gates/{gate.id}/decision", {"Idempotency-Key": "d-1"}
    body = {"kind": "accept", "payload_hash": gate.payload_hash}
    first = client.post(url, json=body, headers=key)
    again = client.post(url, json=body, headers=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert client.post(url, json=body).status_code == 409
    other = client.post(url, json={**body, "kind": "ignore"}, headers=key)
    assert (other.status_code, other.json()["title"]) == (422, "AnotherRequest")
    lines = [event.kind for event in opened.ledger.events.of("T-001")]
    assert lines.count("gate.decided") == 1


def test_the_same_key_at_once_gives_one_answer(lab: Lab, gate: Gate) -> None:
    client = client_of(lab)
    url, body = f"{API}/gates/{gate.id}/decision", {"payload_hash": gate.payload_hash}
    assert client.post(url, json=body).status_code == 422  # FastAPI makes its routes ready
    together = Barrier(4)

    def press(_: int) -> tuple[int, object]:
        together.wait()
        sent = {"Idempotency-Key": "d-1"}
        answer = client.post(url, json={**body, "kind": "accept"}, headers=sent)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, range(4)))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 200
