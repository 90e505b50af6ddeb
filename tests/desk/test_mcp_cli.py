"""`labcrew mcp`: list, tools, approve, revoke, against a real server over HTTP."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.wiring import open_home
from labcrew.errors import SettingsError
from labcrew.mcp_approvals import approved
from labcrew.settings import Settings
from tests.doubles.mcp_server import Shelf, mcp_over_http, notes_server

RUN = CliRunner()
PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"


def cli(*words: str, home: Path, code: int = 0) -> Any:
    done = RUN.invoke(app, [*words, "--home", str(home), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "home"
    with open_home(root, create=True):
        pass
    with mcp_over_http(notes_server(Shelf(), "Finds notes.\x1b[31m")) as url:
        (root / "labcrew.toml").write_text(
            f'[mcp.notes]\nurl = "{url}"\nagents = ["merge_request"]\ntools = ["find_notes"]\n'
            'token = "token-that-nobody-sees"\n'
        )
        yield root


def test_a_tool_is_looked_at_approved_and_taken_back(home: Path) -> None:
    (server,) = cli("mcp", "list", home=home)["servers"]
    assert server["tools"] == {"find_notes": False}
    assert server["network"] is True
    listed = " ".join(RUN.invoke(app, ["mcp", "list", "--home", str(home)]).stdout.split())
    assert "notes: not offered while code is written" in listed
    seen = {one["tool"]["name"]: one for one in cli("mcp", "tools", "notes", home=home)["tools"]}
    assert {name: one["state"] for name, one in seen.items()} == {
        "fail": "not listed", "find_notes": "new"
    }  # fmt: skip
    page = RUN.invoke(app, ["mcp", "tools", "notes", "--home", str(home)]).stdout
    assert "\x1b" not in page
    assert seen["find_notes"]["sha256"][:16] in page
    wanted = ("mcp", "approve", "notes", "find_notes", "--by", "ada")
    stale = cli(*wanted, "--shown", "0" * 16, home=home, code=2)
    assert "is not what was shown" in stale["error"]["message"]
    short = cli(*wanted, "--shown", "", home=home, code=2)
    assert "is not what was shown" in short["error"]["message"]
    hash_ = seen["find_notes"]["sha256"]
    unlisted = ("mcp", "approve", "notes", "fail", "--shown", seen["fail"]["sha256"])
    assert "do not list" in cli(*unlisted, home=home, code=2)["error"]["message"]
    assert cli(*wanted, "--shown", hash_[:16], home=home)["by"] == "ada"
    (server,) = cli("mcp", "list", home=home)["servers"]
    assert server["tools"] == {"find_notes": True}
    with open_home(home) as opened:
        assert len(approved(opened.ledger, opened.settings.mcp)) == 1
        (event,) = [e for e in opened.ledger.events.of("") if e.kind == "mcp.approved"]
    assert event.actor == "person:ada"
    assert "token-that" not in event.model_dump_json()
    cli("mcp", "revoke", "notes", "find_notes", home=home)
    assert cli("mcp", "list", home=home)["servers"][0]["tools"] == {"find_notes": False}
    assert "not approved" in cli(
        "mcp", "revoke", "notes", "find_notes", home=home, code=2
    )["error"]["message"]  # fmt: skip


def test_a_server_that_is_not_there(home: Path) -> None:
    assert (
        "name no server other"
        in cli("mcp", "tools", "other", home=home, code=2)["error"]["message"]
    )
    (home / "labcrew.toml").write_text('[mcp.notes]\nurl = "http://127.0.0.1:9/mcp"\n')
    assert "notes failed" in cli("mcp", "tools", "notes", home=home, code=4)["error"]["message"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mcp.notes]", "name either a command"),
        ('[mcp.notes]\nurl = "http://a/mcp"\ncommand = ["x"]', "name either a command"),
        ('[mcp.notes]\nurl = "file:///etc/passwd"', "http"),
        ('[mcp.notes]\nurl = "http://me:secret@a/mcp"', "without a name or password"),
        ('[mcp.notes]\nurl = "http://a/mcp"\nhosts = ["a.example.org"]', "go with a command"),
        ('[mcp.notes]\ncommand = ["x"]\ntoken = "t"', "token goes with a url"),
        ('[mcp.notes]\ncommand = ["x"]\nagents = ["boss"]', "mcp.notes.agents"),
        ('[mcp."No Name"]\ncommand = ["x"]', "mcp.No Name"),
        ('[mcp.notes]\ncommand = ["x"]\ngate = "merge"', "mcp.notes.gate"),
        ('[mcp.notes]\ncommand = ["x"]\ncolour = "red"', "mcp.notes.colour"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "labcrew.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        Settings.load(file)
    assert says in refused.value.message


def test_the_examples_of_the_page_are_settings(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 2
    names = set()
    for example in examples:
        file = tmp_path / "labcrew.toml"
        file.write_text(example)
        servers = Settings.load(file).mcp
        names |= set(servers)
        assert not any(s.networked and "merge_request" in s.agents for s in servers.values())
        assert tomllib.loads(example).keys() == {"mcp"}
    assert names == {"notes", "papers", "wiki"}
    commands = re.findall(r"^labcrew (mcp \w+)", PAGE.read_text(), re.MULTILINE)
    for command in commands:
        assert RUN.invoke(app, [*command.split(), "--help"]).exit_code == 0
    assert len(commands) >= 4
