"""absl.flags (and TensorFlow's old flags): DEFINE_*, and ml_collections' configuration files."""

from __future__ import annotations

import ast

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, plain_value, setting, type_of
from ..signatures import Function
from ..syntax import Source, dotted, in_order, keywords

_TYPES = {
    "float": "float", "integer": "int", "bool": "bool", "boolean": "bool", "string": "text",
    "enum": "text", "enum_class": "text", "list": "list", "spaceseplist": "list",
    "multi_string": "list", "multi_integer": "list", "multi_float": "list", "multi_enum": "list",
    "file": "text", "date": "text", "datetime": "text",
}  # fmt: skip


def find(program: Program) -> list[Setting]:
    """All flags that a program and the modules it uses define."""
    found: list[Setting] = []
    required: set[str] = set()
    for source in program.sources:
        for call in source.calls:
            last = dotted(call.func).split(".")[-1]
            if last.startswith("DEFINE_"):
                found += _flag(call, last[7:], source, program)
            elif last in ("mark_flag_as_required", "mark_flags_as_required") and call.args:
                names = program.fold.known(call.args[0], source)
                required.update(names if isinstance(names, list) else [str(names)])
    return distinct(
        {**one, "required": one["required"] or one["name"] in required} for one in found
    )


def _flag(call: ast.Call, kind: str, source: Source, program: Program) -> list[Setting]:
    fold, given = program.fold, keywords(call)
    arguments = [fold(argument, source) for argument in call.args]
    name = arguments[0] if arguments else fold.known(given.get("name"), source)
    if not isinstance(name, str) or not name:
        return []
    default = arguments[1] if len(arguments) > 1 else fold.known(given.get("default"), source)
    if kind in ("config_file", "config_dict"):
        return _config(name, default, call, source, program)
    if kind not in _TYPES:
        return []
    default = None if default is UNKNOWN else default
    choices: object = fold.known(given.get("enum_values"), source)
    rest = arguments[2:]
    if kind in ("enum", "multi_enum") and rest:
        choices, rest = rest[0], rest[1:]
    text = fold.known(given.get("help") or given.get("help_string"), source)
    text = text or next((part for part in rest if isinstance(part, str)), "")
    flag = _TYPES[kind] == "bool"
    return [
        setting(
            name,
            "absl",
            source.place(call),
            type=_TYPES[kind],
            default=bool(default) if flag else default,
            choices=choices if isinstance(choices, list) else (),
            help=str(text),
            required=fold.known(given.get("required"), source) is True,
            flag=flag,
            negation=f"--no{name}" if flag else "",
            spelling=f"--{name}",
        )
    ]


def _config(
    name: str, default: object, call: ast.Call, source: Source, program: Program
) -> list[Setting]:
    """The flag for a configuration file, and the keys of its default file: `--config.lr`."""
    path = default if isinstance(default, str) else ""
    found = [
        setting(
            name, "absl", source.place(call), type="text", default=path or None,
            spelling=f"--{name}", required=not path,
        )
    ]  # fmt: skip
    whole = program.whole(path.partition(":")[0]) if path else None
    function = whole.functions.get("get_config") if whole is not None else None
    if whole is None or function is None:
        return found
    for way, value, node in _keys(function, whole):
        known = program.fold.known(value, whole)
        if plain_value(known) is not None and known != {}:
            found.append(
                setting(
                    f"{name}.{way}", "absl", whole.place(node), type=type_of(known), default=known,
                    spelling=f"--{name}.{way}",
                )
            )  # fmt: skip
    return found


def _keys(
    function: ast.FunctionDef | ast.AsyncFunctionDef, source: Source
) -> list[tuple[str, ast.expr, ast.AST]]:
    """What get_config assigns: `config.optimizer.lr = 0.1`, `config = ConfigDict({...})`."""
    assert isinstance(function, Function)
    found: list[tuple[str, ast.expr, ast.AST]] = []
    for node in in_order(function):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            way = dotted(target).partition(".")[2]
            value: ast.expr = node.value
            if isinstance(value, ast.Call) and len(value.args) == 1:
                inside = value.args[0]  # ConfigDict({...}), ConfigDict(dict(...))
                value = inside if isinstance(inside, ast.Dict | ast.Call) else value
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute | ast.Name):
                found += [
                    (f"{way}.{key}".lstrip("."), inner, inner)
                    for key, inner in keywords(value).items()
                ]
            if isinstance(value, ast.Dict):
                found += _dictionary(value, way)
            elif way:
                found.append((way, node.value, node))
    return found


def _dictionary(node: ast.Dict, way: str, depth: int = 0) -> list[tuple[str, ast.expr, ast.AST]]:
    found: list[tuple[str, ast.expr, ast.AST]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            inner = f"{way}.{key.value}".lstrip(".")
            if isinstance(value, ast.Dict) and depth < 6:
                found += _dictionary(value, inner, depth + 1)
            else:
                found.append((inner, value, value))
    return found
