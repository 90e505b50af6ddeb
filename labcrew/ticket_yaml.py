"""YAML for tickets: plain values with the line of each, and none of YAML's surprises.

The text is read as events (never as objects), so no tag constructs anything. Tags, keys that stand
twice, numbers that are not finite, and documents too deep or too large are refused.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from labcrew.errors import TicketError

MOST_VALUES = 20_000
MOST_ALIASES = 100
DEEPEST = 40
_MOST_DIGITS = 400
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Trouble(TicketError):
    """What is wrong, and the line, counted from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Node:
    """A value and where it stands.

    Args:
        line: from 1.
        plain: a scalar's value; None for tables and lists.
        pairs: a table's keys, with each key's line and its value.
        items: a list's values.
        complete: False while it is still being read.
    """

    line: int
    plain: Any = None
    pairs: dict[str, tuple[int, "Node"]] | None = None
    items: list["Node"] | None = None
    complete: bool = True
    waiting_key: str | None = field(default=None, repr=False)
    key_line: int = field(default=0, repr=False)

    def value(self) -> Any:
        """The plain Python value. Raises Trouble when aliases blow it up."""
        return _expand(self, [0])

    def line_of(self, location: Sequence[str | int]) -> int:
        """The line of the key or value that a location names, or of what is nearest to it."""
        node, line = self, self.line
        for part in location:
            if node.pairs is not None and part in node.pairs:
                line, node = node.pairs[str(part)]
            elif node.items is not None and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
                line = node.line
        return line


def parse(text: str, before: int = 0) -> Node:
    """Reads one YAML 1.2 document.

    Args:
        text: the YAML.
        before: how many lines of the file stand before it; lines are counted from the file's start.

    Raises:
        Trouble: anything that is not plain YAML, with its line.
    """
    stack: list[Node] = []
    anchors: dict[str, Node] = {}
    root: Node | None = None
    aliases = count = 0
    for name, event, line in _events(text, before):
        count += 1
        if count > MOST_VALUES:
            raise Trouble(line, f"more than {MOST_VALUES} values")
        if name in ("MappingEndEvent", "SequenceEndEvent"):
            stack.pop().complete = True
            continue
        if name == "DocumentStartEvent":
            if root is not None:
                raise Trouble(line, "a second YAML document starts here")
            continue
        if name not in ("AliasEvent", "ScalarEvent", "MappingStartEvent", "SequenceStartEvent"):
            continue
        if name == "AliasEvent":
            aliases += 1
            if aliases > MOST_ALIASES:
                raise Trouble(line, f"more than {MOST_ALIASES} aliases")
            node = anchors.get(str(event.anchor))
            if node is None or not node.complete:
                raise Trouble(line, f"alias *{event.anchor} names no value before it")
        else:
            node = _node(name, event, line)
            if event.anchor is not None:
                anchors[str(event.anchor)] = node
        if stack:
            _attach(stack[-1], node, line)
        elif root is None:
            root = node
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            stack.append(node)
            if len(stack) > DEEPEST:
                raise Trouble(line, f"nested more than {DEEPEST} deep")
    return root or Node(line=before + 1, pairs={})


def _events(text: str, before: int) -> Iterator[tuple[str, Any, int]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader = YAML(typ="safe", pure=True)
    try:
        for event in reader.parse(text):
            yield type(event).__name__, event, event.start_mark.line + 1 + before
    except Trouble:
        raise
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        # The parser meets malformed text with more than its own errors.
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        line = before + 1 + (mark.line if mark is not None else 0)
        raise Trouble(line, f"not valid YAML: {shown(str(problem), 200)}") from None


def _node(name: str, event: Any, line: int) -> Node:
    tag = getattr(event, "ctag", None)
    if tag is not None and str(tag) != "None":
        raise Trouble(line, f"YAML tags are not allowed: {shown(str(tag), 60)}")
    if name == "MappingStartEvent":
        return Node(line=line, pairs={}, complete=False)
    if name == "SequenceStartEvent":
        return Node(line=line, items=[], complete=False)
    return Node(line=line, plain=_scalar(event, line))


def _attach(parent: Node, node: Node, line: int) -> None:
    if parent.items is not None:
        parent.items.append(node)
    elif parent.waiting_key is not None and parent.pairs is not None:
        parent.pairs[parent.waiting_key] = (parent.key_line, node)
        parent.waiting_key = None
    elif parent.pairs is not None:
        if node.pairs is not None or node.items is not None or node.plain is None:
            raise Trouble(line, "a field's name must be plain text")
        key = node.plain if isinstance(node.plain, str) else _spelt(node.plain)
        if key in parent.pairs:
            raise Trouble(
                line, f"{shown(key, 60)} stands twice; first on line {parent.pairs[key][0]}"
            )
        parent.waiting_key, parent.key_line = key, line


def _scalar(event: Any, line: int) -> Any:
    """A scalar by YAML 1.2's core schema (yaml.org/spec/1.2.2, 10.3.2); quoted ones are text."""
    text = str(event.value)
    if "\0" in text:
        raise Trouble(line, "a NUL character")
    if not event.implicit[0]:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise Trouble(line, f"a number of {len(text)} digits")
        return int(text, 0 if text[:2] in ("0x", "0o") else 10)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return number
    elif not _INF.fullmatch(text):
        return text
    raise Trouble(line, f"{shown(text, 60)} is not a finite number")


def _spelt(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _expand(node: Node, seen: list[int]) -> Any:
    seen[0] += 1
    if seen[0] > MOST_VALUES:
        raise Trouble(node.line, f"aliases make more than {MOST_VALUES} values of it")
    if node.pairs is not None:
        return {key: _expand(inner, seen) for key, (_, inner) in node.pairs.items()}
    if node.items is not None:
        return [_expand(inner, seen) for inner in node.items]
    return node.plain


def shown(text: str, most: int) -> str:
    """Untrusted text for a message: quoted, control and direction characters spelt out, capped."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")
