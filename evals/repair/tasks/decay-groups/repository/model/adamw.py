"""Decoupled weight decay."""

from model.groups import groups


def decay_step(parameters, rate, decay):
    """One step of weight decay alone: w ← w − rate·decay·w where a group is decayed."""
    for group in groups(parameters, decay):
        for name in group["names"]:
            shrink = 1.0 - rate * group["decay"]
            parameters[name] = [value * shrink for value in parameters[name]]
    return parameters
