"""What of a repository can be run, and how: scripts, packages, notebooks, targets, programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote
from typing import Any

from .modules import Module, Modules
from .tree import Tree, folder_of, name_of, word
from .words import words

MOST_PARSED = 600
"""Python files that are parsed in search of entry points, those near the root first."""
_RUNS = re.compile(
    rb"(?m)^(?:for |while |with |print |async |(?!def |class |if |elif |return )[A-Za-z_][\w.]*\()"
)
_TESTS = frozenset({"test", "tests", "testing", "unittests"})
_NEVER = words(
    "setup.py conftest.py noxfile.py versioneer.py fabfile.py __init__.py _version.py ez_setup.py"
)
_MINOR_TARGETS = words(
    "clean distclean install uninstall lint format fmt style check test tests help build dist "
    "setup docs doc html publish release upload deploy requirements deps env venv virtualenv "
    "coverage typecheck mypy ruff black isort pre-commit precommit version .PHONY .DEFAULT "
    ".SUFFIXES"
)
_INTERPRETERS = {
    "perl": "perl", "Rscript": "Rscript", "julia": "julia", "awk": "awk -f", "gawk": "gawk -f",
    "node": "node", "ruby": "ruby", "lua": "lua", "php": "php",
    "octave": "octave", "guile": "guile",
}  # fmt: skip
_SUFFIXES = {
    ".pl": "perl", ".r": "Rscript", ".jl": "julia", ".awk": "awk -f", ".lua": "lua", ".rb": "ruby",
}  # fmt: skip
_SHELLS = {"sh": "sh", "bash": "bash", "zsh": "zsh", "dash": "sh", "ksh": "ksh"}


@dataclass
class Entry:
    """Something that can be run; `text` is its own code where that is not its file's text."""

    path: str
    kind: str
    command: str
    module: Module | None = None
    text: str = ""
    name: str = ""


def python_entries(tree: Tree, modules: Modules) -> list[Entry]:
    """The Python files that do something when they are run."""
    found: list[Entry] = []
    parsed = 0
    for path in tree.named(lambda path: path.endswith(".py") or _is_bare(path, tree)):
        name = name_of(path)
        if name in _NEVER or _is_test(path) or path in {"docs/conf.py", "doc/conf.py"}:
            continue
        data = _glance(tree, path)
        guarded = b"__main__" in data and b"__name__" in data
        folder = folder_of(path)
        inside = bool(folder) and f"{folder}/__init__.py" in tree
        if not path.endswith(".py") and not re.match(rb"#!.*python", data):
            continue
        if name != "__main__.py" and not guarded and (inside or not _RUNS.search(data)):
            continue
        if parsed >= MOST_PARSED or tree.late:
            tree.cut.append("Python files that look like programs: the deepest are not among them")
            break
        parsed += 1
        module = modules.parse(path)
        if module is None or _is_only_tested(module):
            continue
        if name == "__main__.py" or module.guarded or module.acts:
            found.append(_python_entry(path, module, tree, modules))
    return _not_imported(found, modules)


def _glance(tree: Tree, path: str) -> bytes:
    """The bytes of a file that may be a program; large ones are data in Python's clothes."""
    return tree.data(path, 1 << 20) or b""


def _is_bare(path: str, tree: Tree) -> bool:
    return path in tree.executable and "." not in name_of(path) and tree.sizes[path] < 1 << 20


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return bool(_TESTS & set(folders)) or (name.startswith("test_") and len(folders) > 3)


def _is_only_tested(module: Module) -> bool:
    """Whether it is a file of tests, whatever its name."""
    name = name_of(module.path)
    if not name.startswith("test_") and not name.endswith("_test.py"):
        return False
    frameworks = {wanted.module.split(".")[0] for wanted in module.imports} & {"pytest", "unittest"}
    return bool(frameworks) or module.tests


def _python_entry(path: str, module: Module, tree: Tree, modules: Modules) -> Entry:
    folder = folder_of(path)
    dots = _dotted_path(path, tree)
    if name_of(path) == "__main__.py" and f"{folder}/__init__.py" in tree:
        return Entry(path, "module", f"python -m {dots.removesuffix('.__main__')}", module)
    if name_of(path) == "__main__.py" and folder:
        return Entry(path, "script", f"python {word(folder)}", module)
    relative = any(wanted.level for wanted in module.imports)
    if relative and f"{folder}/__init__.py" in tree:
        return Entry(path, "module", f"python -m {dots}", module)
    return Entry(path, "script", f"python {word(path)}", module)


def _dotted_path(path: str, tree: Tree) -> str:
    """The name under which a file of a package is imported."""
    parts = path.removesuffix(".py").split("/")
    first = len(parts) - 1
    while first > 0 and "/".join([*parts[:first], "__init__.py"]) in tree:
        first -= 1
    return ".".join(parts[first:])


def _not_imported(found: list[Entry], modules: Modules) -> list[Entry]:
    """Without modules that other entry points import and that have no guard of their own."""
    imported: set[str] = set()
    for entry in found:
        if entry.module is not None:
            for wanted in entry.module.imports:
                imported.update(modules.find(entry.path, wanted))
    return [
        entry
        for entry in found
        if entry.path not in imported or entry.module is None or entry.module.guarded
    ]


def notebook_entries(tree: Tree, modules: Modules) -> list[Entry]:
    """Notebooks with Python code."""
    found: list[Entry] = []
    for path in tree.named(lambda path: path.endswith(".ipynb"))[:100]:
        text = tree.read(path)
        if text is None:
            continue
        try:
            notebook = json.loads(text)
            code, has_parameters = notebook_code(notebook)
        except (ValueError, TypeError, AttributeError, RecursionError):
            tree.skip(path, "no notebook that can be read")
            continue
        module = modules.parse_text(path, code) if code.strip() else None
        if module is None:
            continue
        made = word(f"{path.removesuffix('.ipynb')}.out.ipynb")
        command = f"papermill {word(path)} {made}"
        if not has_parameters:
            command = f"jupyter nbconvert --to notebook --execute --stdout {word(path)}"
        found.append(Entry(path, "notebook", command, module, text=code))
    return found


def notebook_code(notebook: dict[str, Any]) -> tuple[str, bool]:
    """The code of a notebook's cells as one program, and whether a cell is tagged as parameters."""
    pieces: list[str] = []
    has_parameters = False
    for cell in notebook.get("cells", []):
        if cell.get("cell_type") != "code":
            continue
        has_parameters |= "parameters" in cell.get("metadata", {}).get("tags", [])
        source = cell.get("source", "")
        lines = "".join(source).split("\n") if isinstance(source, list) else source.split("\n")
        if lines and lines[0].startswith("%%") and not lines[0].startswith(("%%time", "%%capture")):
            continue
        pieces += [
            f"{line[: len(line) - len(line.lstrip())]}pass"
            if line.lstrip()[:1] in {"%", "!"}
            else line
            for line in lines
        ]
    return "\n".join(pieces) + "\n", has_parameters


def shell_entries(tree: Tree) -> list[Entry]:
    """Shell scripts, and other programs that say what runs them."""
    found: list[Entry] = []
    for path in tree:
        name = name_of(path)
        stem, dot, suffix = name.rpartition(".")
        suffix = f".{suffix.lower()}" if dot and stem else ""
        if _is_test(path) or tree.sizes[path] > 1 << 20 or len(found) >= 200:
            continue
        if suffix in {".sh", ".bash"}:
            text = tree.read(path) or ""
            shell = _SHELLS.get(_interpreter(text), "bash")
            found.append(Entry(path, "shell", f"{shell} {word(path)}", text=text))
        elif suffix in _SUFFIXES:
            found.append(Entry(path, "program", f"{_SUFFIXES[suffix]} {word(path)}"))
        elif not suffix and path in tree.executable:
            interpreter = _interpreter(tree.read(path) or "")
            if interpreter in _SHELLS:
                command = f"{_SHELLS[interpreter]} {word(path)}"
                found.append(Entry(path, "shell", command, text=tree.read(path) or ""))
            elif interpreter in _INTERPRETERS:
                found.append(Entry(path, "program", f"{_INTERPRETERS[interpreter]} {word(path)}"))
    return found


def _interpreter(text: str) -> str:
    match = re.match(r"#!\s*(\S+)(?:[ \t]+(?:-S[ \t]+)?(\S+))?", text)
    if match is None:
        return ""
    program = name_of(match[1])
    return re.sub(r"[\d.]+$", "", (match[2] or "") if program == "env" else program)


def make_entries(tree: Tree) -> list[Entry]:
    """The targets of Makefiles that are more than housekeeping."""
    found: list[Entry] = []
    for path in tree.named(lambda path: name_of(path) in {"Makefile", "makefile", "GNUmakefile"}):
        folder = folder_of(path)
        if folder.split("/")[0] in {"doc", "docs"}:
            continue
        text = tree.read(path) or ""
        for name, recipe in make_targets(text):
            if name in _MINOR_TARGETS or not recipe or len(found) >= 100:
                continue
            where = f" -C {word(folder)}" if folder else ""
            code = "\n".join(recipe)
            found.append(Entry(path, "make", f"make{where} {quote(name)}", text=code, name=name))
    return found


def make_targets(text: str) -> Iterator[tuple[str, list[str]]]:
    """(target, recipe lines) of a Makefile; pattern rules are left out."""
    names: list[str] = []
    recipe: list[str] = []
    for line in [*text.replace("\\\n", " ").split("\n"), "end:"]:
        if line.startswith("\t"):
            recipe.append(line[1:].lstrip("@-+"))
            continue
        match = re.match(r"([\w./ -]+?)\s*::?(?!=)(?:[^;]*;(.*))?", line)
        if match:
            yield from ((name, recipe) for name in names)
            names = [name for name in match[1].split() if "%" not in name]
            recipe = [match[2].strip()] if match[2] else []
    return


def console_entries(scripts: dict[str, str], modules: Modules, tree: Tree) -> list[Entry]:
    """Console scripts that a project file names and whose code stands in the repository.

    Args:
        scripts: command → `package.module:function`.
    """
    found: list[Entry] = []
    for name, target in list(scripts.items())[:50]:
        parts = target.partition(":")[0].strip().split(".")
        for root in ["", "src", *sorted(set(map(folder_of, modules.packages.values())))]:
            stem = "/".join(filter(None, [root, *parts]))
            path = next((p for p in (f"{stem}.py", f"{stem}/__init__.py") if p in tree), "")
            if path:
                module = modules.parse(path)
                if module is not None:
                    found.append(Entry(path, "console_script", quote(name), module, name=name))
                break
    return found
