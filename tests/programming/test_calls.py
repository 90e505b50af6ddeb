"""Tool calls of any shape: typed arguments, or a sentence for the model."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agents.programming.calls import CallError, as_call, as_text, checked, renumbered, step_type
from labcrew.domain.chat import Message, ToolCall
from tests.doubles.hands import CALLS
from tools.programming.offers import OFFERS

REAL = {name: offered.tool.call for name, offered in OFFERS.items()}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["path", "text", "old", "new", "names", "x"]), inner)
    ),
    max_leaves=10,
)


@given(
    st.sampled_from([*REAL, "", "rm", "read_file "]),
    st.one_of(st.text(max_size=200), JSON.map(json.dumps)),
)
def test_any_call_is_typed_or_told(name: str, arguments: str) -> None:
    try:
        read = checked(ToolCall(id="1", name=name, arguments=arguments), REAL)
    except CallError as error:
        told = str(error)
    else:
        assert type(read) is REAL[name]
        told = "fine"
    assert 0 < len(told) < 2000


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        (
            "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\nthen c\n",
            "line 6: a line of a hunk",
        ),
        ("--- a/x.py\n+++ b/x.py\n@@ line 3\n-a\n+b\n", "line 3: a hunk begins with `@@"),
        ("--- a/x.py\n+++ b/x.py\n-a\n+b\n", "line 2: no hunk (@@ … @@) follows"),
        ("Change a to b.", "it holds no `--- path` line"),
    ],
)
def test_what_is_wrong_with_a_diff_is_told_before_the_policy_is_asked(diff: str, said: str) -> None:
    arguments = {"diff": diff}
    with pytest.raises(CallError, match=re.escape(f"apply_diff: diff: {said}")):
        checked(ToolCall(id="1", name="apply_diff", arguments=json.dumps(arguments)), REAL)
    step = {"thought": "", "action": {"tool": "apply_diff", "arguments": arguments}}
    with pytest.raises(CallError, match=re.escape(f"arguments.diff: {said}")):
        as_call(Message(role="assistant", content=json.dumps(step)), step_type(REAL))


@given(st.text(max_size=300) | JSON.map(json.dumps))
def test_any_step_is_typed_or_told(text: str) -> None:
    try:
        said = as_call(Message(role="assistant", content=text), step_type(REAL))
    except CallError:
        return
    assert said.calls[0].name in REAL


@pytest.mark.parametrize(
    "fence", ["{}", "```json\n{}\n```", "Here:\n```\n{}\n```\n", "```json\r\n{}\r\n```\r\n"]
)
def test_a_step_is_read_and_said_again(fence: str) -> None:
    kind = step_type(CALLS)
    step = {"thought": "look", "action": {"tool": "read_file", "arguments": {"path": "a.py"}}}
    said = as_call(Message(role="assistant", content=fence.replace("{}", json.dumps(step))), kind)
    (call,) = said.calls
    assert checked(call, CALLS) == CALLS["read_file"](path="a.py")
    again = as_text(said)
    assert json.loads(again.content) == step
    assert as_call(again, kind) == said


def test_the_schema_of_a_step_holds_each_tool() -> None:
    schema = json.dumps(step_type(REAL).model_json_schema())
    for name in REAL:
        assert f'"const": "{name}"' in schema
    one: Any = step_type({"read_file": CALLS["read_file"]})
    with pytest.raises(ValidationError):
        one.model_validate({"thought": "", "action": {"tool": "finish", "arguments": {}}})
    assert issubclass(one, BaseModel)


def test_ids_are_the_loops_own() -> None:
    call = ToolCall(id="same", name="note", arguments="{}")
    said = renumbered(Message(role="assistant", calls=(call, call)), 7)
    assert [c.id for c in said.calls] == ["call-7-0", "call-7-1"]
