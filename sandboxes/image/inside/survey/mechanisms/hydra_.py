"""Hydra and OmegaConf: the keys of the composed YAML files, overridden as `key=value`."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from typing import Any

from ..documents import keys_of
from ..program import Program
from ..setting import MOST_SETTINGS, Setting, distinct, place, setting, type_of
from ..signatures import Function, fields
from ..syntax import Source, dotted, keywords

_PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)
_DEEPEST = 6


@dataclass(frozen=True)
class _Key:
    """A key of the composed configuration."""

    value: Any
    path: str
    line: int
    text: str


def find(program: Program) -> list[Setting]:
    """The keys that `python program.py key=value` sets, and the choices of Hydra's groups."""
    for source in program.sources:
        for node in source.nodes:
            if isinstance(node, Function):
                for decorator in node.decorator_list:
                    call = decorator if isinstance(decorator, ast.Call) else None
                    if call is not None and source.origin(call.func) == "hydra.main":
                        return distinct(_of_main(call, source, program))
    return distinct(_of_command_line(program))


def _of_main(call: ast.Call, source: Source, program: Program) -> list[Setting]:
    given = keywords(call)
    arguments = [program.fold.known(argument, source) for argument in call.args]
    folder = program.fold.known(given.get("config_path"), source)
    name = program.fold.known(given.get("config_name"), source)
    folder = folder if isinstance(folder, str) else next(iter(arguments), None)
    name = name if isinstance(name, str) else next(iter(arguments[1:]), None)
    name = name if isinstance(name, str) else "config"
    base = posixpath.dirname(source.path)
    where = posixpath.normpath(posixpath.join(base, folder if isinstance(folder, str) else ""))
    where = "" if where == "." else where
    composed = _Composition(where, program)
    composed.add(name.removesuffix(".yaml").removesuffix(".yml"), "", 0)
    if not composed.keys:
        return _of_store(name, program)
    return composed.settings()


class _Composition:
    """Hydra's files, put together as its defaults lists say."""

    def __init__(self, folder: str, program: Program) -> None:
        self._folder = folder
        self._program = program
        self.keys: dict[str, _Key] = {}
        self.groups: dict[str, _Key] = {}

    def add(self, name: str, package: str, depth: int) -> bool:
        """Takes up one file and what its defaults list names; whether there is such a file."""
        path, text = self._text(name)
        if text is None or depth > _DEEPEST or len(self.keys) > MOST_SETTINGS:
            return False
        marked = _PACKAGE.search(text[:2000])
        if marked is not None:
            package = "" if marked[1] == "_global_" else marked[1].replace("_global_.", "")
        group = posixpath.dirname(name)
        lines = text.split("\n")
        own: list[tuple[str, _Key]] = []
        defaults: list[tuple[str, Any, int]] = []
        for way, value, line in keys_of(path, text):
            if way[0] == "defaults":
                if len(way) == 1 and isinstance(value, list):
                    defaults += [("", item, line) for item in value]
                elif len(way) == 3:
                    defaults.append((way[2], value, line))
            elif way[0] != "hydra":
                shown = lines[line - 1] if 0 < line <= len(lines) else ""
                key = ".".join([package, *way] if package else way)
                own.append((key, _Key(value, path, line, shown)))
        ordered = _ordered(text, defaults)
        before = ordered.index(("", "_self_", 0)) if ("", "_self_", 0) in ordered else len(ordered)
        for one in ordered[:before]:
            self._default(one, group, depth, path, lines)
        self.keys.update(own)
        for one in ordered[before + 1 :]:
            self._default(one, group, depth, path, lines)
        return True

    def _default(
        self, one: tuple[str, Any, int], above: str, depth: int, path: str, lines: list[str]
    ) -> None:
        key, option, line = one
        if not isinstance(option, str) and key == "":
            return
        key = key.removeprefix("optional ").removeprefix("override ").strip()
        if key.startswith(("hydra/", "/hydra/")) or not isinstance(option, str):
            return
        target, _, package = key.partition("@")
        name = posixpath.join(target, option) if target else option
        whole = name.lstrip("/") if name.startswith("/") or not above else f"{above}/{name}"
        group = posixpath.dirname(whole)
        package = (package or group).replace("/", ".").replace("_global_", "").strip(".")
        if self.add(whole.removesuffix(".yaml"), package, depth + 1) and target:
            shown = lines[line - 1] if 0 < line <= len(lines) else ""
            self.groups[group] = _Key(option, path, line, shown)

    def _text(self, name: str) -> tuple[str, str | None]:
        for suffix in (".yaml", ".yml"):
            path = posixpath.normpath(posixpath.join(self._folder, name + suffix))
            text = None if path.startswith("..") else self._program.text_of(path)
            if text is not None:
                return path, text
        return "", None

    def settings(self) -> list[Setting]:
        """Groups first, then keys; what refers to another key has that key's value."""
        found: list[Setting] = []
        for group, key in self.groups.items():
            folder = posixpath.join(self._folder, group)
            choices = sorted(
                posixpath.basename(path).rpartition(".")[0]
                for path in self._program.files
                if posixpath.dirname(path) == folder and path.endswith((".yaml", ".yml"))
            )
            where = place(key.path, key.line, key.text)
            found.append(
                setting(
                    group, "hydra", where, type="text", default=key.value, choices=choices,
                    spelling=f"{group}=",
                )
            )  # fmt: skip
        for name, key in self.keys.items():
            found += self._setting(name, key)
        return found

    def _setting(self, name: str, key: _Key) -> list[Setting]:
        value, where = key.value, place(key.path, key.line, key.text)
        if name.split(".")[-1] in ("_target_", "_partial_", "_recursive_", "_convert_"):
            return []
        match = re.fullmatch(r"\$\{([\w.]+)\}", value) if isinstance(value, str) else None
        if match is not None and match[1] in self.keys:
            value = self.keys[match[1]].value
        missing = value == "???"
        plain = None if missing or (isinstance(value, str) and "${" in value) else value
        if isinstance(plain, list) and any(isinstance(item, dict) for item in plain):
            return []
        return [
            setting(
                name, "hydra", where, type="unknown" if plain is None else type_of(plain),
                default=plain, required=missing, spelling=f"{name}=",
                owner=name.rpartition(".")[0],
            )
        ]  # fmt: skip


def _ordered(text: str, defaults: list[tuple[str, Any, int]]) -> list[tuple[str, Any, int]]:
    """The defaults list in the order of the text, `_self_` with it."""
    ordered: list[tuple[str, Any, int]] = []
    inside = False
    for at, line in enumerate(text.split("\n"), 1):
        if re.match(r"defaults\s*:", line):
            inside = True
            continue
        if inside and line.strip() and not line.lstrip().startswith(("-", "#")):
            break
        item = re.match(r"\s*-\s*([^#]+)", line) if inside else None
        if item is None:
            continue
        key, colon, value = item[1].strip().partition(": ")
        value = value.strip().strip("'\"")
        if not colon:
            plain = key.strip().strip("'\"")
            ordered.append(("", plain, 0 if plain == "_self_" else at))
        elif value not in ("null", "~", ""):
            ordered.append((key.strip().strip("'\""), value, at))
    return ordered or [one for one in defaults if one[1] is not None]


def _of_store(name: str, program: Program) -> list[Setting]:
    """The fields of a dataclass that ConfigStore holds under the configuration's name."""
    for source in program.sources:
        for call in source.calls:
            given = keywords(call)
            if not dotted(call.func).endswith(".store") or "node" not in given:
                continue
            if program.fold.known(given.get("name"), source) != name:
                continue
            node = given["node"]
            found = program.class_(
                source, dotted(node.func if isinstance(node, ast.Call) else node)
            )
            if found is not None:
                return _structured(found[1], found[0], program, "")
    return []


def _structured(
    node: ast.ClassDef, source: Source, program: Program, before: str, depth: int = 0
) -> list[Setting]:
    found: list[Setting] = []
    for parameter in fields(node, source, program):
        inner = program.class_(parameter.source, parameter.kind.named) if (
            parameter.kind.named
        ) else None  # fmt: skip
        name = f"{before}{parameter.name}"
        if inner is not None and depth < _DEEPEST:
            found += _structured(inner[1], inner[0], program, f"{name}.", depth + 1)
            continue
        default = (
            parameter.default
            if isinstance(parameter.default, bool | int | float | str | list)
            else None
        )
        missing = default is None and dotted(getattr(parameter.node, "value", None)) == "MISSING"
        kind = parameter.kind.type or ("unknown" if default is None else type_of(default))
        found.append(
            setting(
                name, "hydra", parameter.source.place(parameter.node), type=kind, default=default,
                choices=parameter.kind.choices, required=parameter.required or missing,
                help=parameter.help, spelling=f"{name}=", owner=node.name,
            )
        )  # fmt: skip
    return found


def _of_command_line(program: Program) -> list[Setting]:
    """The keys of the file that OmegaConf.load reads, where the command line is merged into it."""
    texts = " ".join(source.text for source in program.sources)
    if "from_cli" not in texts and "from_dotlist" not in texts:
        return []
    found: list[Setting] = []
    for source in program.sources:
        for call in source.calls:
            if source.origin(call.func) != "omegaconf.OmegaConf.load" or not call.args:
                continue
            path = program.fold.known(call.args[0], source)
            for base in ("", posixpath.dirname(program.entry.path)):
                whole = posixpath.normpath(posixpath.join(base, str(path)))
                text = program.text_of(whole) if isinstance(path, str) else None
                if text is not None:
                    composed = _Composition(posixpath.dirname(whole), program)
                    composed.add(posixpath.basename(whole).rpartition(".")[0], "", _DEEPEST)
                    found += composed.settings()
                    break
    return found
