"""What a ticket's repository says it needs: the texts for pip, read from a commit."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labcrew.errors import EnvironmentBroken

FOUND_IN_ORDER = ("requirements.txt", "pyproject.toml")
UNREAD = ("environment.yml", "environment.yaml", "conda.yaml", "setup.py", "Pipfile", "setup.cfg")
_MAX_FILES = 50
_ADDRESS = re.compile(r"(^|\s|@)\s*((git|hg|svn|bzr)\+|https?://|ftp://|file:)", re.IGNORECASE)
_OPTION = re.compile(r"^(-r|--requirement|-c|--constraint)(?:\s+|=)(.+)$")
_SHORT = re.compile(r"^(-r|-c)(\S.*)$")


@dataclass
class Requirements:
    """Texts for pip.

    Attributes:
        text: the requirement lines, other files written out in place.
        constraints: the lines of constraint files.
        addresses: lines that fetch code from elsewhere than the package index.
        left_out: lines that can't be installed in an environment, such as the project itself.
        unread: tables of a pyproject.toml that name dependencies which are not read.
    """

    text: str = ""
    constraints: str = ""
    addresses: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_requirements(path: str, read: Callable[[str], str]) -> Requirements:
    """The requirements of one file of a commit, and of those that it includes.

    Args:
        path: a pip requirements file, or a pyproject.toml.
        read: gives the text of a path of the commit.

    Raises EnvironmentBroken for a file that can't be read as what it is.
    """
    if path.endswith(".toml"):
        return _pyproject(path, read(path))
    found = Requirements()
    _include(path, read, found, set(), constraint=False)
    return found


def add_packages(found: Requirements, packages: tuple[str, ...]) -> Requirements:
    """The same with a ticket's own packages behind."""
    for package in packages:
        if package.startswith("-") or "\n" in package:
            raise EnvironmentBroken(f"environment.packages: {package!r} is not a requirement")
        _line(package, found)
    return found


def _pyproject(path: str, text: str) -> Requirements:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EnvironmentBroken(f"{path} is not TOML: {error}") from None
    wanted = _table(tables, "project").get("dependencies", [])
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise EnvironmentBroken(f"{path}: project.dependencies must be a list of texts")
    found = Requirements()
    for item in wanted:
        _line(item, found)
    if not wanted:
        found.unread = [f"{table} of {path}" for table in _elsewhere(tables)]
    return found


def _elsewhere(tables: dict[str, Any]) -> Iterator[str]:
    """Where a pyproject.toml names dependencies beside project.dependencies."""
    project, poetry = _table(tables, "project"), _table(tables, "tool", "poetry")
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        yield "project.dynamic"
    if project.get("optional-dependencies"):
        yield "project.optional-dependencies"
    if tables.get("dependency-groups"):
        yield "dependency-groups"
    if set(_table(poetry, "dependencies")) - {"python"}:
        yield "tool.poetry.dependencies"


def _table(tables: dict[str, Any], *names: str) -> dict[str, Any]:
    """A table within a table; an empty one where there is none."""
    for name in names:
        found = tables.get(name)
        tables = found if isinstance(found, dict) else {}
    return tables


def _include(
    path: str, read: Callable[[str], str], found: Requirements, seen: set[str], *, constraint: bool
) -> None:
    if path in seen:
        return
    seen.add(path)
    if len(seen) > _MAX_FILES:
        raise EnvironmentBroken(f"{path}: more than {_MAX_FILES} files include one another")
    for line in re.sub(r"\\\n", " ", read(path)).splitlines():
        stripped = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not stripped:
            continue
        option = _OPTION.match(stripped) or _SHORT.match(stripped)
        if option is not None:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), option[2].strip()))
            if target.startswith(("..", "/")):
                raise EnvironmentBroken(f"{path} includes {target}, outside the repository")
            below = constraint or option[1] in {"-c", "--constraint"}
            _include(target, read, found, seen, constraint=below)
        elif constraint:
            found.constraints += stripped + "\n"
        else:
            _line(stripped, found)


def _line(line: str, found: Requirements) -> None:
    local = line in {".", "./"} or line.startswith(("./", "../", "/", ".["))
    if line.startswith(("-e", "--editable")) or local:
        found.left_out.append(line)
        return
    if _ADDRESS.search(line) or line.startswith(("-i", "-f", "--index", "--extra-index", "--find")):
        found.addresses.append(line)
    found.text += line + "\n"
