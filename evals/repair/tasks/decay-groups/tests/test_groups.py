import pytest
from model.adamw import decay_step
from model.groups import groups, is_bias, is_norm

PLAIN = [
    "encoder.0.norm1.weight",
    "encoder.11.norm2.bias",
    "head.norm.weight",
    "decoder.layer_norm.weight",
    "stem.LayerNorm.weight",
    "stem.batchnorm.weight",
    "proj.bias",
    "a.b.c.bias",
]
DECAYED = [
    "encoder.0.attention.weight",
    "normaliser_free.weight",
    "bias_free.dense.weight",
    "head.weight",
    "biased.weight",
]


@pytest.mark.parametrize("name", PLAIN)
def test_left_out(name):
    decayed, plain = groups({name: [1.0]}, 0.1)
    assert plain["names"] == [name]
    assert decayed["names"] == []


@pytest.mark.parametrize("name", DECAYED)
def test_decayed(name):
    decayed, plain = groups({name: [1.0]}, 0.1)
    assert decayed["names"] == [name]
    assert plain["names"] == []


def test_step_changes_matrices_alone():
    parameters = {name: [1.0, 2.0] for name in PLAIN + DECAYED}
    decay_step(parameters, 0.5, 0.2)
    assert all(parameters[name] == [1.0, 2.0] for name in PLAIN)
    assert all(parameters[name] == pytest.approx([0.9, 1.8]) for name in DECAYED)


def test_short_names():
    assert is_norm("norm.weight")
    assert is_bias("bias")
    assert not is_norm("dense.weight")
    assert not is_bias("dense.weight")
    assert groups({}, 0.3)[0]["decay"] == 0.3
