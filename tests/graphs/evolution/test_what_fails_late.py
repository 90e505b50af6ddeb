"""What befalls a loop beside its rounds: a person's late word, odd outputs, failures at the end."""

import hashlib
from pathlib import Path

import pytest

from labcrew.deciding import decide
from labcrew.domain.evolution import CodeFile, Job, RawRun, code_hash
from tests.graphs.evolution.lab import Lab, Scripted, lab_at, make_spec, program
from tests.graphs.evolution.test_loop import rounds
from tools.evolution.outputs import keep_outputs, kept_output

BETTER, BEST = program(0.8), program(0.95)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return lab_at(tmp_path, monkeypatch)


def accepting(lab: Lab, id: str) -> None:
    """Lets a person accept what is asked beside the loop, while it runs."""

    def accept(call: object) -> None:
        for gate in lab.bench.ledger.gates.of(id):
            if gate.kind == "escalation" and gate.status == "open":
                decide(lab.bench.ledger, lab.bench.clock, gate.id, "accept", by="ada")

    lab.runs.before = accept


@pytest.mark.parametrize(("more", "verdict"), [("MORE = 1\n", "kept"), ("def (:\n", "refused")])
def test_a_change_beyond_the_paths_is_tried_once_when_a_person_accepts_it(
    lab: Lab, more: str, verdict: str
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 4, "parallel": 1}))
    beyond = (*BETTER, CodeFile(path="more.py", text=more))
    accepting(lab, started.id)
    lab.advance(started.id, [Scripted(beyond, program(0.52), program(0.51), program(0.53))])
    found = rounds(lab, started.id)
    assert "asks a person" in found[0].screen
    asked = [r.verdict for r in found if r.proposal and r.proposal.code == code_hash(beyond)]
    assert asked == ["refused", verdict]


def test_an_output_of_no_bytes_is_kept_as_any_other(lab: Lab) -> None:
    job = Job(case="analysis-0", alias="a", input={}, seed=1)
    keep_outputs(lab.bench.home, "E-001", [RawRun(job=job, status="ok", output=b"", seconds=0)])
    assert kept_output(lab.bench.home, "E-001", hashlib.sha256(b"").hexdigest()) == b""
