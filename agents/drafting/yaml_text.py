"""Plain values as YAML that reads back exactly, with comments beside them that can't break it."""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from labcrew.plain_text import ODD

WIDTH = 100
Comments = Callable[[str], Sequence[str]]

_WORDS = re.compile(r"(?:[A-Za-z_]|\./)[A-Za-z0-9_./-]*(?: [A-Za-z0-9_./][A-Za-z0-9_./-]*)*")
# What some reader of YAML takes for something else than text.
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_BREAK = re.compile(r"(?<=\S) (?=\S)")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def table(values: Mapping[str, JsonValue], comments: Comments) -> list[str]:
    """A table's lines.

    Args:
        values: name → value.
        comments: the remarks on a field by its dotted path; a table that has one on a field inside
            is written a line a field.
    """
    return _table(values, "", 0, comments)


def remark(text: str, indent: int = 0, hanging: str = "") -> list[str]:
    """A text as comment lines: nothing of it can end the comment or move a terminal's cursor.

    Args:
        text: untrusted.
        indent: columns before the '#'.
        hanging: what all lines but the first begin with.
    """
    lead = " " * indent + "# "
    lines = textwrap.wrap(
        visible(text), WIDTH - len(lead), subsequent_indent=hanging, break_on_hyphens=False
    )
    return [lead + line for line in lines]


def visible(text: str) -> str:
    """A text on one line, without a character that is not seen."""
    seen = "".join(c if _is_seen(c) else " " for c in text)
    body = seen.lstrip(" ")
    return " " * min(len(seen) - len(body), 8) + " ".join(body.split())


def _is_seen(text: str) -> bool:
    """Whether every character is printed: marks that only change others are printable to Python."""
    return text.isprintable() and not ODD.search(text)


def _table(
    values: Mapping[str, JsonValue], path: str, indent: int, comments: Comments
) -> list[str]:
    lines: list[str] = []
    for name, value in values.items():
        field = f"{path}.{name}" if path else name
        for text in comments(field):
            lines += remark(text, indent, "  ")
        head = f"{' ' * indent}{_scalar(name)}:"
        if isinstance(value, Mapping) and value and _spread(value, field, comments):
            lines += [head, *_table(value, field, indent + 2, comments)]
        else:
            lines += _entry(head, value, indent, field, comments)
    return lines


def _spread(value: Mapping[str, JsonValue], path: str, comments: Comments) -> bool:
    """Whether a field inside a table has a comment, so that the table can't stand on one line."""
    return any(
        comments(f"{path}.{name}")
        or (isinstance(inner, Mapping) and _spread(inner, f"{path}.{name}", comments))
        for name, inner in value.items()
    )


def _entry(head: str, value: JsonValue, indent: int, path: str, comments: Comments) -> list[str]:
    """A value behind a key or a dash, on one line if it fits there."""
    short = f"{head} {_flow(value)}"
    if len(short) <= WIDTH and not (isinstance(value, str) and "\n" in value):
        return [short]
    if isinstance(value, Mapping) and value:
        return [head, *_table(value, path, indent + 2, comments)]
    if isinstance(value, list) and value:
        lines = [head]
        for item in value:
            if isinstance(item, Mapping) and item:
                inner = _table(item, "", indent + 4, lambda _: ())
                lines += [f"{' ' * (indent + 2)}- {inner[0].lstrip(' ')}", *inner[1:]]
            else:
                lines += _entry(f"{' ' * (indent + 2)}-", item, indent + 2, "", lambda _: ())
        return lines
    return _text(head, str(value), indent + 2) if isinstance(value, str) else [short]


def _flow(value: JsonValue) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    if _WORDS.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    if ("\\" in value or '"' in value) and _is_seen(value):
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if _is_seen(character):
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _text(head: str, text: str, indent: int) -> list[str]:
    """A text of more than a line: literal, folded at its spaces, or else in quotes and escaped."""
    lead = " " * indent
    lines = text.split("\n")
    if len(lines) > 1 and text.strip() and all(map(_is_seen, lines)):
        if all(len(lead) + len(line) <= WIDTH for line in lines):
            ending = "-" if lines[-1] else "+" if len(lines) > 2 and not lines[-2] else ""
            kept = lines if lines[-1] else lines[:-1]
            # The indent is told, for the text may begin with spaces of its own.
            return [f"{head} |2{ending}", *(lead + line if line else "" for line in kept)]
    elif len(lines) == 1 and _is_seen(text) and text == text.strip():
        folded = _folded(text, WIDTH - indent)
        if all(len(line) <= WIDTH - indent for line in folded):
            return [f"{head} >-", *(lead + line for line in folded)]
    return _quoted(head, text, lead)


def _folded(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in _BREAK.split(text):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _quoted(head: str, text: str, lead: str) -> list[str]:
    """A text in double quotes over several lines; a backslash at a line's end joins them."""
    lines, line = [head], f'{lead}"'
    for character in text:
        piece = _escaped(character)
        if len(line) + len(piece) > WIDTH - 1:
            lines.append(line + "\\")
            line = lead
            if piece == " ":
                piece = "\\ "
        line += piece
    return [*lines, line + '"']
