"""Dataclasses: through HfArgumentParser, simple_parsing, tyro, draccus or Tap, or plain."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of
from ..signatures import Function, Parameter, fields, kind_of, parameters
from ..syntax import Source, dotted, keywords

WORDS = (
    "dataclass", "@attr", "@define", "@frozen", "Tap", "parse_args(", "tyro", "CLI(", "draccus",
    "pyrallis", "simple_parsing", "HfArgumentParser", "_arguments(",
)  # fmt: skip
"""One of them stands in each file that defines or reads such classes."""
_DECORATORS = {"dataclass", "dataclasses", "define", "attrs", "frozen", "s", "mutable", "config"}
_DEEPEST = 4


@dataclass(frozen=True)
class _Manner:
    """How a library spells a field on the command line."""

    dashes: bool = False
    nested: bool = True
    flags: bool = False
    negation: str = ""


_HF = _Manner(nested=False)
_SIMPLE = _Manner(nested=False)
_TYRO = _Manner(dashes=True, flags=True, negation="--{}no-{}")
_DRACCUS = _Manner()
_TAP = _Manner(nested=False, flags=True)
_READERS: dict[str, _Manner] = {
    "HfArgumentParser": _HF,
    "add_arguments": _SIMPLE,
    "simple_parsing.parse": _SIMPLE,
    "tyro.cli": _TYRO,
    "draccus.parse": _DRACCUS,
    "pyrallis.parse": _DRACCUS,
    "jsonargparse.CLI": _DRACCUS,
    "jsonargparse.auto_cli": _DRACCUS,
    "add_class_arguments": _DRACCUS,
    "add_dataclass_arguments": _DRACCUS,
    "tyro.extras.overridable_config_cli": _TYRO,
}
_WRAPPERS = ("draccus.wrap", "pyrallis.wrap", "hydra_zen.zen")


def find(program: Program) -> list[Setting]:
    """The fields of the classes that a program reads from its command line.

    Where it reads none, the fields of its dataclasses that have a default: they can be set in the
    code alone, and are named by their address.
    """
    found: list[Setting] = []
    plain: list[Setting] = []
    for source in program.sources:
        for name, manner, holder in _read(source, program):
            found += _fields(name, manner, holder, program)
        for node in source.nodes:
            if isinstance(node, ast.ClassDef) and _is_dataclass(node, source):
                plain += _plain(node, source, program)
    return distinct(found or plain)


def _read(source: Source, program: Program) -> Iterator[tuple[str, _Manner, Source]]:
    """The classes that are made from the command line, and the manner of it."""
    for node in source.nodes:
        if isinstance(node, ast.Call):
            origin = source.origin(node.func)
            manner = _READERS.get(origin) or _READERS.get(origin.split(".")[-1])
            if manner is not None:
                for argument in [*node.args, *keywords(node).values()]:
                    parts = (
                        argument.elts if isinstance(argument, ast.Tuple | ast.List) else [argument]
                    )
                    for part in parts:
                        yield dotted(part), manner, source
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(inner, ast.Call) and dotted(node.func) == "" and (
                isinstance(node.func, ast.Attribute) and node.func.attr == "parse_args"
            ):  # fmt: skip
                yield from _tap(dotted(inner.func), source, program)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from _tap(dotted(node.value.func), source, program)
        elif isinstance(node, Function):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                if source.origin(call.func if call else decorator) in _WRAPPERS:
                    for parameter in node.args.args[:1]:
                        kind = kind_of(parameter.annotation, source, program)
                        yield kind.named, _DRACCUS, source


def _tap(name: str, source: Source, program: Program) -> Iterator[tuple[str, _Manner, Source]]:
    found = program.class_(source, name) if name else None
    if found is not None:
        bases = {found[0].origin(base).split(".")[-1] for base in found[1].bases}
        if "Tap" in bases or "TypedArgs" in bases:
            yield name, _TAP, source


def _fields(name: str, manner: _Manner, source: Source, program: Program) -> list[Setting]:
    found = program.class_(source, name) if name else None
    if found is not None:
        return list(
            _options(fields(found[1], found[0], program), manner, "", found[1].name, program)
        )
    function = program.function(source, name) if name else None
    if function is not None:
        own = parameters(function[1], function[0], program)
        return list(_options(own, manner, "", function[1].name, program))
    return []


def _options(
    found: Iterator[Parameter] | list[Parameter],
    manner: _Manner,
    before: str,
    owner: str,
    program: Program,
    depth: int = 0,
) -> Iterator[Setting]:
    for parameter in found:
        inner = program.class_(parameter.source, parameter.kind.named) if (
            parameter.kind.named
        ) else None  # fmt: skip
        own = parameter.name.replace("_", "-") if manner.dashes else parameter.name
        name = f"{before}{own}"
        if inner is not None and depth < _DEEPEST:
            deeper = f"{name}." if manner.nested else ""
            yield from _options(
                fields(inner[1], inner[0], program),
                manner,
                deeper,
                inner[1].name,
                program,
                depth + 1,
            )
            continue
        default = None if parameter.default is UNKNOWN else parameter.default
        kind = parameter.kind.type or ("unknown" if default is None else type_of(default))
        flag = kind == "bool" and manner.flags
        yield setting(
            name,
            "dataclass",
            parameter.source.place(parameter.node),
            type=kind,
            default=bool(default) if flag else default,
            choices=parameter.choices or parameter.kind.choices,
            help=parameter.help,
            required=parameter.required,
            flag=flag,
            negation=manner.negation.format(before, own) if flag and manner.negation else "",
            spelling=f"--{name}",
            owner=owner,
        )


def _is_dataclass(node: ast.ClassDef, source: Source) -> bool:
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        origin = source.origin(call)
        if origin.split(".")[-1] in _DECORATORS and ("class" in origin or "attr" in origin):
            return True
    return False


def _plain(node: ast.ClassDef, source: Source, program: Program) -> Iterator[Setting]:
    for parameter in fields(node, source, program):
        if parameter.default is UNKNOWN or parameter.default is None:
            continue
        if isinstance(parameter.default, dict):
            continue
        yield setting(
            f"{node.name}.{parameter.name}",
            "dataclass",
            parameter.source.place(parameter.node),
            type=parameter.kind.type or type_of(parameter.default),
            default=parameter.default,
            choices=parameter.choices or parameter.kind.choices,
            help=parameter.help,
            owner=node.name,
        )
