"""Constants of code and values of settings files, by address."""

import json
import tomllib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evolution.constants import constants, with_constants
from agents.evolution.ranges import parameter_of
from agents.evolution.settings_files import settings as settings_of
from agents.evolution.settings_files import with_setting
from labcrew.domain.search_space import ChoiceParameter, FloatParameter, IntParameter, legal

CODE = '''"""Doc."""
from typing import Literal

RATE = 0.1  # 1e-4..1 log
ORDER = "short"  # one of: short, long
MODE: Literal["a", "b"] = "a"
SEED = 7
KEPT = 3  # fixed
STEPS, WIDTH = 10, 2.5
SAMPLING = {
    "temperature": 0.8,
    "inner": {"top_k": 40},
}


class Net:
    depth: int = 3

    def __init__(self, size=8, *, deep=True):
        self.size = size
        self.alpha = -0.5
        layer(width=4)
        layer(width=16)
'''


def test_every_constant_has_its_address_and_range() -> None:
    found = {c.address: c for c in constants(CODE)}
    assert {a: c.value for a, c in found.items()} == {
        "RATE": 0.1,
        "ORDER": "short",
        "MODE": "a",
        "SEED": 7,
        "KEPT": 3,
        "STEPS": 10,
        "WIDTH": 2.5,
        "SAMPLING.temperature": 0.8,
        "inner.top_k": 40,
        "Net.depth": 3,
        "__init__.size": 8,
        "__init__.deep": True,
        "self.alpha": -0.5,
        "layer.width": 4,
        "layer.width/2": 16,
    }
    assert found["SEED"].parameter is None
    assert found["KEPT"].parameter is None
    assert found["RATE"].parameter == FloatParameter(type="float", low=1e-4, high=1, log=True)
    assert found["ORDER"].parameter == ChoiceParameter(type="choice", choices=("short", "long"))
    assert found["MODE"].parameter == ChoiceParameter(type="choice", choices=("a", "b"))
    assert [c.address for c in constants(CODE) if c.stated] == ["RATE", "ORDER", "MODE"]


def test_an_address_survives_edits_elsewhere() -> None:
    edited = '"""Other."""\nimport os\n\n\ndef new(x=1):\n    return os\n\n\n' + CODE.replace(
        '"""Doc."""\n', ""
    ).replace("STEPS, WIDTH = 10, 2.5\n", "")
    before = {c.address: c.value for c in constants(CODE)}
    after = {c.address: c.value for c in constants(edited)}
    assert before.items() - after.items() == {("STEPS", 10), ("WIDTH", 2.5)}


def test_constants_are_set_and_nothing_else_changes() -> None:
    new = with_constants(CODE, {"RATE": 0.5, "layer.width/2": 32, "self.alpha": 0.25})
    assert new == CODE.replace("0.1  # 1e", "0.5  # 1e").replace("=16", "=32").replace(
        "-0.5", "0.25"
    )
    assert with_constants(CODE, {"UNKNOWN": 1}) is None
    assert with_constants("def (:", {"X": 1}) is None


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_set_is_read_back(data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([c for c in constants(CODE) if c.parameter]))
    parameter = chosen.parameter
    assert parameter is not None
    if isinstance(parameter, ChoiceParameter):
        value = data.draw(st.sampled_from(parameter.choices))
    elif isinstance(parameter, IntParameter):
        value = data.draw(st.integers(parameter.low, parameter.high))
    else:
        value = data.draw(st.floats(parameter.low, parameter.high))
    text = with_constants(CODE, {chosen.address: value})
    assert text is not None
    before = {c.address: c.value for c in constants(CODE)}
    assert {c.address: c.value for c in constants(text)} == {**before, chosen.address: value}


@pytest.mark.parametrize(
    ("value", "comment", "expected"),
    [
        (3, "0..9", IntParameter(type="int", low=0, high=9)),
        (3, "seconds, 1..9 step 2", IntParameter(type="int", low=1, high=9, step=2)),
        (0.5, "0..1 step 0.25", FloatParameter(type="float", low=0, high=1, step=0.25)),
        (2, "one of: 1, 2, 4", ChoiceParameter(type="choice", choices=(1, 2, 4))),
        (0.5, "one of: 0.5, 1", ChoiceParameter(type="choice", choices=(0.5, 1.0))),
        (True, "", ChoiceParameter(type="choice", choices=(False, True))),
        (12, "0..9", None),
        (3, "fixed", None),
        (3, "9..0", None),
        (3, "one of: a, b", None),
        (3, "one of: 1, 3, 5 layers", None),
        (3, "one of: 1, {[]: 2}, 3", None),
        (10**400, "", None),
        ("x", "", None),
        (0.0, "0..1 log", None),
    ],
)
def test_what_a_comment_says(value: object, comment: str, expected: object) -> None:
    assert parameter_of("size", value, comment) == expected  # type: ignore[arg-type]


@given(
    name=st.text(max_size=10),
    value=st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=5)),
    comment=st.one_of(
        st.text(max_size=40),
        st.from_regex(r"[-0-9.e]{1,9}\.\.[-0-9.e]{1,9}( log| step [0-9.]+)?"),
        st.from_regex(r"one of: [-0-9.e a,(){}\[\]:]{1,20}"),
    ),
)
def test_a_range_holds_the_value_that_it_was_made_for(
    name: str, value: bool | int | float | str, comment: str
) -> None:
    parameter = parameter_of(name, value, comment)
    assert parameter is None or legal(parameter, value)


YAML = """a:
  rate: 0.1  # 0..1
  order: "s"  # one of: s, l
b:
  rate: 0.2
  rate2: 5
flag: true
"""


@pytest.mark.parametrize(
    ("address", "value", "expected"),
    [
        ("a.rate", 0.3, YAML.replace("0.1", "0.3")),
        ("b.rate", 0.3, YAML.replace("0.2", "0.3")),
        ("a.order", "l", YAML.replace('"s"', '"l"')),
        ("flag", False, YAML.replace("true", "false")),
        ("c", 1, None),
    ],
)
def test_a_yaml_value_is_set_in_place(address: str, value: object, expected: str | None) -> None:
    assert with_setting("x.yaml", YAML, address, value) == expected  # type: ignore[arg-type]


leaves = st.one_of(
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6),
    st.text("abc ,:#", min_size=1, max_size=6),
)
keys = st.sampled_from(("a", "b", "rate", "a-b", "k1"))
tables = st.dictionaries(
    keys, st.one_of(leaves, st.dictionaries(keys, leaves, max_size=3)), max_size=4
)


@settings(max_examples=150)
@given(table=tables, value=leaves, data=st.data())
def test_a_json_value_is_set_and_nothing_else(
    table: dict[str, object], value: bool | int | float | str, data: st.DataObject
) -> None:
    text = json.dumps(table, indent=data.draw(st.sampled_from((None, 2))))
    found = settings_of("x.json", text)
    if not found:
        return
    address = data.draw(st.sampled_from([name for name, _, _ in found]))
    after = with_setting("x.json", text, address, value)
    if after is None:
        return
    expected = json.loads(text)
    inner = expected
    *path, last = address.split(".")
    for key in path:
        inner = inner[key]
    inner[last] = value
    assert json.loads(after) == expected


def test_a_toml_value_is_set_in_place() -> None:
    text = "# c\nx = 1\n[t]\nx = 2 # 0..9\n"
    after = with_setting("a.toml", text, "t.x", 5)
    assert after == "# c\nx = 1\n[t]\nx = 5 # 0..9\n"
    assert tomllib.loads(after)["t"]["x"] == 5


@settings(max_examples=200)
@given(
    path=st.sampled_from(("a.yaml", "a.json", "a.toml")),
    text=st.one_of(st.text(max_size=100), st.text('{}[]:=,#&*!"\n a1.-', max_size=100)),
)
def test_no_settings_file_crashes_the_reader(path: str, text: str) -> None:
    found = settings_of(path, text)
    for address, _, _ in found:
        after = with_setting(path, text, address, 1)
        if after is not None:
            names, values = ({a: v for a, v, _ in s} for s in (found, settings_of(path, after)))
            assert values == names | {address: 1}, "one is set and every other as it was"


def test_bombs_are_not_read() -> None:
    bomb = "a: &a [x,x]\n"
    for before, name in pairwise("abcdefghijklmnopqrst"):
        bomb += f"{name}: &{name} [*{before},*{before}]\n"
    assert settings_of("a.yaml", bomb) == ()
    assert settings_of("a.json", "[" * 100_000) == ()
    assert settings_of("a.json", "[" * 1_999 + "]" * 1_999) == ()
