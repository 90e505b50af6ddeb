"""A loop's report and export, from a real ledger and real git."""

import asyncio
import csv
import json
import math
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from desk.cli import app
from desk.deliverables.formats import FORMATS, MEDIA_TYPES, deliverable
from desk.loop_export import _cell
from desk.loop_report import _code, loop_report
from desk.views.patches import patch
from desk.wiring import Opened
from labcrew.domain.evolution import CodeFile
from tests.desk.conftest import git
from tests.desk.deliverables.test_formats import READERS
from tests.desk.evolved import evolved, evolver, started
from tests.desk.web.clients import client_of, lab_at
from tests.graphs.evolution.lab import GIT, SECRET

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> [x](javascript:y) ```\x1b[2J\u202e"


@pytest.fixture
def ended(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A home whose loop waits with its merge request."""
    evolved(opened, tmp_path, monkeypatch)
    return opened


def labcrew(opened: Opened, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(opened.home.root)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_report_tells_all_of_a_loop(ended: Opened) -> None:
    done = labcrew(ended, "report", "E-001")
    assert done.exit_code == 0, done.output
    text = done.stdout
    request = ended.ledger.merge_requests.of("E-001")[-1]
    for line in request.description.split("\n"):
        assert line in text
    for word in (
        "# E-001: Better skill",
        "**Waiting**",
        "4 of 4 rounds used (2 kept, ",
        "## What needs a person",
        "> Which skill answers best?",
        "`python3 scorer/score.py {runs} {scores}`",
        "## What chance alone does",
        f"| 2 | skill 0.2 | scripted | {ended.ledger.rounds.get('E-001-R0002').verdict} |",
        "### Round 3: skill 0.95",
        "+SKILL = 0.95",
        "## The sealed split, opened once",
        "The lower bound is above zero.",
        "## Merge request E-001-MR0: open, improves",
        "## Who decided what",
    ):
        assert word in text, word
    assert SECRET not in text
    assert text == loop_report(ended.ledger, ended.ledger.evolutions.get("E-001"))


def test_money_is_told_where_models_have_a_price(ended: Opened) -> None:
    before = ended.ledger.evolutions.get("E-001")
    assert "$" not in labcrew(ended, "evolution", "show", "E-001").stdout
    assert "money for models" not in loop_report(ended.ledger, before)
    priced = before.model_copy(update={"model_usd": 0.256, "model_tokens": 1000})
    try:
        ended.ledger.evolutions.put(priced, actor="coordinator", kind="")
        assert "tokens, $0.26" in labcrew(ended, "evolution", "show", "E-001").stdout
        assert "| money for models | $0.26 |" in loop_report(ended.ledger, priced)
    finally:
        ended.ledger.evolutions.put(before, actor="coordinator", kind="")


def test_a_loop_that_has_not_begun_has_a_report_and_an_export(
    opened: Opened, tmp_path: Path
) -> None:
    started(opened, tmp_path)
    text = labcrew(opened, "report", "E-001").stdout
    assert "**Assigned**. 0 of 4 rounds used; started" in text
    assert "## Rounds" not in text
    done = labcrew(opened, "export", "E-001", str(tmp_path / "out"))
    assert "nothing was kept yet" in done.stdout
    assert rows(tmp_path / "out/rounds.csv") == []
    assert not (tmp_path / "out/kept").exists()
    drafted = tmp_path / "draft.md"
    assert labcrew(opened, "report", "E-001", "--format", "md", "--to", str(drafted)).exit_code == 0
    assert "The sealed split has not been opened" in drafted.read_text()


def test_what_models_and_runs_said_stays_words(ended: Opened, tmp_path: Path) -> None:
    third = ended.ledger.rounds.get("E-001-R0003")
    assert third.proposal is not None
    proposal = third.proposal.model_copy(
        update={
            "title": HOSTILE,
            "rationale": HOSTILE,
            "files": (CodeFile(path="agent.py", text=f"````\n# {HOSTILE}\n"),),
        }
    )
    changed = third.model_copy(update={"proposal": proposal, "reason": HOSTILE, "note": HOSTILE})
    ended.ledger.rounds.put(changed, actor="coordinator")
    text = labcrew(ended, "report", "E-001").stdout
    outside = text.replace(text.partition("`````diff\n")[2].partition("\n`````\n")[0], "")
    assert outside != text
    assert "<script>" not in outside
    assert re.search(r"(?<!\\)\]\(javascript", outside) is None
    assert not {"\x1b", "\u202e"}.intersection(text)
    assert labcrew(ended, "export", "E-001", str(tmp_path / "out")).exit_code == 0
    written = rows(tmp_path / "out/rounds.csv")
    assert written[2]["title"].startswith("'=cmd")
    assert "\x1b" not in (tmp_path / "out/notes.md").read_text()


def test_the_records_of_a_loop_become_files(ended: Opened, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = labcrew(ended, "export", "E-001", str(out))
    assert done.exit_code == 0, done.output
    assert "the winner is round 3" in done.stdout
    again = labcrew(ended, "export", "E-001", str(out))
    assert (again.exit_code, "is not empty" in again.output) == (2, True)
    for file in out.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()

    written = rows(out / "rounds.csv")
    rounds = ended.ledger.rounds.of("E-001")
    assert len(written) == 4
    for row, round_ in zip(written, rounds, strict=True):
        assert row["verdict"] == round_.verdict
        assert row["score"] == ("" if round_.score is None else str(round_.score))
        for name, gain in (("first", round_.first), ("retest", round_.retest)):
            assert row[f"{name}_gain"] == ("" if gain is None else str(gain.gain))
    runs = rows(out / "runs.csv")
    assert len(runs) == ended.ledger.scored_runs.count("E-001")
    assert {row["split"] for row in runs} == {"analysis", "gate", "sealed", "canary"}
    evolution = ended.ledger.evolutions.get("E-001")
    assert evolution.sealed is not None
    final = [float(r["score"]) for r in runs if r["round"] == "3" and r["split"] == "sealed"]
    assert sum(final) / len(final) == pytest.approx(evolution.sealed.final)
    assert json.loads((out / "sealed.json").read_text())["final"] == evolution.sealed.final
    assert [row["round"] for row in rows(out / "kept.csv")] == ["1", "3"]
    assert (out / "progress.svg").read_bytes().startswith(b"<?xml")
    assert (out / "progress.png").read_bytes().startswith(b"\x89PNG")
    assert "## Round 3, kept: skill 0.95" in (out / "notes.md").read_text()
    assert (out / "E-001-MR0.md").read_text() in (out / "report.md").read_text().replace(
        "###", "##"
    )

    target = tmp_path / "target"
    git(target, "checkout", "-q", "-B", "tried", evolution.base_commit)
    for name in ("R0001", "R0003"):
        git(target, "apply", str(out / "kept" / f"{name}.diff"))
    assert (target / "agent.py").read_text() == evolution.champion[0].text
    git(target, "checkout", "-q", "--", ".")
    git(target, "apply", str(out / "kept/all.diff"))
    assert (target / "agent.py").read_text() == evolution.champion[0].text


def test_an_unknown_loop_is_refused_as_an_unknown_ticket_is(ended: Opened, tmp_path: Path) -> None:
    for words in (("report",), ("report", "--format", "md"), ("export", str(tmp_path / "x"))):
        loop, ticket = (labcrew(ended, words[0], id, *words[1:]) for id in ("E-01", "T-009"))
        assert loop.exit_code == ticket.exit_code == 2
        assert "There is no 'E-01' among the evolutions." in loop.output
        assert "Did you mean E-001?" in loop.output
        assert "There is no 'T-009' among the tickets." in ticket.output
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_a_loops_draft_in_every_format(ended: Opened, format: Any) -> None:
    evolution = ended.ledger.evolutions.get("E-001")
    made = deliverable(ended.ledger, evolution, format)
    assert made == deliverable(ended.ledger, evolution, format)
    flat = " ".join(READERS[format](made).split()).replace("\\", "")
    assert evolution.sealed is not None
    for word in (
        "ot checked by a person",
        "The program is better than it was",
        f"{evolution.sealed.final:.4g}",
        f"{evolution.sealed.comparison.gain:+.4g}",
        "skill 0.95",
    ):
        assert word in flat, word
    assert SECRET not in flat
    answer = client_of(lab_at(ended), "viewer").get(
        "/api/v1/evolutions/E-001/report", params={"format": format}
    )
    assert answer.content == made
    assert answer.headers["content-type"] == MEDIA_TYPES[format]


def test_the_morning_report_tells_of_loops(ended: Opened) -> None:
    done = labcrew(ended, "report", "--since", "2000-01-01")
    assert "| E-001 | Better skill | waiting | 4 | 2 | " in done.stdout


def test_controls_have_reports(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = started(opened, tmp_path, "always_keep")
    asyncio.run(evolver(opened, monkeypatch, yes=True).advance(found.id))
    assert "A control: always keep." in labcrew(opened, "report", "E-001").stdout


def test_a_gain_without_an_interval_is_told_as_one(ended: Opened) -> None:
    third = ended.ledger.rounds.get("E-001-R0003")
    assert third.retest is not None
    endless = third.retest.model_copy(update={"low": -1.7e308, "high": math.inf})
    changed = third.model_copy(update={"retest": endless})
    ended.ledger.rounds.put(changed, actor="coordinator")
    text = labcrew(ended, "report", "E-001").stdout
    assert text.count("(too few pairs for an interval)") == 2
    assert "e+308" not in text.partition("## Merge request")[0]


_NAMES = st.sampled_from(["a.py", "b c.py", 'q"q.py', "sub/d.py"])
_TEXTS = st.text(st.sampled_from("ab \n\r\té\u2028"), max_size=30)
_PROGRAMS = st.dictionaries(_NAMES, _TEXTS, max_size=4)


@settings(max_examples=30)
@given(before=_PROGRAMS, after=_PROGRAMS)
def test_any_patch_is_one_that_git_applies(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str], after: dict[str, str]
) -> None:
    old, new = (
        tuple(CodeFile(path=path, text=text) for path, text in program.items())
        for program in (before, after)
    )
    made = patch(old, new)
    assert (made == "") == (before == after)
    if not made:
        return
    folder = tmp_path_factory.mktemp("patched")
    for path, text in before.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, newline="")
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        input=made.encode(), cwd=folder, env=GIT, check=True,
    )  # fmt: skip
    there = {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert there == after


@given(st.text(st.sampled_from("`~a\n "), max_size=60))
def test_nothing_in_a_patch_ends_its_block(text: str) -> None:
    block = _code(text).split("\n")
    fence = block[0].removesuffix("diff")
    assert all(set(line.strip()) != {"`"} or len(line.strip()) < len(fence) for line in block[1:-1])
    assert block[-1] == fence


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    made = _cell(text)
    assert not made.lstrip().startswith(("=", "+", "-", "@"))
