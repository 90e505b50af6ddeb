"""Values of YAML, JSON and TOML files by address (`training.rate`), read and set in their text.

A value is exchanged where it stands, so comments and order stay. Whether it was the right place is
then read back: the new file must differ from the old in that value and in nothing else.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from agents.evolution.ranges import parameter_of
from labcrew.domain.search_space import Parameter, Value
from labcrew.errors import TicketError
from labcrew.ticket_yaml import parse as parse_yaml

MOST_BYTES = 64_000
MOST_VALUES = 200
_DEEPEST = 8
_SUFFIXES = (".yaml", ".yml", ".json", ".toml")
_PLACES = 50  # where a key stands, that are tried


def is_settings(path: str) -> bool:
    """Whether a file's values are read, by its name."""
    return path.endswith(_SUFFIXES)


@lru_cache(maxsize=64)
def settings(path: str, text: str) -> tuple[tuple[str, Value, Parameter | None], ...]:
    """Address, value and what it may be, of every plain value; none of what can't be read."""
    document = _read(path, text)
    if document is None:
        return ()
    found = []
    for address, value in list(_leaves(document[0]))[:MOST_VALUES]:
        name = address.rpartition(".")[2]
        lines = [m for m in _spots(path, text, name) if _literal(path, m[2]) == (value,)]
        comment = _comment(text, lines[0].end(2)) if len(lines) == 1 else ""
        found.append((address, value, parameter_of(name, value, comment)))
    return tuple(found)


def with_setting(path: str, text: str, address: str, value: Value) -> str | None:
    """The file with one value set; None where it has no place that can be told for sure."""
    document = _read(path, text)
    leaves = dict(_leaves(document[0])) if document is not None else {}
    if address not in leaves:
        return None
    wanted = leaves | {address: value}
    for spot in _spots(path, text, address.rpartition(".")[2])[:_PLACES]:
        new = text[: spot.start(2)] + _spelt(path, value) + text[spot.end(2) :]
        after = _read(path, new)
        if after is not None and _alike(dict(_leaves(after[0])), wanted):
            return new
    return None


def _alike(a: dict[str, Value], b: dict[str, Value]) -> bool:
    kinds = [{k: (type(v), v) for k, v in leaves.items()} for leaves in (a, b)]
    return kinds[0] == kinds[1]


def _read(path: str, text: str) -> tuple[Any] | None:
    """The file's value in a tuple of one; None where it can't be read."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        return None
    if sum(text.count(bracket) for bracket in "[{") > 2_000:
        return None  # the readers go down a level for each
    try:
        if path.endswith(".json"):
            return (json.loads(text),)
        if path.endswith(".toml"):
            return (tomllib.loads(text),)
        return (parse_yaml(text).value(),)
    except (ValueError, RecursionError, TicketError):
        return None


def _leaves(value: Any, before: str = "", depth: int = 0) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            if isinstance(key, str) and key and "." not in key:
                yield from _leaves(inner, f"{before}.{key}" if before else key, depth + 1)
    elif isinstance(value, bool | int | float | str) and before:
        yield before, value


def _spots(path: str, text: str, name: str) -> list[re.Match[str]]:
    """Where a key stands with a plain value behind it: group 2 is the value."""
    key = re.escape(name)
    sign = "=" if path.endswith(".toml") else ":"
    value = r"\"(?:[^\"\\\n]|\\.){0,200}\"|'[^'\n]{0,200}'|[^\s,\]\}#\"'][^,\]\}#\n]{0,200}?"
    pattern = (
        rf"(?m)(^|[\s{{,.-])[\"']?{key}[\"']?[ \t]*{sign}[ \t]*({value})(?=[ \t]*(?:$|[,#\]\}}]))"
    )
    return list(re.finditer(pattern, text))


def _literal(path: str, spelt: str) -> tuple[Any] | None:
    file = {"json": "x.json", "toml": "x.toml"}.get(path.rpartition(".")[2], "x.yaml")
    line = {"x.json": f'{{"k": {spelt}}}', "x.toml": f"k = {spelt}", "x.yaml": f"k: {spelt}"}[file]
    read = _read(file, line)
    return (read[0]["k"],) if read is not None and isinstance(read[0], dict) else None


def _spelt(path: str, value: Value) -> str:
    return json.dumps(value)  # its numbers, words and strings are YAML's and TOML's, too


def _comment(text: str, end: int) -> str:
    line = text[end : text.find("\n", end) if "\n" in text[end:] else len(text)]
    mark = line.find("#")
    return line[mark + 1 :].strip() if mark >= 0 else ""
