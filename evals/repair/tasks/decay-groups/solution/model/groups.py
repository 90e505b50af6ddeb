"""Which parameters are decayed."""

import re

NORM = re.compile(r"(layer_?|batch_?|group_?|rms_?)?norm\d*", re.IGNORECASE)


def is_norm(name):
    """Whether a parameter belongs to a norm layer, by its dotted name."""
    return any(NORM.fullmatch(part) for part in name.split(".")[:-1])


def is_bias(name):
    """Whether a parameter is a bias."""
    return name.split(".")[-1] == "bias"


def groups(parameters, decay):
    """Splits parameters into a decayed and a plain group.

    Args:
        parameters: name → list of numbers.
        decay: for the decayed group.
    """
    decayed, plain = [], []
    for name in sorted(parameters):
        (plain if is_bias(name) or is_norm(name) else decayed).append(name)
    return [{"names": decayed, "decay": decay}, {"names": plain, "decay": 0.0}]
