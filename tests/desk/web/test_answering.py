"""What went wrong, as people and programs are told; never what was in it."""

import logging
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from starlette.testclient import TestClient

from desk.web.access import Role
from desk.web.answering import local
from desk.web.app import create_app
from desk.web.lab import Lab
from desk.web.sessions import Session
from desk.wiring import Opened
from labcrew.errors import EngineUnavailable
from labcrew.settings import BoardSettings, Settings
from tests.desk.web.clients import client_of, lab_at
from tests.desk.web.test_sign_in import HERE, signed_in

SECRET = "sk-this-is-nobodys-business"


def test_people_get_a_page_and_programs_problem_json(opened: Opened) -> None:
    lab = lab_at(opened)
    browser = signed_in(lab)
    page = browser.get("/tickets/T-404")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "T-404" in page.text
    assert "Back to the board" in page.text
    told = browser.get("/api/v1/tickets/T-404")
    assert told.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "remedy"} <= set(told.json())
    assert browser.get("/nowhere").headers["content-type"].startswith("text/html")
    wrong = browser.get("/api/v1/nowhere")
    assert (wrong.status_code, wrong.json()["title"]) == (404, "NotFound")
    mark = {"X-CSRF-Token": lab.sessions.csrf(_session(lab, browser))}
    wrong = browser.put("/api/v1/tickets", headers=mark)
    assert (wrong.status_code, wrong.json()["title"]) == (405, "MethodNotAllowed")
    assert wrong.headers["allow"]


def test_wrong_fields_are_named_and_what_was_in_them_is_not_told(opened: Opened) -> None:
    client = client_of(lab_at(opened))
    answer = client.get("/api/v1/tickets", params={"limit": SECRET})
    assert answer.status_code == 422
    [field] = answer.json()["fields"]
    assert (field["where"], field["field"]) == ("query", "limit")
    assert field["message"]
    assert SECRET not in answer.text
    body = {"kind": SECRET, "payload_hash": SECRET, SECRET[:8]: 1}
    answer = client.post("/api/v1/gates/G/decision", json=body)
    assert answer.status_code == 422
    assert SECRET not in answer.text
    broken = client.post(
        "/api/v1/gates/G/decision",
        content=f'{{"token": "{SECRET}"'.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert broken.status_code == 422
    assert broken.json()["fields"][0]["message"] == "This is not JSON."
    assert SECRET not in broken.text


@pytest.mark.parametrize("path", ["/tickets", "/api/v1/tickets"])
def test_a_fault_of_ours_is_logged_and_shows_nothing_of_the_inside(
    opened: Opened,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lab = lab_at(opened)
    browser = signed_in(lab)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(type(lab.ledger.tickets), "page", fails)
    with caplog.at_level(logging.ERROR):
        answer = browser.get(path)
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert "Something went wrong here" in answer.text
    assert SECRET in caplog.text
    assert answer.headers["content-security-policy"]


def test_what_is_missing_in_the_world_is_a_503_with_what_to_do(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_at(opened)

    def fails(*_: object, **__: object) -> None:
        raise EngineUnavailable("No engine answers.", "Start it.")

    monkeypatch.setattr(type(lab.ledger.tickets), "page", fails)
    answer = client_of(lab, "viewer").get("/api/v1/tickets")
    assert (answer.status_code, answer.json()["remedy"]) == (503, "Start it.")


@given(st.text(max_size=60) | st.from_regex(r"[/\\a.:@\t]{0,8}[a-z.]{0,8}", fullmatch=True))
def test_wherever_a_sign_in_leads_is_on_this_board(path: str) -> None:
    led = local(path)
    assert led.startswith("/")
    assert led[1:2] not in ("/", "\\")
    parts = urlsplit(led)
    assert (parts.scheme, parts.netloc) == ("", "")


@given(
    host=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    origin=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    cookie=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80),
    bearer=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80),
)
@budget(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_brings_it_down_or_lets_in(
    opened: Opened, host: str, origin: str, cookie: str, bearer: str
) -> None:
    lab = lab_at(opened)
    client = TestClient(_app(lab), base_url=HERE, follow_redirects=False)
    for headers in (
        {"Host": host},
        {"Origin": origin},
        {"Cookie": f"{lab.cookie}={cookie}"},
        {"Authorization": f"Bearer {bearer}"},
        {"Authorization": bearer},
        {"Content-Length": bearer},
        {"Sec-Fetch-Site": cookie},
    ):
        answer = client.get("/api/v1/tickets", headers=headers)
        assert answer.status_code in (401, 403), headers


_APPS: dict[str, FastAPI] = {}


def _app(lab: Lab) -> FastAPI:
    """One application for all examples: making it takes longer than asking it."""
    root = str(lab.opened.home.root)
    if root not in _APPS:
        _APPS[root] = create_app(lab)
    return _APPS[root]


def test_a_name_of_the_lab_s_own_proxy_is_let_in(opened: Opened) -> None:
    settings = Settings(board=BoardSettings(hosts=("board.lab.example",)))
    named = lab_at(Opened(opened.home, settings, opened.ledger, opened.clock))
    client = client_of(named, "viewer")
    for host, status in {"board.lab.example": 200, "other.lab.example": 403}.items():
        assert client.get("/api/v1/tickets", headers={"Host": host}).status_code == status


def test_a_link_from_elsewhere_is_opened_once_more_so_that_the_cookie_comes(
    opened: Opened,
) -> None:
    client = TestClient(create_app(lab_at(opened)), base_url=HERE, follow_redirects=False)
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    again = client.get("/tickets", headers=link)
    assert again.status_code == 200
    assert 'http-equiv="refresh"' in again.text
    assert client.get("/tickets", headers=link | {"Sec-Fetch-Site": "same-origin"}).is_redirect
    assert client.get("/tickets", headers=link | {"Sec-Fetch-Dest": "iframe"}).status_code == 403


@pytest.mark.parametrize(("role", "may"), [("viewer", 1), ("researcher", 2), ("approver", 3)])
def test_each_role_includes_those_before_it(opened: Opened, role: Role, may: int) -> None:
    lab = lab_at(opened)
    caller = lab.access.caller(lab.access.add("ada", role))
    assert caller is not None
    assert sum(caller.may(other) for other in ("viewer", "researcher", "approver")) == may


def _session(lab: Lab, browser: TestClient) -> Session:
    found = lab.sessions.find(browser.cookies[lab.cookie])
    assert found is not None
    return found[1]
