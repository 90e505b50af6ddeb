"""The literals of a Python program by address, so that a setting can be read and set in its code.

An address is `owner.name`: the innermost function, class, dictionary variable or called name, and
the assigned name, parameter, key or keyword that the literal belongs to; `name` alone at the top of
a module. Literals with the same address are numbered in the order of the file: `SGD.lr`,
`SGD.lr/2`. Only numbers, texts, booleans and tuples or lists of them are literals here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

_SEEDERS = frozenset(
    ("seed", "default_rng", "RandomState", "manual_seed", "set_seed", "seed_everything", "Random",
     "PRNGKey", "set_random_seed")
)  # fmt: skip
"""Calls whose first argument is a seed: it has the address `called.seed`."""


@dataclass(frozen=True)
class SourceLiteral:
    """One literal: its address, its node (with its place in the text) and its value."""

    address: str
    node: ast.expr
    value: Any
    kind: Literal["constant", "keyword", "parameter", "field", "key"]
    owner: str


def literals(tree: ast.Module) -> list[SourceLiteral]:
    """Every literal that has an address, in the order of the file."""
    found: list[SourceLiteral] = []
    counts: dict[str, int] = {}
    seen = sorted(_walk(tree, "", "constant"), key=lambda s: (s[1].lineno, s[1].col_offset))
    for path, node, kind, owner in seen:
        value = _value(node)
        if value is None:
            continue
        counts[path] = counts.get(path, 0) + 1
        address = path if counts[path] == 1 else f"{path}/{counts[path]}"
        found.append(SourceLiteral(address, node, value[0], kind, owner))
    return found


def _walk(node: ast.AST, owner: str, kind: Any) -> Iterator[tuple[str, ast.expr, Any, str]]:
    """(path, node, kind, owner) of all that is named, literal or not."""
    inner: ast.AST
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from _walk(inner, node.name, "field")
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        late = positional[len(positional) - len(arguments.defaults) :]
        by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for argument, default in [*zip(late, arguments.defaults, strict=True), *by_name]:
            if default is not None:
                yield _path(node.name, argument.arg), default, "parameter", node.name
        for inner in node.body:
            yield from _walk(inner, node.name, "constant")
        return
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        # lr, momentum = 0.1, 0.9 and model.rate = 0.1 are assignments of literals, too.
        for target in targets[:1]:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                for part, value in pairs if len(target.elts) == len(node.value.elts) else ():
                    if isinstance(part, ast.Name):
                        yield _path(owner, part.id), value, kind, owner
            elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                yield _path(target.value.id, target.attr), node.value, kind, target.value.id
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        for name in names[:1]:
            yield _path(owner, name), node.value, kind, owner
            if isinstance(node.value, ast.Dict):
                yield from _keys(node.value, name)
    if isinstance(node, ast.Call):
        called = _called(node.func)
        if called in _SEEDERS and node.args:
            yield _path(called, "seed"), node.args[0], "keyword", called
        for keyword in node.keywords:
            if called and keyword.arg:
                yield _path(called, keyword.arg), keyword.value, "keyword", called
    for inner in ast.iter_child_nodes(node):
        yield from _walk(inner, owner, kind)


def _keys(node: ast.Dict, owner: str) -> Iterator[tuple[str, ast.expr, Any, str]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield _path(owner, key.value), value, "key", owner
            if isinstance(value, ast.Dict):
                yield from _keys(value, key.value)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _path(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _value(node: ast.expr) -> tuple[Any] | None:
    """The value of a literal in a tuple of one; None for what is no plain literal."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    plain = (bool, int, float, str)
    if isinstance(value, plain):
        return (value,)
    if isinstance(value, tuple | list) and value and all(isinstance(v, plain) for v in value):
        return (value,)
    return None
