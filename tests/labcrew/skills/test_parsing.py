"""Skills are read from files, and what is wrong is said with file, line and field."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.skill_rules import ForbidPaths, RequireTest
from labcrew.domain.skills import When
from labcrew.errors import SkillError
from labcrew.skills.folder import read_skills, refuse_inside
from labcrew.skills.parsing import parsed

HOUSE = """\
---
name: house-rules
when:
  kinds: [fix, implement]
  paths: ["src/**"]
rules:
  - type: forbid_text
    pattern: 'breakpoint\\('
    must: true
  - Always add a test.
  - text: Never edit data/.
    must: true
  - Write comments that say why.
---
Our code is in `src/`.

- Never import pickle.
- Ask before you add a dependency.

```
- Never edit src/.
```
"""


def test_a_skill_holds_its_rules_advice_and_text() -> None:
    skill = parsed(HOUSE, "house.md")
    assert skill.name == "house-rules"
    assert skill.when == When(kinds=("fix", "implement"), paths=("src/**",))
    assert [(one.line, one.rule.type) for one in skill.rules] == [
        (7, "forbid_text"),
        (10, "require_test_for_change"),
        (11, "forbid_paths"),
        (17, "forbid_import"),
    ]
    assert skill.rules[1].rule == RequireTest()
    assert skill.rules[2].rule == ForbidPaths(paths=("data/",), must=True)
    assert [(one.line, one.text) for one in skill.advice] == [(13, "Write comments that say why.")]
    assert skill.text.startswith("Our code")


@pytest.mark.parametrize(
    ("when", "is_"),
    [
        ("always", When()),
        ("launching jobs on the cluster", When(about="launching jobs on the cluster")),
        ("{agents: [merge_request]}", When(agents=("merge_request",))),
    ],
)
def test_when(when: str, is_: When) -> None:
    assert parsed(f"---\nname: a\nwhen: {when}\n---\ntext", "a.md").when == is_


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no front matter", "a.md:1: a skill begins with"),
        ("---\nname: a\n", "a.md:1: a skill begins with"),
        ("---\nname: A b\n---\nx", "a.md:2, field name: a name is lower-case"),
        ("---\nwhen: always\n---\nx", "field name: missing"),
        ("---\nname: a\ncolour: red\n---\nx", "a.md:3, field colour: unknown field"),
        ("---\nname: a\nname: b\n---\nx", "a.md:3: 'name' stands twice"),
        ("---\nname: [a\n---\nx", "not valid YAML"),
        ("---\nname: !!python/object:os.system a\n---\nx", "YAML tags are not allowed"),
        ("---\nname: a\nwhen:\n  kinds: [paint]\n---\nx", "a.md:4, field when.kinds[0]:"),
        ("---\nname: a\nwhen:\n  agents: [boss]\n---\nx", "a.md:4, field when.agents[0]:"),
        ("---\nname: a\nrules:\n  - type: rm\n---\nx", "a.md:4, field rules[0].type: there is no"),
        ("---\nname: a\nrules:\n  - paths: [x]\n---\nx", "a.md:4, field rules[0]: needs a type"),
        (
            "---\nname: a\nrules:\n  - Add a test.\n  - type: forbid_text\n    pattern: '('\n---\n",
            "a.md:6, field rules[1].pattern: '(' is not a regular expression",
        ),
        (
            "---\nname: a\nrules:\n  - type: max_file_lines\n    lines: 0\n---\n",
            "a.md:5, field rules[0].lines:",
        ),
        ("---\nname: a\nrules:\n  - type: budget_at_most\n---\n", "name at least one of"),
        ("---\nname: a\n---\n \n", "neither a text nor a rule"),
        ("---\nname: a\n---\none\ntwo \u202e", "a.md:5: a character that nobody sees"),
        ("---\nname: a\n---\n" + "x" * 20_001, "the text is longer than 20000"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(SkillError) as refused:
        parsed(text, "a.md")
    assert says in refused.value.message


@given(st.text(max_size=300) | st.text(max_size=100).map(lambda t: f"---\nname: a\n{t}\n---\nx"))
def test_any_text_is_a_skill_or_a_clear_error(text: str) -> None:
    try:
        parsed(text, "a.md")
    except SkillError as error:
        said = error.message
    else:
        said = "a.md: a skill"
    assert said.startswith("a.md:")


def skill(folder: Path, file: str, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / file
    path.write_text(f"---\nname: {name}\n---\nBe kind.\n")
    return path


def test_skills_of_two_folders(tmp_path: Path) -> None:
    skill(tmp_path / "home", "b.md", "b")
    skill(tmp_path / "shared", "z.md", "a")
    (tmp_path / "shared" / "README.md").write_text("no skill")
    (tmp_path / "shared" / "notes.txt").write_text("no skill")
    folders = [tmp_path / "home", tmp_path / "shared", tmp_path / "missing"]
    assert [one.name for one in read_skills(folders)] == ["a", "b"]
    skill(tmp_path / "shared", "c.md", "b")
    with pytest.raises(SkillError, match="field name: b is also the name of"):
        read_skills(folders)


def test_skills_inside_a_repository_are_refused(tmp_path: Path) -> None:
    skill(tmp_path / "lab", "a.md", "a")
    with pytest.raises(SkillError, match="untrusted as its code"):
        refuse_inside(tmp_path / "lab", [tmp_path])
    (tmp_path / "way-in").symlink_to(tmp_path / "lab")
    with pytest.raises(SkillError, match="untrusted as its code"):
        refuse_inside(tmp_path / "way-in", [tmp_path / "lab"])
    refuse_inside(tmp_path / "lab", [tmp_path / "other"])


def test_links_pipes_and_floods_are_refused(tmp_path: Path) -> None:
    import os

    folder = tmp_path / "skills"
    outside = skill(tmp_path / "elsewhere", "a.md", "a")
    folder.mkdir()
    (folder / "a.md").symlink_to(outside)
    with pytest.raises(SkillError, match="can't be read"):
        read_skills([folder])
    (folder / "a.md").unlink()
    os.mkfifo(folder / "a.md")
    with pytest.raises(SkillError, match="no regular file"):
        read_skills([folder])
    (folder / "a.md").unlink()
    (folder / "a.md").write_bytes(b"x" * 1_000_000)
    with pytest.raises(SkillError, match="larger than"):
        read_skills([folder])
    (folder / "a.md").write_bytes(b"---\nname: a\n---\n\xff")
    with pytest.raises(SkillError, match=r"a\.md:4: not UTF-8"):
        read_skills([folder])
