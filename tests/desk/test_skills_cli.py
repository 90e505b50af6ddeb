"""`labcrew skills`: list, show, check, on a real home and repository."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.wiring import open_home
from labcrew.domain.programming import Patch
from labcrew.domain.sandbox import OverlayFile
from labcrew.skills.parsing import parsed
from labcrew.ticket_file import read_ticket

RUN = CliRunner()
PAGE = Path(__file__).parents[2] / "docs" / "skills.md"
HOUSE = """\
---
name: house
rules:
  - text: Do not use print in train.py.
    must: true
  - Be clear.
---
We log with the logging module.
"""
FAR = "---\nname: cooking\nwhen: recipes for soup and bread\n---\nSalt it.\n"


def cli(*words: str, home: Path, code: int = 0) -> Any:
    done = RUN.invoke(app, [*words, "--home", str(home), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path, toy: Path) -> Path:
    root = tmp_path / "home"
    with open_home(root, create=True) as opened:
        file = toy / "ticket.md"
        opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    (root / "skills").mkdir()
    (root / "skills" / "house.md").write_text(HOUSE)
    (root / "skills" / "cooking.md").write_text(FAR)
    return root


def test_list_and_show(home: Path) -> None:
    assert [one["name"] for one in cli("skills", "list", home=home)["skills"]] == [
        "cooking", "house"
    ]  # fmt: skip
    house = cli("skills", "show", "house", "--for", "T-001", home=home)
    assert house["chosen"] is True
    assert "We log" in house["text"]
    assert house["skill"]["advice"][0]["text"] == "Be clear."
    far = cli("skills", "show", "cooking", "--for", "T-001", home=home)
    assert far["chosen"] is False
    missing = cli("skills", "show", "dance", home=home, code=2)
    assert "There are: cooking, house" in missing["error"]["remedy"]
    assert "house" in RUN.invoke(app, ["skills", "list", "--home", str(home)]).stdout
    page = RUN.invoke(app, ["skills", "show", "house", "--home", str(home)]).stdout
    assert "line 6: Be clear." in page


def test_check_before_and_after_code(home: Path) -> None:
    found = cli("skills", "check", "T-001", home=home)
    assert found["ready"] is True
    assert [one["outcome"] for one in found["results"]] == ["not_applicable"]
    written = Patch(
        id="T-001-C0", ticket="T-001", revision=0, status="ready", summary="", steps=1,
        by="model:x", files=(OverlayFile(path="train.py", content=b"print('hello')\nprint(1)\n"),),
    )  # fmt: skip
    with open_home(home) as opened:
        opened.ledger.patches.put(written, actor="merge_request", kind="patch.written")
    found = cli("skills", "check", "T-001", home=home, code=4)
    assert found["ready"] is False
    assert found["results"][0]["where"] == ["train.py:2 print(1)"]
    page = RUN.invoke(app, ["skills", "check", "T-001", "--home", str(home)])
    assert "Not ready: a must is not kept." in page.stdout


def test_the_folder_of_the_settings(home: Path, tmp_path: Path, toy: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "more.md").write_text(FAR.replace("cooking", "baking"))
    (home / "labcrew.toml").write_text(f"skills_folder = {str(shared)!r}\n")
    assert len(cli("skills", "list", home=home)["skills"]) == 3
    shutil.copytree(shared, toy / "toy" / "skills")
    (home / "labcrew.toml").write_text(f"skills_folder = {str(toy / 'toy' / 'skills')!r}\n")
    refused = cli("skills", "list", home=home, code=2)
    assert "untrusted as its code" in refused["error"]["message"]
    (home / "labcrew.toml").write_text("skills_folder = '/nowhere/at/all'\n")
    assert "is no folder" in cli("skills", "list", home=home, code=2)["error"]["message"]


def test_a_wrong_skill_is_said(home: Path) -> None:
    (home / "skills" / "bad.md").write_text("---\nname: bad\nrules:\n  - type: rm\n---\n")
    refused = cli("skills", "list", home=home, code=2)
    assert refused["error"]["message"].startswith("bad.md:4, field rules[0].type:")


def test_the_examples_of_the_page_are_skills() -> None:
    """Each example is read; the rules that the page says are checked are."""
    examples = re.findall(r"```markdown\n(---\n.*?)\n```\n", PAGE.read_text(), re.DOTALL)
    skills = [parsed(example, "docs/skills.md") for example in examples]
    assert [one.name for one in skills] == ["house-rules", "launching"]
    assert len(skills[0].rules) == 6
    assert [one.text for one in skills[0].advice] == ["Name variables after the paper's symbols."]
    rows = re.findall(r"^\| `([a-z_]+)` \| `(\{.*\})` \|", PAGE.read_text(), re.MULTILINE)
    for kind, row in rows:
        text = f"---\nname: a\nrules:\n  - {row}\n---\n"
        assert [one.rule.type for one in parsed(text, kind).rules] == [kind]
    assert len(rows) == 10
    sentences = re.findall(r"^- “(.*)”$", PAGE.read_text(), re.MULTILINE)
    assert len(sentences) >= 10
    for sentence in sentences:
        assert len(parsed(f"---\nname: a\nrules:\n  - {sentence}\n---\n", "a").rules) == 1
