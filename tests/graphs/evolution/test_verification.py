"""A merge request's figures are held against the runs that they come from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graphs.evolution.loop import Loop
from graphs.evolution.verification import composed, verify
from labcrew.domain.evolution import Comparison, Evolution, Round
from tests.graphs.evolution.lab import Lab, Scripted, lab_at, make_spec, program

Alters = Callable[[Evolution, Round], tuple[Evolution, Round]]


def raised(comparison: Comparison | None) -> Comparison:
    assert comparison is not None
    return comparison.model_copy(update={"gain": comparison.gain + 0.1})


def left_out(evolution: Evolution, round_: Round) -> tuple[Evolution, Round]:
    (kept,) = evolution.kept
    altered = kept.model_copy(update={"left_out": raised(kept.left_out)})
    return evolution.model_copy(update={"kept": (altered,)}), round_


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
