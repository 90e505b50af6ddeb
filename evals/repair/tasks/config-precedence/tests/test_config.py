import copy

import pytest
from config import configuration
from config.merging import flatten, merge
from config.overrides import parse_overrides

DEFAULTS = {
    "optimiser": {"name": "adam", "rate": 0.001, "betas": [0.9, 0.999], "clip": {"norm": 1.0}},
    "epochs": 10,
}


def test_keys_beside_a_change_stay():
    merged = configuration(DEFAULTS, {"optimiser": {"rate": 0.01}})
    assert merged["optimiser"] == {**DEFAULTS["optimiser"], "rate": 0.01}
    deep = configuration(DEFAULTS, {"optimiser": {"clip": {"value": 5}}})
    assert deep["optimiser"]["clip"] == {"norm": 1.0, "value": 5}
    assert deep["optimiser"]["name"] == "adam"


def test_command_line_wins_key_by_key():
    merged = configuration(DEFAULTS, {"optimiser": {"name": "sgd"}}, ["optimiser.rate=0.1"])
    assert merged["optimiser"]["name"] == "sgd"
    assert merged["optimiser"]["rate"] == 0.1
    assert merged["optimiser"]["betas"] == [0.9, 0.999]


def test_several_words_below_one_key():
    assert parse_overrides(["a.b=1", "a.c=x", "a.d.e=[2]"]) == {
        "a": {"b": 1, "c": "x", "d": {"e": [2]}}
    }


def test_lists_are_replaced_and_sources_left_alone():
    before = copy.deepcopy(DEFAULTS)
    changes = {"optimiser": {"betas": [0.8]}}
    merged = merge(DEFAULTS, changes)
    assert merged["optimiser"]["betas"] == [0.8]
    merged["optimiser"]["betas"].append(1)
    assert changes == {"optimiser": {"betas": [0.8]}}
    assert before == DEFAULTS


def test_scalars_and_new_keys():
    assert merge({"a": 1}, {"a": {"b": 2}, "c": 3}) == {"a": {"b": 2}, "c": 3}
    assert merge({"a": {"b": 2}}, {"a": 1}) == {"a": 1}


def test_flatten_and_errors():
    assert flatten({"a": {"b": 1}, "c": 2}) == {"a.b": 1, "c": 2}
    with pytest.raises(ValueError):
        parse_overrides(["a"])
