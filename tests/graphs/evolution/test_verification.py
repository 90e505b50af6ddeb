"""A merge request's figures are held against the runs that they come from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graphs.evolution import ending, recounting
from graphs.evolution.loop import Loop
from graphs.evolution.verification import composed, verify
from labcrew.domain.evolution import Comparison, Evolution, Kept, Round
from tests.graphs.evolution.lab import Lab, Scripted, lab_at, make_spec, program

Alters = Callable[[Evolution, Round], tuple[Evolution, Round]]


def raised(comparison: Comparison | None) -> Comparison:
    assert comparison is not None
    return comparison.model_copy(update={"gain": comparison.gain + 0.1})


def left_out(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    (kept,) = evolution.kept
    altered = kept.model_copy(update={"left_out": raised(kept.left_out)})
    return evolution.model_copy(update={"kept": (altered,)}), round_


def not_left_out(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    (kept,) = evolution.kept
    altered = kept.model_copy(update={"left_out": None, "unscored": "the scorer broke"})
    return evolution.model_copy(update={"kept": (altered,)}), round_


def untold(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    return evolution.model_copy(update={"kept": ()}), round_


def hindsight(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    assert evolution.sealed is not None
    sealed = evolution.sealed.model_copy(update={"hindsight": evolution.sealed.final})
    return evolution.model_copy(update={"sealed": sealed}), round_


def noise(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    assert evolution.noise is not None
    less = evolution.noise.model_copy(update={"detectable": 0.0001})
    return evolution.model_copy(update={"noise": less}), round_


def retest(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    return evolution, round_.model_copy(update={"retest": raised(round_.retest)})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    with pytest.MonkeyPatch.context() as patch:
        made: Lab = lab_at(Path(tmp_path_factory.mktemp("verified")), patch)
        spec = make_spec(made.target, budget={"rounds": 2, "parallel": 1})
        made.advance(made.start(spec).id, [Scripted(program(0.8), program(0.81))])
    return made


def test_an_honest_one_holds(lab: Lab) -> None:
    (request,) = lab.bench.ledger.merge_requests.of("E-001")
    found = verify(Loop(id="E-001", bench=lab.bench, proposers=()), request)
    assert found.holds, found.problems


@pytest.mark.parametrize(
    ("alters", "said"),
    [
        (left_out, "what round 1 brings is not what its runs give"),
        (not_left_out, "what round 1 brings is not what its runs give"),
        (untold, "what round 1 brings is not told"),
        (hindsight, "the sealed result is not what its runs give"),
        (noise, "the noise is not what its runs give"),
        (retest, "the re-test of round 1 is not what its runs give"),
    ],
)
def test_an_altered_figure_is_found_though_the_words_were_made_anew(
    lab: Lab, alters: Alters, said: str
) -> None:
    ledger = lab.bench.ledger
    loop = Loop(id="E-001", bench=lab.bench, proposers=())
    (request,) = ledger.merge_requests.of("E-001")
    before, round_ = loop.evolution, ledger.rounds.of("E-001")[0]
    evolution, altered = alters(before, round_)
    try:
        ledger.evolutions.put(evolution, actor="coordinator", kind="")
        ledger.rounds.put(altered, actor="coordinator", kind="round.altered")
        again = composed(loop, branch=request.branch, commit=request.commit)
        assert said in verify(loop, again).problems
    finally:
        ledger.evolutions.put(before, actor="coordinator", kind="")
        ledger.rounds.put(round_, actor="coordinator", kind="round.mended")


def test_a_gain_that_neither_record_nor_runs_have_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_at(tmp_path, monkeypatch)
    spec = make_spec(lab.target, budget={"rounds": 2, "parallel": 1})
    lab.advance(lab.start(spec).id, [Scripted(program(0.8), program(0.81))])
    loop = Loop(id="E-001", bench=lab.bench, proposers=())
    (kept,) = loop.evolution.kept
    loop.update(kept=(kept.model_copy(update={"left_out": None}),))
    # Seeds of another secret: as if the runs that it rests on had never been made.
    elsewhere = loop.seeds("elsewhere", 3)
    monkeypatch.setattr(recounting, "left_out_seeds", lambda loop, own: elsewhere)
    (request,) = lab.bench.ledger.merge_requests.of("E-001")
    again = composed(loop, branch=request.branch, commit=request.commit)
    said = "runs that tell what round 1 brings are missing"
    assert said in verify(loop, again).problems


def test_a_branch_that_holds_more_than_the_program_is_found(lab: Lab) -> None:
    loop = Loop(id="E-001", bench=lab.bench, proposers=())
    (request,) = lab.bench.ledger.merge_requests.of("E-001")
    more = lab.bench.repositories.write(
        "E-001",
        request.commit,
        {"run.py": b"import agent, more\n"},
        message="more",
        at=lab.bench.clock.now(),
        ref="refs/labcrew/E-001/more",
        editable=("run.py",),
    )
    altered = request.model_copy(update={"commit": more})
    said = "the branch changes run.py, which is no file of the program"
    assert said in verify(loop, altered).problems


def test_an_older_record_was_left_out_on_the_seeds_of_re_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = lab_at(tmp_path, monkeypatch)
    monkeypatch.setattr(ending, "left_out_seeds", lambda loop: loop.retest_seeds())
    monkeypatch.setattr(ending, "Kept", lambda own_seeds, **fields: Kept(**fields))
    spec = make_spec(older.target, budget={"rounds": 1, "parallel": 1})
    ended = older.advance(older.start(spec).id, [Scripted(program(0.8))])
    assert [kept.own_seeds for kept in ended.kept] == [False]
    (request,) = older.bench.ledger.merge_requests.of(ended.id)
    assert verify(Loop(id=ended.id, bench=older.bench, proposers=()), request).holds
