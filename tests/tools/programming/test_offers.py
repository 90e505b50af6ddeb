"""How a model is offered the tools, and what becomes of the arguments that it writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.errors import ToolError
from labcrew.policy import POLICY
from tools.all_tools import TOOLS
from tools.programming.offers import OFFERS


def test_each_is_a_tool_of_the_table() -> None:
    rows = {row.tool for row in POLICY if row.agents == ("merge_request",)}
    for name, offered in OFFERS.items():
        assert TOOLS[name] is offered.tool
        assert name in rows
        assert offered.offer.name == name
        assert offered.offer.description.endswith(".")


def test_the_schemas_are_small_and_plain() -> None:
    spelt = json.dumps([offered.offer.model_dump() for offered in OFFERS.values()])
    assert '"title"' not in spelt
    assert len(spelt) < 9000


def test_only_edits_wait_for_the_plan() -> None:
    for row in POLICY:
        if row.tool in OFFERS:
            assert (row.verdict == "plan") == (OFFERS[row.tool].kind == "edits")


def trouble(name: str, text: str) -> str:
    try:
        OFFERS[name].call(text)
    except ToolError as error:
        return str(error)
    return ""


@given(st.sampled_from(sorted(OFFERS)), st.text(max_size=60))
def test_wild_arguments_are_a_tool_error_in_words(name: str, text: str) -> None:
    said = trouble(name, text)
    assert not said or ("not valid" in said and "Its arguments are" in said)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("read_file", "{}", "path: Field required"),
        ("read_file", '{"path": "/etc/passwd"}', "path: Value error"),
        ("read_file", '{"path": "a", "line": 1}', "line: Extra inputs"),
        ("replace_text", '{"path": "a", "old": "x"}', "new: Field required"),
        ("run_command", '{"command": "ls", "timeout_s": -1}', "timeout_s"),
        ("run_command", "ls", "arguments: Invalid JSON"),
    ],
)
def test_wrong_arguments_are_named(name: str, arguments: str, said: str) -> None:
    with pytest.raises(ToolError) as caught:
        OFFERS[name].call(arguments)
    assert said in caught.value.message
