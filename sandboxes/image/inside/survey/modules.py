"""The repository's own Python modules: which names it imports from itself, and from where."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cached_property

from .calls import dotted
from .syntax import parsed
from .traits import Unit, is_main_guard, units_of
from .tree import Tree, folder_of, name_of
from .words import words

LEVELS = 3
MOST_MODULES = 60
"""Modules that one entry point is followed into."""
_MINOR_CALLS = words(
    "filterwarnings simplefilter warn insert append extend basicConfig setLevel addHandler "
    "use seed setdefault update register setrecursionlimit set_option add register_module "
    "signal freeze register_namespace disable_warnings patch_all load_dotenv set_printoptions "
    "set_theme set_verbosity set_verbosity_error set_start_method enable manual_seed "
    "getLogger extend_path lazy_import attach_stub addLevelName captureWarnings"
)
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
    """What was taken from a module's syntax tree.

    Args:
        docstring: what it says of itself.
        guarded: it has a main guard.
        acts: running it does more than defining names.
        tests: it defines tests.
    """

    path: str
    text: str
    imports: list[Import]
    units: list[Unit]
    docstring: str
    guarded: bool
    acts: bool
    tests: bool


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
            tree = parsed(text) or ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            where = f" in line {line}" if line else ""
            old = " (Python 2?)" if "print" in str(error) or "exec" in str(error) else ""
            self._tree.skip(path, f"no Python {sys.version_info[0]} syntax{where}{old}")
            return None
        return Module(
            path,
            text,
            imports_of(tree),
            units_of(text, tree),
            ast.get_docstring(tree) or "",
            guarded=any(is_main_guard(statement) for statement in tree.body),
            acts=any(_acts(statement) for statement in tree.body),
            tests=any(
                getattr(statement, "name", "").startswith("test_") for statement in tree.body
            ),
        )

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
            f"{root}/{top}".strip("/") in self._code
            for root in dict.fromkeys([folder_of(importer), *self._roots])
        )

    @cached_property
    def _code(self) -> set[str]:
        """Folders with Python files."""
        return {folder_of(path) for path in self._tree if path.endswith(".py")}

    def closure(self, module: Module, allowance: int) -> list[Module]:
        """The module and those of the repository that it rests on, nearest first.

        Args:
            allowance: bytes of them that are read; a module that is too large for what is left of
                it is left out.
        """
        found = {module.path: module}
        level = [module]
        for _ in range(LEVELS):
            deeper: list[Module] = []
            for at in level:
                for wanted in at.imports:
                    for path in self.find(at.path, wanted):
                        size = self._tree.sizes[path]
                        if path in found or len(found) >= MOST_MODULES or size > allowance:
                            continue
                        allowance -= size
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


def _acts(node: ast.stmt, looped: bool = False) -> bool:
    """Whether a statement does more than prepare.

    Args:
        looped: it stands in a loop of the module: what is added up there is work.
    """
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        last = called.attr if isinstance(called, ast.Attribute) else dotted(called)
        return last not in _MINOR_CALLS
    if isinstance(node, ast.For | ast.While):
        return any(_acts(inner, True) for inner in [*node.body, *node.orelse])
    if isinstance(node, ast.With):
        return any(_acts(inner, looped) for inner in node.body)
    if looped and isinstance(node, ast.If | ast.Try):
        return any(_acts(inner, True) for inner in [*node.body, *node.orelse])
    return looped and isinstance(node, ast.AugAssign)


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
