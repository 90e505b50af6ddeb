"""Where the values of a YAML file stand, and how a new one is spelt; every other byte stays.

Programs read YAML by its version 1.1 (PyYAML) or 1.2: what is written here says the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from source_settings import Refused  # type: ignore[import-not-found]

_COLON = re.compile(r"\s*:")
_ALIAS = re.compile(r"\s*:(?:\s|#[^\n]*\n)*(\*[^\s,\[\]{}]+)")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s*)*")
_WORD = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_NO_TEXT = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""Words that are a boolean or nothing to version 1.1 or 1.2."""


@dataclass(frozen=True)
class Place:
    """The part of a text that a new value replaces, and what stands around the value there."""

    begin: int
    end: int
    before: str = ""
    after: str = ""


def places(content: str, name: str) -> Any:
    """A YAML file as tables of the places of its values; a list has no places.

    A table that is another's by an alias or `<<` has no keys of its own: set there, they would
    change the other's too.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).compose(content)
    except YAMLError as error:
        raise Refused(f"{name} is not YAML: {error}") from None
    return _Reading(content).places(document)


def replaced(content: str, edits: list[tuple[Place, Any]]) -> str:
    """The text with new values in their places."""
    for place, value in sorted(edits, key=lambda edit: edit[0].begin, reverse=True):
        new = place.before + spelt(value) + place.after
        content = content[: place.begin] + new + content[place.end :]
    return content


def spelt(value: Any) -> str:
    """A value as both versions of YAML read it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))  # 1e-05 is a text in version 1.1
    if not isinstance(value, str) or (_WORD.fullmatch(value) and value.lower() not in _NO_TEXT):
        return str(value)
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


class _Reading:
    """The places of one file's values."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._tables: dict[int, dict[str, Any]] = {}

    def places(self, node: Any) -> Any:
        from ruamel.yaml.nodes import MappingNode, ScalarNode

        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if not isinstance(node, MappingNode):
            return []
        self._tables[id(node)] = {}  # a table may even claim to hold itself
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                continue
            if key.value == "<<" and not key.style:
                for table in self._merged(value):
                    merged |= table
            elif value.start_mark.index < key.start_mark.index:
                # What stands before its key is another's: this is its alias.
                own[key.value] = self._alias(key) if isinstance(value, ScalarNode) else {}
            elif value.start_mark.index == value.end_mark.index:
                own[key.value] = self._empty(key)
            else:
                own[key.value] = self.places(value)
        for name, there in merged.items():
            own.setdefault(name, self._first(node, name) if isinstance(there, Place) else {})
        self._tables[id(node)] = own
        return own

    def _merged(self, value: Any) -> Iterator[dict[str, Any]]:
        from ruamel.yaml.nodes import SequenceNode

        for node in value.value if isinstance(value, SequenceNode) else [value]:
            if id(node) not in self._tables:
                self.places(node)
            yield self._tables[id(node)]

    def _scalar(self, node: Any) -> Place:
        begin, end = node.start_mark.index, node.end_mark.index
        text = self._content[begin:end].rstrip()  # the line end belongs to a text block, too
        properties = _PROPERTIES.match(text)
        anchors = re.findall(r"&\S+", properties[0]) if properties is not None else []
        return Place(begin, begin + len(text), "".join(f"{anchor} " for anchor in anchors))

    def _empty(self, key: Any) -> Any:
        colon = _COLON.match(self._content, key.end_mark.index)
        return Place(colon.end(), colon.end(), " ") if colon is not None else {}

    def _alias(self, key: Any) -> Any:
        alias = _ALIAS.match(self._content, key.end_mark.index)
        return Place(*alias.span(1)) if alias is not None else {}

    def _first(self, node: Any, name: str) -> Place:
        """Before the first key of a table: there a value of its own stands over the merged one."""
        mark = node.value[0][0].start_mark
        line_end = "\r\n" if "\r\n" in self._content else "\n"
        after = ", " if node.flow_style else line_end + " " * mark.column
        return Place(mark.index, mark.index, f"{spelt(name)}: ", after)
