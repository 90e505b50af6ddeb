"""A program: the file that is run, and what it uses of the repository's other modules."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterable

from .folding import Folder
from .syntax import Source, dotted, source_of

Read = Callable[[str], "str | None"]
"""Text of a file of the repository; None where there is none."""

_DEEPEST = 3
_MOST_FILES = 40
_OF_INTEREST = re.compile(
    r"add_argument|add_option|\bclick\b|typer|DEFINE_|dataclass|attrs?\b|environ|getenv|\bgin\b"
    r"|BaseSettings|BaseModel|hydra|OmegaConf|ConfigStore|\bTap\b|sys\.argv|Fire\b"
)


class Program:
    """The sources of one program, the file that is run first.

    Args:
        entry: the file that is run.
        read: gives the other files' texts.
        files: the repository's paths, as far as they are known.
    """

    def __init__(self, entry: Source, read: Read, files: Iterable[str] = ()) -> None:
        self._read = read
        self._texts: dict[str, str | None] = {entry.path: entry.text}
        self.files = files
        self.entry = entry
        self.fold = Folder(self.defined)
        self._taken: dict[str, set[int]] = {}
        self.sources = [self.entry]
        self._follow(self.entry, 1)

    def text_of(self, path: str) -> str | None:
        """A file's text; None where there is none."""
        if path not in self._texts:
            try:
                self._texts[path] = self._read(path)
            except (OSError, ValueError):
                self._texts[path] = None
        return self._texts[path]

    def whole(self, path: str) -> Source | None:
        """A Python file, all of it; None where it can't be read."""
        text = self.text_of(path)
        return source_of(path, text) if text is not None else None

    def defined(self, source: Source, name: str) -> tuple[Source, str] | None:
        """The file of the repository that defines an imported name, and the name there."""
        head, _, rest = name.partition(".")
        origin = source.origins.get(head)
        if origin is None:
            return None
        full = f"{origin}.{rest}" if rest else origin
        dots = len(full) - len(full.lstrip("."))
        parts = full[dots:].split(".")
        for cut in range(len(parts) - 1, 0 if not dots else -1, -1):
            path = self.module_path(source, "." * dots + ".".join(parts[:cut]))
            found = self.whole(path) if path else None
            if found is not None:
                inner = ".".join(parts[cut:])
                if inner.split(".")[0] in found.origins and found is not source:
                    return self.defined(found, inner) or (found, inner)
                return found, inner
        return None

    def function(
        self, source: Source, name: str
    ) -> tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef] | None:
        """A function by the name that a file knows it by."""
        if name in source.functions:
            return source, source.functions[name]
        found = self.defined(source, name)
        if found and found[1] in found[0].functions:
            return found[0], found[0].functions[found[1]]
        return None

    def class_(self, source: Source, name: str) -> tuple[Source, ast.ClassDef] | None:
        """A class by the name that a file knows it by."""
        if name in source.classes:
            return source, source.classes[name]
        found = self.defined(source, name)
        if found and found[1] in found[0].classes:
            return found[0], found[0].classes[found[1]]
        return None

    def module_path(self, source: Source, module: str) -> str | None:
        """The path of a module of the repository, by its dotted name as a file imports it."""
        folder = posixpath.dirname(source.path)
        dots = len(module) - len(module.lstrip("."))
        inner = module[dots:].replace(".", "/")
        if dots:
            for _ in range(dots - 1):
                folder = posixpath.dirname(folder)
            bases = [folder]
        else:
            bases = [folder, posixpath.dirname(self.entry.path), "", "src"]
        for base in dict.fromkeys(bases):
            whole = posixpath.normpath(posixpath.join(base, inner)) if inner else base
            for path in (f"{whole}.py", f"{whole}/__init__.py".lstrip("/")):
                if whole and not path.startswith("..") and self.text_of(path) is not None:
                    return path
        return None

    def _follow(self, source: Source, depth: int) -> None:
        """Takes up what a file uses of the repository's other modules."""
        if depth > _DEEPEST or len(self.sources) >= _MOST_FILES:
            return
        for path, names in self._used(source).items():
            text = self.text_of(path)
            package = path.endswith("__init__.py") and text is not None and "import" in text
            if text is None or not (package or _OF_INTEREST.search(text)):
                continue
            whole = self.whole(path)
            if whole is None or whole is source or len(self.sources) >= _MOST_FILES:
                continue
            taken = self._taken.setdefault(path, set())
            nodes = [node for node in reached(whole, names) if id(node) not in taken]
            if path == self.entry.path or not nodes:
                continue
            taken.update(id(node) for node in nodes)
            part = whole.part(nodes)
            self.sources.append(part)
            self._follow(part, depth + 1)

    def _used(self, source: Source) -> dict[str, set[str]]:
        """The repository's modules that a file imports, with the names it uses; "*": all."""
        used: dict[str, set[str]] = {}
        names = {node.id for node in source.nodes if isinstance(node, ast.Name)}
        attributes = {dotted(node) for node in source.nodes if isinstance(node, ast.Attribute)}
        for known, origin in source.origins.items():
            if known not in names and known != "*" and not _package(source):
                continue
            module, _, last = origin.rpartition(".")
            path = self.module_path(source, origin)
            if path is not None:  # the module itself: what is used are its attributes
                inner = {name for name in attributes if name.startswith(f"{known}.")}
                wanted = {name[len(known) + 1 :].split(".")[0] for name in inner}
                used.setdefault(path, set()).update(wanted)
                continue
            if origin.startswith(".") and not module.strip("."):
                module = origin[: len(origin) - len(origin.lstrip("."))]
            path = self.module_path(source, module) if module else None
            if path is not None:
                used.setdefault(path, set()).add(last)
        return used


def _package(source: Source) -> bool:
    return source.path.endswith("__init__.py")


def reached(source: Source, names: set[str]) -> list[ast.stmt]:
    """The statements of a module that run or are used when `names` of it are imported."""
    definitions = {**source.functions, **source.classes}
    kept: list[ast.stmt] = []
    wanted = set(names)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in source.tree.body:
        if isinstance(node, kinds) or is_main(node):
            continue
        if not isinstance(node, ast.Import | ast.ImportFrom):
            kept.append(node)
            wanted |= _names(source, node)
    done: set[str] = set()
    while wanted - done:
        name = (wanted - done).pop()
        done.add(name)
        if name == "*":
            wanted |= set(definitions)
        elif name in definitions:
            kept.append(definitions[name])
            wanted |= _names(source, definitions[name])
    return sorted(dict.fromkeys(kept), key=lambda node: node.lineno)


def is_main(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and any(
            isinstance(side, ast.Name) and side.id == "__name__"
            for side in (node.test.left, *node.test.comparators)
        )
    )


def _names(source: Source, node: ast.stmt) -> set[str]:
    return {inner.id for inner in source.within(node) if isinstance(inner, ast.Name)}
