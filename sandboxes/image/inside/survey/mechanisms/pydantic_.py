"""pydantic-settings: fields from environment variables or the command line; plain models too."""

from __future__ import annotations

import ast

from ..folding import UNKNOWN
from ..program import Program
from ..setting import Setting, distinct, setting, type_of
from ..signatures import fields, name_in
from ..syntax import Source, keywords


def find(program: Program) -> list[Setting]:
    """The fields of settings classes; those of plain models where there is no settings class."""
    found: list[Setting] = []
    plain: list[Setting] = []
    for source in program.sources:
        for node in source.nodes:
            if isinstance(node, ast.ClassDef):
                base = _base(node, source, program)
                if base == "BaseSettings":
                    found += _fields(node, source, program, *_config(node, source, program))
                elif base == "BaseModel":
                    plain += _fields(node, source, program, None, False)
    return distinct(found or [one for one in plain if one["default"] is not None])


def _base(node: ast.ClassDef, source: Source, program: Program, depth: int = 0) -> str:
    """BaseSettings or BaseModel where a class comes from it, through the repository's own too."""
    for base in node.bases:
        last = source.origin(base).split(".")[-1]
        if last in ("BaseSettings", "BaseModel"):
            return last
        above = program.class_(source, name_in(base))
        if above is not None and above[1] is not node and depth < 5:
            found = _base(above[1], above[0], program, depth + 1)
            if found:
                return found
    return ""


def _config(node: ast.ClassDef, source: Source, program: Program) -> tuple[str, bool]:
    """The prefix of the environment's variables, and whether the command line is read."""
    values: dict[str, object] = {}
    for inner in node.body:
        if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Call | ast.Dict):
            names = [name_in(target) for target in inner.targets]
            if "model_config" in names and isinstance(inner.value, ast.Call):
                known = keywords(inner.value).items()
                values |= {key: program.fold.known(value, source) for key, value in known}
            elif "model_config" in names:
                whole = program.fold.known(inner.value, source)
                values |= whole if isinstance(whole, dict) else {}
        elif isinstance(inner, ast.ClassDef) and inner.name == "Config":
            for one in inner.body:
                if isinstance(one, ast.Assign):
                    for target in one.targets:
                        values[name_in(target)] = program.fold.known(one.value, source)
    line = any(
        (source.origin(call.func).endswith("CliApp.run"))
        or any(keyword.arg == "_cli_parse_args" for keyword in call.keywords)
        for call in program.entry.calls
    )
    prefix = values.get("env_prefix")
    return prefix if isinstance(prefix, str) else "", line or values.get("cli_parse_args") is True


def _fields(
    node: ast.ClassDef, source: Source, program: Program, prefix: str | None, line: bool
) -> list[Setting]:
    """The fields; `prefix` None: of a plain model, that only the code can set."""
    found: list[Setting] = []
    for parameter in fields(node, source, program):
        if parameter.name == "model_config" or isinstance(parameter.default, dict):
            continue
        default = None if parameter.default is UNKNOWN else parameter.default
        alias = _alias(parameter.call, source, program)
        variable = f"{alias or f'{prefix or str()}{parameter.name}'.upper()}="
        spelling = f"--{alias or parameter.name}" if line else variable
        found.append(
            setting(
                parameter.name if prefix is not None else f"{node.name}.{parameter.name}",
                "pydantic",
                parameter.source.place(parameter.node),
                type=parameter.kind.type or ("unknown" if default is None else type_of(default)),
                default=default,
                choices=parameter.choices or parameter.kind.choices,
                help=parameter.help,
                required=parameter.required,
                spelling="" if prefix is None else spelling,
                owner=node.name,
            )
        )
    return found


def _alias(call: ast.Call | None, source: Source, program: Program) -> str:
    """The name that a field's variable has instead of its own."""
    given = keywords(call) if call is not None else {}
    for key in ("validation_alias", "alias", "env"):
        known = program.fold.known(given.get(key), source)
        if isinstance(known, str):
            return known
    return ""
