"""How supervision and escalations look: on a terminal, as lines, as JSON."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from desk.attach_view import said, table
from desk.attach_wanted import Wanted
from desk.cli import app
from desk.cli.showing import gate_page
from desk.live import Board
from desk.wiring import Opened, open_home
from labcrew.domain.monitoring import Attempt, Choice, Escalation
from labcrew.evidence import as_text
from tests.desk.records import plan_gate
from tests.desk.test_attaching import attached

HOSTILE = "step 9 loss nan \x1b[2J[bold red]x[/] <b>"


def shown(made: object) -> str:
    console = Console(file=io.StringIO(), width=200, markup=True)
    console.print(made)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_and_the_lines_say_what_a_run_does(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("step 8 loss 0.5 accuracy 0.7\n" + f"{HOSTILE}\n" * 6)
    with attached(tmp_path / "home", Wanted(whats=(f"log:{log}",))) as (opened, attaching, told):
        attaching.runs[0].take()
        lines = [said(word, value) for word, value in told]
        page = shown(table(attaching.runs, lines))
        attaching.leave("the test is over")
        board = Board(opened.ledger, opened.clock, replay=True).poll()
    assert lines[0].endswith("is supervised; read-only")
    assert any(line.startswith("A-001: not finite") for line in lines)
    assert "accuracy 0.7" in page
    assert "not finite" in page
    assert "\x1b" not in page
    assert any("ada attached log:" in line for line in board)
    assert any("the test is over" in line for line in board)
    assert said("lost", {**told[0][1], "because": "another holds it"}).endswith("another holds it")


def test_the_command_tells_in_json_lines(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("step 8 loss 0.5\n" + f"{HOSTILE}\n" * 6)
    home = str(tmp_path / "home")
    command = ["watch", "--attach", str(log), "--home", home, "--once"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 4
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["attached", "incident", "action", "ended"]
    assert "\x1b" not in events[1]["incident"]["evidence"][-1]
    again = CliRunner().invoke(app, command)
    assert "A-002: log:" in again.stdout
    with open_home(tmp_path / "home") as opened:
        assert [i.id for i in opened.ledger.incidents.all()] == [
            "A-001-not-finite",
            "A-002-not-finite",
        ]


def test_a_healthy_log_is_fine(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"step {n} loss {1 / (n + 1)}\n" for n in range(50)))
    home = str(tmp_path / "home")
    done = CliRunner().invoke(app, ["watch", "--attach", str(log), "--home", home, "--once"])
    assert done.exit_code == 0
    assert "50 lines" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--attach", "pid:1"],
        ["--attach", "nothing"],
        ["--attach", "log:x.log", "--offers", "everything"],
    ],
)
def test_what_is_wrong_is_said_in_json(tmp_path: Path, arguments: list[str]) -> None:
    home = str(tmp_path / "home")
    done = CliRunner().invoke(app, ["watch", *arguments, "--home", home, "--json"])
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["remedy"]


def test_an_escalation_is_shown_at_its_gate(opened: Opened) -> None:
    asked = Escalation(
        incident="T-001-002-diverged",
        title="t",
        found="loss is [bold]nan[/]",
        excerpt=(HOSTILE,),
        metric="loss",
        sparkline="▁▂█",
        plot="incidents/x.svg",
        attempts=(Attempt(action="restart_clipped", outcome="it did not help"),),
        options=(Choice(command="labcrew decide G accept", means="stop this run"),),
    )
    gate = plan_gate(
        opened,
        "T-001",
        id="T-001-incident-r0.0",
        kind="incident",
        shown={"incident": asked.incident, "escalation": asked.model_dump(mode="json")},
        allowed=("accept", "ignore"),
    )
    page = shown(gate_page(gate))
    for part in (
        "loss is [bold]nan[/]",
        "loss: ▁▂█",
        "Plot: incidents/x.svg",
        "Tried: restart clipped; it did not help",
        "stop this run",
        "let it go on",
    ):
        assert part in page
    assert "\x1b" not in page


def test_text_of_a_gate_is_read_as_it_was_written(opened: Opened) -> None:
    words = "To minimize val_loss: 2 near_duplicate rows, [1] a*b, see https://x.example"
    page = shown(gate_page(plan_gate(opened, "T-001", description=f"1. {as_text(words)}")))
    assert f"1. {words}" in page
