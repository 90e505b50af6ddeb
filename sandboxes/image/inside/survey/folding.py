"""The values of expressions that are as good as literals: arithmetic, named constants, paths."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from .syntax import Source, dotted, keywords

UNKNOWN = object()
"""The value of what only a run could tell."""
_DEEPEST = 12
_LARGEST = 1e300
_MOST_CHARACTERS = 2000
_MOST_ITEMS = 1000
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_CASTS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "int": int,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "sorted": sorted,
    "set": list,
    "Path": str,
    "pathlib.Path": str,
}

Elsewhere = Callable[[Source, str], "tuple[Source, str] | None"]
"""Finds what an imported name stands for: the file and the name there."""


class Folder:
    """Folds expressions of a program's files.

    Args:
        elsewhere: follows a name that another file of the program defines.
    """

    def __init__(self, elsewhere: Elsewhere = lambda _source, _name: None) -> None:
        self._elsewhere = elsewhere

    def __call__(self, node: ast.expr | None, source: Source, depth: int = 0) -> Any:
        """The value of an expression, or UNKNOWN."""
        if node is None or depth > _DEEPEST:
            return UNKNOWN
        try:
            return self._fold(node, source, depth)
        except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError, LookupError):
            return UNKNOWN

    def known(self, node: ast.expr | None, source: Source) -> Any:
        """The value, or None where it is unknown."""
        value = self(node, source)
        return None if value is UNKNOWN else value

    def _fold(self, node: ast.expr, source: Source, depth: int) -> Any:
        if isinstance(node, ast.Constant):
            plain = isinstance(node.value, bool | int | float | str) or node.value is None
            return node.value if plain else UNKNOWN
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named(node, source, depth)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node, source, depth)
        if isinstance(node, ast.BinOp):
            return self._binary(node, source, depth)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            if len(node.elts) > _MOST_ITEMS:
                return UNKNOWN
            items = [self(item, source, depth + 1) for item in node.elts]
            return UNKNOWN if any(item is UNKNOWN for item in items) else items
        if isinstance(node, ast.Dict):
            keys = [self(key, source, depth + 1) for key in node.keys[:_MOST_ITEMS]]
            pairs = zip(keys, node.values, strict=False)
            return {k: self(v, source, depth + 1) for k, v in pairs if isinstance(k, str | int)}
        if isinstance(node, ast.JoinedStr):
            parts = [self(part, source, depth + 1) for part in node.values]
            return UNKNOWN if UNKNOWN in parts else "".join(map(str, parts))[:_MOST_CHARACTERS]
        if isinstance(node, ast.FormattedValue) and node.format_spec is None:
            return self(node.value, source, depth + 1)
        if isinstance(node, ast.Subscript):
            whole, key = (self(part, source, depth + 1) for part in (node.value, node.slice))
            return whole[key] if isinstance(whole, dict | list) else UNKNOWN
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return self(node.values[-1], source, depth + 1)
        if isinstance(node, ast.IfExp):
            return UNKNOWN
        return self._called(node, source, depth) if isinstance(node, ast.Call) else UNKNOWN

    def _named(self, node: ast.Name | ast.Attribute, source: Source, depth: int) -> Any:
        name = dotted(node)
        known = source.constants.get(name)
        if known is not None:
            return self(known, source, depth + 1)
        owner, _, last = name.rpartition(".")
        if last in ("name", "value") and owner in source.constants:
            # A member of an enumeration; its name is its last word.
            member = self(source.constants[owner], source, depth + 1)
            return owner.rpartition(".")[2] if last == "name" else member
        found = self._elsewhere(source, name)
        if found is None:
            return UNKNOWN
        return self(found[0].constants.get(found[1]), found[0], depth + 1)

    def _unary(self, node: ast.UnaryOp, source: Source, depth: int) -> Any:
        value = self(node.operand, source, depth + 1)
        if isinstance(node.op, ast.Not) and isinstance(value, bool):
            return not value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return UNKNOWN
        return -value if isinstance(node.op, ast.USub) else value

    def _binary(self, node: ast.BinOp, source: Source, depth: int) -> Any:
        left, right = (self(side, source, depth + 1) for side in (node.left, node.right))
        if isinstance(node.op, ast.Div) and isinstance(right, str):
            # A path; what stands before a known part (a folder's variable) is left out.
            return f"{left}/{right}"[:_MOST_CHARACTERS] if isinstance(left, str) else right
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return (left + right)[:_MOST_CHARACTERS]
        if isinstance(node.op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            return (left + right)[:_MOST_ITEMS]
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            return UNKNOWN
        if max(abs(left), abs(right)) > _LARGEST:
            return UNKNOWN
        if isinstance(node.op, ast.Pow):
            small = abs(right) <= 64 and abs(left) <= 1e9
            return left**right if small and (left >= 0 or isinstance(right, int)) else UNKNOWN
        if isinstance(node.op, ast.LShift):
            if not isinstance(left, int) or not isinstance(right, int):
                return UNKNOWN
            return left << right if 0 <= right <= 64 and abs(left) < 1 << 64 else UNKNOWN
        worked = _ARITHMETIC.get(type(node.op))
        return worked(left, right) if worked else UNKNOWN

    def _called(self, node: ast.Call, source: Source, depth: int) -> Any:
        name = source.origin(node.func)
        if name in ("dict", "collections.OrderedDict", "OrderedDict") and not node.args:
            return {k: self(v, source, depth + 1) for k, v in keywords(node).items()}
        attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if attribute in ("keys", "copy", "lower", "upper", "strip", "resolve", "expanduser"):
            assert isinstance(node.func, ast.Attribute)
            value = self(node.func.value, source, depth + 1)
            if isinstance(value, str) and attribute in ("lower", "upper", "strip"):
                return getattr(value, attribute)()
            return list(value) if attribute == "keys" and isinstance(value, dict) else value
        arguments = [self(argument, source, depth + 1) for argument in node.args]
        if name in ("os.path.join", "posixpath.join"):
            # Unknown folders before the known end are left out: what is known is relative to them.
            known = [part for part in arguments if isinstance(part, str)]
            return "/".join(known) if arguments and isinstance(arguments[-1], str) else UNKNOWN
        if name in ("os.environ.get", "os.getenv", "os.path.expanduser", "os.path.abspath"):
            environment = name in ("os.environ.get", "os.getenv")
            return arguments[1] if environment and len(arguments) > 1 else (
                UNKNOWN if environment else arguments[0]
            )  # fmt: skip
        if name == "range" and 1 <= len(arguments) <= 3:
            return list(range(*arguments)) if len(range(*arguments)) <= 50 else UNKNOWN
        cast = _CASTS.get(name)
        if cast is None or len(arguments) != 1 or arguments[0] is UNKNOWN:
            return UNKNOWN
        return cast(arguments[0])
