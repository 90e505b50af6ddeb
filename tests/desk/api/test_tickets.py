"""Tickets over the API: assigned, checked, steered, each once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from desk.wiring import Opened
from tests.desk.conftest import TICKET
from tests.desk.web.clients import client_of, lab_at

API = "/api/v1"


@pytest.fixture
def as_(opened: Opened) -> Callable[..., TestClient]:
    lab = lab_at(opened)
    return lambda role="approver", name="ada": client_of(lab, role, name)


def sent(toy: Path) -> dict[str, str]:
    return {"text": TICKET, "beside": str(toy)}


def test_assigned_from_the_text_of_a_file(
    opened: Opened, toy: Path, as_: Callable[..., TestClient]
) -> None:
    made = as_("researcher").post(f"{API}/tickets", json=sent(toy))
    assert made.status_code == 201, made.text
    assert (made.json()["id"], made.json()["assigned_by"]) == ("T-001", "ada")
    [line] = [e for e in opened.ledger.events.of("T-001") if e.kind == "ticket.assigned"]
    assert line.actor == "person:ada"


def test_assigned_from_fields(toy: Path, as_: Callable[..., TestClient]) -> None:
    fields = {
        "title": "A better learning rate",
        "repository": str(toy / "toy"),
        "metric": {"name": "accuracy", "direction": "maximize"},
        "run": {"command": "python train.py {settings} --seed {seed} --outputs {outputs}"},
        "search_space": {"lr": {"type": "float", "low": 0.001, "high": 1}},
        "evaluator": {
            "command": "python evaluate.py --outputs {outputs} --split {split}",
            "private": ["evaluate.py"],
        },
        "budget": {"trials": 10},
        "editable": ["train.py"],
    }
    made = as_().post(f"{API}/tickets", json={"fields": fields})
    assert made.status_code == 201, made.text
    wrong = as_().post(f"{API}/tickets/check", json={"fields": {**fields, "metrik": {}}})
    [problem] = [p for p in wrong.json()["problems"] if p["field"] == "metrik"]
    assert "metric" in problem["message"]


@pytest.mark.parametrize("repository", ["~nosuchuser/x", "/" + "a" * 5000])
@pytest.mark.parametrize("place", ["", "/preview", "/check?thorough=true"])
def test_a_repository_that_can_be_nowhere(
    as_: Callable[..., TestClient], repository: str, place: str
) -> None:
    text = TICKET.replace("./toy", repository)
    answer = as_().post(f"{API}/tickets{place}", json={"text": text})
    assert answer.status_code in (200, 422), answer.text
    assert "no path that can be used here" in answer.text


def test_all_that_is_wrong_is_said_with_its_line(
    toy: Path, opened: Opened, as_: Callable[..., TestClient]
) -> None:
    text = TICKET.replace("direction: maximize", "direction: up").replace("trials: 10", "trials: x")
    checked = as_("viewer").post(f"{API}/tickets/check", json={"text": text}).json()
    assert {(p["line"], p["field"]) for p in checked["problems"]} == {
        (4, "metric.direction"),
        (15, "budget.trials"),
    }
    refused = as_().post(f"{API}/tickets", json={"text": text, "beside": str(toy)})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["problems"] == checked["problems"]
    assert opened.ledger.tickets.all() == []


def test_a_thorough_check_looks_at_the_repository(
    toy: Path, opened: Opened, as_: Callable[..., TestClient]
) -> None:
    wrong = {**sent(toy), "text": TICKET.replace("file: train.py", "file: nowhere.py")}
    found = as_().post(f"{API}/tickets/check?thorough=true", json=wrong).json()["problems"]
    assert [p["field"] for p in found] == ["settings.file"]
    gone = {**sent(toy), "text": TICKET.replace("./toy", "./gone")}
    assert as_().post(f"{API}/tickets/check?thorough=true", json=gone).json()["problems"]
    assert opened.ledger.events.count() == 0


def test_steered(toy: Path, as_: Callable[..., TestClient]) -> None:
    client = as_("researcher")
    client.post(f"{API}/tickets", json=sent(toy))
    assert client.post(f"{API}/tickets/T-001/pause").json()["status"] == "paused"
    assert client.post(f"{API}/tickets/T-001/resume").json()["status"] == "assigned"
    assert client.post(f"{API}/tickets/T-001/stop").json()["status"] == "stopped"
    late = client.post(f"{API}/tickets/T-001/pause")
    assert (late.status_code, late.json()["now"]) == (409, {"status": "stopped"})
    assert client.post(f"{API}/tickets/T-001/retry").json()["status"] == "assigned"
    assert client.post(f"{API}/tickets/T-009/pause").status_code == 404


def test_only_an_approver_raises_a_budget(toy: Path, as_: Callable[..., TestClient]) -> None:
    as_().post(f"{API}/tickets", json=sent(toy))
    budget = f"{API}/tickets/T-001/budget"
    assert as_("researcher").patch(budget, json={"trials": 11}).status_code == 403
    assert as_("researcher").patch(budget, json={"trials": 8}).json()["budget"]["trials"] == 8
    assert as_("approver").patch(budget, json={"trials": 20}).json()["budget"]["trials"] == 20
    assert as_("viewer").patch(budget, json={"trials": 5}).status_code == 403
    assert as_().patch(budget, json={"trials": -1}).status_code == 422
    assert as_().patch(budget, json={}).status_code == 422


def test_a_viewer_only_looks(toy: Path, as_: Callable[..., TestClient]) -> None:
    assert as_("viewer").post(f"{API}/tickets", json=sent(toy)).status_code == 403
    as_().post(f"{API}/tickets", json=sent(toy))
    for action in ("pause", "resume", "stop", "retry"):
        assert as_("viewer").post(f"{API}/tickets/T-001/{action}").status_code == 403
    assert as_("viewer").get(f"{API}/tickets/T-001").status_code == 200


def test_the_same_key_assigns_once(
    opened: Opened, toy: Path, as_: Callable[..., TestClient]
) -> None:
    client, key = as_(), {"Idempotency-Key": "k-1"}
    first = client.post(f"{API}/tickets", json=sent(toy), headers=key)
    again = client.post(f"{API}/tickets", json=sent(toy), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(opened.ledger.tickets.all()) == 1
    other = client.post(f"{API}/tickets/check", json=sent(toy), headers=key)
    assert other.status_code == 200
    body = {**sent(toy), "source": "elsewhere.md"}
    refused = client.post(f"{API}/tickets", json=body, headers=key)
    assert (refused.status_code, refused.json()["title"]) == (422, "AnotherRequest")
    assert (
        as_(name="bo").post(f"{API}/tickets", json=sent(toy), headers=key).json()["id"] == "T-002"
    )


def test_duplicates_at_once_have_one_effect(
    opened: Opened, toy: Path, as_: Callable[..., TestClient]
) -> None:
    client, key = as_(), {"Idempotency-Key": "k-2"}
    assert client.post(f"{API}/tickets", json={}).status_code == 422  # its routes are ready
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda _: client.post(f"{API}/tickets", json=sent(toy), headers=key).json()["id"],
                range(6),
            )
        )
    assert answers == ["T-001"] * 6
    assert len(opened.ledger.tickets.all()) == 1
    with ThreadPoolExecutor(6) as pool:
        pause = f"{API}/tickets/T-001/pause"
        list(pool.map(lambda _: client.post(pause, headers={"Idempotency-Key": "p"}), range(6)))
    kinds = [e.kind for e in opened.ledger.events.of("T-001")]
    assert kinds.count("ticket.paused") == 1


def test_a_refusal_is_not_kept(toy: Path, as_: Callable[..., TestClient]) -> None:
    client, key = as_(), {"Idempotency-Key": "k-3"}
    client.post(f"{API}/tickets", json=sent(toy))
    assert client.post(f"{API}/tickets/T-001/resume", headers=key).status_code == 409
    client.post(f"{API}/tickets/T-001/pause")
    assert client.post(f"{API}/tickets/T-001/resume", headers=key).json()["status"] == "assigned"


def test_a_key_answers_what_was_true_then(toy: Path, as_: Callable[..., TestClient]) -> None:
    client, key = as_(), {"Idempotency-Key": "k-4"}
    client.post(f"{API}/tickets", json=sent(toy))
    first = client.post(f"{API}/tickets/T-001/pause", headers=key).json()
    client.post(f"{API}/tickets/T-001/resume")
    assert client.post(f"{API}/tickets/T-001/pause", headers=key).json() == first
    assert client.get(f"{API}/tickets/T-001").json()["status"] == "assigned"


def test_a_relative_repository_needs_a_place(as_: Callable[..., TestClient]) -> None:
    refused = as_().post(f"{API}/tickets", json={"text": TICKET})
    assert refused.status_code == 422
    assert "beside" in refused.json()["remedy"]
    relative = as_().post(f"{API}/tickets", json={"text": TICKET, "beside": "here"})
    assert relative.status_code == 422
