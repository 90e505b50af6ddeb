"""Values against schemas that strangers wrote: right, bounded, and without a network."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.json_schema import misfit

TOPIC = {
    "type": "object",
    "properties": {"topic": {"type": "string", "pattern": "^[a-z]+$"}, "n": {"$ref": "#/$defs/n"}},
    "required": ["topic"],
    "$defs": {"n": {"type": "integer", "maximum": 5}},
}


def test_right_and_wrong_values() -> None:
    assert misfit({"topic": "splits", "n": 5}, TOPIC) is None
    assert "topic" in str(misfit({}, TOPIC))
    assert "n: " in str(misfit({"topic": "a", "n": 6}, TOPIC))
    assert "does not match" in str(misfit({"topic": "A"}, TOPIC))


BOMB: dict[str, Any] = {"$defs": {"a0": {"type": "string"}}, "$ref": "#/$defs/a40"}
for level in range(1, 41):
    BOMB["$defs"][f"a{level}"] = {"allOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}


@pytest.mark.timeout(300)  # to try out the worst would take years
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "http://127.0.0.1:9/schema.json"}, {}),
        ({"$ref": "file:///etc/passwd"}, {}),
        ({"$ref": "#"}, {}),
        ({"$ref": "#/nowhere"}, {}),
        ({"$dynamicRef": "#x"}, {}),
        (BOMB, "x"),
        ({"type": "string", "pattern": "(a|aa)+$"}, "a" * 100 + "!"),
        ({"type": "string", "pattern": "("}, "a"),
        ({"patternProperties": {"(a|aa)+$": {}}}, {"a" * 100 + "!": 1}),
        ({"type": "nothing"}, {}),
        ({"type": 5}, {}),
        ({"properties": 7}, {"a": 1}),
        ({"required": 5}, {}),
        ({"enum": None}, 1),
    ],
)
def test_a_schema_made_to_harm_fits_nothing_and_ends(schema: dict[str, Any], value: Any) -> None:
    assert misfit(value, schema) is not None


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
WORDS = ("type", "properties", "required", "$ref", "enum", "items", "allOf", "minimum", "pattern")


@given(WILD, st.dictionaries(st.sampled_from(WORDS), WILD | st.just("#")))
def test_no_schema_raises(value: Any, schema: dict[str, Any]) -> None:
    said = misfit(value, schema)
    assert said is None or said
