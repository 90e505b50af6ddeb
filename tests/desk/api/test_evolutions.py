"""Loops over the API: started, checked, each once, and taken up by whoever works on the home."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from desk.board.evolve import sections
from desk.cli.evolving import _started
from desk.shift import Shift
from desk.views.ticket_text import ticket_text
from desk.wiring import Opened
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.errors import TicketError
from labcrew.evolution_file import read_spec
from labcrew.ticket_shape import fields
from tests.desk.evolved import evolver
from tests.desk.web.clients import client_of, lab_at
from tests.graphs.evolution.lab import SECRET, make_target

API = "/api/v1/evolutions"
SPEC = """---
title: Better skill
repository: ./target
branch: main
editable: [agent.py]
program:
  command: python3 run.py {input} {output} {seed}
scorer:
  command: python3 scorer/score.py {runs} {scores}
  private: [scorer]
cases: cases.jsonl
metric: {name: skill, low: 0, high: 1}
keep: {seeds: 2, retest_seeds: 2, noise_seeds: 2}
budget: {rounds: 2, parallel: 1}
---

Which skill answers best?
"""
As = Callable[..., TestClient]


@pytest.fixture
def as_(opened: Opened) -> As:
    lab = lab_at(opened)
    return lambda role="approver", name="ada": client_of(lab, role, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the program's repository is."""
    make_target(tmp_path / "target")
    return tmp_path


def sent(folder: Path, text: str = SPEC, **more: Any) -> dict[str, Any]:
    return {"text": text, "beside": str(folder)} | more


def test_started_from_the_text_of_a_file(opened: Opened, folder: Path, as_: As) -> None:
    made = as_("researcher").post(API, json=sent(folder))
    assert made.status_code == 201, made.text
    head = made.json()
    assert (head["id"], head["status"], head["started_by"]) == ("E-001", "assigned", "ada")
    kept = opened.ledger.evolutions.get("E-001")
    assert kept.spec == read_spec(SPEC)
    assert kept.repository == str(folder / "target")
    assert kept.secret not in made.text
    assert len(kept.secret) >= 32
    [line] = [e for e in opened.ledger.events.of("E-001") if e.kind == "evolution.started"]
    assert line.actor == "person:ada"
    other = as_().post(API, json=sent(folder, control="random_search")).json()
    assert (other["id"], other["control"]) == ("E-002", "random_search")
    assert opened.ledger.evolutions.get("E-002").secret != kept.secret


def test_whoever_works_on_the_home_takes_it_up(
    opened: Opened, folder: Path, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SPEC.replace("cases: cases", "proposers: [parameters]\ncases: cases")
    assert as_().post(API, json=sent(folder, text)).status_code == 201
    loops = evolver(opened, monkeypatch)

    class Nobody:
        async def advance(self, ticket: str) -> Any:
            raise AssertionError(f"{ticket} is no ticket")

    said: list[str] = []
    shift = Shift(opened.office(), Nobody(), loops=loops, at_once=1, say=said.append)
    asyncio.run(shift.run(until_idle=True))
    loop = opened.ledger.evolutions.get("E-001")
    assert loop.status == "waiting"
    [gate] = as_().get("/api/v1/gates", params={"status": "open"}).json()["items"]
    assert gate["gate"]["id"].startswith("E-001-plan")
    assert said == []


def test_all_that_is_wrong_is_said_as_on_the_command_line(
    opened: Opened, folder: Path, as_: As
) -> None:
    text = SPEC.replace("low: 0, high: 1", "low: zero, high: 1").replace("rounds: 2", "rounds: 0")
    checked = as_("viewer").post(f"{API}/check", json={"text": text}).json()["problems"]
    assert {(p["line"], p["field"]) for p in checked} == {(12, "metric.low"), (14, "budget.rounds")}
    refused = as_().post(API, json=sent(folder, text, source="mine/SPEC.md"))
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["problems"] == checked
    (folder / "SPEC.md").write_text(text)
    with pytest.raises(TicketError) as error:
        _started(opened, str(folder / "SPEC.md"), "", "ada")
    assert refused.json()["detail"] == error.value.message
    assert refused.json()["remedy"] == error.value.remedy
    assert "`labcrew evolution fields`" in error.value.remedy
    assert opened.ledger.evolutions.all() == []


@pytest.mark.parametrize(
    ("old", "new", "field", "told"),
    [
        ("editable: [agent.py]", "editable: ['**']", "", "which judges the candidates"),
        ("private: [scorer]", "private: [judge]", "scorer.private", "no file of the commit"),
        ("cases.jsonl", "gone.jsonl", "cases", "is not in the commit"),
        ("budget:", "proposers: [oracle]\nbudget:", "proposers", "no proposer 'oracle'"),
        ("{seed}\n", "{seed}\n  model: {calls: 1}\n", "program.model", "none is set"),
        ("./target", "./gone", "", "gone"),
    ],
)
def test_a_spec_is_held_against_its_commit(
    opened: Opened, folder: Path, as_: As, old: str, new: str, field: str, told: str
) -> None:
    wrong = sent(folder, SPEC.replace(old, new))
    assert as_("viewer").post(f"{API}/check?thorough=true", json=wrong).json()["problems"] == []
    [problem] = as_().post(f"{API}/check?thorough=true", json=wrong).json()["problems"]
    assert problem["field"] == field
    assert told in problem["message"]
    refused = as_().post(API, json=wrong)
    assert (refused.status_code, told in refused.json()["detail"]) == (422, True)
    assert as_().post(f"{API}/preview", json=wrong).status_code == 422
    assert opened.ledger.events.count() == 0


def test_a_preview_shows_what_it_would_work_on(opened: Opened, folder: Path, as_: As) -> None:
    shown = as_("researcher").post(f"{API}/preview", json=sent(folder)).json()
    assert shown["editable"] == ["agent.py"]
    assert shown["cases"] == {"analysis": 4, "gate": 8, "sealed": 8, "canary": 1}
    assert (shown["protected_cases"], shown["branch"]) == (1, "main")
    assert shown["repository"] == str(folder / "target")
    assert shown["proposers"]
    assert opened.ledger.events.count() == 0


def test_a_relative_repository_needs_a_folder(folder: Path, as_: As) -> None:
    for beside in (None, "target", "/x\0y"):
        refused = as_().post(API, json={"text": SPEC, "beside": beside})
        assert refused.status_code == 422
    text = SPEC.replace("./target", str(folder / "target"))
    assert as_().post(API, json={"text": text}).status_code == 201


def test_a_viewer_only_looks(opened: Opened, folder: Path, as_: As) -> None:
    for place in (API, f"{API}/preview"):
        assert as_("viewer").post(place, json=sent(folder)).status_code == 403
    assert "a researcher starts loops" in as_("viewer").get("/evolve").text
    assert opened.ledger.events.count() == 0


def test_the_same_key_starts_once(opened: Opened, folder: Path, as_: As) -> None:
    client, key = as_(), {"Idempotency-Key": "k-1"}
    first = client.post(API, json=sent(folder), headers=key)
    again = client.post(API, json=sent(folder), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = client.post(API, json=sent(folder, control="no_memory"), headers=key)
    assert other.status_code == 422
    assert as_("approver", "bo").post(API, json=sent(folder), headers=key).json()["id"] == "E-002"
    assert opened.ledger.evolutions.count() == 2


def test_the_same_key_sent_at_once_starts_once(opened: Opened, folder: Path, as_: As) -> None:
    client, key = as_(), {"Idempotency-Key": "k-2"}
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda _: client.post(API, json=sent(folder), headers=key).json(), range(4))
        )
    assert {head["id"] for head in made} == {made[0]["id"]}
    assert opened.ledger.evolutions.count() == 1


def test_the_form_has_each_field_once() -> None:
    shown = [w.path for section in sections(()) for w in section.widgets]
    assert len(shown) == len(set(shown))
    assert set(shown) == {f.path for f in fields(EvolutionSpec) if f.type != "table"}


def test_a_loop_is_started_like_another(opened: Opened, folder: Path, as_: As) -> None:
    as_().post(API, json=sent(folder))
    earlier = opened.ledger.evolutions.get("E-001")
    text = ticket_text(earlier.spec)
    assert read_spec(text) == earlier.spec
    page = as_().get("/evolve?like=E-001").text
    assert str(folder / "target") in page
    assert earlier.secret not in page
    assert SECRET not in page
    assert "/evolve?like=E-001" in as_().get("/evolutions/E-001").text
    assert as_().get("/evolve?like=E-009").status_code == 404
