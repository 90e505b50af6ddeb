"""One call of add_argument, read."""

from __future__ import annotations

import ast
import re
from typing import Any

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, plain_value, setting, type_of
from ..syntax import Source, dotted, in_order, keywords

_FLAGS = {"store_true": True, "store_false": True, "store_const": True, "append_const": True}
_KINDS = (("float", "float"), ("int", "int"), ("bool", "bool"), ("path", "text"), ("str", "text"))


def option(node: ast.Call, source: Source, program: Program) -> list[Setting]:
    """The setting that a call of add_argument makes: one, or none that can be read."""
    fold = program.fold
    given = keywords(node)
    words = [fold.known(argument, source) for argument in node.args]
    names = [word for word in words if isinstance(word, str) and word]
    if not names and isinstance(fold.known(given.get("dest"), source), str):
        names = [str(fold.known(given.get("dest"), source))]
    if not names or names[0] in ("-h", "--help"):
        return []
    action = _action(given.get("action"), source, program)
    if action in ("help", "version"):
        return []
    optional = names[0].startswith("-")
    spelling = next((name for name in names if name.startswith("--")), names[0])
    name = spelling.lstrip("-") if optional else names[0]
    default = fold(given["default"], source) if "default" in given else None
    kind = _kind(given.get("type"), source, program)
    nargs = fold.known(given.get("nargs"), source)
    choices = _choices(given.get("choices"), source, program)
    common: dict[str, Any] = {
        "help": _help(fold.known(given.get("help"), source), default),
        "spelling": spelling if optional else "",
        "required": fold.known(given.get("required"), source) is True
        or (not optional and nargs not in ("?", "*") and "default" not in given),
    }
    where = source.place(node)
    if action in _FLAGS:
        on = default is True and action == "store_true"
        return [setting(name, "argparse", where, type="bool", default=on, flag=True, **common)]
    if action == "BooleanOptionalAction":
        common["negation"] = f"--no-{name}"
        value = default if isinstance(default, bool) else False
        return [setting(name, "argparse", where, type="bool", default=value, flag=True, **common)]
    if default is UNKNOWN or default == "==SUPPRESS==":
        default = None
    many = nargs in ("+", "*", "...") or (isinstance(nargs, int) and nargs > 0)
    if many or action in ("append", "extend"):
        kind = "list"
    elif action == "count":
        kind = "int"
    elif not kind:
        kind = type_of(default) if isinstance(default, bool | int | float) else ""
        kind = kind or (type_of(choices[0]) if choices else "text")
    if kind == "bool" and isinstance(default, str):
        default = default.lower() in ("true", "1", "yes", "y", "t")
    if kind != "list" and isinstance(default, list):
        default = None
    return [setting(name, "argparse", where, type=kind, default=default, choices=choices, **common)]


def _action(node: ast.expr | None, source: Source, program: Program) -> str:
    folded = program.fold.known(node, source) if node is not None else ""
    if isinstance(folded, str):
        return folded
    return dotted(node).split(".")[-1]


def _kind(node: ast.expr | None, source: Source, program: Program, depth: int = 0) -> str:
    """What `type=` makes of a word: float, int, bool, text, unknown; "" where it isn't given."""
    if node is None:
        return ""
    text = program.fold.known(node, source)
    if isinstance(text, str):  # optparse names its types
        return {"float": "float", "int": "int", "long": "int"}.get(text, "text")
    if isinstance(node, ast.Lambda):
        inner = node.body
        kind = _kind(inner.func, source, program, depth + 1) if isinstance(inner, ast.Call) else ""
        return kind or ("bool" if isinstance(inner, ast.Compare | ast.BoolOp) else "unknown")
    if isinstance(node, ast.Call):
        if dotted(node.func) == "type" and node.args:
            return type_of(program.fold.known(node.args[0], source))
        return _by_word(dotted(node.func)) or "unknown"
    name = dotted(node)
    exact = {"float": "float", "int": "int", "bool": "bool", "str": "text"}.get(name)
    if exact or depth > 3:
        return exact or "unknown"
    by_word = _by_word(name)
    found = program.function(source, name)
    if found is not None:
        returned = [n.value for n in in_order(found[1]) if isinstance(n, ast.Return) and n.value]
        if returned and all(isinstance(value, ast.Constant) for value in returned):
            values = [value.value for value in returned if isinstance(value, ast.Constant)]
            return type_of(values[0])
        called = {dotted(n.func) for n in in_order(found[1]) if isinstance(n, ast.Call)}
        return by_word or next((k for k in ("float", "int") if k in called), "unknown")
    members = program.class_(source, name)
    return by_word or ("text" if members else "unknown")


def _by_word(name: str) -> str:
    """The type that a converter's name tells: str2bool, positive_int, pathlib.Path."""
    last = name.split(".")[-1].lower()
    if "2bool" in last or "to_bool" in last or last.endswith("bool") or "boolean" in last:
        return "bool"
    words = re.split(r"_|2|to", last)
    return next((kind for word, kind in _KINDS if word in words or last.endswith(word)), "")


def _choices(node: ast.expr | None, source: Source, program: Program) -> list[Any]:
    """The allowed values, as far as they can be read."""
    if node is None:
        return []
    values = program.fold.known(node, source)
    if isinstance(values, dict):
        values = list(values)
    if values is None:
        over: ast.expr | None = None
        if isinstance(node, ast.ListComp) and len(node.generators) == 1:
            over = node.generators[0].iter
        elif isinstance(node, ast.Call) and node.args:
            over = node.args[0]
        found = program.class_(source, dotted(over or node))
        if found is not None:
            values = [
                program.fold.known(inner.value, found[0])
                for inner in found[1].body
                if isinstance(inner, ast.Assign)
            ]
    plain = [plain_value(value) for value in values] if isinstance(values, list) else []
    return [value for value in plain if value is not None]


def _help(text: object, default: object) -> str:
    shown = "" if default is UNKNOWN or default is None else str(plain_value(default))
    return str(text).replace("%(default)s", shown) if isinstance(text, str) else ""
