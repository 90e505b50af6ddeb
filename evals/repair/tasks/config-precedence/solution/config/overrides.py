"""Overrides from the command line."""

import json


def parse_value(text):
    """JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_overrides(words):
    """Turns `a.b=1` words into a nested dictionary; later words win."""
    tree = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ValueError(f"not key=value: {word!r}")
        *parents, last = key.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = parse_value(text)
    return tree
