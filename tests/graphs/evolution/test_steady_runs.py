"""Loops on programs whose runs never differ: what a gain must hold for, and what is told."""

import asyncio
import json
from collections.abc import Generator
from pathlib import Path

import pytest

from graphs.evolution import evaluating
from graphs.evolution.loop import Loop
from graphs.evolution.verification import composed, rerun, verify
from labcrew.domain.evolution import Evolution, RawRun, code_hash
from labcrew.errors import EvidenceError
from tests.graphs.evolution.lab import Lab, Scripted, case_lines, make_spec, make_target, opened
from tests.graphs.evolution.lab import program as of_skill
from tests.graphs.evolution.test_loop import rounds
from tools.evolution.run_candidate import RunCandidate
from tools.toolbox import Tool, Workbench

MIXED = of_skill(0.5, "MIXED = True\n")
"""By far better on two cases that first looks see, a little worse on the others: on the whole it
gains."""


def a_lab(folder: Path, patch: pytest.MonkeyPatch, gate: int, *, protected: bool = False) -> Lab:
    lines = [case for case in case_lines(gate=gate) if case["split"] != "canary"]
    for case in lines:
        case["protected"] = protected and case["split"] == "gate"
    text = "".join(json.dumps(case) + "\n" for case in lines)
    lab = opened(folder, patch, make_target(folder / "target", {"cases.jsonl": text}), noise=0.0)

    def run(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        found = lab.runs.run(call, evolution, bench)
        loop, text = Loop(evolution.id, bench, ()), call.files[0].text
        lucky = {case.id for case in loop.parts(parted=True)[0][:2]}
        losing = [part()[0].id for part in (loop.shown, loop.held) if repr(part.__name__) in text]
        for run in found:
            if "MIXED" in text:
                yield shifted(run, 0.4 if run.job.case in lucky else -0.05)
            else:
                yield shifted(run, -0.4) if run.job.case in losing else run

    patch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, run))
    return lab


def shifted(run: RawRun, by: float) -> RawRun:
    said = json.loads(run.output)
    said["skill"] += by
    return run.model_copy(update={"output": json.dumps(said).encode()})


def test_a_gain_of_a_few_cases_is_kept_only_where_they_are_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = a_lab(tmp_path, monkeypatch, gate=9)
    found = {}
    for cases, seeds in (("sample", 1), ("all", 6)):
        keep = {"seeds": 1, "retest_seeds": seeds, "racing": False, "cases": cases}
        spec = make_spec(lab.target, budget={"rounds": 2, "parallel": 1}, keep=keep)
        ended = lab.advance(lab.start(spec).id, [Scripted(MIXED, of_skill(0.8))])
        found[cases] = [r.verdict for r in rounds(lab, ended.id)]
        assert [r.look for r in rounds(lab, ended.id)] == [1, 2]
        loop = Loop(id=ended.id, bench=lab.bench, proposers=())
        assert ended.sealed is not None
        assert ended.sealed.comparison.low > 0
        (request,) = lab.bench.ledger.merge_requests.of(ended.id)
        assert verify(loop, request).problems == ()
        assert composed(loop, branch=request.branch, commit=request.commit).verdict
        assert ("the better for luck" in request.description) is (cases == "sample")
    assert found == {"sample": ["reverted", "kept"], "all": ["kept", "kept"]}


def test_no_proposer_learns_from_a_case_of_the_re_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = a_lab(tmp_path, monkeypatch, gate=9)
    keep = {"seeds": 1, "retest_seeds": 1, "racing": False}
    spec = make_spec(lab.target, budget={"rounds": 3, "parallel": 1}, keep=keep)
    scripted = Scripted(of_skill(0.3), MIXED, of_skill(0.8))
    ended = lab.advance(lab.start(spec).id, [scripted])
    loop = Loop(id=ended.id, bench=lab.bench, proposers=())
    shown, held = ({case.id for case in part} for part in (loop.shown(), loop.held()))
    assert (len(shown), len(held)) == (3, 6)
    assert not shown & held
    worse, lucky, better = rounds(lab, ended.id)
    ran = {
        round_.number: {run.case for run in lab.bench.ledger.scored_runs.of(ended.id)
                        if round_.proposal and run.code == round_.proposal.code}
        for round_ in (worse, lucky, better)
    }  # fmt: skip
    assert not ran[1] & held, "what is no better at first sight is not run on them"
    assert ran[2] >= held
    assert lucky.retest is not None
    assert (lucky.first and lucky.first.pairs, lucky.retest.pairs) == (3, 6)
    # What a program scores on the held cases moves no score that a proposer is shown.
    assert lucky.score == pytest.approx(0.5 + (0.4 + 0.4 - 0.05) / 3)
    assert better.score == pytest.approx(0.8)
    assert ended.noise is not None
    assert ended.noise.parted
    assert ended.noise.mean == loop.gate_mean(code_hash(ended.baseline))


@pytest.mark.parametrize("part", ["shown", "held"])
def test_a_protected_case_is_protected_in_either_part(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = a_lab(tmp_path, monkeypatch, gate=12, protected=True)
    keep = {"seeds": 1, "retest_seeds": 1, "racing": False}
    spec = make_spec(lab.target, budget={"rounds": 1, "parallel": 1}, keep=keep)
    ended = lab.advance(lab.start(spec).id, [Scripted(of_skill(0.8, f"LOSES = {part!r}\n"))])
    (round_,) = rounds(lab, ended.id)
    loop = Loop(id=ended.id, bench=lab.bench, proposers=())
    lost = {"shown": loop.shown(), "held": loop.held()}[part][0].id
    assert round_.retest is not None
    assert round_.retest.low > 0
    assert (round_.verdict, round_.reason) == (
        "reverted", f"protected {lost} became worse, by 0.1"
    )  # fmt: skip


def test_a_change_is_faster_only_beside_the_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine is busy until round 1 has ended, and the champion's runs of then are cached."""
    lab = a_lab(tmp_path, monkeypatch, gate=9)
    shift = vars(evaluating)["run_candidate"].run  # what the lab put in its place

    def run(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        busy, fast = evolution.rounds == 0, "FAST" in call.files[0].text
        seconds = (4 if busy else 1) * (1 if fast else 2)
        for one in shift(call, evolution, bench):
            yield one.model_copy(update={"seconds": seconds})

    monkeypatch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, run))
    keep = {"seeds": 1, "retest_seeds": 1, "racing": False}
    spec = make_spec(lab.target, budget={"rounds": 3, "parallel": 1}, keep=keep)
    tried = (MIXED, of_skill(0.5, "def unused(): ...\n"), of_skill(0.5, "FAST = True\n"))
    ended = lab.advance(lab.start(spec).id, [Scripted(*tried)])
    busy, idle, quick = rounds(lab, ended.id)
    assert busy.retest is not None, "so that the champion's re-test was run while it was busy"
    assert (idle.verdict, idle.look) == ("reverted", 0), "and no look is spent on it"
    assert quick.verdict == "kept"
    assert quick.reason == "it scores the same in 18.0 s instead of 36.0"


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ({}, "2 gate cases can't tell: 1 of them would be held"),
        ({"cases": "all"}, "Set keep.retest_seeds to"),
    ],
)
def test_a_gate_that_could_keep_nothing_is_told_before_a_round(
    keep: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = a_lab(tmp_path, monkeypatch, gate=2)
    ended = lab.advance(lab.start(make_spec(lab.target, keep=keep)).id, [Scripted(MIXED)])
    assert ended.status == "failed"
    assert said in ended.outcome
    assert rounds(lab, ended.id) == []


@pytest.mark.parametrize("seeds", [1, 8])
def test_a_case_that_is_worse_in_a_rerun_is_no_chance_once_it_ran_often_enough(
    seeds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = a_lab(tmp_path, monkeypatch, gate=9)
    keep = {"seeds": 1, "retest_seeds": 1, "racing": False, "sealed_seeds": seeds}
    spec = make_spec(lab.target, budget={"rounds": 1, "parallel": 1}, keep=keep)
    ended = lab.advance(lab.start(spec).id, [Scripted(of_skill(0.8))])
    loop = Loop(id=ended.id, bench=lab.bench, proposers=())
    (request,) = lab.bench.ledger.merge_requests.of(ended.id)
    assert "was 0.8" in asyncio.run(rerun(loop, request))

    def run(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        for run in lab.runs.run(call, evolution, bench):
            yield worse(run) if run.job.case == "sealed-1" else run

    def worse(run: RawRun) -> RawRun:
        output = json.dumps(json.loads(run.output) | {"skill": 0.7}).encode()
        return run.model_copy(update={"output": output})

    monkeypatch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, run))
    if seeds == 1:
        assert "was 0.8" in asyncio.run(rerun(loop, request))
    else:
        with pytest.raises(EvidenceError, match="worse, by more than chance"):
            asyncio.run(rerun(loop, request))
