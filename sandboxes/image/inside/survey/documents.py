"""The keys of settings files: YAML, JSON, TOML, INI and gin."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from .setting import MOST_SETTINGS, Setting, distinct, number, place, setting, type_of, typed

MOST_CHARACTERS = 256 << 10
"""A longer file is data."""
MOST_OF_YAML = 64 << 10
"""YAML is read slowly: this takes about 0.4 s."""
_DEEPEST = 8
_MOST_VISITED = 5000
_DEEP = re.compile(r"(?:[\[{]\s*){50}")
Key = tuple[tuple[str, ...], Any, int]
"""The way to a value, the value, and the line it stands in (0: unknown)."""


def config_settings(path: str, text: str) -> list[Setting]:
    """Every scalar key of a settings file, dotted; nothing for what can't be read.

    Args:
        path: its suffix says what it is: .yaml, .yml, .json, .toml, .ini, .cfg, .conf or .gin.
        text: the whole file.
    """
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    lines = text.split("\n") if len(text) <= MOST_CHARACTERS else []
    found: list[Setting] = []
    mechanism = "gin" if suffix == ".gin" else "file"
    for way, value, line in keys_of(path, text):
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        if isinstance(value, list) and not all(
            isinstance(v, bool | int | float | str) for v in value
        ):
            continue
        found.append(
            setting(
                ".".join(way),
                mechanism,
                place(path, line, shown),
                type="unknown" if value is None else type_of(value),
                default=value,
                owner=".".join(way[:-1]),
                help=_comment(shown),
            )
        )
        if len(found) == MOST_SETTINGS:
            break
    return distinct(found)


def keys_of(path: str, text: str) -> list[Key]:
    """The keys of a settings file in its order; nothing for what can't be read."""
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    reader = _READERS.get(suffix)
    if reader is None or len(text) > MOST_CHARACTERS:
        return []
    try:
        return list(reader(text))
    except Exception:  # what a library makes of a hostile file is no setting
        return []


def _comment(line: str) -> str:
    match = re.search(r"\s[#;]\s*(.+)$", line)
    return match[1] if match else ""


def _yaml(text: str) -> Iterator[Key]:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

    reader = YAML(typ="safe", pure=True)
    budget = [_MOST_VISITED]

    def value_of(node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return _scalar(node.value, node.tag or "", bool(node.style))
        if isinstance(node, SequenceNode) and len(node.value) <= 100:
            return [value_of(item) if isinstance(item, ScalarNode) else {} for item in node.value]
        return {}

    def walk(node: Node, way: tuple[str, ...], merged: bool = False) -> Iterator[Key]:
        if not isinstance(node, MappingNode) or len(way) >= _DEEPEST:
            return
        for key, value in node.value:
            budget[0] -= 1
            if budget[0] < 0:
                return
            if not isinstance(key, ScalarNode):
                continue
            if key.value == "<<":
                yield from walk(value, way, merged=True)
                continue
            inner = (*way, str(key.value))
            if isinstance(value, MappingNode):
                # A table that is merged in, or an alias's (it stands before its key), is another's.
                if not merged and value.start_mark.index > key.start_mark.index:
                    yield from walk(value, inner)
            elif isinstance(value, SequenceNode) and any(
                isinstance(item, MappingNode) for item in value.value
            ):
                for index, item in enumerate(value.value[:20]):
                    yield from walk(item, (*inner, str(index)))
            else:
                yield inner, value_of(value), key.start_mark.line + 1

    if len(text) > MOST_OF_YAML or _DEEP.search(text):
        return
    document = next(iter(reader.compose_all(text)), None)
    if document is not None:
        yield from walk(document, ())


def _scalar(text: str, tag: str, quoted: bool) -> Any:
    """The value of a YAML scalar; 1e-3 counts as the number that was meant."""
    if quoted and not str(tag).endswith((":int", ":float", ":bool")):
        return text
    plain = text.strip()
    if plain.lower() in ("", "~", "null", "none"):
        return None
    if plain.lower() in ("true", "yes", "on", "false", "no", "off"):
        return plain.lower() in ("true", "yes", "on")
    value = number(plain.replace("_", "")) if plain[:1] in "+-.0123456789" else None
    return plain if value is None else value


def _json(text: str) -> Iterator[Key]:
    seen = 0
    line = 1

    def walk(value: Any, way: tuple[str, ...]) -> Iterator[Key]:
        nonlocal seen, line
        if not isinstance(value, dict) or len(way) >= _DEEPEST:
            return
        for key, inner in value.items():
            match = re.compile(re.escape(json.dumps(key)) + r"\s*:").search(text, seen)
            at = 0
            if match is not None:
                line += text.count("\n", seen, match.start())
                seen = match.start()
                at = line
            if isinstance(inner, dict):
                yield from walk(inner, (*way, key))
            elif isinstance(inner, list) and any(isinstance(item, dict) for item in inner):
                for index, item in enumerate(inner[:20]):
                    yield from walk(item, (*way, key, str(index)))
            else:
                yield (*way, key), inner, at

    yield from walk(json.loads(_without_comments(text)), ())


def _without_comments(text: str) -> str:
    """JSON as people write it: lines that are comments, blanked."""
    return re.sub(r"^[ \t]*//[^\n]*$", "", text, flags=re.MULTILINE)


def _toml(text: str) -> Iterator[Key]:
    yield from _found(tomllib.loads(text), (), text, [0], r"^[ \t]*[\"']?{}[\"']?[ \t]*=")


def _found(
    value: dict[str, Any], way: tuple[str, ...], text: str, seen: list[int], shape: str
) -> Iterator[Key]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            if len(way) < _DEEPEST:
                yield from _found(inner, (*way, key), text, seen, shape)
            continue
        pattern = re.compile(shape.replace("{}", re.escape(key)), re.MULTILINE | re.IGNORECASE)
        match = pattern.search(text, seen[0]) or pattern.search(text)
        line = 0
        if match is not None:
            seen[0] = match.end()
            line = text.count("\n", 0, match.start()) + 1
        yield (*way, key), inner, line


def _ini(text: str) -> Iterator[Key]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError:
        parser.read_string("[]\n" + text)
    sections: dict[str, Any] = {"DEFAULT": dict(parser.defaults())}
    for name in parser.sections():
        inherited = parser.defaults()
        sections[name] = {
            key: value for key, value in parser.items(name) if inherited.get(key) != value
        }
    tables = {
        name: {key: None if value is None else typed(value) for key, value in table.items()}
        for name, table in sections.items()
    }
    for way, value, line in _found(tables, (), text, [0], r"^[ \t]*{}[ \t]*[=:]"):
        yield tuple(part for part in way if part), value, line


_BINDING = re.compile(r"^([\w./@]+)[ \t]*=[ \t]*(.*)$")


def _gin(text: str) -> Iterator[Key]:
    for at, line in enumerate(text.split("\n"), 1):
        match = _BINDING.match(line.split(" #")[0].rstrip())
        if match is None:
            continue
        value = match[2].strip().strip("'\"") if match[2][:1] in "'\"" else typed(match[2])
        if isinstance(value, str) and value[:1] in ("@", "%", "[", "(", "{", ""):
            value = None if value[:1] in ("@", "%") or not value else value
        yield tuple(match[1].split(".")), value, at


_READERS: dict[str, Callable[[str], Iterator[Key]]] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".json": _json,
    ".toml": _toml,
    ".ini": _ini,
    ".cfg": _ini,
    ".conf": _ini,
    ".gin": _gin,
}
