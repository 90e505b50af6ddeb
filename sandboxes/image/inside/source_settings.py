"""Writes settings into the literals of Python code and of notebooks; every other byte stays."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from source_literals import literals  # type: ignore[import-not-found]

_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture")
"""Magics of cells whose other lines are Python of the notebook's own."""
_SPACE = re.compile(r"\s*")
_GONE = b"\0 a line that a literal left"


class Refused(Exception):
    """The settings can't be written; the text says why, for a person."""


def set_source(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """The literals of a Python file, by address."""
    lines = content.encode().splitlines(keepends=True)
    for place, text in _edits(content, values, name):
        _replace(lines, place, text)
    return b"".join(line for line in lines if line is not _GONE).decode(), []


def set_notebook(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """The literals of a notebook's code cells, by their address in all cells in order."""
    try:
        cells = list(_code_cells(content))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise Refused(f"{name} is not a notebook") from None
    firsts: list[int] = []
    lines: list[bytes] = []
    for _, _, source in cells:
        firsts.append(len(lines))
        lines += [line.encode() for line in source.split("\n")]
    code = "\n".join(plain_cell(source) for _, _, source in cells)
    for place, text in _edits(code, values, name):
        _replace(lines, place, text)
    made = content
    ends = [*firsts[1:], len(lines)]
    for (begin, end, source), first, last in reversed(list(zip(cells, firsts, ends, strict=True))):
        new = b"\n".join(line for line in lines[first:last] if line is not _GONE).decode()
        if new != source:
            made = made[:begin] + _spelt_source(content[begin:end], new) + made[end:]
    return made, []


def plain_cell(source: str) -> str:
    """A code cell as Python, line for line: its magics are comments."""
    lines = source.split("\n")
    if lines[0].startswith("%%") and lines[0].split()[0] not in _PYTHON_CELLS:
        return "\n".join("# " + line for line in lines)
    lines = [re.sub(r"^(\s*)([%!?])", r"\1pass  # \2", line) for line in lines]
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        # Magics within a statement: files = !ls and frame.head?
        lines = [re.sub(r"^(\s*[\w., ]+=\s*)([%!])", r"\1None  # \2", line) for line in lines]
        lines = [re.sub(r"^(\s*)([\w.]+\?\??\s*)$", r"\1pass  # \2", line) for line in lines]
    return "\n".join(lines)


def _edits(code: str, values: Mapping[str, Any], name: str) -> list[tuple[ast.expr, bytes]]:
    """The literals to replace and their new text, the last first."""
    try:
        known = {literal.address: literal for literal in literals(ast.parse(code))}
    except (SyntaxError, ValueError, RecursionError) as error:
        raise Refused(f"{name} is not Python: {error}") from None
    found: list[tuple[ast.expr, bytes]] = []
    for address, value in values.items():
        if address not in known:
            near = difflib.get_close_matches(address, known, 5, 0.4) or list(known)[:20]
            have = f"it has {', '.join(near)}" if near else "it has none"
            raise Refused(f"{name} has no literal {address!r}; {have}")
        literal = known[address]
        found.append((literal.node, _spelt(value, literal.value, address).encode()))
    found.sort(key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True)
    for (later, _), (earlier, _) in pairwise(found):
        end = (earlier.end_lineno or 0, earlier.end_col_offset or 0)
        if end > (later.lineno, later.col_offset):
            raise Refused(f"{name}: two settings are the same literal, line {later.lineno}")
    return found


def _spelt(value: Any, old: Any, address: str) -> str:
    """A value as Python writes it; a tuple's or list's stands as a text, such as "(100, 50)"."""
    if not isinstance(old, tuple | list) or not isinstance(value, str):
        return repr(value)
    try:
        new = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        new = None
    plain = (bool, int, float, str)
    if not isinstance(new, tuple | list) or not all(isinstance(v, plain) for v in new):
        raise Refused(f"{address} is a tuple or a list; {value!r} is none")
    return repr(type(old)(new))


def _replace(lines: list[bytes], node: ast.expr, text: bytes) -> None:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    begin, end = node.col_offset, node.end_col_offset or 0
    lines[first] = lines[first][:begin] + text + lines[last][end:]
    # Line numbers stay as they are for the edits before: what a literal leaves is taken out last.
    lines[first + 1 : last + 1] = [_GONE] * (last - first)


def _code_cells(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each code cell's source stands in a notebook's JSON, and what it says."""
    whole = json.loads(text)
    _, top = next(_members(text, 0, {"worksheets", "cells"}))
    if whole.get("worksheets"):
        sheet = next(_items(text, top))
        _, top = next(_members(text, sheet[0], {"cells"}))
    for begin, end in _items(text, top):
        cell = json.loads(text[begin:end])
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        field = "source" if "source" in cell else "input"
        for _, at in _members(text, begin, {field}):
            value, stop = json.JSONDecoder().raw_decode(text, at)
            parts = value if isinstance(value, list) else [value]
            yield at, stop, "".join(part for part in parts if isinstance(part, str))


def _members(text: str, at: int, wanted: set[str]) -> Iterator[tuple[str, int]]:
    """The named members of the JSON object at a place: their names, and where values begin."""
    decoder, at = json.JSONDecoder(), _after(text, at) + 1
    while text[_after(text, at)] != "}":
        name, at = decoder.raw_decode(text, _after(text, at))
        begin = _after(text, _after(text, at) + 1)
        if name in wanted:
            yield name, begin
        _, at = decoder.raw_decode(text, begin)
        at = _after(text, at)
        at += text[at] == ","


def _items(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where the values of the JSON array at a place begin and end."""
    decoder, at = json.JSONDecoder(), _after(text, at) + 1
    while text[_after(text, at)] != "]":
        begin = _after(text, at)
        _, end = decoder.raw_decode(text, begin)
        yield begin, end
        at = _after(text, end)
        at += text[at] == ","


def _after(text: str, at: int) -> int:
    """The first place from one on that is no white space."""
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _spelt_source(old: str, new: str) -> str:
    """A cell's source as JSON, laid out as it was."""
    ascii_only = old.isascii()
    if not old.startswith("["):
        return json.dumps(new, ensure_ascii=ascii_only)
    spans = list(_items(old, 0))
    lines = [json.dumps(line, ensure_ascii=ascii_only) for line in new.splitlines(keepends=True)]
    between = old[spans[0][1] : spans[1][0]] if len(spans) > 1 else ", "
    return old[: spans[0][0]] + between.join(lines) + old[spans[-1][1] :]
