"""A Python file as its syntax tree, with what the mechanisms ask of it; never imported or run."""

from __future__ import annotations

import ast
import warnings
from functools import cached_property, lru_cache

from .nodes import in_order as in_order
from .setting import Setting, place

MOST_BYTES = 2 << 20
"""A longer file is data in Python's clothes."""


@lru_cache(maxsize=64)
def parsed(text: str) -> ast.Module | None:
    """The syntax tree, or None for what is no Python 3 (or too long, or nested too deep)."""
    if len(text) > MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=96)
def source_of(path: str, text: str) -> Source | None:
    """A Python file, read once however many programs use it; None for what is no Python 3."""
    tree = parsed(text)
    return None if tree is None else Source(path, text, tree)


class Source:
    """One file of a program.

    Args:
        path: inside the repository.
        text: the whole of it.
        tree: its syntax tree.
    """

    def __init__(self, path: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.text = text
        self.tree = tree
        self.roots: list[ast.stmt] = tree.body
        self._in_order: dict[int, list[ast.AST]] = {}

    def part(self, roots: list[ast.stmt]) -> Source:
        """The same file with only those statements; all that was read of it is shared."""
        made = Source(self.path, self.text, self.tree)
        made.roots = roots
        made._in_order = self._in_order
        for name in ("top", "functions", "classes", "constants", "origins", "_lines"):
            made.__dict__[name] = getattr(self, name)
        return made

    def within(self, node: ast.stmt) -> list[ast.AST]:
        """All nodes of one statement, in the order of the text."""
        if id(node) not in self._in_order:
            self._in_order[id(node)] = in_order(node)
        return self._in_order[id(node)]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes that count, in the order of the text."""
        return [node for root in self.roots for node in self.within(root)]

    @cached_property
    def calls(self) -> list[ast.Call]:
        """All calls."""
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions at the top of the module, by name."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return {node.name: node for node in self.top if isinstance(node, kinds)}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top of the module, by name."""
        return {node.name: node for node in self.top if isinstance(node, ast.ClassDef)}

    @cached_property
    def top(self) -> list[ast.stmt]:
        """The module's statements, those under `if`, `try` and `with` included."""
        found: list[ast.stmt] = []
        stack = list(reversed(self.tree.body))
        while stack:
            node = stack.pop()
            found.append(node)
            if isinstance(node, ast.If | ast.Try | ast.With):
                inner = [*node.body, *getattr(node, "orelse", [])]
                inner += [s for handler in getattr(node, "handlers", []) for s in handler.body]
                stack.extend(reversed(inner))
        return found

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """What names of the module are first assigned; class attributes as Class.name."""
        found: dict[str, ast.expr] = {}
        for node in self.top:
            self._assigned(node, "", found)
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    self._assigned(inner, f"{node.name}.", found)
        return found

    def _assigned(self, node: ast.stmt, before: str, found: dict[str, ast.expr]) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(before + target.id, node.value)
                elif (
                    isinstance(target, ast.Tuple)
                    and isinstance(node.value, ast.Tuple)
                    and len(target.elts) == len(node.value.elts)
                ):
                    for one, value in zip(target.elts, node.value.elts, strict=True):
                        if isinstance(one, ast.Name):
                            found.setdefault(before + one.id, value)
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            found.setdefault(before + node.target.id, node.value)

    @cached_property
    def origins(self) -> dict[str, str]:
        """Imported names → where from, dotted: {"np": "numpy", "Option": "typer.Option"}."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    known = alias.name if alias.asname else alias.name.split(".")[0]
                    found[alias.asname or known] = known
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    dot = "" if module.endswith(".") else "."
                    found[alias.asname or alias.name] = f"{module}{dot}{alias.name}"
        return found

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def place(self, node: ast.AST) -> Setting:
        """Where a node stands."""
        line = int(getattr(node, "lineno", 0))
        return place(self.path, line, self._lines[line - 1] if line <= len(self._lines) else "")

    def origin(self, node: ast.expr | None) -> str:
        """The dotted name of an expression, as imported: `click.option`; "" for other things."""
        name = dotted(node)
        head, dot, rest = name.partition(".")
        return self.origins.get(head, head) + dot + rest


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` of names and attributes; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """The keyword arguments of a call by name."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
