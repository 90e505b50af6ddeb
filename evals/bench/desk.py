"""The board and the API with 10,000 tickets and a million lines, and how soon a line is seen."""

import asyncio
import http.client
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from evals.bench.desk_ledger import write_ledger
from evals.bench.figures import Figure
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock

TICKETS, EVENTS = 10_000, 1_000_000
STREAMS = 200
TICKET = "T-5000"
PAGE_MS, LIST_MS, SEEN_MS = 50.0, 20.0, 250.0
_WARM, _ROUNDS = 10, 100
_LINES = 40
_SILENCE_S = 5

PAGES = {
    "the list of tickets": "/tickets",
    "a page of it far back": "/tickets?before={middle}",
    "a status in it": "/tickets?status=done",
    "a ticket": "/tickets/{ticket}",
    "the inbox": "/inbox",
}
LISTS = {
    "tickets": "/api/v1/tickets?limit=50",
    "tickets far back": "/api/v1/tickets?limit=50&before={middle}",
    "tickets of a status": "/api/v1/tickets?limit=50&status=done",
    "gates that are open": "/api/v1/gates?status=open&limit=50",
    "a ticket's trials": "/api/v1/tickets/{ticket}/trials?limit=50",
    "a ticket's lines": "/api/v1/tickets/{ticket}/events?limit=50",
}


class Times:
    """Of one address: milliseconds that passed, and that the server's process computed."""

    def __init__(self) -> None:
        self.passed: list[float] = []
        self.computed: list[float] = []


class Served:
    """A server in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, token: str) -> None:
        self.process, self.port, self.token = process, port, token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()

    def ask(self, path: str, times: Times) -> None:
        """Asks once. Raises RuntimeError: it does not answer 200."""
        headers = {"Authorization": f"Bearer {self.token}"}
        computed, began = self._computed_s(), time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        times.passed.append((time.perf_counter() - began) * 1000)
        times.computed.append((self._computed_s() - computed) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}")

    def _computed_s(self) -> float:
        """Seconds that all threads of the process have run, to the nanosecond."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
        return total / 1e9


def desk_figures() -> tuple[Figure, ...]:
    """Server times of pages and lists, and the time from a line to 200 open streams."""
    with tempfile.TemporaryDirectory(prefix="labcrew-bench-") as folder:
        home = Home(Path(folder) / "home")
        home.create()
        Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()).close()
        write_ledger(home.ledger_url, home.anchor, tickets=TICKETS, events=EVENTS)
        return measured(home)


def measured(home: Home) -> tuple[Figure, ...]:
    """The figures over a home that is there."""
    with _served("bare") as bare, _served("board", str(home.root)) as board:
        asked = {"bare": "/"}
        known = {"middle": EVENTS // 2, "ticket": TICKET}
        asked |= {name: path.format(**known) for name, path in (PAGES | LISTS).items()}
        times = {name: Times() for name in asked}
        # Interleaved, so that whatever else the machine does weighs on all alike.
        for round_ in range(_WARM + _ROUNDS):
            for name, path in asked.items():
                server = bare if name == "bare" else board
                server.ask(path, times[name] if round_ >= _WARM else Times())
        seen = asyncio.run(_seen(home, board))
    base = times.pop("bare")
    note = (
        "The 95th percentile of the processor time of the server's process a request; beside it"
        " the time that passed, and the same of a FastAPI route that does nothing."
    )
    return (
        _figure("server time of a page", PAGES, times, base, PAGE_MS, note),
        _figure("server time of a list of the API", LISTS, times, base, LIST_MS, note),
        Figure(
            name=f"a line of the ledger reaches {STREAMS} open streams",
            value=_high(seen),
            unit="ms",
            bound=SEEN_MS,
            parts={"median": sorted(seen)[len(seen) // 2], "slowest": max(seen)},
            note=f"The 95th percentile of {len(seen)} arrivals, from before the commit.",
        ),
    )


def _figure(
    name: str, asked: dict[str, str], times: dict[str, Times], base: Times, bound: float, note: str
) -> Figure:
    parts: dict[str, float] = {
        "bare": _high(base.computed),
        "bare, passed": _high(base.passed),
    }
    for one in asked:
        parts[one] = _high(times[one].computed)
        parts[f"{one}, passed"] = _high(times[one].passed)
        parts[f"{one}, times bare"] = _high(times[one].computed) / _high(base.computed)
    worst = max(_high(times[one].computed) for one in asked)
    return Figure(name=name, value=worst, unit="ms", bound=bound, parts=parts, note=note)


def _high(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


@contextmanager
def _served(*arguments: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "evals.bench.desk_server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port, token = process.stdout.readline().split()
            with closing(Served(process, int(port), token)) as served:
                yield served
        finally:
            process.terminate()


async def _seen(home: Home, board: Served) -> list[float]:
    """Milliseconds from before a line is written until each stream has it."""
    written: dict[int, float] = {}
    arrived: list[tuple[int, float]] = []
    ready = asyncio.Semaphore(0)
    streams = [asyncio.create_task(_stream(board, arrived, ready)) for _ in range(STREAMS)]
    for _ in streams:
        await ready.acquire()
    await asyncio.sleep(1)
    await asyncio.to_thread(_write, home, written)
    await asyncio.sleep(_SILENCE_S)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    if len(arrived) != _LINES * STREAMS:
        raise RuntimeError(f"{len(arrived)} of {_LINES * STREAMS} arrivals")
    return [(at - written[number]) * 1000 for number, at in arrived]


def _write(home: Home, written: dict[int, float]) -> None:
    rng = random.Random(0)
    with Ledger.open(
        home.ledger_url, anchor=home.anchor, clock=SystemClock(), check="none"
    ) as ledger:
        last = ledger.events.last()
        for number in range(1, _LINES + 1):
            time.sleep(rng.uniform(0.05, 0.3))
            written[last + number] = time.monotonic()
            ledger.events.append(
                ticket=TICKET,
                actor="log_monitor",
                kind="bench.line",
                key=f"bench/{last + number}",
                data={},
            )


async def _stream(
    board: Served, arrived: list[tuple[int, float]], ready: asyncio.Semaphore
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", board.port)
    try:
        writer.write(
            f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{board.port}\r\n"
            f"Authorization: Bearer {board.token}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        while True:
            line = await reader.readline()
            if not line:
                raise RuntimeError("a stream ended")
            if line.startswith(b"retry:"):
                ready.release()
            elif line.startswith(b"id:"):
                arrived.append((int(line[3:]), time.monotonic()))
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
