"""What befalls a loop beside its rounds: a person's late word, odd outputs, failures at the end."""

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.evolution.proposing import Situation
from graphs.evolution import evaluating
from graphs.evolution.comparing import left_out_seeds
from graphs.evolution.gates import open_gate
from graphs.evolution.loop import Halted, Loop
from labcrew.deciding import decide
from labcrew.domain.chat import FailureKind
from labcrew.domain.evolution import (
    CodeFile,
    Evolution,
    Job,
    Proposal,
    RawRun,
    ScoredRun,
    code_hash,
    seed_of,
)
from labcrew.domain.sandbox import EnvironmentPlan
from labcrew.errors import EvidenceError, ModelFailure, ToolError
from tests.graphs.evolution.lab import (
    Environments,
    Lab,
    Scripted,
    case_lines,
    lab_at,
    make_spec,
    make_target,
    opened,
    program,
)
from tests.graphs.evolution.test_loop import git, rounds
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
    lab.runs.before = lambda call: accept_all(lab, id)


def accept_all(lab: Lab, id: str) -> None:
    """A person accepts what is asked beside the loop."""
    for gate in lab.bench.ledger.gates.of(id):
        if gate.kind == "escalation" and gate.status == "open":
            decide(lab.bench.ledger, lab.bench.clock, gate.id, "accept", by="ada")


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


def test_a_change_that_a_person_declined_is_told_so_when_it_is_proposed_again(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 3, "parallel": 1}))
    beyond = (*BETTER, CodeFile(path="more.py", text="MORE = 1\n"))

    def decline(call: object) -> None:
        for gate in lab.bench.ledger.gates.of(started.id):
            if gate.kind == "escalation" and gate.status == "open":
                decide(lab.bench.ledger, lab.bench.clock, gate.id, "ignore", by="ada")

    lab.runs.before = decline
    lab.advance(started.id, [Scripted(beyond, program(0.52), beyond)])
    (gate,) = [g for g in lab.bench.ledger.gates.of(started.id) if g.kind == "escalation"]
    first, _, again = rounds(lab, started.id)
    assert "asks a person" in first.screen
    assert again.screen.endswith(f"; ada declined {gate.id}")


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


def test_what_a_change_brings_is_told_on_seeds_that_it_was_not_chosen_by(lab: Lab) -> None:
    """Nor on those on which it withstood a rival that might have taken its place."""
    rivals = [program(0.8, f"OTHER = {n}\n") for n in range(5)]
    started = lab.start(make_spec(lab.target, budget={"rounds": 6, "parallel": 1}))
    chosen: set[tuple[str, int]] = set()

    def note(call: RunCandidate) -> None:
        if lab.bench.ledger.evolutions.get(started.id).sealed is None:
            chosen.update((job.case, job.seed) for job in call.jobs)

    lab.runs.before = note
    ended = lab.advance(started.id, [Scripted(BETTER, *rivals)])
    assert any(r.retest for r in rounds(lab, started.id)[1:]), "a rival was run again"
    (kept,) = ended.kept
    loop = Loop(id=started.id, bench=lab.bench, proposers=())
    told = loop.scored(code_hash(ended.baseline), loop.cases("gate"), left_out_seeds(loop))
    assert kept.left_out is not None
    assert kept.left_out.pairs == len(told) > 0
    assert chosen
    assert chosen.isdisjoint((run.case, run.seed) for run in told)


def test_what_a_change_brings_is_exact_where_nothing_varies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [case for case in case_lines(gate=2) if case["split"] != "canary"]
    text = "".join(json.dumps(case) + "\n" for case in lines)
    target = make_target(tmp_path / "target", {"cases.jsonl": text})
    lab = opened(tmp_path, monkeypatch, target, noise=0.0)
    keep = {"seeds": 1, "retest_seeds": 5, "noise_seeds": 2, "cases": "all"}
    spec = make_spec(lab.target, budget={"rounds": 1, "parallel": 1}, keep=keep)
    ended = lab.advance(lab.start(spec).id, [Scripted(BETTER)])
    (kept,) = ended.kept
    assert kept.left_out is not None
    assert kept.left_out.low == kept.left_out.gain == pytest.approx(0.3)


def test_a_control_without_memory_races_as_the_loop_does(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}), "no_memory")
    lab.advance(started.id, [Scripted(program(0.2))])
    assert [r.verdict for r in rounds(lab, started.id)] == ["dropped"]


@pytest.mark.parametrize("kind", ["unavailable", "rate_limited", "timed_out"])
def test_a_model_that_can_not_be_reached_does_not_end_the_loop(lab: Lab, kind: FailureKind) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))

    def down(call: RunCandidate) -> None:
        lab.runs.before = lambda call: None
        raise ModelFailure("the endpoint is down", kind=kind)

    lab.runs.before = down
    with pytest.raises(ModelFailure):
        lab.advance(started.id, [Scripted(BETTER)])
    assert lab.advance(started.id, [Scripted(BETTER)]).outcome[:12] == "done: merged"


def test_a_canary_that_is_passed_in_the_re_test_alone_halts_the_loop(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    first = Loop(id=started.id, bench=lab.bench, proposers=()).first_seeds()
    known = {seed_of("canary-0", seed) for seed in first}
    score = lab.runs.score

    def late(call: ScoreOutputs, evolution: Evolution, bench: Workbench) -> tuple[ScoredRun, ...]:
        made = score(call, evolution, bench)
        return tuple(
            run.model_copy(update={"score": 1.0})
            if run.split == "canary" and run.seed not in known
            else run
            for run in made
        )

    monkeypatch.setattr(evaluating, "score_outputs", Tool("score_outputs", ScoreOutputs, late))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert (ended.status, ended.champion) == ("failed", ended.baseline)
    assert "halted in round 1" in ended.outcome


def test_nobody_is_asked_for_a_change_that_no_round_can_try_any_more(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    beyond = (*BETTER, CodeFile(path="more.py", text="MORE = 1\n"))
    lab.advance(started.id, [Scripted(beyond)])
    (gate,) = [g for g in lab.bench.ledger.gates.of(started.id) if g.kind == "escalation"]
    assert gate.status == "void"


def test_an_environment_that_the_engine_lost_is_made_again(lab: Lab) -> None:
    said: list[str] = []
    started = paused_in_mid_evaluation(lab)
    engine_of(lab).images.clear()
    ended = lab.advance(started.id, [Scripted(BETTER)], said=said)
    assert ended.status == "done"
    assert any("lost the environment" in text for text in said)


def test_runs_in_two_environments_are_never_compared(lab: Lab) -> None:
    started = paused_in_mid_evaluation(lab)
    engine_of(lab).images.clear()
    engine_of(lab).makes = "another"
    ran = len(lab.runs.ran)
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert ended.status == "failed"
    assert "would be another (another)" in ended.outcome
    assert len(lab.runs.ran) == ran


def paused_in_mid_evaluation(lab: Lab) -> Evolution:
    """A loop that has its environment, and that a person paused and resumed."""
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))

    def pause(call: object) -> None:
        lab.runs.before = lambda call: None
        lab.evolutions.pause(started.id, "ada")

    lab.runs.before = pause
    assert lab.advance(started.id, [Scripted(BETTER)]).status == "paused"
    lab.evolutions.resume(started.id, "ada")
    return started


def engine_of(lab: Lab) -> Environments:
    """The stand-in for the engine."""
    engine = lab.bench.sandboxes
    assert isinstance(engine, Environments)
    return engine


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("how", ["stop", "pause"])
def test_a_word_at_the_last_evaluation_holds_and_nothing_leaves(
    lab: Lab, yes: bool, how: str
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    lab.advance(started.id, [Scripted(BETTER)], yes=False)
    decide(lab.bench.ledger, lab.bench.clock, f"{started.id}-plan-r0.1", "accept", by="ada")

    def said(call: RunCandidate) -> None:
        """While the program is run without its kept change, which comes last."""
        evolution = lab.bench.ledger.evolutions.get(started.id)
        if evolution.sealed is not None and call.files == evolution.baseline:
            getattr(lab.evolutions, how)(started.id, "ada")

    lab.runs.before = said
    ended = lab.advance(started.id, [Scripted(BETTER)], yes=yes)
    ledger = lab.bench.ledger
    assert ended.status == ("stopped" if how == "stop" else "paused")
    assert [gate.kind for gate in ledger.gates.of(started.id)] == ["plan"]
    assert ledger.merge_requests.of(started.id) == []
    assert git(lab, "branch", "--format=%(refname:short)").split() == ["main", "work"]
    if how == "pause":
        lab.evolutions.resume(started.id, "ada")
        assert lab.advance(started.id, [Scripted(BETTER)]).outcome[:12] == "done: merged"


def test_no_gate_is_opened_for_a_loop_that_was_stopped(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))
    lab.evolutions.stop(started.id, "ada")
    loop = Loop(id=started.id, bench=lab.bench, proposers=())
    with pytest.raises(Halted):
        open_gate(loop, "merge", title="?", description="", shown={})


def test_more_runs_than_were_scored_at_first_are_scored_in_parts(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = {"seeds": 2, "retest_seeds": 2, "noise_seeds": 2, "sealed_seeds": 5}
    started = lab.start(make_spec(lab.target, keep=keep, budget={"rounds": 1, "parallel": 1}))
    sizes: list[int] = []
    score = lab.runs.score

    def counted(call: ScoreOutputs, evolution: Evolution, bench: Workbench) -> Any:
        sizes.append(len(call.runs))
        return score(call, evolution, bench)

    monkeypatch.setattr(evaluating, "score_outputs", Tool("score_outputs", ScoreOutputs, counted))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert ended.sealed is not None
    assert (ended.sealed.seeds, sizes[0], max(sizes)) == (5, 16, 16)
    scored = [r for r in lab.bench.ledger.scored_runs.of(started.id) if r.split == "sealed"]
    assert len(scored) == 2 * 8 * 5


class Empty:
    """A proposer that has nothing so often, or whose model fails, and then has something."""

    name = "empty"

    def __init__(self, times: int, failure: ModelFailure | None = None) -> None:
        self.left, self.failure = times, failure

    def can(self, situation: Situation) -> bool:
        return True

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        self.left -= 1
        if self.left < 0:
            return await Scripted(BETTER).propose(situation, random)
        if self.failure is not None:
            raise self.failure
        return None


@pytest.mark.parametrize(("times", "kept"), [(0, 1), (2, 1), (3, 0)])
def test_a_loop_has_had_its_rounds_when_proposers_had_nothing_three_times(
    lab: Lab, times: int, kept: int
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    ended = lab.advance(started.id, [Empty(times)])
    assert (ended.rounds, len(ended.kept)) == (kept, kept)
    assert ("nothing new" in ended.outcome or "anything new" in ended.outcome) == (kept == 0)


def test_a_model_that_is_away_keeps_the_loop_where_it_is(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    away = ModelFailure("the endpoint is down", kind="unavailable")
    proposers = [Empty(1, away)]
    with pytest.raises(ModelFailure, match="is down"):
        lab.advance(started.id, proposers)
    assert lab.bench.ledger.evolutions.get(started.id).sealed is None
    assert lab.advance(started.id, proposers).outcome[:12] == "done: merged"


def test_a_model_that_is_away_stops_no_other_proposer(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    away = Empty(99, ModelFailure("the endpoint is down", kind="unavailable"))
    assert lab.advance(started.id, [away, Scripted(BETTER)]).outcome[:12] == "done: merged"


def test_where_nothing_was_kept_nothing_is_left_out(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    lab.advance(started.id, [Scripted(program(0.1))])
    loop = Loop(id=started.id, bench=lab.bench, proposers=())
    seeds = {seed_of(case.id, seed) for case in loop.held() for seed in left_out_seeds(loop)}
    ran = {run.seed for run in lab.bench.ledger.scored_runs.of(started.id)}
    assert seeds
    assert seeds.isdisjoint(ran)


class Broken:
    """A proposer with a fault of its own.

    Args:
        where: which of its functions breaks down.
    """

    name = "broken"

    def __init__(self, where: str) -> None:
        self.where = where

    def can(self, situation: Situation) -> bool:
        if self.where == "can":
            raise KeyError("nowhere")
        return True

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        raise KeyError("nowhere")


@pytest.mark.parametrize("where", ["can", "propose"])
def test_a_proposer_that_breaks_down_stops_no_other(lab: Lab, where: str) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    said: list[str] = []
    ended = lab.advance(started.id, [Broken(where), Scripted(BETTER)], said=said)
    assert ended.outcome[:12] == "done: merged"
    (event,) = [e for e in lab.bench.ledger.events.of(started.id) if e.kind == "proposer.error"]
    assert "KeyError: 'nowhere'" in event.data["traceback"]
    assert "round 1: broken broke down: KeyError: 'nowhere'" in said


def test_a_loop_that_only_broken_proposers_had_says_so(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    ended = lab.advance(started.id, [Broken("propose")])
    assert "broken broke down" in ended.outcome


def test_what_is_accepted_while_a_proposal_is_made_is_the_next_that_is_tried(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 4, "parallel": 1}))
    beyond = (*BETTER, CodeFile(path="more.py", text="MORE = 1\n"))

    class Accepted(Scripted):
        """While the second round's proposal is made, the person accepts."""

        async def propose(self, situation: Situation, random: Random) -> Proposal | None:
            if situation.rounds:
                accept_all(lab, started.id)
            return await super().propose(situation, random)

    lab.advance(started.id, [Accepted(beyond, program(0.52), program(0.51), program(0.53))])
    found = rounds(lab, started.id)
    asked = [r.verdict for r in found if r.proposal and r.proposal.code == code_hash(beyond)]
    assert asked == ["refused", "kept"]


def test_a_let_through_change_that_is_taken_back_leaves_the_file_as_it_was(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 3, "parallel": 1}))
    beyond = (*program(0.1), CodeFile(path="run.py", text="import agent  # otherwise\n"))
    accepting(lab, started.id)
    lab.advance(started.id, [Scripted(beyond, program(0.52))])
    _, tried = (r for r in rounds(lab, started.id) if r.proposal and r.proposal.files == beyond)
    read = lab.bench.repositories.read
    assert tried.verdict == "dropped"
    assert read(started.id, tried.commit, "run.py") == b"import agent  # otherwise\n"
    assert read(started.id, tried.tip, "run.py") == b"import agent\n"
