"""A loop of self-evolution wherever people meet the crew: commands, gates, reports, the shift."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.cli.evolving_pages import reference
from desk.keeping import clean
from desk.morning import morning, text
from desk.notifying.messages import message_of
from desk.shift import Shift
from desk.wiring import Opened
from desk.wording import sentence
from graphs.evolution.loop import Loop
from graphs.evolution.verification import rerun, verify
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.errors import EvidenceError
from labcrew.evolution_file import read_spec
from labcrew.judgement import Judge
from labcrew.ticket_shape import fields
from tests.desk.conftest import HandClock, git
from tests.desk.evolved import evolved, evolver, started
from tests.graphs.evolution.lab import SECRET

DOCS = Path(__file__).parents[2] / "docs"


def run(opened: Opened, *arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--home", str(opened.home.root), "--json"])
    assert done.exit_code == code, done.output
    assert SECRET not in done.stdout
    return json.loads(done.stdout)


def told(opened: Opened, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--home", str(opened.home.root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_loop_on_the_command_line(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = evolved(opened, tmp_path, monkeypatch)
    assert ended.status == "waiting"
    (listed,) = run(opened, "evolution", "list")["evolutions"]
    assert (listed["id"], listed["status"], listed["keeps"]) == ("E-001", "waiting", 2)
    shown = run(opened, "evolution", "show", "E-001")
    assert [row["number"] for row in shown["rounds"] if row["verdict"] == "kept"] == [1, 3]
    assert shown["merge_request"] == "E-001-MR0"
    assert "sealed split: " in told(opened, "evolution", "show", "E-001")
    assert run(opened, "evolution", "pause", "E-001")["status"] == "paused"
    assert run(opened, "evolution", "resume", "E-001")["status"] == "assigned"
    assert run(opened, "evolution", "stop", "E-001")["status"] == "stopped"
    assert run(opened, "inbox")["gates"] == []
    run(opened, "evolution", "resume", "E-001", code=2)
    run(opened, "evolution", "show", "E-009", code=2)
    assert run(opened, "ledger", "verify")["problems"] == []


def test_a_paused_loop_is_not_said_to_go_on(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = started(opened, tmp_path)
    run(opened, "evolution", "pause", begun.id)
    monkeypatch.setattr("labcrew.evolution_file.read_spec", lambda file: begun.spec)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app, ["evolve", begun.source, "--home", str(opened.home.root), "--json"]
    )
    assert "is this spec, and paused: `labcrew evolution resume E-001`" in done.stderr
    assert done.exit_code == 3


def test_its_gate_and_merge_request_are_handled_like_a_tickets(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolved(opened, tmp_path, monkeypatch)
    (gate,) = run(opened, "inbox")["gates"]
    assert gate["id"] == "E-001-merge-r0.1"
    assert "# let it change itself" not in told(opened, "inbox")
    (listed,) = run(opened, "mr", "list")
    assert listed["id"] == "E-001-MR0"
    assert run(opened, "mr", "show", "E-001")["merge_request"]["id"] == "E-001-MR0"
    assert "+SKILL = 0.9" in run(opened, "mr", "diff", "E-001-MR0")["diff"]
    decided = CliRunner().invoke(
        app, ["decide", "E-001", "accept", "--home", str(opened.home.root), "--by", "ada"]
    )
    assert decided.exit_code == 0, decided.output
    assert "labcrew evolve E-001" in decided.output
    merged = asyncio.run(evolver(opened, monkeypatch).advance("E-001"))
    assert merged.status == "done"
    assert merged.outcome.startswith("done: merged")


def test_a_merge_that_waits_for_its_branch_is_finished_later(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolved(opened, tmp_path, monkeypatch)
    git(tmp_path / "target", "checkout", "-q", "main")
    office = opened.office()
    office.decide("E-001", "accept", "ada")
    ended = asyncio.run(evolver(opened, monkeypatch).advance("E-001"))
    assert "main is checked out" in ended.outcome
    request = office.merge_request("E-001")
    assert request.status == "open"
    git(tmp_path / "target", "checkout", "-q", "work")
    finished = office.finish_merge(request, "ada")
    assert finished is not None
    assert finished.status == "merged"
    assert git(tmp_path / "target", "rev-parse", "main") == request.commit


def test_the_shift_moves_loops_one_at_a_time(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        started(opened, tmp_path, budget={"rounds": 1, "parallel": 1})
    at_work: list[str] = []
    most: list[int] = []
    real = evolver(opened, monkeypatch, yes=True)

    class Loops:
        async def advance(self, evolution: str) -> Any:
            at_work.append(evolution)
            most.append(len(at_work))
            await asyncio.sleep(0)
            try:
                return await real.advance(evolution)
            finally:
                at_work.remove(evolution)

    class Nobody:
        async def advance(self, ticket: str) -> Any:
            raise AssertionError(f"{ticket} is no ticket")

    said: list[str] = []
    shift = Shift(opened.office(), Nobody(), loops=Loops(), at_once=1, say=said.append)
    asyncio.run(shift.run(until_idle=True))
    assert [loop.status for loop in opened.ledger.evolutions.all()] == ["done", "done"]
    assert max(most) == 1
    assert said == []


def test_what_people_are_told_of_a_loop(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: HandClock
) -> None:
    evolved(opened, tmp_path, monkeypatch)
    opened.office().decide("E-001", "accept", "ada")
    asyncio.run(evolver(opened, monkeypatch).advance("E-001"))
    events = opened.ledger.events.of("E-001")
    words = [said for event in events if (said := sentence(event, opened.ledger))]
    assert "ada started the loop" in words
    assert any(line.startswith("Round 1: skill 0.8: kept, ") for line in words)
    assert any(line.startswith("The sealed split is opened: ") for line in words)
    messages = [m for event in events if (m := message_of(event, opened.ledger))]
    assert [m.event for m in messages] == [
        "gate.opened",
        "merge_request.opened",
        "gate.opened",
        "merge_request.merged",
        "evolution.ended",
    ]
    assert {m.title for m in messages} == {"Better skill"}
    assert messages[-1].kind == "evolution"
    since = clock.now().replace(year=2000)
    report = morning(opened.ledger, Judge(models={}), since, clock.now())
    (night,) = report.loops
    assert (night.evolution, night.rounds, night.kept) == ("E-001", 4, 2)
    assert "## Loops of self-evolution" in text(report)


def test_cleaning_keeps_what_a_live_loop_and_a_merge_request_need(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: HandClock
) -> None:
    evolved(opened, tmp_path, monkeypatch)
    raw = opened.home.outputs("E-001", "raw")
    before = len(list(raw.iterdir()))
    clock.pass_(days=400)
    assert clean(opened.office()).removed == ()
    assert len(list(raw.iterdir())) == before
    opened.office().decide("E-001", "accept", "ada")
    worker = evolver(opened, monkeypatch)
    asyncio.run(worker.advance("E-001"))
    clock.pass_(days=400)
    seen = clean(opened.office(), dry_run=True)
    assert len(list(raw.iterdir())) == before
    assert seen.freed_bytes > 0
    clean(opened.office())
    left = len(list(raw.iterdir()))
    assert 0 < left < before
    request = opened.ledger.merge_requests.of("E-001")[-1]
    loop = Loop(id="E-001", bench=worker._bench, proposers=())
    assert verify(loop, request).problems == ()


def test_the_fields_of_a_spec_are_written_down_as_they_are() -> None:
    kept = (DOCS / "evolution-spec.md").read_text()
    made = reference(list(fields(EvolutionSpec)), markdown=True)
    assert kept == made, "run: labcrew evolution fields --markdown > docs/evolution-spec.md"


def test_the_spec_in_the_manual_can_be_read() -> None:
    manual = (DOCS / "evolution.md").read_text()
    spec = read_spec(manual.partition("```markdown\n")[2].partition("```")[0])
    assert spec.metric.direction == "minimize"
    assert spec.scorer.private == ("judge",)


def test_the_program_is_run_again_on_new_seeds(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolved(opened, tmp_path, monkeypatch)
    loop = Loop(id="E-001", bench=evolver(opened, monkeypatch)._bench, proposers=())
    request = opened.ledger.merge_requests.of("E-001")[-1]
    runs = opened.ledger.scored_runs.count("E-001")
    said = asyncio.run(rerun(loop, request))
    assert "E-001-MR0 run again on 8 sealed cases with 3 new seeds: mean 0." in said
    assert opened.ledger.scored_runs.count("E-001") == runs
    with monkeypatch.context() as patch:
        patch.setattr(Loop, "scored", lambda *args: ())
        problems = verify(loop, request).problems
        assert "runs of the sealed split are missing" in problems
    assert verify(loop, request).problems == ()
    monkeypatch.setattr("tests.graphs.evolution.lab.skill_of", lambda files: 0.3)
    with pytest.raises(EvidenceError, match="worse, by more than chance"):
        asyncio.run(rerun(loop, request))
