"""A ticket whose trials reach a host: asked for, shown at the plan gate, reached, written down."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.report import report
from graphs.verification import rerun
from labcrew.errors import LabcrewError
from tests.graphs.tiny import REPORTED, Lab, lab_at, make_tiny, run
from tests.servers import Served, serving

pytestmark = pytest.mark.engine
_FETCH = (
    "python3 -c \"import urllib.request; urllib.request.urlopen('http://{place}/weights').read()\""
)
_KNOCK = "python3 -c \"import urllib.request; urllib.request.urlopen('http://{place}/{{split}}').read()\""


@pytest.fixture
def server() -> Iterator[Served]:
    with serving(lambda path, fields: (200, "text/plain", b"weights")) as served:
        yield served


@pytest.fixture
def lab(
    tmp_path: Path, tracking: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    private = json.dumps([f"data.example.org={server.address}"])
    monkeypatch.setenv("LABCREW_SANDBOX__PRIVATE_HOSTS", private)
    with lab_at(tmp_path, make_tiny(tmp_path / "tiny"), tracking) as lab:
        yield lab
        for status in lab.parts.bench.sandboxes.list():
            lab.parts.bench.sandboxes.remove(status.name)


def _command(server: Served, then: str) -> dict[str, object]:
    fetch = _FETCH.format(place=f"data.example.org:{server.port}")
    train = "python3 train.py {settings} --seed {seed} --outputs {outputs}"
    return {"command": f"{fetch} {then} {train}", "smoke": train, "timeout_s": 60}


def test_trials_reach_the_host_that_the_plan_showed(lab: Lab, server: Served) -> None:
    host = f"data.example.org:{server.port}"
    knock = _KNOCK.format(place=host)
    assigned = lab.assign(
        hosts=[host],
        run=_command(server, "&&"),
        evaluator={"command": f"{knock} 2>/dev/null; python3 evaluate.py {{outputs}} {{split}}"},
        seeds=[0],
        budget={"trials": 2},
    )
    run(lab, assigned.id, yes=False)
    gate = lab.open_gates(assigned.id)["plan"]
    assert f"Network hosts: {host}" in gate.description
    assert gate.shown["plan"]["hosts"] == [host]
    assert server.asked == []
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id)
    trials = [t for t in lab.ledger.trials.of(assigned.id) if t.status == "scored"]
    assert len(trials) == 2
    # Neither the evaluator nor the smoke test got there.
    assert [path for path, _ in server.asked] == ["/weights"] * 2
    noted = [e.data for e in lab.ledger.events.of(assigned.id) if e.kind == "network.request"]
    assert {(d["subject"], d["host"], d["port"], d["verdict"]) for d in noted} == {
        (trial.id, "data.example.org", server.port, "allowed") for trial in trials
    }
    told = report(lab.ledger, lab.ledger.tickets.get(assigned.id))
    assert "## What was asked of the network" in told
    assert f"Hosts that trials asked to reach: {host}" in told
    assert lab.containers() == set()
    assert lab.ledger.verify() == []


def test_a_rerun_reaches_it_too_and_a_strangers_settings_do_not(lab: Lab, server: Served) -> None:
    host = f"data.example.org:{server.port}"
    assigned = lab.assign(
        **REPORTED
        | {"hosts": [host], "seeds": [0], "budget": {"trials": 2}, "run": _command(server, "&&")}
    )
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id, yes=False)
    (request,) = lab.ledger.merge_requests.of(assigned.id)
    before = len(server.asked)
    assert "seed 0" in asyncio.run(rerun(lab.parts.work, request))
    assert len(server.asked) == before + 1
    noted = [e.data["subject"] for e in lab.ledger.events.of(assigned.id) if "network" in e.kind]
    assert [subject for subject in noted if "-rerun-" in subject]

    lab.office.decide(assigned.id, "respond", "bob", comment="Please try x = 0.5 as well.")
    run(lab, assigned.id, yes=False)
    gate = lab.open_gates(assigned.id)["plan"]
    assert f"Network hosts: none (the ticket asks for {host})" in gate.description
    assert "Untrusted text read: comments" in gate.description
    lab.office.decide(assigned.id, "accept", "ada")
    asked = len(server.asked)
    run(lab, assigned.id, yes=False)
    assert len(server.asked) == asked
    assert lab.ledger.tickets.get(assigned.id).status == "waiting"  # on a person, not broken off
    with pytest.raises(LabcrewError, match="run again"):
        asyncio.run(rerun(lab.parts.work, request))
    assert len(server.asked) == asked


def test_without_the_field_nothing_is_reached(lab: Lab, server: Served) -> None:
    assigned = lab.assign(
        **REPORTED | {"seeds": [0], "budget": {"trials": 2}, "run": _command(server, ";")}
    )
    run(lab, assigned.id)
    assert any(t.status == "scored" for t in lab.ledger.trials.of(assigned.id))
    assert server.asked == []
    assert "network.request" not in lab.kinds(assigned.id)
