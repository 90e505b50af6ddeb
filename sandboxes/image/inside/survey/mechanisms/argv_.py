"""sys.argv by position: each place that a program takes a word from."""

from __future__ import annotations

import ast

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of
from ..syntax import Source, dotted

_CASTS = {"float": "float", "int": "int", "str": "text", "bool": "bool"}


def find(program: Program) -> list[Setting]:
    """The words that the file that is run takes by their places; from 1."""
    source = program.entry
    words: dict[int, Setting] = {}
    guarded = _guarded(source)
    for node in source.nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            for position, name, value in _assigned(node, source):
                if position not in words:
                    words[position] = _setting(
                        position, name, value, source, program, node, guarded
                    )
    for node in source.nodes:
        place = _position(node, source)
        if place is not None and place not in words and isinstance(node, ast.expr):
            words[place] = _setting(place, "", node, source, program, node, guarded)
    return distinct(words[position] for position in sorted(words))


def _position(node: ast.AST, source: Source) -> int | None:
    """N where a node is sys.argv[N], N from 1."""
    if not isinstance(node, ast.Subscript) or source.origin(node.value) != "sys.argv":
        return None
    index = node.slice
    whole = isinstance(index, ast.Constant) and type(index.value) is int
    position = index.value if whole and isinstance(index, ast.Constant) else 0
    return position if isinstance(position, int) and 1 <= position < 50 else None


def _within(node: ast.expr, source: Source) -> int | None:
    return next((p for n in ast.walk(node) if (p := _position(n, source)) is not None), None)


def _assigned(node: ast.Assign, source: Source) -> list[tuple[int, str, ast.expr]]:
    """The positions that an assignment takes: `lr = float(sys.argv[1])`, `_, lr = sys.argv`."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple | ast.List):
        names = [dotted(item) for item in target.elts]
        if source.origin(value) == "sys.argv":
            return [(at, name, value) for at, name in enumerate(names) if at and name]
        sliced = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice)
        if sliced and isinstance(value, ast.Subscript) and source.origin(value.value) == "sys.argv":
            assert isinstance(value.slice, ast.Slice)
            low = value.slice.lower
            start = low.value if isinstance(low, ast.Constant) else 0
            first = start if isinstance(start, int) else 0
            return [(first + at, name, value) for at, name in enumerate(names) if first + at]
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(names):
            pairs = zip(names, value.elts, strict=True)
            return [(at, name, one) for name, one in pairs if (at := _within(one, source))]
        return []
    single = _within(value, source)
    return [(single, dotted(target), value)] if single and dotted(target) else []


def _guarded(source: Source) -> set[int]:
    """The lines that run only where sys.argv is long enough."""
    lines: set[int] = set()
    for node in source.nodes:
        if isinstance(node, ast.If) and any(
            source.origin(inner) == "sys.argv"
            for inner in ast.walk(node.test)
            if isinstance(inner, ast.Attribute | ast.Name)
        ):
            for inner in [*node.body, *node.orelse]:
                lines |= set(range(inner.lineno, (inner.end_lineno or inner.lineno) + 1))
    return lines


def _setting(
    position: int,
    name: str,
    value: ast.expr,
    source: Source,
    program: Program,
    node: ast.AST,
    guarded: set[int],
) -> Setting:
    default: object = None
    optional = getattr(node, "lineno", 0) in guarded
    if isinstance(value, ast.IfExp):
        default, optional = program.fold.known(value.orelse, source), True
        value = value.body
    elif optional:
        default = program.fold.known(source.constants.get(name), source)
    kind = ""
    for inner in ast.walk(value):
        if isinstance(inner, ast.Call) and dotted(inner.func) in _CASTS:
            kind = _CASTS[dotted(inner.func)]
            break
    default = None if default is UNKNOWN else default
    kind = kind or (type_of(default) if default is not None else "text")
    return setting(
        name or f"argument_{position}", "argv", source.place(node), type=kind, default=default,
        required=not optional, position=position,
    )  # fmt: skip
