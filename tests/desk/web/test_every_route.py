"""Every route of the application, whoever adds it, is guarded: nobody enters by an oversight.

A route that is new stands in here by itself. Exceptions are named, with the reason.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from desk.web.app import create_app
from desk.web.body import MOST_BYTES
from desk.web.lab import Lab
from desk.web.serving import listen
from desk.wiring import Opened
from labcrew.ticket_file import read_ticket
from tests.desk.evolved import started
from tests.desk.records import merge_request, plan_gate, trial
from tests.desk.web.clients import client_of, lab_at
from tests.desk.web.test_sign_in import signed_in

OPEN = {
    ("GET", "/sign-in"),  # where one enters
    ("POST", "/sign-in"),
    ("GET", "/static/{version}/{path:path}"),  # what the sign-in page looks like: no secrets
}
VIEWERS_MAY = {
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),  # their own session
    ("POST", "/api/v1/tickets/check"),  # it is only looked at, and nothing kept
    ("POST", "/api/v1/evolutions/check"),
    ("POST", "/api/v1/chat/threads"),  # to ask is to look; what acts needs its role, see below
    ("PATCH", "/api/v1/chat/threads/{id}"),
    ("POST", "/api/v1/chat/threads/{id}/messages"),
    ("POST", "/api/v1/chat/threads/{id}/confirm"),
}
PLOTS = {"/api/v1/evolutions/{id}/plot"}  # a document that may draw, and nothing else
ENDLESS = {("GET", "/api/v1/events")}  # followed over real sockets in test_events.py
KNOWN = {
    "tickets": "T-001",
    "gates": "T-001-plan-r0.0",
    "trials": "T-001-001",
    "merge-requests": "T-001-MR0",
    "evolutions": "E-001",
    "kept": "1",
}
SAFE = {"GET", "HEAD", "OPTIONS"}


def routes(app: Any) -> list[tuple[str, str]]:
    """Method and path of every route; a mount or a socket would be named here and fail below."""
    found = []
    for route in iter_route_contexts(app.routes):
        assert route.methods, f"{route.path} is no plain route: it needs a test of its own"
        found += [(m, str(route.path)) for m in route.methods if m not in ("HEAD", "OPTIONS")]
    assert len(found) > 20
    return sorted(found)


def filled(path: str) -> str:
    """The path with ids of things that are there."""
    parts: list[str] = []
    for part in path.split("/"):
        known = KNOWN.get(parts[-1], "x-1") if parts else ""
        parts.append(known if part.startswith("{") else part)
    return "/".join(parts)


@pytest.fixture
def lab(opened: Opened, toy: Path) -> Lab:
    """A lab with something behind most ids, and a gate that has expired."""
    file = toy / "ticket.md"
    assigned = opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    plan_gate(opened, assigned.id)
    best = trial(opened, assigned.id, 1)
    merge_request(opened, assigned, best)
    started(opened, toy)
    late = opened.clock.now() - timedelta(hours=1)
    plan_gate(opened, assigned.id, id=f"{assigned.id}-plan-r0.1", expires_at=late)
    return lab_at(opened)


def ask(client: TestClient, method: str, path: str, **more: Any) -> Any:
    if method not in SAFE:
        more.setdefault("json", {})
    return client.request(method, filled(path), follow_redirects=False, **more)


def written(lab: Lab) -> int:
    return lab.ledger.events.count()


def test_nobody_enters_without_a_token(lab: Lab) -> None:
    app = create_app(lab)
    strangers = [client_of(lab, None), client_of(lab, None), client_of(lab, None)]
    strangers[1].headers["Authorization"] = "Bearer lab_guessed"
    strangers[2].cookies.set(lab.cookie, "a.b.c")
    before = written(lab)
    for method, path in routes(app):
        if (method, path) in OPEN:
            continue
        for client in strangers:
            answer = ask(client, method, path)
            page = not path.startswith("/api/") and method == "GET"
            assert answer.status_code == (303 if page else 401), (method, path)
            if page:
                assert answer.headers["location"].startswith("/sign-in?next=/")
            else:
                assert answer.headers["content-type"] == "application/problem+json"
    assert written(lab) == before


def test_a_viewer_writes_nothing(lab: Lab) -> None:
    client = client_of(lab, "viewer")
    before = written(lab)
    for method, path in routes(create_app(lab)):
        if method in SAFE or (method, path) in VIEWERS_MAY:
            continue
        answer = ask(client, method, path)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "viewer" in answer.json()["detail"], (method, path)
    assert written(lab) == before


def test_a_viewer_gets_nothing_done_by_asking_the_coordinator(lab: Lab) -> None:
    client = client_of(lab, "viewer", "vi")
    thread = client.post("/api/v1/chat/threads", json={"title": "Mine"}).json()["id"]
    before = lab.ledger.tickets.get("T-001")
    for text in ("pause T-001", "yes", "accept T-001-plan-r0.0", "yes", "stop T-001", "yes"):
        said = client.post(f"/api/v1/chat/threads/{thread}/messages", json={"text": text})
        assert said.status_code == 201, said.text
        assert said.json()["proposal"] is None
    assert lab.ledger.tickets.get("T-001") == before
    assert lab.ledger.decisions.all() == []
    theirs = client_of(lab, "approver", "ada").get(f"/api/v1/chat/threads/{thread}")
    assert theirs.status_code in (403, 404)  # one's own is nobody else's


def test_another_sites_page_is_refused(lab: Lab) -> None:
    browser, bearer = signed_in(lab), client_of(lab)
    before = written(lab)
    for method, path in routes(create_app(lab)):
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "http://127.0.0.1:9999"},  # another port of this machine
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        ):
            for client in (browser, bearer):
                answer = ask(client, method, path, headers=headers)
                assert answer.status_code == 403, (method, path, headers)
    assert written(lab) == before


def test_another_name_for_this_address_is_refused(lab: Lab) -> None:
    client = client_of(lab)
    for method, path in routes(create_app(lab)):
        for host in ("evil.example", "evil.example:8080", "127.0.0.1:9999", "127.0.0.1.evil:8080"):
            answer = ask(client, method, path, headers={"Host": host})
            assert answer.status_code == 403, (method, path, host)
    for host in ("localhost:8080", "[::1]:8080", "LOCALHOST:8080"):
        assert client.get("/api/v1/tickets", headers={"Host": host}).status_code == 200
    assert client.get("/api/v1/tickets", headers={"Host": "a\x00b"}).status_code == 403


def test_looking_changes_nothing(lab: Lab) -> None:
    clients = [client_of(lab, "approver"), signed_in(lab)]
    before = written(lab)
    seen = 0
    for method, path in routes(create_app(lab)):
        if method != "GET" or (method, path) in ENDLESS:
            continue
        for client in clients:
            answer = ask(client, method, path)
            assert answer.status_code < 500, (path, answer.text)
            assert written(lab) == before, path
            seen += answer.status_code == 200
    assert seen > 20


def test_a_browser_changes_nothing_without_its_pages_mark(lab: Lab) -> None:
    browser = signed_in(lab)
    before = written(lab)
    for method, path in routes(create_app(lab)):
        if method in SAFE or path == "/sign-in":  # a sign-in needs no session to protect
            continue
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}):
            answer = ask(browser, method, path, headers=headers)
            assert answer.status_code == 403, (method, path)
    assert written(lab) == before


def test_a_mark_of_another_session_does_not_count(lab: Lab) -> None:
    one, other = signed_in(lab), signed_in(lab, name="bo")
    found = lab.sessions.find(other.cookies[lab.cookie])
    assert found is not None
    mark = {"X-CSRF-Token": lab.sessions.csrf(found[1])}
    assert one.post("/sign-out", headers=mark).status_code == 403
    assert other.post("/sign-out", headers=mark).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(lab: Lab) -> None:
    clients = (client_of(lab), client_of(lab, None))
    for method, path in routes(create_app(lab)):
        if (method, path) in ENDLESS:
            continue
        for client in clients:
            headers = ask(client, method, path).headers
            policy = headers["content-security-policy"]
            if path in PLOTS and headers["content-type"] == "image/svg+xml":
                assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
                continue
            assert "default-src 'self'" in policy, path
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "cache-control" in headers


@pytest.mark.parametrize("told", [True, False])
def test_what_is_too_large_is_refused(lab: Lab, told: bool) -> None:
    def text() -> Iterator[bytes]:
        for _ in range(21):
            yield b"x" * 100_000

    client = client_of(lab)
    before = written(lab)
    for method, path in routes(create_app(lab)):
        if method in SAFE:
            continue
        content: Any = b"x" * (MOST_BYTES + 1) if told else text()
        answer = client.request(method, filled(path), content=content, follow_redirects=False)
        assert answer.status_code == 413, (method, path)
        assert "2 MB" in answer.text
    assert written(lab) == before


def test_the_board_is_reached_from_this_machine_alone() -> None:
    # Sandboxes have no network, or one whose only way out is a proxy that refuses loopback.
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_the_list_of_routes_is_all_there_is(lab: Lab) -> None:
    client = client_of(lab)
    for path in ("/docs", "/redoc", "/nothing", "/api/v1/nothing", "/api/v1/../../etc/passwd"):
        answer = client.get(path)
        assert answer.status_code == 404, path
    assert client.delete("/api/v1/tickets").status_code == 405
    page = client.get("/<script>alert(1)</script>")
    assert page.status_code == 404
    assert "<script>alert" not in page.text
    with pytest.raises(WebSocketDisconnect) as ended, client.websocket_connect("/api/v1/events"):
        pass
    assert ended.value.code == 1008
