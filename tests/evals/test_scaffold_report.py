"""The page on the scaffold target says what the kept results say."""

from pathlib import Path
from statistics import fmean

import pytest

from desk.wiring import open_home
from evals.scaffold.report import EQUAL, PICTURE, document, draw, draws_in
from evals.scaffold.results import Arm, Line, Summary, folder_of, read, read_runs
from evals.scaffold.running import collect, kept_diffs
from labcrew.domain.evolution import (
    Analysis,
    CodeFile,
    Comparison,
    Kept,
    NoiseFloor,
    Proposal,
    Round,
    Sealed,
)
from labcrew.domain.evolution_spec import Control
from tests.desk.evolved import evolved

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "evals/results/scaffold"


def comparison(gain: float) -> Comparison:
    return Comparison(
        pairs=48, gain=gain, low=gain - 0.05, high=gain + 0.05, level=0.95, better=9, worse=2
    )


def line(number: int, verdict: str, score: float | None = 0.5, title: str = "Draw again") -> Line:
    return Line.model_validate(
        {
            "round": number,
            "proposer": "guidelines",
            "title": title,
            "verdict": verdict,
            "reason": "",
            "score": score,
            "gain": 0.1,
            "low": 0.02,
            "high": 0.18,
            "retested": True,
            "seconds": 60.0,
            "own_seconds": 1.0,
            "tokens": 1000,
            "ended_at": "2026-01-05T09:00:00+00:00",
        }
    )


def arm(control: Control, *lines: Line) -> Arm:
    summary = Summary(
        control=control,
        status="done",
        outcome="",
        model="m",
        baseline="b",
        champion="c",
        rounds=len(lines),
        hours=1.5,
        tokens=1000,
        runs=1234,
        noise=NoiseFloor(
            pairs=32, std=0.4, case_std=0.3, mean=0.4, difference=0.0, detectable=0.2,
            needed=60, worthwhile=0.1, deterministic=False,
        ),
        sealed=Sealed(
            comparison=comparison(0.2), baseline=0.4, final=0.6, relative=0.5, seeds=3,
            hindsight=0.62, opened=4, gate=0.7,
        ),
        kept=(Kept(round=2, title="Draw again", left_out=comparison(0.15)),),
        champion_round=2,
    )  # fmt: skip
    return Arm(control=control, rounds=lines, summary=summary)


def test_the_page_is_made_from_the_kept_results() -> None:
    arms, draws = read(RESULTS), draws_in(RESULTS)
    assert (ROOT / "docs/scaffold.md").read_text(encoding="utf-8") == document(arms, draws)
    loop = [one for one in arms if not one.control and one.rounds]
    if loop:
        assert (ROOT / "docs" / PICTURE).read_bytes() == draw(loop[0])


def all_kept() -> list[tuple[Path, Arm]]:
    places = (RESULTS, *sorted((RESULTS / EQUAL).iterdir()))
    return [(place, one) for place in places for one in read(place)]


def test_controls_stand_beside_a_loop_of_as_many_rounds() -> None:
    for equal in draws_in(RESULTS).values():
        ended = [one for one in equal if one.summary is not None]
        assert len({len(one.rounds) for one in ended}) <= 1
        sealed = [one.summary.sealed for one in ended if one.summary]
        assert len({one.baseline for one in sealed if one}) <= 1, "arms of a draw share seeds"
    first = (arm("", line(1, "kept")), arm("no_memory", line(1, "reverted")))
    page = document((), {2: (arm("", line(1, "reverted")),), 1: first})
    assert "## Beside its controls" in page
    assert "| no memory, draw 1 | 1 | 0 | 40.0% |" in page
    assert "| no memory, draw 1 | 1 | 1,234 | 1,000 | 1.5 |" in page, "what it spent"
    assert (
        "\n- the loop, draw 1: Draw again (round 1, at the gate 50.0%)\n"
        "- no memory, draw 1: nothing\n- the loop, draw 2: nothing\n"
    ) in page
    assert "## Beside its controls" not in document((arm("", line(1, "kept")),))


def test_kept_rounds_have_their_diffs_and_numbers_are_whole() -> None:
    for place, one in all_kept():
        numbers = [line.round for line in one.rounds]
        assert numbers == list(range(1, len(numbers) + 1))
        if one.summary is not None:
            kept = folder_of(place, one.control) / "kept"
            for line in one.rounds:
                if line.verdict == "kept":
                    assert (kept / f"{line.round:03d}.diff").read_text().startswith("---")
            assert one.summary.rounds == len(numbers)


def sealed_means(folder: Path, summary: Summary) -> tuple[float, float]:
    runs = read_runs(folder)
    baseline, champion = (
        fmean(run.score for run in runs if (run.split, run.code) == ("sealed", code))
        for code in (summary.baseline, summary.champion)
    )
    return baseline, champion


def test_the_sealed_result_follows_from_the_kept_scores() -> None:
    for place, one in all_kept():
        if one.summary is not None:
            assert one.summary.sealed is not None
            told = (one.summary.sealed.baseline, one.summary.sealed.final)
            assert sealed_means(folder_of(place, one.control), one.summary) == pytest.approx(told)


def test_a_loop_of_any_home_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_home(tmp_path / "home", create=True) as opened:
        loop = evolved(opened, tmp_path, monkeypatch)
        rounds = opened.ledger.rounds.of(loop.id)
    (summary,) = collect(tmp_path / "home", tmp_path / "results")
    (arm_,) = read(tmp_path / "results")
    assert summary is not None
    assert loop.sealed is not None
    assert arm_.summary == summary
    assert [one.title for one in arm_.rounds] == [r.proposal.title for r in rounds if r.proposal]
    folder = folder_of(tmp_path / "results", "")
    told = (loop.sealed.baseline, loop.sealed.final)
    assert sealed_means(folder, summary) == pytest.approx(told)
    kept = [r.number for r in rounds if r.verdict == "kept"]
    assert [p.name for p in sorted((folder / "kept").iterdir())] == [f"{n:03d}.diff" for n in kept]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    collect(tmp_path / "home", tmp_path / "results")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_gains_are_told_with_their_intervals_and_beside_hindsight() -> None:
    page = document((arm("", line(1, "reverted"), line(2, "kept")), arm("random_search")))
    assert "| the loop | 2 | 1 | 40.0% | 60.0% | +20.0 [+15.0, +25.0] | +50% | 62.0% (of 4)" in page
    assert "three best, by the gate, of what was not" in page, "hindsight saw no other"
    assert "| 2 | guidelines | Draw again | 50.0% | +10.0 [+2.0, +18.0] | -15.0 |" in page
    assert "| random search | 0 | 0 | 40.0% |" in page
    assert "(60 s a round that was run), the loop itself 2 s (1.6% of both)" in page
    assert "60 pairs show a gain of +10.0 points" in page


def test_what_is_not_there_is_not_claimed() -> None:
    assert "Nothing has been run yet." in document(())
    running = Arm(control="", rounds=(line(1, "dropped", None),), summary=None)
    page = document((running,))
    assert "not opened yet" in page
    assert "What was kept\n\nNothing." in page


def test_a_title_is_text() -> None:
    page = document((arm("", line(1, "kept", title="<b>|x|`\n# y")),))
    assert "&lt;b>\\|x\\|' # y" in page


def test_the_picture_is_the_same_each_time() -> None:
    shown = arm("", line(1, "reverted"), line(2, "kept"), line(3, "dropped", None))
    assert draw(shown) == draw(shown)
    assert b"<svg" in draw(shown)


def test_each_kept_change_is_told_against_what_stood_before() -> None:
    def kept(number: int, text: str) -> Round:
        files = (CodeFile(path="agent.py", text=text),)
        return Round(
            id=f"E-001-R{number:04d}", ticket="E-001", number=number, status="noted",
            champion="", analysis=Analysis(mean=0, failures=(), summary=""),
            proposal=Proposal(proposer="p", title="t", rationale="r", files=files),
            verdict="kept", began_at="2026-01-05T09:00:00+00:00",
        )  # fmt: skip

    baseline = (CodeFile(path="agent.py", text="a\n"),)
    told = dict(kept_diffs(baseline, [kept(3, "a\nb\n"), kept(7, "b\n")]))
    assert told[3].endswith(" a\n+b\n")
    assert told[7].endswith("-a\n b\n")
