"""The constants of a Python program by address, so that one can be read, and set, in its code.

An address is `owner.name`: the innermost function, class, dictionary variable or called name, and
the assigned name, parameter, key or keyword that the constant belongs to; `name` alone at the top
of a module. The same address is numbered in the order of the file: `SGD.lr`, `SGD.lr/2`. It holds
no line number, so it stays the same under edits elsewhere.
"""

import io
import math
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from agents.evolution.ranges import is_stated, parameter_of
from agents.evolution.syntax import read
from labcrew.domain.search_space import Parameter, Value

MOST = 200
"""Constants of one file that are looked at."""
_LONGEST_STRING = 200


@dataclass(frozen=True)
class Constant:
    """One constant.

    Args:
        address: names it, see above.
        value: as it is now.
        parameter: what it may be; None where it is to stay.
        stated: whether the program says so, and it is no guess.
        node: of the tree that `constants` read.
    """

    address: str
    value: Value
    parameter: Parameter | None
    stated: bool
    node: cst.BaseExpression


def constants(text: str) -> tuple[Constant, ...]:
    """Every constant that has an address, in the order of the file; none of what is no Python."""
    return _found(text)[1]


@lru_cache(maxsize=64)
def _found(text: str) -> tuple[cst.Module | None, tuple[Constant, ...]]:
    tree = read(text)
    if tree is None:
        return None, ()
    try:
        wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
        finder = _Finder()
        wrapper.visit(finder)
        places = wrapper.resolve(PositionProvider)
    except (RecursionError, ValueError):
        return None, ()
    lines = [places[found.node].start.line for found in finder.found]
    comments = _comments(text)
    counts: dict[str, int] = {}
    result: list[Constant] = []
    for found, line in zip(finder.found[:MOST], lines, strict=False):
        counts[found.path] = counts.get(found.path, 0) + 1
        count = counts[found.path]
        comment = comments.get(line, "") if lines.count(line) == 1 else ""
        name = found.path.rpartition(".")[2]
        result.append(
            Constant(
                address=found.path if count == 1 else f"{found.path}/{count}",
                value=found.value,
                parameter=parameter_of(name, found.value, comment, found.choices),
                stated=is_stated(comment, found.choices),
                node=found.node,
            )
        )
    return tree, tuple(result)


def with_constants(text: str, values: Mapping[str, Value]) -> str | None:
    """The program with constants set: address → value; None where one has no place."""
    tree, found = _found(text)
    known = {constant.address: constant for constant in found}
    if tree is None or not values.keys() <= known.keys():
        return None
    exchange = {
        known[address].node: spelt(value)
        for address, value in values.items()
        if not _same(known[address].value, value)
    }
    try:
        return tree.visit(_Exchange(exchange)).code if exchange else text
    except RecursionError:  # an expression of as many parts as may be read
        return None


def spelt(value: Value) -> cst.BaseExpression:
    """A value as an expression of code."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a constant must be finite")
    return cst.parse_expression(repr(value))


def value_of(node: cst.CSTNode) -> Value | None:
    """The value of a plain constant; None for all else."""
    if isinstance(node, cst.Name) and node.value in ("True", "False"):
        return node.value == "True"
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        inner = value_of(node.expression)
        plain = isinstance(inner, int | float) and not isinstance(inner, bool)
        return -inner if plain and inner is not None and not isinstance(inner, str) else None
    try:
        if isinstance(node, cst.Integer):
            return int(node.evaluated_value) if len(node.value) < 20 else None
        if isinstance(node, cst.Float):
            number = float(node.evaluated_value)
            return number if math.isfinite(number) else None
        if isinstance(node, cst.SimpleString) and len(node.value) <= _LONGEST_STRING:
            text = node.evaluated_value
            return text if isinstance(text, str) else None
    except (ValueError, SyntaxError):
        return None
    return None


def _same(a: Value, b: Value) -> bool:
    return type(a) is type(b) and a == b


def _comments(text: str) -> dict[int, str]:
    try:
        return {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        }
    except (tokenize.TokenError, SyntaxError):
        return {}


@dataclass(frozen=True)
class _Found:
    path: str
    value: Value
    node: cst.BaseExpression
    choices: tuple[Value, ...] = ()


class _Finder(cst.CSTVisitor):
    """Collects constants in the order of the file."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Found] = []
        self._owners: list[str] = []

    def _take(
        self, name: str, node: cst.BaseExpression, choices: tuple[Value, ...] = (), owner: str = ""
    ) -> None:
        owner = owner or (self._owners[-1] if self._owners else "")
        path = f"{owner}.{name}" if owner else name
        value = value_of(node)
        if value is not None:
            self.found.append(_Found(path, value, node, choices))
        elif isinstance(node, cst.Dict):
            self._keys(node, name)
        elif isinstance(node, cst.Tuple | cst.List):
            for number, element in enumerate(node.elements):
                inner = value_of(element.value)
                if inner is not None:
                    self.found.append(_Found(f"{path}.{number}", inner, element.value))

    def _keys(self, node: cst.Dict, owner: str) -> None:
        for element in node.elements:
            key = value_of(element.key) if isinstance(element, cst.DictElement) else None
            if isinstance(key, str):
                self._take(key, element.value, owner=owner)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._owners.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._owners.pop()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._owners.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._owners.pop()

    def visit_Param(self, node: cst.Param) -> None:
        if node.default is not None:
            self._take(node.name.value, node.default, _literal(node.annotation))

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        if isinstance(target, cst.Name):
            self._take(target.value, node.value)
        elif isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name):
            self._take(target.attr.value, node.value, owner=target.value.value)
        elif isinstance(target, cst.Tuple) and isinstance(node.value, cst.Tuple):
            for one, element in zip(target.elements, node.value.elements, strict=False):
                if isinstance(one.value, cst.Name):
                    self._take(one.value.value, element.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if isinstance(node.target, cst.Name) and node.value is not None:
            self._take(node.target.value, node.value, _literal(node.annotation))

    def visit_Call(self, node: cst.Call) -> None:
        called = node.func
        name = called.attr if isinstance(called, cst.Attribute) else called
        if isinstance(name, cst.Name):
            for argument in node.args:
                if argument.keyword is not None:
                    self._take(argument.keyword.value, argument.value, owner=name.value)


def _literal(annotation: cst.Annotation | None) -> tuple[Value, ...]:
    """The alternatives of a `Literal[…]` annotation; none of any other."""
    node = annotation.annotation if annotation is not None else None
    if not isinstance(node, cst.Subscript):
        return ()
    name = node.value.attr if isinstance(node.value, cst.Attribute) else node.value
    if not (isinstance(name, cst.Name) and name.value == "Literal"):
        return ()
    slices = [element.slice for element in node.slice]
    values = [value_of(s.value) if isinstance(s, cst.Index) else None for s in slices]
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else ()


class _Exchange(cst.CSTTransformer):
    """Exchanges nodes for others."""

    def __init__(self, nodes: Mapping[cst.BaseExpression, cst.BaseExpression]) -> None:
        super().__init__()
        self._nodes = nodes

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        found = self._nodes.get(original_node)  # type: ignore[call-overload]
        return found if found is not None else updated_node
