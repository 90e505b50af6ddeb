"""Talking over HTTP: threads, messages, a yes; on the board and as a stream."""

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from desk.web.lab import Lab
from desk.wiring import Opened
from evals.chat.home import fill
from tests.desk.web.clients import client_of, lab_at

THREADS = "/api/v1/chat/threads"


@pytest.fixture
def lab(opened: Opened) -> Lab:
    fill(opened)
    return lab_at(opened)


@pytest.fixture
def ada(lab: Lab) -> TestClient:
    return client_of(lab)


def begun(client: TestClient) -> str:
    answer = client.post(THREADS, json={})
    assert answer.status_code == 201
    return str(answer.json()["id"])


def said(client: TestClient, thread: str, text: str, **more: Any) -> dict[str, Any]:
    answer = client.post(f"{THREADS}/{thread}/messages", json={"text": text}, **more)
    assert answer.status_code == 201, answer.text
    turn: dict[str, Any] = answer.json()
    return turn


def test_a_conversation(ada: TestClient, lab: Lab) -> None:
    id = begun(ada)
    turn = said(ada, id, "pause T-002")
    proposal = turn["proposal"]
    assert proposal["proposal"]["shown"][0].startswith("Pause T-002")
    answer = {"proposal": proposal["proposal"]["id"], "payload_hash": proposal["payload_hash"]}
    done = ada.post(f"{THREADS}/{id}/confirm", json={**answer, "accept": True})
    assert done.status_code == 200
    assert lab.ledger.tickets.get("T-002").status == "paused"
    whole = ada.get(f"{THREADS}/{id}").json()
    assert [m["role"] for m in whole["messages"]] == ["person", "coordinator", "coordinator"]
    assert whole["proposals"][0]["proposal"]["status"] == "done"
    assert whole["thread"]["title"] == "pause T-002"
    assert [thread["id"] for thread in ada.get(THREADS).json()["items"]] == [id]


def test_a_changed_proposal_is_refused(ada: TestClient, lab: Lab) -> None:
    id = begun(ada)
    proposal = said(ada, id, "pause T-002")["proposal"]["proposal"]["id"]
    answer = {"proposal": proposal, "payload_hash": "0" * 64, "accept": True}
    assert ada.post(f"{THREADS}/{id}/confirm", json=answer).status_code in (409, 422)
    assert lab.ledger.tickets.get("T-002").status == "running"


def test_no_is_no(ada: TestClient, lab: Lab) -> None:
    id = begun(ada)
    shown = said(ada, id, "stop T-002")["proposal"]
    answer = {"proposal": shown["proposal"]["id"], "payload_hash": shown["payload_hash"]}
    ada.post(f"{THREADS}/{id}/confirm", json={**answer, "accept": False})
    ada.post(f"{THREADS}/{id}/confirm", json={**answer, "accept": True})
    assert lab.ledger.tickets.get("T-002").status == "running"


def test_two_windows_press_the_button(lab: Lab, ada: TestClient) -> None:
    other = client_of(lab, "approver", "ada")
    id = begun(ada)
    shown = said(ada, id, "retry T-005")["proposal"]
    answer = {
        "proposal": shown["proposal"]["id"],
        "payload_hash": shown["payload_hash"],
        "accept": True,
    }
    for client in (ada, other, ada):
        assert client.post(f"{THREADS}/{id}/confirm", json=answer).status_code == 200
    assert lab.ledger.events.count("T-005", "ticket.retried") == 1


def test_another_persons_thread_is_not_there(lab: Lab, ada: TestClient) -> None:
    id = begun(ada)
    eve = client_of(lab, "approver", "eve")
    assert eve.get(f"{THREADS}/{id}").status_code == 404
    assert eve.post(f"{THREADS}/{id}/messages", json={"text": "hi"}).status_code == 404
    assert eve.get(f"/chat/{id}").status_code == 404
    assert client_of(lab, None).get(THREADS).status_code == 401


def test_a_viewer_may_ask_and_not_act(lab: Lab) -> None:
    vic = client_of(lab, "viewer", "vic")
    id = begun(vic)
    assert said(vic, id, "how is T-002?")["message"]["statements"]
    assert said(vic, id, "pause T-002")["proposal"] is None


def test_a_message_sent_again_is_one(ada: TestClient) -> None:
    id = begun(ada)
    key = {"Idempotency-Key": "one-key"}
    first = said(ada, id, "how is T-001?", headers=key)
    assert said(ada, id, "how is T-001?", headers=key) == first
    assert len(ada.get(f"{THREADS}/{id}").json()["messages"]) == 2


def test_a_stream_ends_with_the_reply(ada: TestClient) -> None:
    id = begun(ada)
    answer = ada.post(
        f"{THREADS}/{id}/messages",
        json={"text": "how is T-001?"},
        headers={"Accept": "text/event-stream"},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = [line for line in answer.text.splitlines() if line.startswith("data:")]
    assert json.loads(data[-1][5:])["message"]["role"] == "coordinator"


def test_what_can_not_be_said(ada: TestClient) -> None:
    id = begun(ada)
    for text in ("", "   ", "x" * 20_001):
        answer = ada.post(f"{THREADS}/{id}/messages", json={"text": text})
        assert answer.status_code == 422


def test_pages_show_what_was_said_escaped(ada: TestClient) -> None:
    id = begun(ada)
    said(ada, id, "why did trial 4 of T-001 fail? <script>alert(1)</script>")
    said(ada, id, "pause T-002")
    page = ada.get(f"/chat/{id}")
    assert page.status_code == 200
    assert 'role="log"' in page.text
    assert "<script>alert" not in page.text
    link = re.search(r'href="(/tickets/T-001/timeline\?before=\d+#l\d+)"', page.text)
    assert link is not None
    assert f'id="{link[1].partition("#")[2]}"' in ada.get(link[1].partition("#")[0]).text
    assert "Yes, do this" in page.text
    assert ada.get("/chat").status_code == 200


def test_a_pasted_ticket_is_assigned(ada: TestClient, lab: Lab, toy: Any) -> None:
    id = begun(ada)
    text = (toy / "ticket.md").read_text().replace("./toy", str(toy / "toy"))
    turn = said(ada, id, f"please take this:\n{text}")
    assert turn["proposal"], turn["message"]
    before = lab.ledger.tickets.count()
    said(ada, id, "yes")
    assert lab.ledger.tickets.count() == before + 1
    assert lab.ledger.tickets.all()[-1].assigned_by == "ada"


def test_the_board_reads_no_files(ada: TestClient) -> None:
    turn = said(ada, begun(ada), "assign /etc/hosts.md")
    assert turn["proposal"] is None
    assert "I read no files" in turn["message"]["statements"][0]["text"]
