"""The repository's own Python modules: which names it imports from itself, and from where."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field

from .traits import Unit, units_of
from .tree import Tree, folder_of, name_of

LEVELS = 3
MOST_MODULES = 60
"""Modules that one entry point is followed into."""
_STANDARD = sys.stdlib_module_names


@dataclass(frozen=True)
class Import:
    """One import of one module.

    Args:
        module: dotted; empty for `from . import x`.
        names: what is taken from it; nothing for a plain import.
        level: dots before it.
        optional: the program goes on without it.
    """

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    optional: bool


@dataclass
class Module:
    """A parsed module."""

    path: str
    text: str
    tree: ast.Module
    imports: list[Import]
    units: list[Unit] = field(default_factory=list)

    @property
    def docstring(self) -> str:
        """What it says of itself."""
        return ast.get_docstring(self.tree) or ""


class Modules:
    """Parses each module once, and finds what an import means inside the repository."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._parsed: dict[str, Module | None] = {}
        self.packages, self._roots = packages_of(tree)

    def parse(self, path: str) -> Module | None:
        """A module's syntax tree; None, with the reason noted, where it has none."""
        if path not in self._parsed:
            self._parsed[path] = self._new(path)
        return self._parsed[path]

    def _new(self, path: str) -> Module | None:
        text = self._tree.read(path)
        return None if text is None else self.parse_text(path, text)

    def parse_text(self, path: str, text: str) -> Module | None:
        """The module that a text is, e.g. the code of a notebook."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            where = f" in line {line}" if line else ""
            old = " (Python 2?)" if "print" in str(error) or "exec" in str(error) else ""
            self._tree.skip(path, f"no Python {sys.version_info[0]} syntax{where}{old}")
            return None
        return Module(path, text, tree, imports_of(tree), units_of(text, tree))

    def find(self, importer: str, wanted: Import) -> list[str]:
        """The repository's files that an import loads; nothing for one from elsewhere."""
        if wanted.level:
            base = folder_of(importer)
            for _ in range(wanted.level - 1):
                base = folder_of(base)
            roots = [base]
        else:
            roots = list(dict.fromkeys([folder_of(importer), *self._roots]))
        parts = wanted.module.split(".") if wanted.module else []
        for root in roots:
            found = self._beneath(root, parts, wanted.names)
            if wanted.level and f"{root}/__init__.py" in self._tree:
                found.insert(0, f"{root}/__init__.py")
            if found:
                return [path for path in found if path != importer]
        return []

    def _beneath(self, root: str, parts: list[str], names: tuple[str, ...]) -> list[str]:
        found: list[str] = []
        at = root
        for part in parts:
            at = f"{at}/{part}" if at else part
            if f"{at}/__init__.py" in self._tree:
                found.append(f"{at}/__init__.py")
            elif f"{at}.py" in self._tree:
                found.append(f"{at}.py")
            elif not self._tree.is_folder(at):
                return found
        for name in names:
            inner = f"{at}/{name}" if at else name
            for path in (f"{inner}.py", f"{inner}/__init__.py"):
                if path in self._tree:
                    found.append(path)
        return found

    def is_own(self, importer: str, wanted: Import) -> bool:
        """Whether an import means the repository itself."""
        top = wanted.module.split(".")[0]
        if wanted.level or top in self.packages or self.find(importer, wanted):
            return True
        return any(
            self._tree.is_folder(f"{root}/{top}".strip("/"))
            and f"{root}/{top}".strip("/") in self._code
            for root in dict.fromkeys([folder_of(importer), *self._roots])
        )

    @property
    def _code(self) -> set[str]:
        if not hasattr(self, "_code_folders"):
            self._code_folders = {folder_of(path) for path in self._tree if path.endswith(".py")}
        return self._code_folders

    def closure(self, module: Module) -> list[Module]:
        """The module and those of the repository that it rests on, nearest first."""
        found = {module.path: module}
        level = [module]
        for _ in range(LEVELS):
            deeper: list[Module] = []
            for at in level:
                for wanted in at.imports:
                    for path in self.find(at.path, wanted):
                        if path in found or len(found) >= MOST_MODULES:
                            continue
                        inner = self.parse(path)
                        if inner is not None:
                            found[path] = inner
                            deeper.append(inner)
            level = deeper
        return list(found.values())

    def elsewhere(self, module: Module) -> dict[str, Import]:
        """Top-level modules that are neither Python's nor the repository's, by name."""
        found: dict[str, Import] = {}
        for wanted in module.imports:
            top = wanted.module.split(".")[0]
            if wanted.level or not top or top in _STANDARD or wanted.optional or top in found:
                continue
            if not self.is_own(module.path, wanted):
                found[top] = wanted
        return found


def imports_of(tree: ast.Module) -> list[Import]:
    """Every import of a module, in the order of the file."""
    found: list[Import] = []
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, optional = stack.pop()
        if isinstance(node, ast.Import):
            found += [Import(name.name, (), 0, node.lineno, optional) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(name.name for name in node.names)
            found.append(Import(node.module or "", names, node.level, node.lineno, optional))
        elif isinstance(node, ast.Try):
            guarded = optional or any(_catches_import(handler) for handler in node.handlers)
            stack += [(inner, guarded) for inner in node.body]
            stack += [(inner, True) for handler in node.handlers for inner in handler.body]
            stack += [(inner, optional) for inner in [*node.orelse, *node.finalbody]]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            stack += [(inner, True) for inner in node.body]
            stack += [(inner, optional) for inner in node.orelse]
        elif isinstance(node, ast.stmt | ast.Module | ast.excepthandler | ast.match_case):
            stack += [
                (inner, optional)
                for inner in ast.iter_child_nodes(node)
                if isinstance(inner, ast.stmt | ast.excepthandler | ast.match_case)
            ]
    return sorted(found, key=lambda found: found.line)


def _catches_import(handler: ast.excepthandler) -> bool:
    kind = getattr(handler, "type", None)
    if kind is None:
        return True
    names = {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception"})


def packages_of(tree: Tree) -> tuple[dict[str, str], list[str]]:
    """Importable packages → their folders, and the folders that they are imported from."""
    packages: dict[str, str] = {}
    roots = [""]
    for path in tree:
        if name_of(path) != "__init__.py":
            continue
        folder = folder_of(path)
        parent = folder_of(folder)
        name = name_of(folder)
        if not folder or f"{parent}/__init__.py".lstrip("/") in tree or name in {"tests", "test"}:
            continue
        if len(packages) < 500 and name.isidentifier() and name not in packages:
            packages[name] = folder
            if parent not in roots and len(roots) < 50:
                roots.append(parent)
    if tree.is_folder("src") and "src" not in roots:
        roots.append("src")
    return packages, roots
