"""The command line as people and programs use it: answers, errors, exit codes."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from desk.cli import app
from desk.cli.common import answer_json
from desk.cli.merge_requests import _verdict
from desk.wiring import Opened, open_home
from labcrew.domain.research import Lesson
from labcrew.domain.review import Verification
from tests.desk.conftest import TICKET, HandClock
from tests.desk.records import fail, merge_request, plan_gate, trial

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def lab(home: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one ticket whose plan gate is open."""
    monkeypatch.setenv("LABCREW_HOME", str(home))
    monkeypatch.setenv("LABCREW_USER", "ada")
    assert _run("init").exit_code == 0
    assert _run("ticket", "new", str(toy / "ticket.md")).exit_code == 0
    with open_home(home) as opened:
        plan_gate(opened, "T-001", expires_at=None)
    return home


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _json(*arguments: str, code: int = 0) -> Any:
    result = _run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def _process(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = "from desk.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_version_is_the_one_installed() -> None:
    said = _process("--version")
    assert (said.returncode, said.stdout) == (0, f"labcrew {version('labcrew')}\n")


def test_every_command_has_help_home_and_json() -> None:
    def commands(group: Any, path: tuple[str, ...]) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                commands(command, (*path, name))
                continue
            options = {option for param in command.params for option in param.opts}
            assert {"--home", "--json"} <= options, (*path, name)
            assert command.help, (*path, name)

    from typer.main import get_command

    commands(get_command(app), ())


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; from desk.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'rich', 'sqlalchemy', 'docker', 'openai', 'chromadb', 'langgraph'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "Work on one ticket" in done.stdout
    assert done.stderr.strip() == "[]"


def test_usage_errors_are_two_and_json_when_asked() -> None:
    plain = _process("ticket", "shwo")
    assert (plain.returncode, plain.stdout) == (2, "")
    assert "No such command 'shwo'" in plain.stderr
    asked = _process("decide", "G-1", "perhaps", "--json")
    assert asked.returncode == 2
    assert "accept" in json.loads(asked.stdout)["error"]["message"]


def test_no_home_says_what_to_do(home: Path) -> None:
    result = _run("ticket", "list", "--home", str(home))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "labcrew init" in result.stderr
    assert "Traceback" not in result.stderr
    error = _json("inbox", "--home", str(home), code=2)["error"]
    assert (error["type"], error["exit_code"]) == ("NotFound", 2)
    assert not home.exists()


def test_a_folder_with_other_things_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    assert _json("init", "--home", str(tmp_path), code=2)["error"]["type"] == "InputError"


def test_init_twice(home: Path) -> None:
    assert _json("init", "--home", str(home))["created"] is True
    assert _json("init", "--home", str(home))["created"] is False


def test_a_bad_ticket_is_one_message(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.md"
    bad.write_text(TICKET.replace("direction: maximize", "direction: up"))
    result = _run("run", str(bad), "--home", str(home))
    assert result.exit_code == 2
    assert "bad.md:4, field metric.direction: 'up' is not allowed" in result.stderr
    assert "Traceback" not in result.stderr


def test_tickets_are_listed_shown_moved(lab: Path) -> None:
    assert "T-001" in _run("ticket", "list").stdout
    assert [t["id"] for t in _json("ticket", "list")] == ["T-001"]
    page = _run("ticket", "show", "T-001").stdout
    assert "labcrew decide T-001-plan-r0.0 accept" in page
    assert _json("ticket", "show", "T-001")["gates"][0]["kind"] == "plan"
    assert _json("ticket", "budget", "T-001", "--trials", "30")["trials"] == 30
    assert "at most 1 h" in _run("ticket", "budget", "T-001").stdout
    assert _json("ticket", "pause", "T-001")["status"] == "paused"
    assert _json("ticket", "resume", "T-001")["status"] == "assigned"
    assert _json("ticket", "retry", "T-001", code=2)["error"]["type"] == "Conflict"
    missing = _json("ticket", "show", "T-01", code=2)["error"]
    assert "T-001" in missing["remedy"]


def test_fields_lists_the_reference() -> None:
    assert "metric.direction" in _run("ticket", "fields").stdout
    assert any(field["path"] == "metric.direction" for field in _json("ticket", "fields"))


def test_the_inbox_shows_what_is_asked_without_markup_or_escapes(lab: Path) -> None:
    page = _run("inbox").stdout
    assert "[bold]not markup[/bold]" in page
    assert "\x1b" not in page
    assert "drop_suggestions" in page
    (gate,) = _json("inbox")["gates"]
    assert page.count(gate["payload_hash"][:12]) == 1


def test_deciding(lab: Path) -> None:
    gate = _json("inbox")["gates"][0]
    refused = _json("decide", gate["id"], "accept", "--shown", "0" * 12, code=2)
    assert "shows something else" in refused["error"]["message"]
    assert _run("decide", gate["id"], "edit", "--edits", "{nope").exit_code == 2
    assert _run("decide", gate["id"], "edit", "--edits", "[1]").exit_code == 2
    edits = json.dumps({"budget": {"trials": 8}})
    made = _json("decide", "T-001", "edit", "--edits", edits, "--shown", gate["payload_hash"])
    assert (made["by"], made["edits"]["budget"]["trials"]) == ("ada", 8)
    again = _json("decide", gate["id"], "ignore", "--by", "bob", code=2)
    assert "already decided: edit, by ada" in again["error"]["message"]
    assert "Nothing waits for you" in _run("inbox").stdout


def test_merge_requests(lab: Path) -> None:
    with open_home(lab) as opened:
        assigned = opened.ledger.tickets.get("T-001")
        request = merge_request(opened, assigned, trial(opened, "T-001", 1))
    assert request.id in _run("mr", "list").stdout
    assert "0.9100" in _run("mr", "show", "T-001").stdout
    assert _json("mr", "diff", "T-001")["diff"] == ""
    assert _json("mr", "comment", "T-001", "Why 0.1?")["id"] == "T-001-MR0-C01"
    assert "Why 0.1?" in _run("mr", "show", request.id).stdout
    made = _json("mr", "comment", "T-001", "Try 0.2.", "--revise")
    assert made["id"] == "T-001-MR0-C02"
    assert _json("mr", "show", "T-001")["comments"][1]["text"] == "Try 0.2."
    assert _json("mr", "merge", "T-001", code=2)["error"]["type"] == "InputError"
    assert _json("mr", "show", "T-009", code=2)["error"]["type"] == "NotFound"


def test_report_export_clean_ledger(lab: Path, tmp_path: Path) -> None:
    assert "# T-001: A better learning rate" in _run("report", "T-001").stdout
    target = tmp_path / "report.md"
    assert _run("report", "T-001", "--to", str(target)).exit_code == 0
    assert target.read_text().startswith("# T-001")
    assert _run("report", "T-001", "--to", "/no/such/folder/x.md").exit_code == 2
    done = _json("export", "T-001", str(tmp_path / "out"))
    assert {"report.md", "ticket.json", "events.jsonl"} <= set(done["files"])
    assert _json("export", "T-001", str(tmp_path / "out"), code=2)["error"]["type"] == "InputError"
    assert _json("clean", "--dry-run")["removed"] == []
    assert _json("ledger", "verify")["problems"] == []
    assert "is sound" in _run("ledger", "verify").stdout


def test_watch_once_tells_what_happened(lab: Path) -> None:
    lines = _run("watch", "T-001", "--once").stdout
    assert "ada assigned the ticket" in lines
    assert "A person is asked: Plan for a better learning rate" in lines
    assert _run("watch", "T-404", "--once").exit_code == 2


def test_dry_run_starts_nothing(toy: Path, home: Path) -> None:
    shown = _json("run", str(toy / "ticket.md"), "--dry-run", "--home", str(home))
    assert shown["branch"] == "main"
    assert shown["first_command"].startswith("python train.py")
    assert not home.exists()


def test_stopping_voids_the_gates(lab: Path) -> None:
    assert _json("ticket", "stop", "T-001")["status"] == "stopped"
    assert _json("inbox") == {"gates": [], "failed": []}


def test_the_inbox_shows_what_failed_until_somebody_takes_it_up(lab: Path) -> None:
    with open_home(lab) as opened:
        fail(opened, "T-001", "[bold]no[/bold] \x1b[31mroom")
    (failed,) = _json("inbox")["failed"]
    assert (failed["id"], failed["again"]) == ("T-001", "labcrew ticket retry T-001")
    page = _run("inbox").stdout
    assert "T-001" in page
    assert "failed: [bold]no[/bold]" in page
    assert "\x1b" not in page
    assert _json("ticket", "stop", "T-001")["status"] == "stopped"
    assert _json("inbox")["failed"] == []


def test_a_second_owner_is_refused_by_name(lab: Path, opened: Opened, clock: HandClock) -> None:
    with open_home(lab) as other, other.home.owned():
        error = _json("memory", "search", "learning rate", code=4)["error"]
    assert "is in use by process" in error["message"]


def test_a_search_says_what_has_lapsed_since(lab: Path) -> None:
    with open_home(lab) as opened:
        assigned = opened.ledger.tickets.get("T-001")
        for id, commit in (("holds", assigned.base_commit), ("gone", "o" * 40)):
            lesson = Lesson(
                id=id, ticket=assigned.id, text=f"momentum helps, {id}", code_hash=commit,
                data_hash="", repository=assigned.repository,
            )  # fmt: skip
            opened.ledger.lessons.put(lesson, actor="coordinator")
    assert _json("memory", "rebuild")["records"] == 2
    found = _json("memory", "search", "momentum")
    assert {hit["record"]["id"]: hit["lapsed"] for hit in found} == {"holds": False, "gone": True}
    lines = _run("memory", "search", "momentum").stdout.splitlines()
    assert {line.split()[1]: "(lapsed)" in line for line in lines} == {"holds": False, "gone": True}


@pytest.mark.parametrize("days", [-1, 800_000])
def test_a_broken_settings_file_is_named(lab: Path, days: int) -> None:
    (lab / "labcrew.toml").write_text(f"retention_days = {days}\n")
    error = _json("ticket", "list", code=2)["error"]
    assert error["type"] == "SettingsError"
    assert "retention_days" in error["message"]


def test_shadowed_packages_are_named(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(REPOSITORY)!r}]\n"
        "from desk.cli import main; sys.argv = ['labcrew', 'ticket', 'fields']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{tmp_path / 'agents'} hides it" in done.stderr


@pytest.mark.parametrize("words", [("ticket", "show"), ("ticket", "list", "--home")])
def test_arguments_that_are_no_text_are_refused(words: tuple[str, ...]) -> None:
    refused = _process(*words, "/a\udcff", "--json")
    assert refused.returncode == 2
    assert "is not UTF-8 text" in json.loads(refused.stdout)["error"]["message"]
    assert "Traceback" not in refused.stderr


def test_a_fault_of_its_own_is_answered_too() -> None:
    program = (
        "from desk.cli import app, main\n"
        "@app.command()\n"
        "def broken(json: bool = False): raise KeyError('odd')\n"
        "main()"
    )
    for form in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-c", program, "broken", *form],
            cwd=REPOSITORY, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 4
        told = json.loads(done.stdout)["error"]["message"] if form else done.stderr
        assert "labcrew has a fault: KeyError: 'odd'" in told
        assert "Traceback" in done.stderr


def test_a_status_that_no_ticket_has(lab: Path) -> None:
    refused = _json("ticket", "list", "--status", "nosuch", code=2)
    assert "waiting" in refused["error"]["remedy"]
    assert len(_json("ticket", "list", "--status", "assigned")) == 1


def test_json_answers_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    answer_json({"a": [float("inf"), float("-inf"), float("nan"), 0.5]})

    def refuse(name: str) -> float:
        raise AssertionError(name)

    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert told == {"a": ["Infinity", "-Infinity", "NaN", 0.5]}


def test_a_verification_says_why_there_is_no_score_before() -> None:
    found = Verification(
        merge_request="T-001-MR0", checked=4, tests=2, no_score_before="KeyError: 'lr'\x1b[2J"
    )
    told = _verdict(found)
    assert "T-001-MR0 holds: 4 numbers and 2 tests checked." in told
    assert "  before: no score (KeyError: 'lr'" in told
    assert "no gain is claimed" in told
    assert "\x1b" not in told
    assert "before" not in _verdict(found.model_copy(update={"no_score_before": ""}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run T-001 --ticket new.md", "T-001 would be left out"),
        ("watch --restart x --metric loss --once", "--restart, --metric are for runs of your own"),
        ("watch T-001 --rescues 2 --once", "--rescues is for runs of your own"),
        ("watch T-001 --attach log:x", "T-001 is the crew's"),
        ("evolve E-001 --control no_memory", "--control no_memory can't be set any more"),
        ("clean --orphans --days 3", "--orphans looks at the engine alone"),
        ("clean --orphans --given-up", "--orphans looks at the engine alone"),
        ("doctor --attack --model", "two examinations"),
    ],
)
def test_no_option_is_passed_over_in_silence(lab: Path, line: str, said: str) -> None:
    error = _json(*line.split(), code=2)["error"]
    assert error["type"] == "InputError"
    assert said in error["message"]
