"""typer: the parameters of commands, by annotation and default."""

from __future__ import annotations

import ast
from typing import Any

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of, with_positions
from ..signatures import Function, Parameter, parameters
from ..syntax import Source, dotted, keywords

_CONTEXTS = {"Context", "CallbackParam"}


def find(program: Program) -> list[Setting]:
    """The options and arguments of all commands; those of one among several have it as owner."""
    commands: list[tuple[str, str, list[Setting]]] = []
    callbacks: list[Setting] = []
    below: dict[str, str] = {}
    root: Setting | None = None
    for source in program.sources:
        for call in source.calls:
            if source.origin(call.func) == "typer.run" and call.args:
                known = program.function(source, dotted(call.args[0]))
                if known is not None:
                    return distinct(with_positions(_settings(known[1], known[0], program, "")))
            if dotted(call.func).endswith(".add_typer") and call.args:
                name = program.fold.known(keywords(call).get("name"), source)
                below[dotted(call.args[0]).split(".")[-1]] = str(name or "")
        for node in source.nodes:
            if isinstance(node, Function):
                for decorator in node.decorator_list:
                    call_ = decorator if isinstance(decorator, ast.Call) else None
                    head, _, last = dotted(call_.func if call_ else decorator).rpartition(".")
                    if last == "callback" and head:
                        callbacks += _settings(node, source, program, "")
                        root = root or source.place(node)
                    if last == "command" and head and not source.origin(
                        call_.func if call_ else decorator
                    ).startswith("click"):  # fmt: skip
                        name = _name(node, call_, source, program)
                        commands.append((head, name, _settings(node, source, program, "")))
                        root = root or source.place(node)
    found = list(callbacks)
    several = len(commands) > 1 or bool(callbacks) or bool(below)
    if several and root is not None and commands:
        names = [below.get(head, name) for head, name, _ in commands]
        choices = [name for name in dict.fromkeys(names) if name]
        found.append(setting("command", "typer", root, type="text", choices=choices, required=True))
    for head, name, settings in commands:
        owner = f"{below.get(head, '')} {name}".strip() if several else ""
        found += [{**one, "owner": owner} for one in settings]
    return distinct(with_positions(found))


def _name(node: ast.AST, call: ast.Call | None, source: Source, program: Program) -> str:
    given = program.fold.known(call.args[0], source) if call and call.args else None
    given = given or (program.fold.known(keywords(call).get("name"), source) if call else None)
    assert isinstance(node, Function)
    return given if isinstance(given, str) else node.name.replace("_", "-")


def _settings(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    source: Source,
    program: Program,
    owner: str,
) -> list[Setting]:
    found = []
    for parameter in parameters(function, source, program):
        if parameter.kind.named.split(".")[-1] not in _CONTEXTS:
            found.append(_setting(parameter, source, program, owner))
    return found


def _setting(parameter: Parameter, source: Source, program: Program, owner: str) -> Setting:
    call = parameter.call
    annotated = False
    for extra in parameter.kind.extras:
        if isinstance(extra, ast.Call):
            call, annotated = extra, True
    last = source.origin(call.func).split(".")[-1] if call is not None else ""
    if last not in ("Option", "Argument"):
        call, last = None, ""
    default: Any = parameter.default
    required = parameter.required
    words: list[str] = []
    given: dict[str, ast.expr] = {}
    if call is not None:
        given = keywords(call)
        arguments = list(call.args)
        if not annotated:
            first = arguments.pop(0) if arguments else given.get("default")
            required = first is None or (isinstance(first, ast.Constant) and first.value is ...)
            default = None if required else program.fold(first, source)
        plain = [program.fold.known(argument, source) for argument in arguments]
        words = [word for word in plain if isinstance(word, str)]
    default = None if default is UNKNOWN else default
    positional = last == "Argument" or (not last and required)
    type = parameter.kind.type or (type_of(default) if default is not None else "text")
    text = program.fold.known(given.get("help"), source)
    common: dict[str, Any] = {
        "choices": parameter.kind.choices,
        "help": text if isinstance(text, str) else parameter.help,
        "required": required,
        "owner": owner,
    }
    where = source.place(parameter.node)
    name = parameter.name.replace("_", "-")
    if positional:
        return setting(parameter.name, "typer", where, type=type, default=default, **common)
    long = next((word for word in words if word.startswith("--")), words[0] if words else "")
    spelling, slash, negation = (long or f"--{name}").partition("/")
    if type == "bool":
        common["flag"] = True
        common["negation"] = negation.strip() if slash else ("" if words else f"--no-{name}")
        default = bool(default)
    return setting(
        spelling.strip().lstrip("-") or name, "typer", where, type=type, default=default,
        spelling=spelling.strip(), **common,
    )  # fmt: skip
