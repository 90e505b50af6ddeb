"""Components: their format, how each is put in, and that each does what it says."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evolution import library
from agents.evolution.components import Component, applied, inside, read_component, without
from agents.evolution.library import built_in
from labcrew.domain.evolution import CodeFile

AGENT = '''"""An agent that follows the convention; its model is a table."""

PROMPT = """Write the function.
{task}
Be careful. Be quick."""
SAMPLING = {
    "temperature": 0.8,  # 0..1.5
    "max_tokens": 256,
}
ASKS = []
REPLIES = ["poor"]


class ModelError(Exception):
    pass


def ask(messages, **changes):
    ASKS.append((messages[0], {**SAMPLING, **changes}))
    reply = REPLIES[min(len(ASKS), len(REPLIES)) - 1]
    if isinstance(reply, Exception):
        raise reply
    return reply


def prompt(task, said=""):
    return [PROMPT.format(task=task) + said]


def parse(text):
    return text


def check(task, answer):
    return ["example 1 is wrong"] * {"right": 0, "near": 1}.get(answer, 2)


def attempt(task, said="", **changes):
    return parse(ask(prompt(task, said), **changes))


def solve(task):
    return attempt(task)
'''
BY_NAME = {component.name: component for component in built_in()}


def run(text: str, *replies: object) -> tuple[object, list[tuple[str, dict[str, object]]]]:
    """What the agent answers when its model replies so, and what the model was asked."""
    names: dict[str, object] = {}
    exec(compile(text, "agent", "exec"), names)
    error = names["ModelError"]
    assert isinstance(error, type)
    names["REPLIES"] = [error("spent") if reply is None else reply for reply in replies]
    answer = names["solve"]("it")  # type: ignore[operator]
    return answer, names["ASKS"]  # type: ignore[return-value]


def put(*names: str) -> str:
    text = AGENT
    if names == ("same-pattern-elsewhere",):
        names = ("retry-with-error", *names)  # which it needs
    for name in names:
        after = applied(BY_NAME[name], text)
        assert after is not None, name
        text = after
    return text


def test_every_file_of_the_library_is_a_component() -> None:
    folder = Path(library.__file__).parent
    assert {path.stem for path in folder.glob("*.md")} - {"README"} == set(BY_NAME)
    assert len(BY_NAME) >= 12
    assert all(component.purpose for component in BY_NAME.values())


def test_the_example_of_the_documentation_is_read() -> None:
    text = (Path(library.__file__).parent / "README.md").read_text()
    example = re.search(r"```\n(---\nname:.*?---\n)```", text, re.S)
    assert example is not None
    code = "```python\ndef solve(task):\n    return before(task)\n```\n"
    found = read_component(CodeFile(path="a.md", text=example[1] + code))
    assert found is not None
    assert found.needs == ("solve", "attempt", "check", "ModelError")


@pytest.mark.parametrize("name", BY_NAME)
def test_a_component_leaves_a_right_answer_right_and_is_put_in_once(name: str) -> None:
    text = put(name)
    answer, _ = run(text, "right")
    assert answer == "right"
    again = applied(BY_NAME[name], text)
    assert again is None or name == "shorter-prompt"


@pytest.mark.parametrize("name", BY_NAME)
def test_a_component_bears_a_model_that_stops_answering(name: str) -> None:
    answer, _ = run(put(name), "near", None)
    assert answer in ("near", "poor", "right")


def test_a_retry_shows_the_error() -> None:
    answer, asks = run(put("retry-with-error"), "poor", "right")
    assert answer == "right"
    assert "example 1 is wrong" in asks[1][0]
    answer, _ = run(put("retry-with-error"), "near", "poor", "poor")
    assert answer == "near"


def test_the_best_of_several_is_kept() -> None:
    answer, asks = run(put("best-of-several"), "poor", "near", "poor")
    assert (answer, len(asks)) == ("near", 3)


def test_a_self_check_draws_once_more() -> None:
    assert run(put("self-check"), "near", "right")[0] == "right"
    assert run(put("self-check"), "near", "poor")[0] == "near"


def test_a_repeated_answer_raises_the_temperature() -> None:
    _, asks = run(put("retry-with-error", "change-on-repeat"), "poor", "poor", "right")
    assert asks[2][1]["temperature"] == 1.1
    assert "before" in asks[2][0]


def test_a_mended_mistake_is_looked_for_elsewhere() -> None:
    text = put("same-pattern-elsewhere").replace('"right": 0', '"right": 0, "whole": 0')
    answer, asks = run(text, "poor", "right", "whole")
    assert answer == "whole"
    assert "another place" in asks[-1][0]
    assert run(text, "poor", "right", "poor")[0] == "right"
    assert applied(BY_NAME["same-pattern-elsewhere"], AGENT) is None


def test_temperatures_rise() -> None:
    _, asks = run(put("retry-with-error", "temperature-schedule"), "poor", "poor", "poor")
    assert [ask[1]["temperature"] for ask in asks] == [0.0, 0.5, 0.8]


def test_an_empty_answer_is_asked_for_again() -> None:
    assert run(put("keep-going"), "", "right")[0] == "right"


def test_an_error_is_answered_all_the_same() -> None:
    text = put("answer-whatever-happens")
    broken = text.replace("return parse(", "return 1 / len(ASKS) if ASKS else parse(")
    assert run(text, "near")[0] == "near"
    assert isinstance(run(broken, "near")[0], str)


def test_prompts_and_settings_are_changed() -> None:
    assert 'Be careful."""' in put("shorter-prompt")
    assert "Be quick.\nMind empty inputs" in put("edge-cases")
    assert '"temperature": 0.0,  # 0..1.5' in put("likeliest-answer")
    assert '"max_tokens": 512' in put("longer-answers")
    bounded = AGENT.replace("256,", "256,  # 64..320 step 32")
    after = applied(BY_NAME["longer-answers"], bounded)
    assert after is not None
    assert '"max_tokens": 320,  # 64..320 step 32' in after


@pytest.mark.no_cover
@settings(max_examples=12)
@given(st.permutations(sorted(BY_NAME)))
def test_components_go_together_in_any_order(names: list[str]) -> None:
    text = AGENT
    for name in names:
        text = applied(BY_NAME[name], text) or text
    answer, _ = run(text, "poor", "near", "right")
    assert answer in ("near", "right")


def test_a_component_has_no_place_where_its_names_are_missing() -> None:
    for component in BY_NAME.values():
        assert applied(component, "x = 1\n") is None
        assert applied(component, "def (:\n") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no front matter",
        "---\nname: a\n---\n",
        "---\nname: A b\nput: wrap function f\n---\n```python\ndef f(): pass\n```",
        "---\nname: a\nput: set key X\n---\n",
        "---\nname: a\nput: wrap function f\n---\n",
        "---\nname: a\nput: delete function f\n---\nx",
        "---\n- a\n---\n",
        "---\nname: a\nput: wrap function f\n---\n" + "(" * 5_000,
    ],
)
def test_what_is_no_component_is_passed_over(text: str) -> None:
    assert read_component(CodeFile(path="a.md", text=text)) is None


@pytest.mark.parametrize(
    ("put", "body", "program"),
    [
        ("wrap function f", "def f():\n    return = before()", "def f():\n    return 1\n"),
        ("insert into function f", "return =", "def f():\n    return 1\n"),
        ("wrap function f", "def g():\n    return 2", "def f():\n    return 1\n"),
    ],
)
def test_code_that_is_no_python_has_no_place(put: str, body: str, program: str) -> None:
    text = f"---\nname: a\nput: {put}\n---\n```python\n{body}\n```\n"
    component = read_component(CodeFile(path="a.md", text=text))
    assert component is not None
    assert applied(component, program) is None


def test_a_python_file_is_a_component() -> None:
    text = (
        '"""\n---\nname: doubled\nfor: Twice.\nput: replace function f\n---\n"""\n'
        "import math\n\nBY = 2\n\n\ndef f(x):\n    return math.floor(x) * BY\n"
    )
    component = read_component(CodeFile(path="a.py", text=text))
    assert component is not None
    after = applied(component, '"""Doc."""\n\n\ndef f(x):\n    return x\n')
    assert after is not None
    names: dict[str, object] = {}
    exec(compile(after, "a", "exec"), names)
    assert names["f"](3.5) == 6  # type: ignore[operator]
    assert after.startswith('"""Doc."""')


def test_statements_are_put_first_into_a_function() -> None:
    component = Component(
        name="guard",
        purpose="",
        put="insert into function",
        target="f",
        body="if not x:\n    return 0",
    )
    after = applied(component, 'def f(x):\n    """Doc."""\n    return 1 / x\n')
    assert after is not None
    assert '    """Doc."""\n    if not x:\n        return 0\n    return 1 / x\n' in after


def test_a_wrapping_component_is_taken_out_again() -> None:
    for name, component in BY_NAME.items():
        text = put(name)
        if component.put != "wrap function":
            assert inside(text) == ()
            continue
        assert name in inside(text)
        rest = without(name, text)
        assert rest is not None
        assert run(rest, "right")[0] == "right"
        assert name not in inside(rest)
        assert applied(component, rest) is not None


def test_the_inner_of_two_components_is_taken_out() -> None:
    text = put("self-check", "retry-with-error")
    for name in ("self-check", "retry-with-error"):
        rest = without(name, text)
        assert rest is not None
        assert run(rest, "poor", "right")[0] == "right"
        assert len(inside(rest)) == 1
    assert without("unknown", text) is None
    assert without("self-check", "def (:\n") is None
