"""`labcrew report --format`, `labcrew schedule` and the report's formats over the API."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.deliverables.formats import FORMATS, MEDIA_TYPES
from desk.wiring import Opened, open_home
from tests.desk.conftest import HandClock
from tests.desk.web.clients import client_of, lab_at
from tests.tickets import make_assigned

BEGINS = {"md": b"# ", "html": b"<!doctype", "pdf": b"%PDF", "docx": b"PK", "pptx": b"PK"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    with open_home(folder, create=True, clock=HandClock()) as opened:
        opened.ledger.tickets.put(make_assigned(), actor="person:ada", kind="ticket.assigned")
    return folder


@pytest.mark.parametrize("format", FORMATS)
def test_a_report_is_written_and_overwrites_nothing_unasked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["report", "T-0001", "--format", format, "--home", str(home)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    file = tmp_path / f"T-0001.{format}"
    assert file.read_bytes().startswith(BEGINS[format])
    file.write_text("mine")
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 2
    assert file.read_text() == "mine"
    told = CliRunner().invoke(app, [*asked, "--output", str(file), "--json"])
    assert json.loads(told.stdout)["file"] == str(file)
    assert file.read_bytes().startswith(BEGINS[format])


@pytest.mark.parametrize("format", FORMATS)
def test_the_api_gives_the_same_file_to_keep(opened: Opened, format: str) -> None:
    opened.ledger.tickets.put(make_assigned(), actor="person:ada", kind="ticket.assigned")
    with client_of(lab_at(opened), "viewer") as client:
        answer = client.get("/api/v1/tickets/T-0001/report", params={"format": format})
        assert answer.status_code == 200
        assert answer.content.startswith(BEGINS[format])
        assert answer.headers["content-type"] == MEDIA_TYPES[format]  # type: ignore[index]
        assert answer.headers["content-disposition"].startswith("attachment")
        odd = client.get("/api/v1/tickets/T-0001/report", params={"format": "exe"})
        assert odd.status_code == 422


def test_schedules_are_added_shown_run_and_removed(home: Path, toy: Path) -> None:
    def labcrew(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(app, [*words, "--home", str(home), "--json"])
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout)
        return found

    added = labcrew("schedule", "add", str(toy / "ticket.md"), "--cron", "0 3 * * *")
    assert added["id"] == "S-001"
    assert str(added["next_due"]).endswith("T03:00+00:00")
    assert labcrew("schedule", "list")["schedules"] == [added]
    assert labcrew("schedule", "run-due")["tickets"] == []
    assert labcrew("schedule", "remove", "S-001") == {"schedule": "S-001"}
    assert labcrew("schedule", "list")["schedules"] == []


def test_an_issue_is_asked_for_at_known_forges_alone(home: Path, opened: Opened) -> None:
    asked = ["ticket", "import", "http://169.254.169.254/a/b/issues/1", "--home", str(home)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 2
    with client_of(lab_at(opened), "viewer") as viewer:
        sent = {"url": "http://169.254.169.254/a/b/issues/1"}
        assert viewer.post("/api/v1/tickets/import", json=sent).status_code == 403
    with client_of(lab_at(opened), "researcher") as researcher:
        answer = researcher.post("/api/v1/tickets/import", json=sent)
        assert answer.status_code == 422
        assert "neither the forge" in answer.text
