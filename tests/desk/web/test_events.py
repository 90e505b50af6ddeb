"""The ledger's lines as server-sent events, over a real socket."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest

from desk.api import events
from desk.web.lab import Lab
from desk.wiring import Opened
from tests.desk.web.clients import lab_at
from tests.desk.web.served import served


def note(opened: Opened, number: int, ticket: str = "T-001") -> None:
    key = f"test/{ticket}/{number}"
    data = {"agent": "log_monitor", "problems": [f"trouble {number}"], "action": "asked again"}
    opened.ledger.events.append(
        ticket=ticket, actor="coordinator", kind="agent.failed", key=key, data=data
    )


def header(lab: Lab) -> dict[str, str]:
    return {"Authorization": f"Bearer {lab.access.add('vi', 'viewer')}"}


def read(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    """The next events of a stream, with their ids checked."""
    found: list[dict[str, Any]] = []
    id = ""
    for line in lines:
        if line.startswith("id: "):
            id = line[4:]
        if line.startswith("data: "):
            found.append(json.loads(line[6:]))
            assert int(id) == found[-1]["sequence"]
            if len(found) == count:
                break
    return found


@pytest.mark.timeout(60)
def test_a_stream_tells_what_is_written_and_is_resumed_without_loss(opened: Opened) -> None:
    lab = lab_at(opened)
    for number in range(3):
        note(opened, number)
    with served(lab) as address, httpx.Client(base_url=address, headers=header(lab)) as client:
        with client.stream("GET", "/api/v1/events", params={"after": 0}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["content-security-policy"]
            lines = stream.iter_lines()
            first = read(lines, 3)
            note(opened, 3)
            [live] = read(lines, 1)
        assert [line["sequence"] for line in (*first, live)] == [1, 2, 3, 4]
        assert "trouble 3" in live["text"]
        assert set(live) == {"sequence", "at", "ticket", "actor", "kind", "text"}
        for number in range(4, 7):
            note(opened, number)  # while nobody listens
        with client.stream(
            "GET", "/api/v1/events", params={"after": 0}, headers={"Last-Event-ID": "4"}
        ) as stream:
            assert [line["sequence"] for line in read(stream.iter_lines(), 3)] == [5, 6, 7]


@pytest.mark.timeout(60)
def test_a_stream_of_one_ticket_and_one_from_now_on(opened: Opened) -> None:
    lab = lab_at(opened)
    with opened.ledger.transaction():
        for number in range(1200):
            note(opened, number, "T-001" if number % 400 else "T-002")
    with served(lab) as address, httpx.Client(base_url=address, headers=header(lab)) as client:
        query: dict[str, str | int] = {"after": 0, "ticket": "T-002"}
        with client.stream("GET", "/api/v1/events", params=query) as stream:
            lines = stream.iter_lines()
            assert [x["sequence"] for x in read(lines, 3)] == [1, 401, 801]
            note(opened, 1200, "T-001")
            note(opened, 1201, "T-002")
            assert [x["sequence"] for x in read(lines, 1)] == [1202]
        with client.stream("GET", "/api/v1/events", params={"after": 10**9}) as stream:
            lines = stream.iter_lines()
            next(lines)  # the hint when to come again: the stream is open
            threading.Timer(0.5, note, (opened, 1202)).start()
            assert [x["sequence"] for x in read(lines, 1)] == [1203]


@pytest.mark.timeout(60)
def test_a_quiet_stream_shows_that_it_is_alive(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.2)
    lab = lab_at(opened)
    with (
        served(lab) as address,
        httpx.Client(base_url=address, headers=header(lab)) as client,
        client.stream("GET", "/api/v1/events") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines).startswith("retry: ")
        assert next(line for line in lines if line) == ": alive"


@pytest.mark.timeout(60)
def test_a_stream_ends_with_the_server_and_with_its_token(opened: Opened) -> None:
    lab = lab_at(opened)
    headers = header(lab)
    with httpx.Client(headers=headers) as client:
        with served(lab) as address:
            ended = client.build_request("GET", f"{address}/api/v1/events", params={"after": 0})
            stream = client.send(ended, stream=True)
            lines = stream.iter_lines()
            next(lines)
        assert list(lines) in ([], [""])  # a proper end, no broken connection
        stream.close()
    lab = lab_at(opened)
    with (
        served(lab) as address,
        httpx.Client(base_url=address, headers=header(lab)) as client,
        client.stream("GET", "/api/v1/events", params={"after": 0}) as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        for token in lab.access.all():
            lab.access.remove(token.id)
        note(opened, 1)
        assert "trouble" not in "".join(lines)


def test_nobody_follows_without_a_token(opened: Opened) -> None:
    with served(lab_at(opened)) as address:
        assert httpx.get(f"{address}/api/v1/events").status_code == 401
