"""The agent: what it asks, what it hands in, and that ready-made changes fit it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libcst
import pytest
from pydantic import ValidationError

from agents.evolution import library
from agents.evolution.components import read_component
from agents.evolution.putting import put
from evals.scaffold.catalogue import catalogue
from evals.scaffold.direct import program
from evals.scaffold.make import SPEC, make
from labcrew.domain.evolution import CodeFile, ModelRequest
from labcrew.evolution_file import read_spec
from tests.evals.scaffold_parts import HERE

TASK = next(task for task in catalogue() if task.name == "totals")
RIGHT = f"```python\n{TASK.reference}\n```\nThat is all."
WRONG = "```python\ndef totals(pairs):\n    return {}\n```"
SOURCE = (HERE / "program/agent.py").read_text()
Answers = Iterator[str]


def play(folder: Path, replies: Answers) -> tuple[str, list[dict[str, Any]]]:
    """Runs agent.py as the loop does; gives what it handed in and what it asked."""
    given, output, asked = folder / "in.json", folder / "out", []
    given.write_text(json.dumps(TASK.shown()))
    command = [sys.executable, "-B", "agent.py", str(given), str(output)]
    with subprocess.Popen(
        command,
        cwd=folder / "agent",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        for line in process.stdout:
            asked.append(json.loads(line)["model"])
            process.stdin.write(next(replies) + "\n")
            process.stdin.flush()
    assert process.returncode == 0
    return output.read_text(), asked


def texts(*replies: str) -> Answers:
    return iter([json.dumps({"text": reply}) for reply in replies])


def changed(name: str) -> str:
    file = HERE / "components" / f"{name}.md"
    component = read_component(CodeFile(path=file.name, text=file.read_text()))
    assert component is not None, name
    made = put(component, libcst.parse_module(SOURCE))
    assert made is not None, name
    return made


def test_it_asks_once_and_hands_in_the_block(tmp_path: Path) -> None:
    make(tmp_path)
    answer, asked = play(tmp_path, texts(RIGHT))
    assert answer == TASK.reference + "\n"
    assert len(asked) == 1
    request = ModelRequest.model_validate(asked[0])
    assert (request.temperature, request.top_p, request.top_k) == (0.8, 0.95, 40)
    assert TASK.statement in request.messages[-1].content
    assert "totals([]) == {}" in request.messages[-1].content


def test_no_answer_of_the_model_ends_the_run(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(AssertionError):
        play(tmp_path, iter([json.dumps({"error": "busy"})]))


def test_all_prompts_begin_alike() -> None:
    agent = program()
    prompts = [agent.prompt(task.shown())[-1]["content"] for task in catalogue()]
    assert len({prompt.split("def ")[0] for prompt in prompts}) == 1
    assert max(map(len, prompts)) < 1200


@pytest.mark.parametrize(
    ("reply", "source"),
    [
        ("```python\nx = 1\n```\n```python\nx = 2\n```", "x = 1\n"),
        ("Here:\n```\nx = 1\n```", "x = 1\n"),
        ("```python\nx = 1\ny = (", "x = 1\ny = ("),
        ("x = 1", "x = 1"),
        ("", ""),
    ],
)
def test_the_first_block_is_taken(reply: str, source: str) -> None:
    assert program().parse(reply) == source


def test_examples_are_checked_in_words() -> None:
    check: Callable[[dict[str, Any], str], list[str]] = program().check
    task = TASK.shown()
    assert check(task, TASK.reference) == []
    (wrong,) = check(task, "def totals(pairs):\n    return {}")
    assert wrong.endswith("returns {}, not {'a': 4, 'b': 2}.")
    assert check(task, "def totals(pairs): return pairs[0][5]")[0].endswith(
        "raises IndexError: list index out of range."
    )
    assert check(task, "def f(:") == [
        "It can't be run: SyntaxError: invalid syntax (answer, line 1)."
    ]
    assert check(task, "x = 1") == ["It can't be run: NameError: there is no function totals."]
    assert check(task, "") == ["There is no program."]
    assert check(task, "import os\nos._exit(0)") == ["It ends Python."]
    assert check(task, "def totals(pairs):\n    while True: pass") == [
        "It does not come to an end."
    ]


def test_the_agent_stops_before_its_run_is_ended(tmp_path: Path) -> None:
    """What it counts itself is what the spec allows, so that it never goes over."""
    spec = read_spec(make(tmp_path))
    assert spec.program.model is not None
    text = (HERE / "program/model.py").read_text()
    assert f"CALLS = {spec.program.model.calls}\n" in text
    assert f"TOKENS = {spec.program.model.tokens}\n" in text
    loop = SOURCE.replace("    return attempt(task)\n", "    while True:\n        attempt(task)\n")
    (tmp_path / "agent/agent.py").write_text(loop)
    with pytest.raises(AssertionError):
        play(tmp_path, texts(*[WRONG] * spec.program.model.calls))


def test_the_same_question_again_is_another_sample(tmp_path: Path) -> None:
    make(tmp_path)
    file = HERE.parent.parent / "agents/evolution/library/best-of-several.md"
    component = read_component(CodeFile(path=file.name, text=file.read_text()))
    assert component is not None
    (tmp_path / "agent/agent.py").write_text(put(component, libcst.parse_module(SOURCE)) or "")
    answer, asked = play(tmp_path, texts(WRONG, WRONG, RIGHT))
    assert answer.strip() == TASK.reference
    assert [one.get("sample", 0) for one in asked] == [0, 1, 2]


COMPONENTS = sorted(path.stem for path in (HERE / "components").glob("[a-z]*.md"))


def test_there_are_enough_components_and_none_is_the_librarys() -> None:
    own = {path.stem for path in Path(str(library.__file__)).parent.glob("*.md")}
    assert len(COMPONENTS) >= 12
    assert not own & set(COMPONENTS)


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_fits_the_agent(name: str, tmp_path: Path) -> None:
    """Put in, the agent still hands in a right answer when the model gives one."""
    made = changed(name)
    assert made != SOURCE
    make(tmp_path)
    (tmp_path / "agent/agent.py").write_text(made)
    answer, asked = play(tmp_path, texts(*[RIGHT] * 4))
    space: dict[str, Any] = {}
    exec(answer, space)
    assert space["totals"]([["a", 1], ["a", 2]]) == {"a": 3}
    for request in asked:
        try:
            ModelRequest.model_validate(request)
        except ValidationError as error:
            pytest.fail(f"{name} asks what can't be answered: {error}")


def test_what_components_mend(tmp_path: Path) -> None:
    make(tmp_path)
    place = tmp_path / "agent/agent.py"
    misnamed = RIGHT.replace("def totals", "def sums")
    place.write_text(changed("name-as-asked"))
    assert "totals = sums" in play(tmp_path, texts(misnamed))[0]
    place.write_text(changed("whole-block"))
    cut = RIGHT.removesuffix("\n```\nThat is all.") + "\nprint(totals(["
    assert play(tmp_path, texts(cut))[0].strip() == TASK.reference
    place.write_text(changed("in-conversation"))
    answer, asked = play(tmp_path, texts(WRONG, RIGHT))
    assert answer.strip() == TASK.reference
    assert "not {'a': 4, 'b': 2}" in asked[1]["messages"][-1]["content"]
    place.write_text(changed("greedy-then-warm"))
    answer, asked = play(tmp_path, texts(WRONG, RIGHT))
    assert [one["temperature"] for one in asked] == [0.0, 0.8]


def test_the_spec_is_what_is_made(tmp_path: Path) -> None:
    make(tmp_path)
    assert (tmp_path / SPEC).read_text() == (HERE / SPEC).read_text()


def test_the_agents_tools_are_not_labcrews() -> None:
    mine = sys.modules.get("tools")
    assert program().tools.call("f", [1, "a"]) == "f(1, 'a')"
    assert sys.modules.get("tools") is mine
    assert "model" not in sys.modules
