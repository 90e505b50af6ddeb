"""The crew, the memory, the morning report and the settings on the board."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from desk.views.settings import settings_of
from desk.wiring import Opened, redaction
from labcrew.domain.experiment import Incident
from labcrew.domain.mcp import McpServer
from labcrew.domain.research import Citation, Finding, Lesson
from labcrew.settings import ModelSettings, Settings, TracingSettings
from tests.desk import records
from tests.desk.board.reviewed import EVIL, LINK, Page, assigned, reviewed
from tests.desk.web.clients import client_of, lab_at

PAGES = ("/crew", "/memory", "/memory?scope=findings", "/memory?scope=trials", "/report")
BODIES = ("/report/body?since=1d", "/settings")


def lesson(opened: Opened, ticket: str, number: int, text: str, code: str) -> Lesson:
    made = Lesson(
        id=f"{ticket}-L{number}",
        ticket=ticket,
        text=text,
        code_hash=code,
        data_hash="",
        repository="toy",
    )
    opened.ledger.lessons.put(made, actor="coordinator", kind="lesson.kept")
    return made


@pytest.mark.parametrize("address", [*PAGES, *BODIES])
def test_an_empty_home(opened: Opened, address: str) -> None:
    answer = client_of(lab_at(opened), "viewer").get(address)
    assert answer.status_code == 200
    assert Page(answer.text).wrong == []


def test_hostile_text_never_runs(opened: Opened, toy: Path) -> None:
    evil = f"{EVIL} {LINK}"
    ticket, _ = reviewed(opened, toy, {"train.py": b"x\n"}, title=evil)
    running = ticket.model_copy(
        update={"status": "running", "ticket": ticket.ticket.model_copy(update={"title": evil})}
    )
    opened.ledger.tickets.put(running, actor="worker")
    opened.ledger.acquire(ticket.id, EVIL, 60)
    records.plan_gate(opened, ticket.id, title=evil, description=evil)
    lesson(opened, ticket.id, 1, evil, ticket.base_commit)
    finding = Finding(
        id="T-001-F01",
        ticket=ticket.id,
        claim=evil,
        citation=Citation(key="x", title=evil, locator=evil),
        relevance=0,
        confidence=1,
    )
    opened.ledger.findings.put(finding, actor="literature_review")
    incident = Incident(
        id="T-001-I1",
        ticket=ticket.id,
        trial="T-001-001",
        kind="not_finite",
        evidence=(evil,),
        diagnosis=evil,
        at_s=1,
    )
    opened.ledger.incidents.put(incident, actor="log_monitor", kind="incident.opened")
    opened.ledger.events.append(
        ticket=ticket.id,
        actor="log_monitor",
        kind="tool.used",
        key="evil",
        data={"tool": evil, "outcome": evil},
    )
    client = client_of(lab_at(opened))
    for address in (*PAGES[:3], BODIES[0], f"/crew?ticket={ticket.id}"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        page = Page(answer.text)
        assert page.wrong == [], address
        assert "{{7*7}}" in "".join(page.text), address
    assert client.get("/crew?ticket=T-999").status_code == 404


def test_the_memory_says_what_lapsed(opened: Opened, toy: Path) -> None:
    ticket = assigned(opened, toy)
    lesson(opened, ticket.id, 1, "A rate of 1 diverges", ticket.base_commit)
    lesson(opened, ticket.id, 2, "Momentum helps", "f" * 40)
    client = client_of(lab_at(opened), "viewer")
    listed = Page(client.get("/memory").text).words
    assert listed.index("Momentum helps") < listed.index("lapsed Co")  # newest first
    assert f"It rests on ffffffffffff; the code is at {ticket.base_commit[:12]} now." in listed
    assert "still holds" in listed
    found = Page(client.get("/memory", params={"q": "which learning rate diverges"}).text).words
    assert found.index("A rate of 1 diverges") < found.index("Momentum helps")
    assert "nearness" in found
    assert client.get("/memory?scope=secrets").status_code == 422


def test_a_time_that_is_none(opened: Opened) -> None:
    client = client_of(lab_at(opened), "viewer")
    assert "is no time" in Page(client.get("/report?since=soon").text).words
    assert client.get("/report/body?since=soon").status_code == 422


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "labcrew.toml"
    file.write_text("lease_s = 90\n[models.default]\nmodel = 'm'\n")
    secret = "hunter2hunter2"
    settings = Settings(
        ledger_url=f"postgresql://ada:{secret}@db.example.org/lab",
        lease_s=90,
        models={
            "default": ModelSettings(
                model="m",
                base_url=f"http://u:{secret}@localhost/v1",
                api_key=SecretStr(secret),
                options={"extra_headers": {"x-key": secret}},
            )
        },
        tracing=TracingSettings(endpoint=f"http://u:{secret}@localhost:4318"),
        mcp={
            "notes": McpServer(
                command=("serve",), agents=("coordinator",), environment={"PASSWORD": secret}
            )
        },
    )
    groups = settings_of(
        settings, file, redaction(settings), {"labcrew_tracing__endpoint": "x", "OTHER": "y"}
    )
    found = {one.name: one for group in groups for one in group.settings}
    assert not any(secret in one.value for one in found.values())
    assert found["models.default.api_key"].value == "set; not shown"
    assert found["mcp.notes.environment"].value == "PASSWORD: set; not shown"
    assert found["ledger_url"].value == "postgresql://ada:[secret]@db.example.org/lab"
    sources = {name: one.source for name, one in found.items()}
    assert sources["lease_s"] == "labcrew.toml"
    assert sources["models.default.model"] == "labcrew.toml"
    assert sources["tracing.endpoint"] == "environment"
    assert sources["tick_s"] == "default"


def test_tokens_are_named_for_approvers_alone(opened: Opened) -> None:
    lab = lab_at(opened)
    token = lab.access.add("grace", "researcher")
    shown = client_of(lab, "approver").get("/settings").text
    assert "grace" in shown
    assert token not in shown
    assert not any(known.hash in shown for known in lab.access.all())
    assert "grace" not in client_of(lab, "viewer", "bob").get("/settings").text


def test_health_says_what_does_not_answer(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    health = Page(client_of(lab_at(opened), "viewer").get("/settings/health").text).words
    assert "Engine problem" in health
    assert "none set: judgements are made by rules" in health
    assert "GB free" in health
