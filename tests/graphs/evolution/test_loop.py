"""The loop on a stand-in for sandboxes: what is kept, reverted, refused, dropped and halted."""

import subprocess
from pathlib import Path

import pytest

from graphs.evolution import ending
from graphs.evolution.loop import Loop
from graphs.evolution.verification import verify
from labcrew.deciding import decide
from labcrew.domain.evolution import Round, code_hash
from labcrew.domain.evolution_spec import Control
from labcrew.errors import EngineError, InputError
from tests.graphs.evolution.lab import GIT, Lab, Scripted, lab_at, make_spec, program, skill_of

METRIC = {"name": "skill", "low": 0, "high": 1}
BETTER, BEST, WORSE = program(0.8), program(0.95), program(0.2)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return lab_at(tmp_path, monkeypatch)


def rounds(lab: Lab, id: str) -> list[Round]:
    return lab.bench.ledger.rounds.of(id)


def git(lab: Lab, *command: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(lab.target), *command], env=GIT, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def test_a_gain_is_kept_and_merged_and_a_loss_reverted(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))
    ended = lab.advance(started.id, [Scripted(BETTER, WORSE, BEST)])
    assert (ended.status, ended.outcome[:12]) == ("done", "done: merged")
    verdicts = [r.verdict for r in rounds(lab, started.id)]
    assert verdicts[:3] == ["kept", "dropped", "kept"]
    first = rounds(lab, started.id)[0].note
    assert "Better on analysis-" in first
    assert "gate-" not in first, "by name only cases that are looked at are told"
    assert skill_of(ended.champion) == 0.95
    assert ended.sealed is not None
    assert ended.sealed.comparison.low > 0
    assert ended.sealed.final > 0.9
    assert [kept.round for kept in ended.kept] == [1, 3]
    (request,) = lab.bench.ledger.merge_requests.of(started.id)
    assert request.status == "merged"
    assert git(lab, "rev-parse", "main") == request.commit
    assert git(lab, "show", "main:agent.py").startswith("SKILL = 0.95")
    assert git(lab, "log", "--format=%s", "main").splitlines()[0].startswith("Round 3: skill 0.95")
    log = git(lab, "log", "--format=%s", f"{request.branch}-rounds").splitlines()
    assert "Revert round 2" in log
    assert sum(line.startswith("Round") for line in log) >= 3


def test_the_same_program_is_refused_and_never_run_again(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 3, "parallel": 1}))
    lab.advance(started.id, [Scripted(WORSE)])
    second = rounds(lab, started.id)[1]
    assert second.verdict == "refused"
    assert "round 1" in second.screen
    assert len(lab.runs.ran) == len(set(lab.runs.ran)), "a run is made once"


def test_whoever_passes_what_nobody_can_halts_the_loop(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))
    ended = lab.advance(started.id, [Scripted(program(0.9, "# CHEAT\n"))])
    assert ended.status == "failed"
    assert "canary-0, which nobody can" in ended.outcome
    assert code_hash(ended.champion) == code_hash(ended.baseline)


async def close(state: object, runtime: object) -> None:
    """In the place of the last step: the process is gone before it."""
    raise EngineError("the process was killed")


def test_a_halt_holds_though_the_process_is_killed_right_after_the_round(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lab.start(make_spec(lab.target))
    proposers = [Scripted(program(0.9, "# CHEAT\n"), BETTER)]
    with monkeypatch.context() as patches:
        patches.setattr(ending, "close", close)
        with pytest.raises(EngineError):
            lab.advance(started.id, proposers)
    ended = lab.advance(started.id, proposers)
    assert (ended.status, ended.rounds) == ("failed", 1)
    assert "halted in round 1" in ended.outcome
    told = [e for e in lab.bench.ledger.events.of(started.id) if e.kind == "evolution.ended"]
    assert len(told) == 1, "people are told of it, once"


def test_a_pause_in_mid_evaluation_holds_and_the_loop_goes_on_from_there(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))

    def pause(call: object) -> None:
        lab.runs.before = lambda call: None
        lab.evolutions.pause(started.id, "ada")

    lab.runs.before = pause
    assert lab.advance(started.id, [Scripted(BETTER)]).status == "paused"
    ran = len(lab.runs.ran)
    lab.evolutions.resume(started.id, "ada")
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert ended.status == "done"
    assert len(lab.runs.ran) == len(set(lab.runs.ran)) > ran


def test_a_program_that_crashes_scores_the_worst(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    lab.advance(started.id, [Scripted(program(1.0, "# CRASH\n"))])
    (first,) = rounds(lab, started.id)
    assert first.verdict in ("dropped", "reverted")


def test_an_output_that_bends_the_scorer_costs_its_round_and_no_other(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))
    ended = lab.advance(started.id, [Scripted(program(1.0, "# BEND\n"), BETTER)])
    first, second = rounds(lab, started.id)
    assert (first.verdict, second.verdict) == ("reverted", "kept")
    assert "no score of it counts" in first.reason
    assert skill_of(ended.champion) == 0.8
    bent = [r for r in lab.bench.ledger.scored_runs.of(started.id) if "BEND" in r.why]
    assert bent == []


def test_it_waits_for_a_person_at_the_spec_and_at_the_merge(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    proposers = [Scripted(BETTER)]
    waiting = lab.advance(started.id, proposers, yes=False)
    assert (waiting.status, lab.runs.ran) == ("waiting", [])
    (gate,) = lab.bench.ledger.gates.of(started.id)
    assert gate.shown["editable"] == ["agent.py"]
    decide(lab.bench.ledger, lab.bench.clock, gate.id, "accept", by="ada")
    waiting = lab.advance(started.id, proposers, yes=False)
    assert waiting.status == "waiting"
    merge = lab.bench.ledger.gates.of(started.id)[-1]
    assert merge.kind == "merge"
    assert git(lab, "log", "--format=%s", "main") == "start"
    decide(lab.bench.ledger, lab.bench.clock, merge.id, "ignore", by="ada")
    ended = lab.advance(started.id, proposers, yes=False)
    assert ended.outcome == "done: ada declined the merge request"
    assert git(lab, "log", "--format=%s", "main") == "start"


def test_a_spec_that_is_declined_runs_nothing(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))
    lab.advance(started.id, [Scripted(BETTER)], yes=False)
    (gate,) = lab.bench.ledger.gates.of(started.id)
    decide(lab.bench.ledger, lab.bench.clock, gate.id, "ignore", by="ada")
    ended = lab.advance(started.id, [Scripted(BETTER)], yes=False)
    assert (ended.status, ended.outcome) == ("done", "not begun: ada declined it")
    assert lab.runs.ran == []


def test_seeds_and_aliases_are_new_to_candidates(lab: Lab) -> None:
    told: list[str] = []
    lab.runs.before = lambda call: told.extend(job.alias for job in call.jobs)
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))
    lab.advance(started.id, [Scripted(BETTER, BEST)])
    assert len(told) == len(set(told))
    assert not any(case in alias for alias in told for case in ("gate", "sealed", "canary"))
    retests = {
        (r.case, r.seed)
        for r in lab.bench.ledger.scored_runs.of(started.id)
        if r.split == "gate" and r.code == code_hash(BETTER)
    }
    assert len({seed for _, seed in retests}) >= 4, "a re-test has seeds of its own"


@pytest.mark.parametrize("control", ["random_search", "always_keep", "no_memory"])
def test_controls_know_less_and_merge_nothing(lab: Lab, control: Control) -> None:
    proposer = Scripted(WORSE)
    started = lab.start(make_spec(lab.target, budget={"rounds": 3, "parallel": 1}), control)
    ended = lab.advance(started.id, [proposer])
    assert ended.status == "done"
    assert lab.bench.ledger.merge_requests.of(started.id) == []
    if control != "always_keep":
        assert all(s.rounds == () and s.notes == () for s in proposer.told)
    else:
        assert skill_of(ended.champion) == 0.2
    if control == "random_search":
        assert all(s.champion == ended.baseline for s in proposer.told)


def test_what_a_round_learnt_is_told_to_the_next(lab: Lab) -> None:
    proposer = Scripted(WORSE, program(0.3), program(0.1))
    started = lab.start(make_spec(lab.target, budget={"rounds": 3, "parallel": 1}))
    lab.advance(started.id, [proposer])
    assert len(proposer.told[2].rounds) == 2
    assert any("skill 0.2" in note or "round 1" in note.lower() for note in proposer.told[1].notes)
    assert len(lab.bench.ledger.lessons.of(started.id)) == 3


def test_an_altered_number_is_found(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    lab.advance(started.id, [Scripted(BETTER)])
    loop = Loop(id=started.id, bench=lab.bench, proposers=())
    (request,) = lab.bench.ledger.merge_requests.of(started.id)
    assert verify(loop, request).holds
    altered = request.model_copy(update={"description": request.description.replace("0.", "1.", 1)})
    assert not verify(loop, altered).holds


def test_a_loop_that_nothing_can_be_seen_in_stops_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_at(tmp_path, monkeypatch, noise=5.0)
    started = lab.start(
        make_spec(lab.target, keep={"seeds": 1, "retest_seeds": 1, "least_gain": 0.01})
    )
    with monkeypatch.context() as patches:
        patches.setattr(ending, "close", close)
        with pytest.raises(EngineError):
            lab.advance(started.id, [Scripted(BETTER)])
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert ended.status == "failed"
    assert "gain" in ended.outcome
    assert rounds(lab, started.id) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"editable": ["scorer/score.py"]}, "judges the candidates"),
        ({"editable": ["**"]}, "judges the candidates"),
        ({"editable": ["nowhere.py"]}, "No file of the commit is editable"),
        ({"cases": "nothing.jsonl"}, "is not in the commit"),
        ({"scorer": {"command": "x {runs} {scores}", "private": ["gone"]}}, "scorer.private"),
        ({"proposers": ["oracle"]}, "no proposer 'oracle'"),
        ({"components": "parts"}, "components"),
        ({"branch": "nowhere"}, "refs/heads/nowhere"),
        ({"metric": METRIC | {"target": 1.5}}, "1.5 lies outside .* no mean reaches it"),
        ({"metric": METRIC | {"target": -3}}, "-3 lies outside .* every mean reaches it"),
        ({"metric": METRIC | {"target": -3, "direction": "minimize"}}, "no mean reaches it"),
        ({"keep": {"least_gain": 1.01}}, "keep.least_gain: no change can gain 1.01"),
    ],
)
def test_a_bad_spec_is_refused_before_anything_starts(
    lab: Lab, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        lab.start(make_spec(lab.target, **fields))
    assert lab.bench.ledger.evolutions.all() == []


def test_a_private_link_to_what_candidates_see_is_refused(lab: Lab) -> None:
    (lab.target / "judge").symlink_to("scorer")
    git(lab, "add", "judge")
    git(lab, "commit", "-qm", "a link")
    scorer = {"command": "python3 judge/score.py {runs} {scores}"}
    with pytest.raises(InputError, match="judge is a link to scorer, which every candidate would"):
        lab.start(make_spec(lab.target, scorer=scorer | {"private": ["judge"]}))
    lab.start(make_spec(lab.target, scorer=scorer | {"private": ["judge", "scorer"]}))
