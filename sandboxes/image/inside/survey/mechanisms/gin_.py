"""gin: the parameters with defaults of configurable functions and classes, as `name.parameter`."""

from __future__ import annotations

import ast

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of
from ..signatures import Function, parameters
from ..syntax import Source, keywords

_DECORATORS = ("gin.configurable", "gin.register", "gin.config.configurable")
_FLAGS = ("gin_bindings", "gin_param", "gin_params", "gin_binding")


def find(program: Program) -> list[Setting]:
    """What bindings can set, spelt by the program's own flag for bindings where it has one."""
    spelling = next((flag for flag in _FLAGS if flag in program.entry.text), "")
    found: list[Setting] = []
    for source in program.sources:
        for node in source.nodes:
            if isinstance(node, Function | ast.ClassDef):
                name = _configurable(node, source, program)
                if name:
                    found += _parameters(name, node, source, program, spelling)
    return distinct(found)


def _configurable(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, source: Source, program: Program
) -> str:
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if source.origin(call.func if call else decorator) in _DECORATORS:
            given = call.args[0] if call and call.args else None
            named = given or (keywords(call).get("name") if call else None)
            known = program.fold.known(named, source)
            return known if isinstance(known, str) else node.name
    return ""


def _parameters(
    name: str,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    source: Source,
    program: Program,
    spelling: str,
) -> list[Setting]:
    inner = [node] if isinstance(node, Function) else [
        one for one in node.body if isinstance(one, Function) and one.name == "__init__"
    ]  # fmt: skip
    found = []
    for function in inner:
        for parameter in parameters(function, source, program):
            default = None if parameter.default is UNKNOWN else parameter.default
            if parameter.required:
                continue
            kind = parameter.kind.type or ("unknown" if default is None else type_of(default))
            found.append(
                setting(
                    f"{name}.{parameter.name}", "gin", source.place(parameter.node), type=kind,
                    default=default, choices=parameter.kind.choices, help=parameter.help,
                    owner=name,
                    spelling=f"--{spelling}={name}.{parameter.name}=" if spelling else "",
                )
            )  # fmt: skip
    return found
