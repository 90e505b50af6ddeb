"""What befalls a loop beside its rounds: a person's late word, odd outputs, failures at the end."""

import hashlib
from pathlib import Path

import pytest

from graphs.evolution import evaluating
from labcrew.deciding import decide
from labcrew.domain.evolution import CodeFile, Evolution, Job, RawRun, ScoredRun, code_hash
from labcrew.domain.sandbox import EnvironmentPlan
from labcrew.errors import EvidenceError, ToolError
from tests.graphs.evolution.lab import Environments, Lab, Scripted, lab_at, make_spec, program
from tests.graphs.evolution.test_loop import rounds
from tools.evolution.outputs import keep_outputs, kept_output
from tools.evolution.run_candidate import RunCandidate
from tools.evolution.score_outputs import ScoreOutputs
from tools.toolbox import Tool, Workbench

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


@pytest.mark.parametrize("split", ["sealed", "gate"])
def test_a_program_that_is_only_compared_with_can_not_end_the_loop(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    """On the sealed split one that was reverted; on the gate the final one without a change."""
    spec = make_spec(
        lab.target, editable=["agent.py", "run.py"], budget={"rounds": 3, "parallel": 1}
    )
    started = lab.start(spec)
    run = CodeFile(path="run.py", text="import agent\n")
    first, reverted = (*program(0.8), run), (*program(0.78), run)
    second = (CodeFile(path="run.py", text="import agent\nSKILL = 0.95\n"), *program(0.8))
    score = lab.runs.score
    fine = {code_hash(files) for files in ((*program(0.5), run), first, second)}
    fine |= {code_hash(reverted)} if split == "gate" else set()

    def bent(call: ScoreOutputs, evolution: Evolution, bench: Workbench) -> tuple[ScoredRun, ...]:
        if call.code not in fine and any(case.split == split for case in call.cases):
            raise EvidenceError("A run's output changed the scorer while it was scored")
        return score(call, evolution, bench)

    monkeypatch.setattr(evaluating, "score_outputs", Tool("score_outputs", ScoreOutputs, bent))
    ended = lab.advance(started.id, [Scripted(first, reverted, second)])
    assert ended.outcome[:12] == "done: merged", ended.outcome
    assert ended.sealed is not None
    assert (ended.sealed.opened, len(ended.kept)) == (4 if split == "gate" else 3, 2)
    assert (ended.kept[0].left_out is None) == (split == "gate")


def test_a_stop_while_the_environment_is_made_holds(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lab.start(make_spec(lab.target))

    def stopped(self: Environments, plan: EnvironmentPlan, *, approved: bool) -> str:
        lab.evolutions.stop(started.id, "ada")
        return "image"

    monkeypatch.setattr(Environments, "ensure", stopped)
    assert lab.advance(started.id, [Scripted(BETTER)]).status == "stopped"
    assert lab.runs.ran == []


def test_a_halt_is_told_though_the_loop_was_paused_meanwhile(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))
    cheat = program(0.9, "# CHEAT\n")

    def pause(call: RunCandidate) -> None:
        if call.files == cheat:
            lab.evolutions.pause(started.id, "ada")

    lab.runs.before = pause
    ended = lab.advance(started.id, [Scripted(cheat, BETTER)])
    assert (ended.status, ended.rounds) == ("failed", 1)
    assert "halted in round 1" in ended.outcome


def test_an_error_does_not_take_a_stop_back(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))

    def stop(call: RunCandidate) -> None:
        lab.evolutions.stop(started.id, "ada")
        raise ToolError("no such thing")

    lab.runs.before = stop
    assert lab.advance(started.id, [Scripted(BETTER)]).status == "stopped"
