"""What rounds teach: notes, criticism, loops, and the analysis that rounds begin with."""

from hypothesis import given
from hypothesis import strategies as st

from agents.evolution.analysis import MOST_FAILURES, analyse, kind_of
from agents.evolution.notes import REST, TRIES, family, loop_warning, note_of
from agents.evolution.proposing import Situation
from labcrew.domain.evolution import Proposal, RunStatus, ScoredRun
from labcrew.domain.evolution_spec import Case, Scale, Split
from tests.agents.evolution.situations import a_proposal, a_round, comparison, files, situation

SCALE = Scale(name="passed", low=0, high=1)


def a_run(
    case: str,
    score: float,
    *,
    status: RunStatus = "ok",
    why: str = "",
    split: Split = "analysis",
    seed: int = 0,
) -> ScoredRun:
    return ScoredRun(
        id=f"E-001/x/{case}/{seed}",
        ticket="E-001",
        code="x",
        case=case,
        split=split,
        seed=seed,
        status=status,
        score=score,
        why=why,
        seconds=1,
    )


def test_failures_are_told_by_kind_the_worst_first() -> None:
    runs = [
        a_run("a", 1.0),
        a_run("b", 0.5, why="example 3 of 'x' fails"),
        a_run("c", 0.4, why="example 12 of 'yy' fails"),
        a_run("d", 0.0, status="crashed", why="NameError: name 'q' is not defined"),
        a_run("g", 0.0, why="secret", split="gate"),
    ]
    outputs = {"E-001/x/c/0": b"\xff\x1b[31mred"}
    cases = [Case(id=c, split="analysis", input=1) for c in "abcde"]
    found = analyse(SCALE, runs, outputs, cases)
    assert [f.case for f in found.failures] == ["d", "c", "b"]
    assert found.kinds == {
        "wrong: example # of … fails": ("c", "b"),
        "crashed: nameerror: name … is not defined": ("d",),
    }
    assert found.failures[1].output == "\ufffd\ufffd[31mred"
    assert found.mean == (1.0 + 0.5 + 0.4 + 0.0) / 4
    assert "secret" not in found.model_dump_json()
    assert found.summary.endswith(" Not run: e.")


def test_an_analysis_of_nothing_is_the_worst() -> None:
    assert analyse(SCALE, [], {}, []).mean == 0


def test_an_analysis_is_capped() -> None:
    runs = [a_run(f"c{n}", 0.0, why=f"{chr(97 + n % 26)}" * 5_000) for n in range(60)]
    outputs = {run.id: b"x" * 100_000 for run in runs}
    found = analyse(SCALE, runs, outputs, [])
    assert len(found.failures) == MOST_FAILURES
    assert len(found.model_dump_json()) < 60_000
    assert len(found.kinds) <= 13


@given(st.text(max_size=300))
def test_a_kind_is_one_short_line(why: str) -> None:
    kind = kind_of(a_run("a", 0.0, why=why))
    assert len(kind) < 100
    assert "\n" not in kind


def test_a_note_has_numbers_and_a_criticism() -> None:
    kept = a_round(4, a_proposal(), gain=0.2, kept=True, retest=comparison(0.18))
    note = note_of(kept, SCALE)
    assert "Round 4, mutation: a change. Kept; first look: gain +0.2, at least +0.19" in note.note
    assert "held on fresh seeds" in note.criticism
    lucky = a_round(5, a_proposal(), gain=0.2, retest=comparison(-0.1))
    assert "luck" in note_of(lucky, SCALE).criticism
    nothing = a_round(6, None)
    assert "no proposer" in note_of(nothing, SCALE).note


def test_a_note_names_cases_of_the_analysis_split_alone() -> None:
    before = [a_run("a", 0.5), a_run("b", 0.5), a_run("g", 0.5, split="gate")]
    after = [a_run("a", 1.0), a_run("b", 0.0), a_run("g", 0.0, split="gate")]
    note = note_of(a_round(2, a_proposal(), gain=-0.1), SCALE, before, after)
    assert "Better on a. Worse on b." in note.note
    assert "worse on b" in note.criticism
    assert "g" not in [word.strip(".,") for word in note.note.split()]


def proposal(kind: str, number: int) -> Proposal:
    """A change of a kind; no two titles are alike."""
    return a_proposal(f"x = {number}\n", title=chr(97 + number), values={"kinds": [kind]})


def test_a_family_without_a_gain_rests_for_a_while() -> None:
    rounds = [a_round(n, proposal("delete", n)) for n in range(1, TRIES + 1)]
    assert loop_warning(rounds[:-1]).resting == ()
    loop = loop_warning(rounds)
    assert loop.resting == ("mutation:delete",)
    assert f"tried {TRIES} times without a gain" in loop.told
    later = [a_round(n, proposal(f"k{n}", n)) for n in range(TRIES + 1, TRIES + 1 + REST)]
    assert loop_warning([*rounds, *later]).resting == ()


def test_a_gain_wakes_a_family() -> None:
    rounds = [a_round(n, proposal("delete", n)) for n in range(1, TRIES + 1)]
    gained = a_round(TRIES + 1, proposal("delete", 9), gain=0.5, kept=True)
    assert loop_warning([*rounds, gained]).resting == ()


def test_nearly_the_same_change_rests_no_longer_than_it_says() -> None:
    rounds = [a_round(n, a_proposal(title=f"Set RATE {n}")) for n in range(1, TRIES + 1)]
    assert loop_warning(rounds).resting == ("mutation",)
    gained = a_round(TRIES + 1, a_proposal(title="Set RATE 9"), gain=0.5, kept=True)
    assert loop_warning([*rounds, gained]).resting == ()
    later = [a_round(n, proposal(f"k{n}", n)) for n in range(TRIES + 1, TRIES + 1 + REST)]
    assert loop_warning([*rounds, *later]).resting == ()


def test_the_same_change_but_for_a_number_is_noticed() -> None:
    rounds = [
        a_round(n, a_proposal(title=f"Set RATE 0.1 → 0.{n}", values={"changed": [f"R{n}"]}))
        for n in range(1, TRIES + 1)
    ]
    assert "Nearly the same change" in loop_warning(rounds).told


def test_two_champions_that_take_turns_are_noticed() -> None:
    rounds = [
        a_round(n, proposal(f"k{n}", n), champion="ab"[n % 2] * 64, gain=0.1, kept=True)
        for n in range(1, 6)
    ]
    assert "take turns" in loop_warning(rounds).told


def test_families_are_named_by_what_was_done() -> None:
    assert family(a_proposal(values={"kinds": ["a", "b"]})) == ("mutation:a", "mutation:b")
    assert family(a_proposal(proposer="parameters", values={"changed": ["x", "y"]})) == (
        "parameters:x+y",
    )
    assert family(a_proposal(proposer="other")) == ("other",)


def test_a_gain_that_was_turned_down_for_something_else_was_no_luck() -> None:
    why = "protected gate-0 became worse, by 0.5"
    turned_down = a_round(
        1, a_proposal(), gain=0.1, retest=comparison(0.1), verdict="reverted", reason=why
    )
    told = note_of(turned_down, SCALE)
    assert "The gain was real, but another rule turned it down." in told.criticism
    assert why not in told.note + told.criticism


def test_a_re_test_that_kept_nothing_is_told_without_its_figures() -> None:
    luck = comparison(0.0377).model_copy(update={"better": 13, "worse": 11})
    reverted = a_round(5, a_proposal(), gain=0.2, retest=luck, reason="gain of +0.0377 at best")
    kept = a_round(6, a_proposal(), gain=0.2, retest=luck, kept=True)
    for round in (reverted, kept):
        noted = note_of(round, SCALE)
        known = situation(files("x = 0\n"), rounds=(round.model_copy(update=noted.model_dump()),))
        told = known.rounds[0].model_dump_json()
        assert ("0.0377" in told) is ("13 pairs" in told) is (round is kept)
        assert (known.rounds[0].retest is not None) is (round is kept)


def test_where_re_tests_share_their_cases_none_is_told_with_figures() -> None:
    gained = comparison(0.0377).model_copy(update={"better": 13, "worse": 11})
    why = "the re-test confirms it: +0.0377"
    kept = a_round(6, a_proposal(), gain=0.2, retest=gained, kept=True, reason=why)
    noted = note_of(kept, SCALE, parted=True)
    assert "enough to keep it" in noted.note
    plain = situation(files("x = 0\n"), rounds=(kept.model_copy(update=noted.model_dump()),))
    known = Situation.model_validate({**dict(plain), "parted": True})
    told = known.rounds[0].model_dump_json()
    assert "0.0377" not in told
    assert "13 pairs" not in told
    assert known.rounds[0].verdict == "kept"
