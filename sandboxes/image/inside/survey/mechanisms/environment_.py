"""Environment variables that a program reads, with the defaults that it gives them."""

from __future__ import annotations

import ast

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of
from ..syntax import Source, dotted

_GETTERS = {"os.environ.get", "os.getenv", "os.environ.setdefault", "environ.get", "getenv"}
_CASTS = {"float": "float", "int": "int", "bool": "bool", "str": "text"}


def find(program: Program) -> list[Setting]:
    """One setting for each variable that is read by a name that is known."""
    found: list[Setting] = []
    for source in program.sources:
        casts: dict[int, str] = {}
        for node in source.nodes:
            if isinstance(node, ast.Call):
                cast = _CASTS.get(dotted(node.func)) or _converter(node)
                if cast and node.args:
                    casts[id(node.args[0])] = cast
                if source.origin(node.func) in _GETTERS and node.args:
                    found += _read(node, casts.get(id(node), ""), source, program)
            elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
                casts[id(node.left)] = "compared"
            elif (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Load)
                and source.origin(node.value) in ("os.environ", "environ")
            ):
                name = program.fold.known(node.slice, source)
                if isinstance(name, str) and name:
                    kind = casts.get(id(node), "text")
                    found.append(_setting(name, kind, None, True, source.place(node)))
    return distinct(found)


def _converter(node: ast.Call) -> str:
    return "bool" if dotted(node.func).lower().endswith(("bool", "strtobool")) else ""


def _read(call: ast.Call, cast: str, source: Source, program: Program) -> list[Setting]:
    name = program.fold.known(call.args[0], source)
    if not isinstance(name, str) or not name:
        return []
    default = program.fold(call.args[1], source) if len(call.args) > 1 else None
    default = None if default is UNKNOWN else default
    return [_setting(name, cast, default, False, source.place(call))]


def _setting(name: str, cast: str, default: object, required: bool, where: Setting) -> Setting:
    if cast == "compared":
        known = str(default).lower() in ("0", "1", "true", "false", "yes", "no", "on", "off")
        cast = "bool" if known else "text"
    if cast == "bool" and isinstance(default, str):
        default = default.lower() in ("1", "true", "yes", "on")
    kind = cast or ("text" if default is None else type_of(default))
    return setting(
        name, "environment", where, type=kind, default=default, required=required,
        spelling=f"{name}=",
    )  # fmt: skip
