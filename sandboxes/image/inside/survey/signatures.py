"""Annotations and signatures: the types, choices and defaults of parameters and fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .folding import UNKNOWN
from .program import Program
from .setting import plain_value, type_of
from .syntax import Source, keywords

_PLAIN = {
    "float": "float", "int": "int", "bool": "bool", "str": "text", "Path": "text", "bytes": "text",
    "PositiveInt": "int", "NonNegativeInt": "int", "PositiveFloat": "float", "StrictInt": "int",
    "NonNegativeFloat": "float", "StrictFloat": "float", "StrictBool": "bool", "FilePath": "text",
    "confloat": "float", "conint": "int", "PathLike": "text", "Decimal": "float",
}  # fmt: skip
_LISTS = {"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "set", "Set", "frozenset"}
_WRAPPERS = {"Optional", "Annotated", "Final", "ClassVar", "Required", "Positional", "Fixed"}
_ENUMS = {"Enum", "StrEnum", "IntEnum", "ExplicitEnum"}
_FIELDS = {"field", "Field", "attrib", "ib", "mutable_field", "list_field", "choice", "arg"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Kind:
    """What an annotation says: the type's name, its choices, and the class that it names."""

    type: str = ""
    choices: tuple[Any, ...] = ()
    named: str = ""
    extras: tuple[ast.expr, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function or a field of a class.

    Args:
        default: its value where it is known; UNKNOWN where it isn't, None where there is none.
        call: the call that stands as its default (typer.Option(...), field(...)), if any.
    """

    name: str
    kind: Kind
    node: ast.AST
    source: Source
    default: Any = None
    required: bool = True
    call: ast.Call | None = None
    keyword_only: bool = False
    help: str = ""
    choices: tuple[Any, ...] = field(default=())


def kind_of(node: ast.expr | None, source: Source, program: Program, depth: int = 0) -> Kind:
    """What an annotation says."""
    if node is None or depth > 6:
        return Kind()
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return kind_of(ast.parse(node.value, mode="eval").body, source, program, depth + 1)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Kind()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [kind_of(side, source, program, depth + 1) for side in (node.left, node.right)]
        return _one(sides)
    if isinstance(node, ast.Subscript):
        return _subscript(node, source, program, depth)
    if isinstance(node, ast.Call):
        return kind_of(node.func, source, program, depth + 1)
    name = source.origin(node)
    last = name.split(".")[-1]
    if last in _PLAIN:
        return Kind(_PLAIN[last])
    if last in _LISTS:
        return Kind("list")
    found = program.class_(source, name_in(node))
    if found is not None and any(
        found[0].origin(base).split(".")[-1] in _ENUMS for base in found[1].bases
    ):
        members = [
            program.fold.known(inner.value, found[0])
            for inner in found[1].body
            if isinstance(inner, ast.Assign)
        ]
        values = [value for value in map(plain_value, members) if value is not None]
        return Kind(type_of(values[0]) if values else "text", tuple(values))
    return Kind(named=name_in(node))


def name_in(node: ast.expr) -> str:
    """A name as the file spells it."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _one(kinds: list[Kind]) -> Kind:
    """The kind of a union: its float before its int, its text last."""
    kinds = [kind for kind in kinds if kind.type or kind.named]
    order = {"float": 0, "int": 1, "bool": 2, "list": 3, "text": 4}
    return min(kinds, key=lambda kind: order.get(kind.type, 3), default=Kind())


def _subscript(node: ast.Subscript, source: Source, program: Program, depth: int) -> Kind:
    last = source.origin(node.value).split(".")[-1]
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if last == "Literal":
        values = [program.fold.known(item, source) for item in inner]
        plain = tuple(value for value in map(plain_value, values) if value is not None)
        return Kind(type_of(plain[0]) if plain else "unknown", plain)
    if last in _LISTS:
        return Kind("list")
    if last == "Union":
        return _one([kind_of(item, source, program, depth + 1) for item in inner])
    if last in _WRAPPERS and inner:
        whole = kind_of(inner[0], source, program, depth + 1)
        return Kind(whole.type, whole.choices, whole.named, tuple(inner[1:]))
    return Kind("unknown")


def parameters(function: Function, source: Source, program: Program) -> list[Parameter]:
    """A function's parameters without self, *args and **kwargs."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    pairs = [(a, d, False) for a, d in zip(positional, defaults, strict=True)]
    pairs += [
        (a, d, True) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    helps = documented(ast.get_docstring(function) or "")
    found: list[Parameter] = []
    for argument, default, keyword_only in pairs:
        if argument.arg in ("self", "cls"):
            continue
        kind = kind_of(argument.annotation, source, program)
        value = program.fold(default, source) if default is not None else None
        call = default if isinstance(default, ast.Call) and value is UNKNOWN else None
        found.append(
            Parameter(
                argument.arg, kind, argument, source, value, default is None, call, keyword_only,
                helps.get(argument.arg, ""),
            )
        )  # fmt: skip
    return found


def fields(
    found: ast.ClassDef, source: Source, program: Program, depth: int = 0
) -> Iterator[Parameter]:
    """A class's annotated fields, those of its bases in the repository first."""
    for base in found.bases if depth < 5 else []:
        above = program.class_(source, name_in(base))
        if above is not None and above[1] is not found:
            yield from fields(above[1], above[0], program, depth + 1)
    helps = documented(ast.get_docstring(found) or "")
    for node, after in zip(found.body, [*found.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        kind = kind_of(node.annotation, source, program)
        outer = node.annotation.value if isinstance(node.annotation, ast.Subscript) else None
        if source.origin(outer or node.annotation).split(".")[-1] in ("ClassVar", "InitVar"):
            continue
        text = helps.get(node.target.id, "") or _string(after) or _comment(source, node)
        given, call = node.value, None
        choices: tuple[Any, ...] = kind.choices
        if isinstance(given, ast.Call) and source.origin(given.func).split(".")[-1] in _FIELDS:
            call = given
            given, text, choices = _from_field(call, source, program, text, choices)
        value = program.fold(given, source) if given is not None else None
        if call is None and isinstance(given, ast.Call) and value is UNKNOWN:
            call = given
        yield Parameter(
            node.target.id, kind, node, source, value, given is None, call, False, text, choices
        )


def _from_field(
    call: ast.Call, source: Source, program: Program, text: str, choices: tuple[Any, ...]
) -> tuple[ast.expr | None, str, tuple[Any, ...]]:
    """Default, help and choices of `field(default=…, metadata={…})` and its like."""
    named = keywords(call)
    given = named.get("default")
    last = source.origin(call.func).split(".")[-1]
    if given is None and call.args and last in ("Field", "field", "arg", "attrib", "ib"):
        given = call.args[0]
    factory = named.get("default_factory") or named.get("factory")
    if given is None and isinstance(factory, ast.Lambda):
        given = factory.body
    elif given is None and factory is not None:
        given = ast.Call(func=factory, args=[], keywords=[])
    if isinstance(given, ast.Constant) and given.value is ...:
        given = None
    metadata = program.fold.known(named.get("metadata"), source)
    metadata = metadata if isinstance(metadata, dict) else {}
    named_help = program.fold.known(named.get("help") or named.get("description"), source)
    for known in (metadata.get("help"), named_help):
        text = known if isinstance(known, str) else text
    listed = metadata.get("choices") or program.fold.known(named.get("choices"), source)
    if isinstance(listed, list):
        choices = tuple(v for v in map(plain_value, listed) if v is not None)
    return given, text, choices


def _string(node: ast.stmt | None) -> str:
    """The text that stands as a statement below a field."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else ""
    return ""


def _comment(source: Source, node: ast.AST) -> str:
    line = str(source.place(node)["text"])
    return line.partition("  # ")[2] or line.partition(" # ")[2]


def documented(docstring: str) -> dict[str, str]:
    """What a docstring says of each argument, in Google's, NumPy's or Sphinx's manner."""
    found: dict[str, str] = {}
    for line in docstring.split("\n")[:300]:
        stripped = line.strip().removeprefix(":param ").removeprefix("--")
        name, colon, rest = stripped.partition(":")
        words = name.replace("(", " (").split()
        if colon and rest.strip() and words and words[0].isidentifier() and len(words) <= 3:
            found.setdefault(words[-1] if line.strip().startswith(":param") else words[0], rest)
    return found
