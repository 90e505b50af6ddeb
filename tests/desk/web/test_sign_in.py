"""Signing in with a browser: the cookie, what it is bound to, and how it ends."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from desk.web.access import Role
from desk.web.app import create_app
from desk.web.attempts import MOST_OF_ONE, WINDOW_S
from desk.web.lab import Lab
from desk.wiring import Opened
from labcrew.errors import InputError
from tests.desk.conftest import HandClock
from tests.desk.web.clients import lab_at

HERE = "http://127.0.0.1:8080"


def signed_in(lab: Lab, role: Role = "approver", name: str = "ada") -> TestClient:
    """A browser that has signed in and keeps its cookie."""
    browser = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    answer = browser.post("/sign-in", data={"token": lab.access.add(name, role)})
    assert answer.status_code == 303
    return browser


def test_a_browser_signs_in_by_a_form_and_goes_on_where_it_wanted(opened: Opened) -> None:
    lab = lab_at(opened)
    browser = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    sent = browser.get("/tickets?status=open")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/sign-in?next=/tickets%3Fstatus%3Dopen"
    page = browser.get(sent.headers["location"])
    assert 'value="/tickets?status=open"' in page.text
    token = lab.access.add("ada", "viewer")
    answer = browser.post("/sign-in", data={"token": token, "next": "/tickets?status=open"})
    assert answer.headers["location"] == "/tickets?status=open"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert token not in cookie
    assert browser.get("/tickets").status_code == 200
    assert browser.get("/sign-in").status_code == 303  # nothing to ask any more
    [line] = [e for e in opened.ledger.events.of() if e.kind == "access.signed_in"]
    assert line.actor == "person:ada"
    assert token not in json.dumps(line.model_dump(mode="json"))


def test_a_program_signs_in_by_json(opened: Opened) -> None:
    lab = lab_at(opened)
    client = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    refused = client.post("/sign-in", json={"token": "lab_wrong"})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert "lab_wrong" not in refused.text
    said = client.post("/sign-in", json={"token": lab.access.add("bo", "viewer")}).json()
    assert (said["name"], said["role"]) == ("bo", "viewer")
    assert client.get("/api/v1/tickets").status_code == 200
    assert client.post("/sign-out").status_code == 403
    assert client.post("/sign-out", headers={"X-CSRF-Token": said["csrf"]}).status_code == 200
    assert client.get("/api/v1/tickets").status_code == 401


@pytest.mark.parametrize(
    "next",
    ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/\nx", "/a\\..", ""],
)
def test_a_sign_in_never_leads_away(opened: Opened, next: str) -> None:
    lab = lab_at(opened)
    browser = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    form = {"token": lab.access.add("ada", "viewer"), "next": next}
    assert browser.post("/sign-in", data=form).headers["location"] == "/"


def test_a_session_ends_with_its_time_its_token_and_a_sign_out(
    opened: Opened, clock: HandClock
) -> None:
    lab = lab_at(opened)
    browser = signed_in(lab)
    cookie = browser.cookies[lab.cookie]
    clock.pass_(hours=opened.settings.board.session_hours, seconds=1)
    assert browser.get("/tickets").status_code == 303

    browser = signed_in(lab, name="bo")
    lab.access.remove(next(t.id for t in lab.access.all() if t.name == "bo"))
    assert browser.get("/tickets").status_code == 303

    browser = signed_in(lab, name="cy")
    cookie = browser.cookies[lab.cookie]
    found = lab.sessions.find(cookie)
    assert found is not None
    mark = {"X-CSRF-Token": lab.sessions.csrf(found[1])}
    assert browser.post("/sign-out", headers=mark).status_code == 200
    browser.cookies.set(lab.cookie, cookie)  # copied before
    assert browser.get("/tickets").status_code == 303


def test_a_session_outlives_the_server_and_can_not_be_forged(opened: Opened) -> None:
    cookie = signed_in(lab_at(opened)).cookies[lab_at(opened).cookie]
    again = lab_at(opened)
    assert again.sessions.find(cookie) is not None
    head, body, mark = cookie.split(".")
    for forged in ("", "x", f"{head}.{body}.", f"{head}.{body}.{mark[::-1]}", f"{head}..{mark}"):
        assert again.sessions.find(forged) is None


def test_a_code_signs_in_once_and_looking_at_it_uses_nothing_up(
    opened: Opened, clock: HandClock
) -> None:
    lab = lab_at(opened)
    token = lab.access.add("ada", "approver")
    code, late = lab.sessions.code_for(token), lab.sessions.code_for(token)
    browser = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    assert code in browser.get("/sign-in", params={"code": code}).text
    assert browser.post("/sign-in", data={"code": code}).status_code == 303
    other = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    assert other.post("/sign-in", data={"code": code}).status_code == 401
    clock.pass_(minutes=20)
    assert other.post("/sign-in", data={"code": late}).status_code == 401


def test_failed_sign_ins_are_slowed_down(opened: Opened, clock: HandClock) -> None:
    lab = lab_at(opened)
    token = lab.access.add("ada", "approver")
    client = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    for _ in range(MOST_OF_ONE):
        assert client.post("/sign-in", json={"token": "guess"}).status_code == 401
    slowed = client.post("/sign-in", json={"token": token})  # right, and yet too soon
    assert slowed.status_code == 429
    assert 0 < int(slowed.headers["retry-after"]) <= WINDOW_S
    assert opened.ledger.events.count(kind="access.refused") == MOST_OF_ONE
    clock.pass_(seconds=WINDOW_S)
    assert client.post("/sign-in", json={"token": token}).status_code == 200


def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(opened: Opened) -> None:
    client = TestClient(create_app(lab_at(opened)), base_url=HERE, follow_redirects=False)
    headers = {"HX-Request": "true", "HX-Current-URL": f"{HERE}/tickets?a=1"}
    answer = client.get("/tickets", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/tickets%3Fa%3D1"


def test_a_damaged_file_lets_nobody_enter(opened: Opened, tmp_path: Path) -> None:
    lab = lab_at(opened)
    file = opened.home.root / "access.json"
    client = TestClient(create_app(lab), base_url=HERE, follow_redirects=False)
    client.headers["Authorization"] = f"Bearer {lab.access.add('ada', 'approver')}"
    sound = file.read_bytes()
    assert client.get("/api/v1/tickets").status_code == 200
    for text in (b"", b"{", b"[]", sound[:-20], sound.replace(b"approver", b"overlord")):
        file.write_bytes(text)
        refused = client.get("/api/v1/tickets")
        assert refused.status_code == 503
        assert "nobody enters" in refused.json()["detail"]
    file.write_bytes(sound)
    file.chmod(0o644)
    assert "open to others" in client.get("/api/v1/tickets").json()["detail"]
    file.chmod(0o600)
    moved = tmp_path / "elsewhere"
    file.rename(moved)
    file.symlink_to(moved)
    assert client.get("/api/v1/tickets").status_code == 503
    file.unlink()
    assert client.get("/api/v1/tickets").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://[x"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{HERE}.evil.example"}, 403),
        ({"Origin": HERE}, 303),
        ({"HX-Request": "true", "HX-Current-URL": "http://[x"}, 401),
    ],
)
def test_headers_that_are_no_address(opened: Opened, headers: dict[str, str], status: int) -> None:
    browser = TestClient(create_app(lab_at(opened)), base_url=HERE, follow_redirects=False)
    assert browser.get("/tickets", headers=headers).status_code == status


def test_a_token_that_is_no_text_is_refused(opened: Opened) -> None:
    browser = TestClient(create_app(lab_at(opened)), base_url=HERE)
    said = {"content": b'{"token": "\\ud800"}', "headers": {"Content-Type": "application/json"}}
    assert browser.post("/sign-in", **said).status_code == 422  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a\nb", " ada", "x" * 81, "expired", "--yes"])
def test_a_token_is_for_somebody_with_a_name(opened: Opened, name: str) -> None:
    access = lab_at(opened).access
    with pytest.raises(InputError):
        access.add(name, "viewer")
    assert access.empty()
