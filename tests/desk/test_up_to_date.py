"""What a ticket's file, its budget and its home say later on."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.cli.work import _assigned
from desk.models import build_judge
from desk.settings_file import settings_text, write_settings
from desk.wiring import Opened, open_home
from desk.wording import sentence
from labcrew.domain.background import NotifySettings, QuietHours
from labcrew.domain.forge import ForgeSettings
from labcrew.domain.mcp import McpServer
from labcrew.domain.review import MergeRequest
from labcrew.domain.spending import Price
from labcrew.errors import InputError, LedgerError
from labcrew.settings import (
    BoardSettings,
    ModelSettings,
    MonitorSettings,
    SandboxSettings,
    Settings,
    TracingSettings,
)
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, git
from tests.desk.records import merge_request, trial


def _commit(toy: Path, text: str) -> None:
    (toy / "toy" / "train.py").write_text(text)
    git(toy / "toy", "commit", "-qam", text)


def test_a_ticket_goes_on_at_its_commit_and_is_taken_anew_at_another(
    opened: Opened, toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = toy / "ticket.md"
    assert _assigned(opened, file, "ada") == "T-001"
    assert _assigned(opened, file, "ada") == "T-001"
    _commit(toy, "print('new')\n")
    capsys.readouterr()
    assert _assigned(opened, file, "ada") == "T-002"
    said = capsys.readouterr().err
    assert "T-001 is this ticket at another commit" in said
    assert "T-002 assigned" in said
    assert _assigned(opened, file, "ada") == "T-002"
    git(toy / "toy", "reset", "-q", "--hard", "HEAD~")
    assert _assigned(opened, file, "ada") == "T-001"


def test_a_snapshot_goes_on_while_its_files_are_the_same(opened: Opened, toy: Path) -> None:
    file = toy / "ticket.md"
    file.write_text(TICKET.replace("title:", "snapshot: true\ntitle:"))
    (toy / "toy" / "train.py").write_text("print('one')\n")
    assert [_assigned(opened, file, "ada") for _ in range(2)] == ["T-001", "T-001"]
    (toy / "toy" / "train.py").write_text("print('two')\n")
    assert [_assigned(opened, file, "ada") for _ in range(2)] == ["T-002", "T-002"]


def test_skipped_trials_are_not_spent(opened: Opened, toy: Path) -> None:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="t.md", by="ada", beside=toy)
    for number in range(6):
        trial(opened, "T-001", number, status="skipped" if number < 2 else "scored")
    assert office.change_budget("T-001", "ada", {"trials": 4}).budget.trials == 4
    with pytest.raises(InputError, match="has used 4 trials"):
        office.change_budget("T-001", "ada", {"trials": 3})


def test_an_approved_merge_is_only_called_merged_when_it_was(opened: Opened, toy: Path) -> None:
    assigned = opened.office().assign(read_ticket(TICKET), source="t", by="ada", beside=toy)
    request = merge_request(opened, assigned, trial(opened, "T-001", 1))

    def told(kind: str, status: str, note: str) -> list[str]:
        changed: MergeRequest = request.model_copy(update={"status": status, "merge_note": note})
        opened.ledger.merge_requests.put(changed, actor="merge_request", kind=kind)
        opened.ledger.events.append(
            ticket="T-001",
            actor="merge_request",
            kind="tool.used",
            key=f"used/{status}",
            data={"tool": "merge_branch", "outcome": "done"},
        )
        newest = opened.ledger.events.of("T-001")[-2:]
        return [words for event in newest if (words := sentence(event, opened.ledger))]

    note = "main is checked out; run: git merge"
    assert told("merge_request.approved", "open", note) == [
        f"T-001-MR0 is approved but not merged: {note}"
    ]
    assert told("merge_request.merged", "merged", "merged: main holds abc") == [
        "T-001-MR0 is merged: main holds abc"
    ]


def _home(tmp_path: Path, toy: Path) -> Path:
    root = tmp_path / "kept"
    with open_home(root, create=True) as opened:
        for _ in range(3):
            opened.office().assign(read_ticket(TICKET), source="t", by="ada", beside=toy)
    return root


def test_verify_and_doctor_list_every_problem_of_a_damaged_ledger(
    tmp_path: Path, toy: Path
) -> None:
    root = _home(tmp_path, toy)
    with sqlite3.connect(root / "ledger.db") as database:
        database.execute("UPDATE tickets SET document = replace(document, 'better', 'worse')")
    database.close()
    with pytest.raises(LedgerError), open_home(root):
        pass
    result = CliRunner().invoke(app, ["ledger", "verify", "--home", str(root), "--json"])
    assert result.exit_code == 4
    assert len(json.loads(result.stdout)["problems"]) == 3
    result = CliRunner().invoke(app, ["doctor", "--home", str(root), "--json"])
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["ledger"]["state"] == "problem"
    assert checks["models"]["state"] == "ok"
    assert "memory" not in checks


def test_looking_at_a_lost_ledger_makes_no_new_one(tmp_path: Path, toy: Path) -> None:
    root = _home(tmp_path, toy)
    (root / "ledger.db").unlink()
    result = CliRunner().invoke(app, ["ledger", "verify", "--home", str(root)])
    assert result.exit_code == 4
    assert "is empty, but line" in result.stderr
    assert not (root / "ledger.db").exists()


def test_a_new_home_gets_settings_that_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in (tmp_path / "a", tmp_path / "b"):
        if root.name == "a":
            CliRunner().invoke(app, ["init", "--home", str(root)])
        else:
            with open_home(root, create=True):
                pass
        file = root / "labcrew.toml"
        assert file.read_text() == settings_text()
        assert file.stat().st_mode & 0o077 == 0
        assert Settings.load(file) == Settings()
        file.write_text("lease_s = 90\n")
        CliRunner().invoke(app, ["init", "--home", str(root)])
        assert not write_settings(file)
        assert file.read_text() == "lease_s = 90\n"
    shutil.rmtree(tmp_path / "a")


def test_every_line_of_the_settings_can_be_uncommented(tmp_path: Path) -> None:
    lines = settings_text().splitlines()
    settings = [line[2:] for line in lines if re.match(r"# (\w+ = |\[)", line)]
    file = tmp_path / "labcrew.toml"
    file.write_text("\n".join(settings))
    read = Settings.load(file)
    shown = {
        "mcp",
        "skills_folder",
        "models",
        "answering",
        "prices",
        "spending",
        "tracing",
        "forge",
        "notify",
        "quiet_hours",
        "ledger_url",
        "tracking_uri",
    }
    assert read.model_dump(exclude=shown) == Settings().model_dump(exclude=shown)
    assert set(read.models) == {"default"}
    assert build_judge(read).models.keys() == {"default"}
    assert "# # gguf = " in settings_text()  # which does not go with base_url
    named = {line.partition(" = ")[0] for line in settings if " = " in line}
    groups = {
        "mcp",
        "models",
        "answering",
        "prices",
        "spending",
        "tracing",
        "sandbox",
        "monitor",
        "board",
        "forge",
        "notify",
        "quiet_hours",
    }
    every = {
        *Settings.model_fields,
        *SandboxSettings.model_fields,
        *MonitorSettings.model_fields,
        *BoardSettings.model_fields,
        *ForgeSettings.model_fields,
        *NotifySettings.model_fields,
        *QuietHours.model_fields,
        *TracingSettings.model_fields,
        *ModelSettings.model_fields,
        *Price.model_fields,
    }
    assert named >= every - groups - {"api_key", "gguf"}
    every |= set(McpServer.model_fields)
    assert named <= every | {"default", "merge_request"}
