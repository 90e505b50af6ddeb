"""Nothing that fails after a keep costs what was kept: a round is kept whole, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphs.evolution import evaluating
from graphs.evolution import rounds as recording
from graphs.evolution.loop import Loop
from graphs.evolution.verification import verify
from labcrew.domain.evolution import CodeFile, Evolution, Round, ScoredRun, code_hash, seed_of
from labcrew.domain.evolution_spec import Control
from labcrew.domain.research import MemoryRecord, Recalled
from labcrew.errors import EvidenceError, LabcrewError
from tests.graphs.evolution.lab import (
    Lab,
    Scripted,
    lab_at,
    make_spec,
    program,
    skill_of,
)
from tests.graphs.evolution.test_loop import git, rounds
from tools.evolution.record_round import Recorded, RecordRound, record_round
from tools.evolution.run_candidate import RunCandidate
from tools.evolution.score_outputs import ScoreOutputs
from tools.evolution.scoring import ScorerFailed
from tools.toolbox import Tool, Workbench

BETTER, BEST = program(0.8), program(0.95)
BENT = EvidenceError("A run's output changed the scorer while it was scored")
BROKEN = ScorerFailed("The scorer gave no score at all")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return lab_at(tmp_path, monkeypatch)


def failing(
    lab: Lab,
    patches: pytest.MonkeyPatch,
    error: LabcrewError,
    where: Callable[[ScoreOutputs], bool],
) -> None:
    """Lets the scorer fail on some calls."""
    score = lab.runs.score

    def bent(call: ScoreOutputs, evolution: Evolution, bench: Workbench) -> tuple[ScoredRun, ...]:
        if where(call):
            raise error
        return score(call, evolution, bench)

    patches.setattr(evaluating, "score_outputs", Tool("score_outputs", ScoreOutputs, bent))


def of(files: tuple[CodeFile, ...], split: str) -> Callable[[ScoreOutputs], bool]:
    """Calls that score a program on a split."""
    return lambda call: call.code == code_hash(files) and any(c.split == split for c in call.cases)


def merged(lab: Lab, ended: Evolution) -> None:
    """A loop's result was sealed, handed over as it is, and merged."""
    assert ended.outcome[:12] == "done: merged", ended.outcome
    assert ended.sealed is not None
    (request,) = lab.bench.ledger.merge_requests.of(ended.id)
    assert git(lab, "rev-parse", "main") == request.commit
    assert verify(Loop(id=ended.id, bench=lab.bench, proposers=()), request).problems == ()


def whole(ended: Evolution, found: list[Round]) -> None:
    """The champion is that of the last round that was kept, and every round has ended."""
    kept = [r for r in found if r.verdict == "kept"]
    assert all(r.status == "noted" for r in found)
    assert ended.champion_round == kept[-1].number
    assert kept[-1].proposal is not None
    assert ended.champion == kept[-1].proposal.files
    assert ended.rounds == len(found)


def test_a_program_that_can_not_be_analysed_is_not_kept(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(lab, monkeypatch, BENT, of(BEST, "analysis"))
    started = lab.start(make_spec(lab.target, budget={"rounds": 3, "parallel": 1}))
    ended = lab.advance(started.id, [Scripted(BETTER, BEST, program(0.82))])
    found = rounds(lab, started.id)
    assert [r.verdict for r in found[:2]] == ["kept", "reverted"]
    assert found[1].reason.startswith("no score of it counts")
    assert found[1].retest is not None
    assert found[1].retest.low > 0
    whole(ended, found)
    merged(lab, ended)


@pytest.mark.parametrize("control", ["random_search", "always_keep", "no_memory"])
def test_no_control_keeps_a_program_that_can_not_be_analysed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, control: Control
) -> None:
    failing(lab, monkeypatch, BENT, of(BETTER, "analysis"))
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}), control)
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert [r.verdict for r in rounds(lab, started.id)] == ["reverted"]
    assert (ended.status, ended.champion) == ("done", ended.baseline)


@pytest.mark.parametrize("error", [BENT, BROKEN])
def test_a_champion_that_can_not_be_scored_again_is_not_replaced_and_not_lost(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: LabcrewError
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))
    known: set[int] = set()

    def again(call: ScoreOutputs) -> bool:
        """The champion on fresh seeds of the gate."""
        kept = lab.bench.ledger.evolutions.get(started.id).champion_round
        mine = call.code == code_hash(BETTER) and call.cases[0].split == "gate"
        seeds = {run.job.seed for run in call.runs}
        known.update(() if kept else seeds)
        return mine and bool(kept) and not seeds <= known

    failing(lab, monkeypatch, error, again)
    ended = lab.advance(started.id, [Scripted(BETTER, BEST)])
    found = rounds(lab, started.id)
    assert [r.verdict for r in found] == ["kept", "reverted"]
    assert found[1].reason == f"no score of the champion's counts: {error.message}"
    whole(ended, found)
    merged(lab, ended)
    assert [kept.unscored for kept in ended.kept] == [error.message]


def test_a_baseline_that_can_not_be_scored_again_is_the_scorers_fault(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))
    retest = {
        seed_of(f"gate-{n}", seed)
        for n in range(8)
        for seed in Loop(id=started.id, bench=lab.bench, proposers=()).first_seeds()
    }

    def again(call: ScoreOutputs) -> bool:
        evolution = lab.bench.ledger.evolutions.get(started.id)
        mine = evolution.noise is not None and call.code == code_hash(evolution.baseline)
        return mine and call.cases[0].split == "gate" and call.runs[0].job.seed not in retest

    failing(lab, monkeypatch, BROKEN, again)
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert ended.outcome == f"failed: {BROKEN.message}"
    assert ended.champion == ended.baseline


@pytest.mark.parametrize("error", [BENT, BROKEN])
def test_a_champion_that_can_not_be_scored_at_the_end_has_the_worst_sealed_result(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: LabcrewError
) -> None:
    failing(lab, monkeypatch, error, of(BETTER, "sealed"))
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert ended.status == "waiting", ended.outcome
    assert ended.sealed is not None
    assert ended.sealed.final == 0.0
    assert ended.sealed.comparison.low < 0
    (request,) = lab.bench.ledger.merge_requests.of(started.id)
    assert error.message in request.description
    assert verify(Loop(id=ended.id, bench=lab.bench, proposers=()), request).problems == ()


def test_what_git_can_not_hold_is_not_kept(lab: Lab) -> None:
    spec = make_spec(
        lab.target, editable=["agent.py", "lib/**"], budget={"rounds": 2, "parallel": 1}
    )
    clash = (CodeFile(path="lib/a", text="a\n"), CodeFile(path="lib/a/b", text="b\n"))
    started = lab.start(spec)
    ended = lab.advance(started.id, [Scripted((*BEST, *clash), BETTER)])
    found = rounds(lab, started.id)
    assert [r.verdict for r in found] == ["reverted", "kept"]
    assert found[0].reason.startswith("it can't be committed")
    assert (found[0].tip, found[0].commit) == ("", "")
    whole(ended, found)
    merged(lab, ended)


def test_odd_characters_of_a_title_do_not_end_the_loop(lab: Lab) -> None:
    class Odd(Scripted):
        """Titles with characters that no commit message can hold."""

        async def propose(self, *args: Any) -> Any:
            made = await super().propose(*args)
            assert made is not None
            return made.model_copy(update={"title": "skill\0\x1b[1m 0.8"})

    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    ended = lab.advance(started.id, [Odd(BETTER)])
    merged(lab, ended)
    assert git(lab, "log", "-1", "--format=%s", "main") == "Round 1: skill[1m 0.8"


class Damaged:
    """A memory whose index can't be used."""

    def remember(self, records: list[MemoryRecord]) -> None:
        raise LabcrewError("The memory can't be used.", "`labcrew memory rebuild`")

    def recall(self, scope: str, query: str, **more: Any) -> list[Recalled]:
        raise LabcrewError("The memory can't be used.", "`labcrew memory rebuild`")


def test_a_damaged_memory_does_not_end_the_loop(lab: Lab) -> None:
    lab.bench = replace(lab.bench, memory=Damaged())  # type: ignore[arg-type]
    said: list[str] = []
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))
    ended = lab.advance(started.id, [Scripted(BETTER, BEST)], said=said)
    merged(lab, ended)
    assert skill_of(ended.champion) == 0.95
    assert len(lab.bench.ledger.lessons.all()) == 2
    assert any("`labcrew memory rebuild`" in text for text in said)


@pytest.mark.parametrize("split", ["gate", "analysis"])
def test_a_round_that_is_paused_before_its_keep_is_kept_whole_or_not_at_all(
    lab: Lab, split: str
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))

    def pause(call: Any) -> None:
        if call.files == BETTER and any(split in job.case for job in call.jobs):
            lab.evolutions.pause(started.id, "ada")

    lab.runs.before = pause
    paused = [lab.advance(started.id, [Scripted(BETTER)])]
    while paused[-1].status == "paused":
        (found,) = rounds(lab, started.id)
        assert (paused[-1].champion_round == 1) == (found.status == "noted")
        assert (paused[-1].rounds == 1) == (found.status == "noted")
        lab.evolutions.resume(started.id, "ada")
        paused.append(lab.advance(started.id, [Scripted(BETTER)]))
    assert len(paused) > 1
    whole(paused[-1], rounds(lab, started.id))
    merged(lab, paused[-1])


@pytest.mark.parametrize("run_of", ["rest", "final"])
def test_an_unscored_run_of_what_is_left_out_is_told_and_verified(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, run_of: str
) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    score = lab.runs.score

    def lacking(
        call: ScoreOutputs, evolution: Evolution, bench: Workbench
    ) -> tuple[ScoredRun, ...]:
        made = score(call, evolution, bench)
        mine = call.code == code_hash(evolution.baseline if run_of == "rest" else BETTER)
        if evolution.sealed is None or not mine:
            return made
        worst = {"status": "unscored", "score": 0.0, "why": "no score"}
        return tuple(run.model_copy(update=worst) for run in made)

    monkeypatch.setattr(evaluating, "score_outputs", Tool("score_outputs", ScoreOutputs, lacking))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    merged(lab, ended)
    (kept,) = ended.kept
    if run_of == "rest":
        assert (kept.left_out, kept.unscored) == (None, "no score")


@pytest.mark.parametrize(
    "moment", ["run for analysis", "decided", "committed", "recorded", "noted"]
)
def test_a_loop_that_breaks_at_any_moment_of_a_keep_goes_on_to_the_same_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """What is written before it breaks stands; what is not comes to the same the second time."""
    left = [moment]

    def breaks(now: str) -> None:
        if left == [now]:
            left.clear()
            raise RuntimeError(now)

    def at_analysis(call: RunCandidate) -> None:
        if call.files == BETTER and any("analysis" in job.case for job in call.jobs):
            breaks("run for analysis")

    put, write = Loop.put, record_round.run

    def putting(loop: Loop, round_: Round, kind: str) -> None:
        put(loop, round_, kind)
        breaks({"decided": "decided", "recorded": "recorded", "ended": "noted"}.get(kind, kind))

    def committing(call: RecordRound, evolution: Evolution, bench: Workbench) -> Recorded:
        made = write(call, evolution, bench)
        breaks("committed")
        return made

    lab.runs.before = at_analysis
    monkeypatch.setattr(Loop, "put", putting)
    tool = Tool("record_round", RecordRound, committing)
    monkeypatch.setattr(recording, "record_round", tool)
    started = lab.start(make_spec(lab.target, budget={"rounds": 2, "parallel": 1}))
    broken = lab.advance(started.id, [Scripted(BETTER, BEST)])
    assert (broken.status, left) == ("failed", [])
    (found,) = rounds(lab, started.id)
    assert (broken.champion_round == 1) == bool(found.tip)
    lab.evolutions.resume(started.id, "ada")
    ended = lab.advance(started.id, [Scripted(BETTER, BEST)])
    whole(ended, rounds(lab, started.id))
    merged(lab, ended)
    assert git(lab, "log", "--format=%s", "labcrew/E-001-rounds").count("Round 1") == 1
    assert len(lab.bench.ledger.lessons.all()) == 2
