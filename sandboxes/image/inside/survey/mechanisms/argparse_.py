"""argparse, and what has its shape: groups, subparsers, parents, helpers given a parser."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..program import Program
from ..setting import Setting, distinct, setting, type_of, with_positions
from ..syntax import Source, dotted, keywords
from .argparse_option import option

_ADDERS = {"add_argument", "add_option", "add_arg"}
_GROUPS = {"add_argument_group", "add_mutually_exclusive_group", "add_option_group"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_MOST = 2000


@dataclass(eq=False)
class _Parser:
    """A parser, or what stands for one: a function's parameter, a call that returns one."""

    owner: str = ""
    sub: bool = False
    settings: list[Setting] = field(default_factory=list)
    inherits: list[_Parser] = field(default_factory=list)
    heirs: int = 0

    def inherit(self, other: _Parser) -> None:
        """Takes over the options of another, as `parents=` and helper functions do."""
        if other is not self and other not in self.inherits:
            self.inherits.append(other)
            other.heirs += 1

    def all(self, depth: int = 0) -> Iterator[Setting]:
        """Its options, the inherited first."""
        if depth <= 6:
            for parent in self.inherits:
                yield from parent.all(depth + 1)
        yield from self.settings


def find(program: Program) -> list[Setting]:
    """The options and positional arguments of all parsers of a program."""
    reader = _Reader(program)
    for source in program.sources:
        reader.read(source)
    return reader.answer()


class _Reader:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._parsers: list[_Parser] = []
        self._variables: dict[tuple[int, str], _Parser] = {}
        self._by_name: dict[str, _Parser] = {}
        self._subparsers: dict[str, tuple[_Parser, Setting]] = {}
        self._results: dict[str, _Parser] = {}
        self._returns: dict[str, list[_Parser]] = {}
        self._given: list[tuple[_Parser, str, int | str, bool]] = []
        self._parameters: dict[str, dict[str, _Parser]] = {}
        self._signatures: dict[str, list[str]] = {}
        self._adders: set[str] = set()
        self._defaults: dict[str, object] = {}
        self._made: dict[int, _Parser] = {}

    def answer(self) -> list[Setting]:
        """All settings, once all files were read."""
        for parser, function, place, bound in self._given:
            names = self._signatures.get(function, [])
            if isinstance(place, int):
                place += 1 if bound and names[:1] in (["self"], ["cls"]) else 0
                place = names[place] if place < len(names) else ""
            given = self._parameters.get(function, {}).get(place)
            if given is not None:
                parser.inherit(given)
        for function, result in self._results.items():
            for parser in self._returns.get(function, []):
                result.inherit(parser)
        heads = [p for p in self._parsers if p.sub or not p.heirs] or self._parsers
        found: list[Setting] = []
        for head in heads:
            own = itertools.islice(head.all(), _MOST)
            found += [{**one, "owner": head.owner or one["owner"]} for one in own]
        return distinct(with_positions(self._with_defaults(found)))

    def _with_defaults(self, found: list[Setting]) -> list[Setting]:
        for one in found:
            name = one["name"].replace("-", "_")
            if name in self._defaults:
                value = self._defaults[name]
                type = type_of(value) if one["type"] in ("text", "unknown") else one["type"]
                again = setting(name, "argparse", one["place"], type=type, default=value)
                one.update(default=again["default"], type=type, required=False)
        return found

    def read(self, source: Source) -> None:
        """All parsers of one file, in the order of its text."""
        for node, function, loop in _walk(source):
            if isinstance(node, _Function):
                arguments = node.args
                names = [a.arg for a in [*arguments.posonlyargs, *arguments.args]]
                self._signatures.setdefault(node.name, names)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                to = node.targets if isinstance(node, ast.Assign) else [node.target]
                self._assign([*to], node.value, source, function)
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                self._assign([node.optional_vars], node.context_expr, source, function)
            elif isinstance(node, ast.Return) and function is not None:
                parser = self._parser(node.value, source, function)
                if parser is not None:
                    self._returns.setdefault(function.name, []).append(parser)
            elif isinstance(node, ast.Call):
                self._call(node, source, function, loop)

    def _assign(
        self, targets: list[ast.expr], value: ast.expr, source: Source, function: _Function | None
    ) -> None:
        names = [name for name in map(dotted, targets) if name]
        if isinstance(value, ast.Attribute) and value.attr in _ADDERS:
            self._adders.update(names)
            value = value.value
        if isinstance(value, ast.Call) and _attribute(value) == "add_subparsers":
            found = self._commands(value, source, function)
            self._subparsers.update(dict.fromkeys(names, found))
            return
        parser = self._parser(value, source, function)
        if parser is not None:
            for name in names:
                self._variables[id(function), name] = parser
                self._by_name[name] = parser

    def _parser(
        self, node: ast.expr | None, source: Source, function: _Function | None
    ) -> _Parser | None:
        """The parser that an expression stands for, if it does."""
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named(dotted(node), function)
        if not isinstance(node, ast.Call):
            return None
        if id(node) in self._made:
            return self._made[id(node)]
        attribute, name = _attribute(node), dotted(node.func)
        parser: _Parser | None = None
        if attribute in _GROUPS and isinstance(node.func, ast.Attribute):
            parser = self._parser(node.func.value, source, function)
        elif attribute == "add_parser" and isinstance(node.func, ast.Attribute):
            parser = self._command(node, source, function)
        elif name.split(".")[-1].endswith(("ArgumentParser", "OptionParser", "ArgParser")):
            parser = self._new(_Parser())
            self._inherit(parser, node, source, function)
        elif name:
            given = [p for a in node.args if (p := self._existing(a, function))]
            last = name.split(".")[-1]
            known = last in self._signatures or self._program.function(source, name)
            if len(given) == 1:
                parser = given[0]
            elif known and not given:
                if last not in self._results:
                    self._results[last] = self._new(_Parser())
                parser = self._results[last]
        if parser is not None:
            self._made[id(node)] = parser
        return parser

    def _named(self, name: str, function: _Function | None) -> _Parser | None:
        known = self._variables.get((id(function), name))
        if known is not None or not name:
            return known
        names: list[str] = []
        if function is not None:
            given = function.args
            names = [a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]]
        if function is None or name not in names or name in ("self", "cls"):
            return self._by_name.get(name)
        known = self._parameters.setdefault(function.name, {}).get(name)
        if known is None:
            known = self._parameters[function.name][name] = self._new(_Parser())
        return known

    def _existing(self, node: ast.expr, function: _Function | None) -> _Parser | None:
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        name = dotted(node)
        known = self._variables.get((id(function), name)) or self._by_name.get(name)
        if known is None and function is not None:
            known = self._parameters.get(function.name, {}).get(name)
        return known

    def _new(self, parser: _Parser) -> _Parser:
        self._parsers.append(parser)
        return parser

    def _inherit(
        self, parser: _Parser, node: ast.Call, source: Source, function: _Function | None
    ) -> None:
        parents = keywords(node).get("parents")
        for parent in parents.elts if isinstance(parents, ast.List | ast.Tuple) else []:
            found = self._parser(parent, source, function)
            if found is not None:
                parser.inherit(found)

    def _commands(
        self, node: ast.Call, source: Source, function: _Function | None
    ) -> tuple[_Parser, Setting]:
        """The positional argument that names a subcommand."""
        assert isinstance(node.func, ast.Attribute)
        key = f"add_subparsers:{id(node)}"
        if key not in self._subparsers:
            parser = self._parser(node.func.value, source, function) or self._new(_Parser())
            named = self._program.fold.known(keywords(node).get("dest"), source)
            name = named if isinstance(named, str) else "command"
            found = setting(name, "argparse", source.place(node), type="text", required=True)
            parser.settings.append(found)
            self._subparsers[key] = (parser, found)
        return self._subparsers[key]

    def _command(self, node: ast.Call, source: Source, function: _Function | None) -> _Parser:
        assert isinstance(node.func, ast.Attribute)
        above = node.func.value
        found = self._subparsers.get(dotted(above) or "-")
        if isinstance(above, ast.Call) and _attribute(above) == "add_subparsers":
            found = self._commands(above, source, function)
        name = self._program.fold.known(node.args[0], source) if node.args else None
        name = name if isinstance(name, str) else ""
        if found is None:
            main = next((p for p in self._parsers if not p.sub), None) or self._new(_Parser())
            held = setting("command", "argparse", source.place(node), type="text", required=True)
            main.settings.append(held)
            found = self._subparsers[dotted(above) or "-"] = (main, held)
        parser, held = found
        if name and name not in held["choices"] and len(held["choices"]) < 100:
            held["choices"].append(name)
        made = self._new(_Parser(owner=f"{parser.owner} {name}".strip(), sub=True))
        self._inherit(made, node, source, function)
        return made

    def _call(
        self, node: ast.Call, source: Source, function: _Function | None, loop: ast.For | None
    ) -> None:
        attribute, name = _attribute(node), dotted(node.func)
        if attribute in _ADDERS or name in self._adders:
            above = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            parser = self._parser(above, source, function)
            if parser is None:
                parser = next(iter(self._parsers), None) or self._new(_Parser())
            for _ in _bindings(self._program, loop, source):
                parser.settings += option(node, source, self._program)
        elif attribute == "set_defaults":
            for key, value in keywords(node).items():
                plain = self._program.fold.known(value, source)
                if isinstance(plain, bool | int | float | str):
                    self._defaults[key] = plain
        elif attribute == "add_subparsers":
            self._commands(node, source, function)
        elif attribute in _GROUPS or attribute == "add_parser":
            self._parser(node, source, function)
        elif name:
            last = name.split(".")[-1]
            own = bool(node.args) and dotted(node.args[0]) in ("self", "cls")
            places: list[tuple[int | str, ast.expr]] = [*enumerate(node.args)]
            places += list(keywords(node).items())
            for place, value in places:
                parser = self._existing(value, function)
                if parser is not None:
                    self._given.append((parser, last, place, bool(attribute) and not own))
            if name.endswith("ArgumentParser"):
                self._parser(node, source, function)


def _attribute(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _walk(source: Source) -> Iterator[tuple[ast.AST, _Function | None, ast.For | None]]:
    """All nodes in order, each with the function and the loop around it."""
    around: list[tuple[ast.AST, int]] = []
    function: _Function | None = None
    loop: ast.For | None = None
    for node in source.nodes:
        line = getattr(node, "lineno", 0)
        if around and line > around[-1][1]:
            while around and line > around[-1][1]:
                around.pop()
            functions = [one for one, _ in around if isinstance(one, _Function)]
            loops = [one for one, _ in around if isinstance(one, ast.For)]
            function = functions[-1] if functions else None
            loop = loops[-1] if loops else None
        yield node, function, loop
        if isinstance(node, _Function | ast.For):
            around.append((node, node.end_lineno or line))
            function, loop = (node, None) if isinstance(node, _Function) else (function, node)


def _bindings(program: Program, loop: ast.For | None, source: Source) -> Iterator[None]:
    """One turn for each item of a loop over what is known, its names bound; else one turn."""
    rows: list[list[object]] = []
    names: list[str] = []
    if loop is not None:
        over, values = loop.iter, None
        if isinstance(over, ast.Call) and _attribute(over) == "items":
            assert isinstance(over.func, ast.Attribute)
            values = program.fold.known(over.func.value, source)
            rows = [list(pair) for pair in values.items()] if isinstance(values, dict) else []
        else:
            values = program.fold.known(over, source)
            rows = [[value] for value in values] if isinstance(values, list) else []
        targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if rows and isinstance(values, list) and len(names) > 1:
            rows = [row[0] for row in rows if isinstance(row[0], list)]
        rows = [row for row in rows[:100] if len(row) == len(names)]
    if not rows:
        yield
        return
    before = {name: source.constants.get(name) for name in names}
    for row in rows:
        for name, value in zip(names, row, strict=True):
            source.constants[name] = ast.Constant(value)  # type: ignore[arg-type]
        yield
    for name, old in before.items():
        source.constants.pop(name)
        if old is not None:
            source.constants[name] = old
