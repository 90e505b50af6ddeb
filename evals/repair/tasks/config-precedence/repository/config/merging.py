"""Merging nested dictionaries."""

import copy


def merge(base, changes):
    """A new dictionary: base with the changes laid over it."""
    merged = copy.deepcopy(base)
    merged.update(copy.deepcopy(changes))
    return merged


def flatten(tree, prefix=""):
    """Dotted keys and their values."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
