"""Repositories that mean harm, or are only odd, are read to the end and told as they are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inside.surveyed import entry, survey_of, written


def test_links_and_special_files_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "passwd.py").symlink_to("/etc/passwd")
    (tmp_path / "all").symlink_to("/")
    os.mkfifo(tmp_path / "waits.py")
    survey = survey_of(tmp_path, {"train.py": "print('loss', f())\n"})
    assert [e.path for e in survey.entries] == ["train.py"]
    assert "2 links were not followed" in survey.cut


@pytest.mark.parametrize("name", ["a\nb.py", "\x1b[31m.py", "x\u202ey.py", "rm -rf;$(id).py"])
def test_file_names_can_do_no_harm(tmp_path: Path, name: str) -> None:
    survey = survey_of(tmp_path, {name: "print('loss', f())\n"})
    if name.isprintable():
        [found] = survey.entries
        assert found.command == f"python '{name}'"
    else:
        assert not survey.entries
        assert [one.reason for one in survey.unread] == [
            "its name holds characters that can't be shown"
        ]
        assert survey.unread[0].path.isprintable()


def test_bytes_that_are_no_name_are_left_out(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.py")).write_text("print(1)")
    assert [one.path for one in survey_of(tmp_path).unread] == ["··.py"]


def test_setup_py_and_programs_are_only_read(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    harm = f"open({str(mark)!r}, 'w').write('x')\n"
    survey = survey_of(
        tmp_path / "repository",
        {
            "setup.py": f"{harm}from setuptools import setup\nsetup(install_requires=['a>1'])\n",
            "train.py": harm,
            "conftest.py": harm,
        },
    )
    assert [need.text for need in survey.requirements] == ["a>1"]
    assert not mark.exists()


def test_a_file_that_is_broken_is_told_and_stops_nothing(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "old.py": "print 'loss', 3\n",
            "deep.py": f"print({'(' * 5000}1{')' * 5000})\n",
            "sum.py": f"print({'+'.join(['1'] * 20000)})\n",
            "pyproject.toml": "[project\n",
            "environment.yml": "dependencies: [*x, {\n",
            "note.ipynb": "[1, 2",
            "train.py": "print('loss', f())\n",
        },
    )
    entry(survey, "train.py")
    told = {one.path: one.reason for one in survey.unread}
    assert "Python 2" in told["old.py"]
    assert {"deep.py", "pyproject.toml", "environment.yml", "note.ipynb"} <= set(told)


def test_many_files_are_counted_and_the_cut_is_told(tmp_path: Path) -> None:
    for folder in range(100):
        made = tmp_path / f"d{folder:03}"
        made.mkdir()
        for file in range(1000):
            (made / f"{file}.txt").touch()
    survey = survey_of(tmp_path, {"train.py": "print('loss', f())\n"})
    assert survey.files == 100_001
    assert any("100001 files" in told for told in survey.cut)
    entry(survey, "train.py")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=300)), min_size=1, max_size=8))
def test_no_text_breaks_it(tmp_path: Path, texts: list[tuple[int, str]]) -> None:
    names = (
        "README.md", "setup.py", "pyproject.toml", "environment.yml", "requirements.txt",
        "Dockerfile", "Makefile", "run.sh", "note.ipynb", "train.py",
    )  # fmt: skip
    files = {names[which]: text.replace("\ud800", "") for which, text in texts}
    survey_of(written(tmp_path, dict.fromkeys(names, "") | files))
