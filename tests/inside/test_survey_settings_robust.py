"""Whatever a file holds, reading it raises nothing and answers settings that the host takes."""

import ast
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.domain.survey import Setting
from sandboxes.image.inside.survey.settings import (
    config_paths,
    config_settings,
    help_settings,
    make_settings,
    notebook_settings,
    settings_of,
    shell_settings,
)
from tests.effort import assert_proportionate
from tests.inside.test_survey_settings import OPTIONS, TRAINING
from tests.inside.test_survey_settings_files import HELP, SCRIPT, notebook
from tests.inside.test_survey_settings_mechanisms import ARGUMENTS, HYDRA

PROGRAMS = [
    *[path.read_text() for path in sorted(Path(__file__).parent.glob("test_survey_settings*.py"))],
    TRAINING,
    OPTIONS,
    ARGUMENTS + "import tyro\ntyro.cli(Arguments)\n",
    "import click\n@click.command()\n@click.option('--lr', default=1e-3)\ndef f(lr): ...\n",
    "import typer\napp = typer.Typer()\n@app.command()\ndef f(lr: float = 0.1): ...\n",
    "from absl import flags\nflags.DEFINE_float('lr', 0.1, 'x')\nimport fire\nfire.Fire(f)\n",
    "import os, sys\nlr = float(os.environ.get('LR', 2**3)) if sys.argv[1:] else sys.argv[1]\n",
]
READERS = {
    "a.yaml": config_settings, "a.json": config_settings, "a.toml": config_settings,
    "a.ini": config_settings, "a.gin": config_settings, "a.sh": shell_settings,
    "Makefile": make_settings, "a.ipynb": notebook_settings,
}  # fmt: skip


def taken(text: str) -> list[Setting]:
    """The settings of a program and its module of the same text, as the host takes them."""
    files = {"train.py": text, "options.py": text, **HYDRA}
    found = [Setting.model_validate(one) for one in settings_of("train.py", text, files.get)]
    assert len({one.name for one in found}) == len(found) <= 400
    return found


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A real-looking program with words swapped, lines moved and pieces cut out."""
    lines = draw(st.sampled_from(PROGRAMS)).split("\n")
    start = draw(st.integers(0, max(0, len(lines) - 40)))
    lines = lines[start : start + 40]
    words = [
        "None",
        "*x",
        "**k",
        "[]",
        "{}",
        "()",
        "lambda: 0",
        "10**9**9",
        "-1",
        "...",
        "'-'",
        "''",
    ]
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        tokens = lines[at].split(" ")
        where = draw(st.integers(0, len(tokens) - 1))
        tokens[where] = draw(st.sampled_from(words) | st.text(max_size=3))
        lines[at] = " ".join(tokens)
    return "\n".join(lines)


@settings(max_examples=150)
@given(mutated())
def test_mutated_programs(text: str) -> None:
    taken(text)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    assert all(isinstance(path, str) for path in config_paths(tree, text))


@settings(max_examples=60)
@given(st.text() | st.text(alphabet="{}[]:=,-$#\n \"'&*?|<>a1.%"))
def test_any_text(text: str) -> None:
    taken(text)
    for path, reader in READERS.items():
        for one in reader(path, text):
            Setting.model_validate(one)
    for one in help_settings(text):
        Setting.model_validate(one)


@settings(max_examples=60)
@given(st.data())
def test_cut_and_spliced_files(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([*HYDRA.values(), SCRIPT, HELP, notebook((["parameters"], ["a=1"]))])
    )
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    text = text[:begin] + data.draw(st.text(max_size=8)) + text[end:]
    for path, reader in READERS.items():
        for one in reader(path, text):
            Setting.model_validate(one)
    for one in help_settings(text):
        Setting.model_validate(one)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "text",
    [
        "print 'python 2'",
        "parser.add_argument('--x', default=" + "[" * 90 + "]" * 90 + ")",
        "parser.add_argument('--x', default=9**9**9**9, help='a' * 10**12)",
        "x = x\ny = z\nz = y\nparser.add_argument('--x', default=y, type=x)",
        "from train import *\nfrom options import *\nparser.add_argument(*x, **y)",
        "class A(A): x: A = 1\nimport tyro, click, typer\ntyro.cli(A)",
        "\x00",
        "# -*- coding: nonsense -*-\nx = 1",
        "\ufeffx = 1",
        "import argparse\np = argparse.ArgumentParser(parents=[p])\ns = p.add_subparsers()\n"
        + "".join(
            f"p = s.add_parser('a{i}', parents=[p])\np.add_argument('--x')\n" for i in range(99)
        ),
        "x = '" + "a" * 10_000_000 + "'",
    ],
    ids=range(11),
)
def test_hostile_programs_end(text: str) -> None:
    taken(text)


@pytest.mark.parametrize(
    ("made", "size"),
    [
        (lambda size: "x = " + "(" * size + ")" * size, 5000),
        (lambda size: "x = " + "-" * size + "1", 20_000),
        (lambda size: "x = " + " + ".join(["1"] * size), 20_000),
        (
            lambda size: "".join(
                f"parser.add_argument('--o{i}', default={i})\n" for i in range(size)
            ),
            3000,
        ),
        (lambda size: "".join(f"O{i} = {i}\n" for i in range(size)), 20_000),
        (lambda size: "x = '" + "a" * size + "'", 2_000_000),
    ],
    ids=["brackets", "signs", "sums", "options", "names", "text"],
)
def test_long_programs_cost_no_more_than_their_length(
    made: Callable[[int], str], size: int
) -> None:
    numbers = count()

    def read(text: str) -> None:
        taken(f"{text}\n# {next(numbers)}\n")  # not one that was parsed before

    assert_proportionate(read, made, size)


@pytest.mark.timeout(300)
def test_a_yaml_file_of_aliases_and_a_deep_one_end() -> None:
    levels = [f"a{i}: &a{i} {{x: *a{i - 1}, y: *a{i - 1}, z: *a{i - 1}}}" for i in range(1, 40)]
    bomb = config_settings("a.yaml", "a0: &a0 {x: 1}\n" + "\n".join(levels))
    assert len(bomb) <= 400
    assert config_settings("a.yaml", "[" * 5000) == []
    assert config_settings("a.json", "[" * 50_000) == []
    assert config_settings("a.toml", "a = " + "[" * 5000) == []
    assert config_settings("a.yaml", "a: 1\n" * 100_000) == []


def test_names_and_texts_are_cleaned_and_cut() -> None:
    [found] = taken(
        "parser.add_argument('--lr\u202e', default=0.1, help='\\x1b[31mred' + 'a' * 900)"
    )
    assert "\x1b" not in found.help
    assert len(found.help) <= 300
    assert "\u202e" not in found.place.text
    assert found.name == "lr"
