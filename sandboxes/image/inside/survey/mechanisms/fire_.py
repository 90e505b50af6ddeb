"""fire, and other makers of command lines from plain functions: the signature is the options."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of, with_positions
from ..signatures import Function, Parameter, parameters
from ..syntax import Source, dotted

_MAKERS = {"fire.Fire", "fire.core.Fire", "plac.call", "defopt.run", "clize.run"}
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def find(program: Program) -> list[Setting]:
    """The parameters of what is handed to fire.Fire; of methods and dictionaries as commands."""
    found: list[Setting] = []
    for source in program.sources:
        for call in source.calls:
            if source.origin(call.func) in _MAKERS:
                found += _component(call.args[0] if call.args else None, source, program)
    return distinct(with_positions(found))


def _component(node: ast.expr | None, source: Source, program: Program) -> list[Setting]:
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        node = node.func  # an instance: its methods are the commands
    if isinstance(node, ast.Dict):
        names = [program.fold.known(key, source) for key in node.keys if key is not None]
        named = [(str(name), value) for name, value in zip(names, node.values, strict=False)]
        return _commands(
            [(n, d) for n, v in named if (d := _definition(v, source, program))], program
        )
    if isinstance(node, ast.List | ast.Tuple):
        found = [(dotted(item), _definition(item, source, program)) for item in node.elts]
        return _commands([(name, one) for name, one in found if one is not None], program)
    if node is None:
        own = [one for one in source.functions.items() if not one[0].startswith("_")]
        return _commands([(name, (source, function)) for name, function in own], program)
    known = _definition(node, source, program)
    if known is None:
        return []
    holder, definition = known
    if isinstance(definition, Function):
        return _settings(parameters(definition, holder, program), "")
    methods = [inner for inner in definition.body if isinstance(inner, Function)]
    built = [m for m in methods if m.name == "__init__"]
    settings = [one for m in built for one in _settings(parameters(m, holder, program), "")]
    public = [m for m in methods if not m.name.startswith("_")]
    return settings + _commands([(m.name, (holder, m)) for m in public], program)


def _definition(
    node: ast.expr, source: Source, program: Program
) -> tuple[Source, _Definition] | None:
    name = dotted(node)
    return program.function(source, name) or program.class_(source, name) if name else None


def _commands(
    named: Sequence[tuple[str, tuple[Source, _Definition]]], program: Program
) -> list[Setting]:
    """The argument that names a command, and each command's parameters."""
    if not named:
        return []
    holder, first = named[0][1]
    names = [name for name, _ in named]
    where = holder.place(first)
    found = [setting("command", "fire", where, type="text", choices=names, required=True)]
    for name, (holder, definition) in named:
        if isinstance(definition, Function):
            found += _settings(parameters(definition, holder, program), name)
    return found


def _settings(found: list[Parameter], owner: str) -> list[Setting]:
    return [_setting(parameter, owner) for parameter in found]


def _setting(parameter: Parameter, owner: str) -> Setting:
    default = None if parameter.default is UNKNOWN else parameter.default
    kind = parameter.kind.type or ("unknown" if default is None else type_of(default))
    flag = kind == "bool"
    return setting(
        parameter.name,
        "fire",
        parameter.source.place(parameter.node),
        type=kind,
        default=bool(default) if flag else default,
        choices=parameter.kind.choices,
        help=parameter.help,
        required=parameter.required,
        flag=flag,
        negation=f"--no{parameter.name}" if flag else "",
        spelling=f"--{parameter.name}",
        owner=owner,
    )
