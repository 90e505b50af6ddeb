"""click: options and arguments of decorated functions, groups and their commands."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of, with_positions
from ..signatures import Function
from ..syntax import Source, dotted, keywords

_TYPES = {
    "INT": "int", "FLOAT": "float", "BOOL": "bool", "STRING": "text", "IntRange": "int",
    "FloatRange": "float", "Path": "text", "File": "text", "Choice": "text", "int": "int",
    "float": "float", "bool": "bool", "str": "text", "DateTime": "text", "UUID": "text",
}  # fmt: skip
_COMMAND_SUFFIX = re.compile(r"_(command|cmd|group|grp)$")


@dataclass(eq=False)
class _Command:
    """A decorated function: its name, its group's variable, and its settings."""

    name: str
    function: str
    group: bool
    above: str
    place: Setting
    settings: list[Setting] = field(default_factory=list)


def find(program: Program) -> list[Setting]:
    """The options and arguments of all commands; those of one among several have it as owner."""
    commands: list[_Command] = []
    shared: list[Setting] = []
    for source in program.sources:
        decorated: set[int] = set()
        for node in source.nodes:
            if isinstance(node, Function):
                command = _command(node, source, program, decorated)
                if command is not None:
                    commands.append(command)
        for call in source.calls:
            kind = _option_kind(call, source)
            if kind and id(call) not in decorated:
                shared += _setting(call, kind, source, program)
    return distinct(with_positions(owned(commands) + shared))


def owned(commands: list[_Command]) -> list[Setting]:
    """The settings of commands and groups, each with its way from the program's name."""
    groups = {command.function: command for command in commands if command.group}
    several = len(commands) > 1
    found: list[Setting] = []
    for name, group in groups.items():
        inner = [c for c in commands if c.above == name or (c.above == "" and not c.group)]
        names = [command.name for command in inner if command is not group]
        if names:
            found += [{**one, "owner": _way(group, groups)} for one in group.settings]
            found.append(
                setting(
                    "command", "click", group.place, type="text", choices=names, required=True,
                    owner=_way(group, groups),
                )
            )  # fmt: skip
    for command in commands:
        if not command.group:
            owner = _way(command, groups) if several and groups else ""
            found += [{**one, "owner": owner} for one in command.settings]
    return found


def _way(command: _Command, groups: dict[str, _Command]) -> str:
    """The words that choose a command: `data prepare`; "" for the outermost group."""
    names: list[str] = []
    known: set[int] = set()
    here: _Command | None = command
    while here is not None and id(here) not in known:
        known.add(id(here))
        above = groups.get(here.above)
        if above is not None or not here.group:
            names.append(here.name)
        here = above
    return " ".join(reversed(names))


def _command(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    source: Source,
    program: Program,
    decorated: set[int],
) -> _Command | None:
    command: _Command | None = None
    found: list[Setting] = []
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = dotted(call.func if call else decorator)
        head, _, last = name.rpartition(".")
        kind = _option_kind(call, source) if call else ""
        if call is not None and kind:
            decorated.add(id(call))
            found += _setting(call, kind, source, program)
        elif last in ("command", "group") or (name and source.origin(decorator) == "click.command"):
            outer = source.origin(decorator).startswith(("click", "rich_click", "asyncclick"))
            above = "" if outer or (call and source.origin(call.func).startswith("click")) else head
            given = program.fold.known(call.args[0], source) if call and call.args else None
            given = given or (call and program.fold.known(keywords(call).get("name"), source))
            plain = _COMMAND_SUFFIX.sub("", node.name).replace("_", "-")
            own = given if isinstance(given, str) else plain
            command = _Command(own, node.name, last == "group", above, source.place(node))
    if command is None:
        return None
    command.settings = found
    return command


def _option_kind(call: ast.Call, source: Source) -> str:
    name = source.origin(call.func)
    last = name.split(".")[-1]
    of_click = name.startswith(("click.", "rich_click.", "asyncclick.", "cloup."))
    return last if of_click and last in ("option", "argument") else ""


def _setting(call: ast.Call, kind: str, source: Source, program: Program) -> list[Setting]:
    fold, given = program.fold, keywords(call)
    words = [fold.known(argument, source) for argument in call.args]
    names = [word for word in words if isinstance(word, str) and word]
    if not names:
        return []
    where = source.place(call)
    default = fold(given["default"], source) if "default" in given else None
    default = None if default is UNKNOWN else default
    type, choices = _kind(given.get("type"), source, program)
    many = fold.known(given.get("multiple"), source) is True
    nargs = fold.known(given.get("nargs"), source)
    common: dict[str, Any] = {
        "required": fold.known(given.get("required"), source) is True,
        "help": str(fold.known(given.get("help"), source) or ""),
        "choices": choices,
    }
    if many or (isinstance(nargs, int) and nargs not in (0, 1)):
        type = "list"
    if kind == "argument":
        common["required"] = "default" not in given and fold.known(
            given.get("required"), source
        ) is not False and nargs != -1  # fmt: skip
        return [setting(names[0], "click", where, type=type or "text", default=default, **common)]
    dashed = [name for name in names if name.startswith("-")]
    spelling = next((name for name in dashed if name.startswith("--")), (dashed or names)[0])
    negation = ""
    if "/" in spelling:
        spelling, _, negation = (part.strip() for part in spelling.partition("/"))
    named = next((name for name in names if not name.startswith("-")), "")
    name = spelling.lstrip("-") or named
    flag = bool(negation) or fold.known(given.get("is_flag"), source) is True
    flag = flag or ("flag_value" in given and not type)
    if flag:
        on = default if isinstance(default, bool) else False
        negation = negation if negation.startswith("-") else ""
        return [
            setting(
                name, "click", where, type="bool", default=on, flag=True, negation=negation,
                spelling=spelling, **common,
            )
        ]  # fmt: skip
    if fold.known(given.get("count"), source) is True:
        type = "int"
    type = type or (type_of(default) if default is not None else "text")
    return [setting(name, "click", where, type=type, default=default, spelling=spelling, **common)]


def _kind(node: ast.expr | None, source: Source, program: Program) -> tuple[str, list[Any]]:
    if node is None:
        return "", []
    call = node if isinstance(node, ast.Call) else None
    last = dotted(call.func if call else node).split(".")[-1]
    choices: list[Any] = []
    if call is not None and last == "Choice" and call.args:
        values = program.fold.known(call.args[0], source)
        choices = list(values) if isinstance(values, list | dict) else []
    if isinstance(node, ast.Tuple):
        return "list", []
    return _TYPES.get(last, "unknown"), choices
