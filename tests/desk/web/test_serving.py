"""The board over real sockets: many streams, large requests, people who decide at once."""

import asyncio
import json
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest

from desk.api import events
from desk.web.body import MOST_BYTES
from desk.wiring import Opened
from labcrew.ticket_file import read_ticket
from tests.desk.records import plan_gate
from tests.desk.web.clients import lab_at
from tests.desk.web.served import served
from tests.desk.web.test_events import header, note

STREAMS = 1000


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def asked(host: str, token: str) -> bytes:
    """A request for all lines, as it goes over the wire."""
    return (
        f"GET /api/v1/events?after=0 HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )


async def opened_stream(address: str, token: str) -> Stream:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=65536)
    writer.write(asked(f"{host}:{port}", token))
    await reader.readuntil(b"retry: ")
    return reader, writer


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError


@pytest.mark.timeout(240)
def test_a_thousand_streams_get_every_line_and_hold_next_to_nothing(opened: Opened) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    lab = lab_at(opened)
    token = lab.access.add("vi", "viewer")

    async def listen(address: str) -> tuple[int, float, float]:
        before = resident_mb()
        streams = []
        for _ in range(STREAMS // 50):
            streams += await asyncio.gather(*(opened_stream(address, token) for _ in range(50)))
        while lab.feed.listeners < STREAMS:
            await asyncio.sleep(0.05)
        began = time.monotonic()
        await asyncio.to_thread(note, opened, 1)
        await asyncio.gather(*(reader.readuntil(b"trouble 1") for reader, _ in streams))
        took = time.monotonic() - began
        with opened.ledger.transaction():
            for number in range(2, 30):
                note(opened, number)
        await asyncio.gather(*(reader.readuntil(b"trouble 29") for reader, _ in streams))
        grown = resident_mb() - before
        for _, writer in streams:
            writer.close()
        return len(streams), took, grown

    try:
        with served(lab) as address:
            count, took, grown = asyncio.run(listen(address))
            ended = time.monotonic() + 60
            while lab.feed.listeners and time.monotonic() < ended:
                time.sleep(0.05)
            assert lab.feed.listeners == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert count == STREAMS
    # Both ends are in this process; a stream's two sockets and tasks are most of it.
    assert grown < 200, f"{grown:.0f} MB"
    print(f"{count} streams: a line reached all in {took:.2f} s; {grown:.0f} MB for both ends")


@pytest.mark.timeout(120)
def test_whoever_stops_reading_is_cut_off(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STUCK_S", 0.5)
    lab = lab_at(opened)
    token = lab.access.add("vi", "viewer")

    with served(lab, buffer=4096) as address, socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = address.removeprefix("http://").split(":")
        stuck.connect((host, int(port)))
        stuck.sendall(asked(f"{host}:{port}", token))
        assert stuck.recv(15) == b"HTTP/1.1 200 OK"
        with opened.ledger.transaction():
            for number in range(2000):  # far more than the sockets take in
                note(opened, number)
        until = time.monotonic() + 60
        while lab.feed.listeners and time.monotonic() < until:
            time.sleep(0.05)
        assert lab.feed.listeners == 0
        assert httpx.get(f"{address}/sign-in").status_code == 200


def test_a_ticket_of_5_mb_is_refused_in_words(opened: Opened) -> None:
    lab = lab_at(opened)
    with served(lab) as address, httpx.Client(base_url=address, headers=header(lab)) as client:
        before = resident_mb()
        for content in (b"x" * 5_000_000, (b"x" * 50_000 for _ in range(100))):
            answer = client.post("/api/v1/tickets", content=content)
            assert answer.status_code == 413
            assert "A ticket has at most 1 MB" in answer.json()["remedy"]
        assert resident_mb() - before < 3 * MOST_BYTES / 1e6
        assert client.get("/api/v1/tickets").status_code == 200


def test_two_people_who_decide_at_once_make_one_decision(opened: Opened, toy: Path) -> None:
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    gate = plan_gate(opened, "T-001")
    lab = lab_at(opened)
    people = {name: lab.access.add(name, "approver") for name in ("ada", "bo", "cy", "di")}
    together = threading.Barrier(len(people))
    with served(lab) as address:

        def decide(name: str) -> httpx.Response:
            together.wait()
            return httpx.post(
                f"{address}/api/v1/gates/{gate.id}/decision",
                headers={"Authorization": f"Bearer {people[name]}"},
                json={"kind": "accept", "payload_hash": gate.payload_hash},
            )

        with ThreadPoolExecutor(len(people)) as pool:
            answers = dict(zip(people, pool.map(decide, people), strict=True))
    won = [name for name, answer in answers.items() if answer.status_code == 200]
    assert len(won) == 1, [answer.text for answer in answers.values()]
    for name, answer in answers.items():
        if name != won[0]:
            assert answer.status_code == 409
            assert f"by {won[0]}" in answer.json()["detail"]
    lines = [e for e in opened.ledger.events.of() if e.data.get("table") == "decisions"]
    assert [line.actor for line in lines] == [f"person:{won[0]}"]  # signed by who it was
    assert json.loads(answers[won[0]].text)["by"] == won[0]


def test_what_has_expired_is_decided_while_nobody_looks(opened: Opened, toy: Path) -> None:
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    gate = plan_gate(opened, "T-001", expires_at=opened.clock.now())
    with served(lab_at(opened)):
        until = time.monotonic() + 60
        while opened.ledger.decisions.find(gate.id) is None and time.monotonic() < until:
            time.sleep(0.05)
    decision = opened.ledger.decisions.find(gate.id)
    assert decision is not None
    assert (decision.by, decision.kind) == ("expired", "ignore")
