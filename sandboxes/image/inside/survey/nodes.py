"""Nodes of a syntax tree, in order and fast: a repository has millions of them."""

from __future__ import annotations

import ast

_NO_NODES = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "kind", "level", "module", "simple"}
)
_fields: dict[type, tuple[str, ...]] = {}


def _fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    fields = tuple(field for field in kind._fields if field not in _NO_NODES)
    if issubclass(kind, ast.Constant | ast.Global | ast.Nonlocal):
        fields = ()
    _fields[kind] = fields
    return fields


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right beneath one, in the order of the text; operators and contexts left out."""
    found: list[ast.AST] = []
    kind = node.__class__
    fields = _fields.get(kind)
    for field in _fields_of(kind) if fields is None else fields:
        value = getattr(node, field, None)
        if value.__class__ is list:
            found += [inner for inner in value if isinstance(inner, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def in_order(node: ast.AST) -> list[ast.AST]:
    """A node and all beneath it in the order of the text, without recursion."""
    found: list[ast.AST] = []
    stack = [node]
    while stack:
        node = stack.pop()
        found.append(node)
        inner = children(node)
        inner.reverse()
        stack += inner
    return found
