"""What a program does, as its syntax tree shows it: reads, writes, seeds, downloads and the rest.

A module is taken apart into units: its top level, its main guard, and each function and class. A
unit of an imported module counts for a program only if the program names it, directly or through
other units that count; so a library's downloader is no trait of a script that never calls it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import calls
from .call_traits import accelerator, call_traits, is_secret, names_cuda
from .nodes import in_order
from .tree import place, plain

TOP = ""
MAIN = "__main__"
MOST_TRAITS = 200


@dataclass(frozen=True)
class Seen:
    """One trait at one line."""

    kind: str
    what: str
    line: int


@dataclass
class Unit:
    """A part of a module that runs, or doesn't, as a whole."""

    name: str
    used: set[str] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)


def units_of(text: str, tree: ast.Module) -> list[Unit]:
    """The units of a module, its top level first."""
    has_fallback = "is_available" in text or "list_physical_devices" in text
    top, main = Unit(TOP), Unit(MAIN)
    units = [top, main]
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            unit = Unit(statement.name)
            units.append(unit)
        else:
            unit = main if is_main_guard(statement) else top
        _fill(unit, statement, has_fallback)
    return units


def is_main_guard(node: ast.AST) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    values = {side.value for side in sides if isinstance(side, ast.Constant)}
    return "__name__" in names and "__main__" in values


def _fill(unit: Unit, statement: ast.stmt, has_fallback: bool) -> None:
    for node in in_order(statement):
        if isinstance(node, ast.Name):
            unit.used.add(node.id)
        elif isinstance(node, ast.Attribute):
            unit.used.add(node.attr)
        elif isinstance(node, ast.expr | ast.While):
            unit.seen += (Seen(k, what, node.lineno) for k, what in _shown(node, has_fallback))


def _shown(node: ast.expr | ast.While, has_fallback: bool) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call):
        yield from call_traits(node, has_fallback)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        name = node.slice.value
        if is_secret(name) and calls.dotted(node.value) in {"os.environ", "environ"}:
            yield "secret", str(name)
    elif isinstance(node, ast.IfExp) and (names_cuda(node.body) or names_cuda(node.orelse)):
        yield "accelerator", accelerator("cuda", True)
    elif isinstance(node, ast.While) and _is_endless(node):
        yield "serves", "a loop without an end"


def _is_endless(node: ast.While) -> bool:
    if not (isinstance(node.test, ast.Constant) and node.test.value):
        return False
    for inner in ast.walk(node):
        if isinstance(inner, ast.Break | ast.Return | ast.Raise | ast.Yield):
            return False
        if isinstance(inner, ast.Call) and calls.dotted(inner.func).endswith("exit"):
            return False
    return True


def of_program(path: str, modules: list[tuple[str, str, list[Unit]]]) -> list[dict[str, object]]:
    """The traits of a program: all of its own, and of its modules what it names.

    Args:
        path: the program's file.
        modules: (path, text, units) of the program and of what it imports.
    """
    traits: list[dict[str, object]] = []
    known: set[tuple[str, str, str]] = set()
    split: dict[str, list[str]] = {}
    for at, text, unit in _counted(path, modules):
        for seen in unit.seen:
            key = (seen.kind, seen.what, at)
            if key in known or len(traits) >= MOST_TRAITS:
                continue
            known.add(key)
            lines = split.setdefault(at, text.split("\n"))
            line = lines[seen.line - 1] if 0 < seen.line <= len(lines) else ""
            where = place(at, seen.line, line)
            traits.append({"kind": seen.kind, "what": plain(seen.what), "place": where})
    return traits


def _counted(
    path: str, modules: list[tuple[str, str, list[Unit]]]
) -> Iterator[tuple[str, str, Unit]]:
    """The units that count, the program's own first."""
    used: set[str] = set()
    waiting: list[tuple[str, str, Unit]] = []
    for at, text, units in modules:
        for unit in units:
            if at == path or unit.name == TOP:
                used |= unit.used
                yield at, text, unit
            elif unit.name != MAIN:
                waiting.append((at, text, unit))
    named = waiting
    while named:
        named = [one for one in waiting if one[2].name in used]
        waiting = [one for one in waiting if one[2].name not in used]
        for one in named:
            used |= one[2].used
        yield from named
