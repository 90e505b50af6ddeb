"""The settings of a notebook: its cell tagged `parameters`, or the literals of its code."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from .mechanisms import literals_
from .program import Program
from .setting import Setting, distinct, setting, type_of
from .syntax import source_of

MOST_CHARACTERS = 64 << 20


def notebook_settings(path: str, text: str) -> list[Setting]:
    """What papermill can set (`-p name value`); where no cell is tagged, the code's literals.

    Addresses are those of `notebook_code`; a place's line is that of the file.
    """
    cells = _cells(text)
    lines = _lines_in_file(text, cells)
    found: list[Setting] = []
    for first, code, tags in _placed(cells):
        source = source_of(path, code) if "parameters" in tags else None
        if source is None:
            continue
        program = Program(source, lambda _path: None)
        for name, value in source.constants.items():
            known = program.fold.known(value, source)
            if "." not in name and (known is not None or isinstance(value, ast.Constant)):
                where = source.place(value)
                at = first + where["line"] - 1
                where = {**where, "line": lines[at] if at < len(lines) else 0}
                found.append(
                    setting(
                        name, "papermill", where,
                        type="unknown" if isinstance(known, dict) else type_of(known),
                        default=known, spelling=f"-p {name}",
                    )
                )  # fmt: skip
    if found:
        return distinct(found)
    code = notebook_code(text)
    source = source_of(path, code)
    if source is None:
        return []
    for one in literals_.find(Program(source, lambda _path: None)):
        at = one["place"]["line"] - 1
        line = lines[at] if 0 <= at < len(lines) else 0
        found.append({**one, "place": {**one["place"], "line": line}})
    return distinct(found)


def notebook_code(text: str) -> str:
    """The code cells as one Python text, a line for each of theirs; magics are comments there."""
    return "\n".join(code for _, code, _ in _placed(_cells(text)))


def _cells(text: str) -> list[dict[str, Any]]:
    if len(text) > MOST_CHARACTERS:
        return []
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return []
    sheets = whole.get("worksheets") if isinstance(whole, dict) else None
    holder = sheets[0] if isinstance(sheets, list) and sheets else whole
    cells = holder.get("cells") if isinstance(holder, dict) else None
    known = [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    return [cell for cell in known if cell.get("cell_type") == "code"]


def _raw_lines(cell: dict[str, Any]) -> list[str]:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source.split("\n") if isinstance(source, str) else []


def _placed(cells: list[dict[str, Any]]) -> list[tuple[int, str, list[str]]]:
    """Each cell's first line in the joined code (from 0), its code and its tags."""
    placed: list[tuple[int, str, list[str]]] = []
    first = 0
    for cell in cells:
        lines = [re.sub(r"^(\s*)([%!?])", r"\1pass  # \2", line) for line in _raw_lines(cell)]
        if lines and lines[0].startswith("pass  # %%"):
            lines = ["# " + line for line in lines]
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        placed.append((first, "\n".join(lines), tags if isinstance(tags, list) else []))
        first += len(lines) or 1
    return placed


def _lines_in_file(text: str, cells: list[dict[str, Any]]) -> list[int]:
    """For each line of the joined code, its line in the notebook's file."""
    found: list[int] = []
    seen, line = 0, 1
    for cell in cells:
        for written in _raw_lines(cell) or [""]:
            at = text.find(json.dumps(written, ensure_ascii=False)[1:-1], seen) if written else -1
            if at < 0:
                at = text.find(json.dumps(written)[1:-1], seen) if written else seen
            if at >= 0:
                line += text.count("\n", seen, at)
                seen = at
            found.append(line)
    return found
