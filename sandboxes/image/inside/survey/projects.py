"""Project files: what pyproject.toml, setup.cfg and setup.py say of needs, Python and commands."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Project:
    """One project file.

    Args:
        needs: (requirement, group); group empty for what is always needed.
        scripts: command → `package.module:function`.
    """

    python: str = ""
    needs: list[tuple[str, str]] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)


def read_pyproject(text: str) -> Project | None:
    """A pyproject.toml; None for one that only configures tools. Raises ValueError."""
    loaded = tomllib.loads(text)
    stated = loaded.get("project")
    poetry = (loaded.get("tool") or {}).get("poetry")
    groups = loaded.get("dependency-groups")
    if not stated and not poetry and not groups and "build-system" not in loaded:
        return None
    found = Project()
    stated = stated if isinstance(stated, dict) else {}
    found.python = str(stated.get("requires-python", ""))
    found.needs += [(str(need), "") for need in stated.get("dependencies", [])]
    for group, needs in (stated.get("optional-dependencies") or {}).items():
        found.needs += [(str(need), str(group)) for need in needs]
    for group, needs in (groups or {}).items():
        found.needs += [(need, str(group)) for need in needs if isinstance(need, str)]
    found.scripts.update({str(k): str(v) for k, v in (stated.get("scripts") or {}).items()})
    if isinstance(poetry, dict):
        _poetry(poetry, found)
    return found


def _poetry(poetry: dict[str, Any], found: Project) -> None:
    tables = [("", poetry.get("dependencies") or {}), ("dev", poetry.get("dev-dependencies") or {})]
    for group, table in (poetry.get("group") or {}).items():
        tables.append((str(group), (table or {}).get("dependencies") or {}))
    for group, table in tables:
        for name, wanted in table.items():
            details = wanted[0] if isinstance(wanted, list) and wanted else wanted
            version = details.get("version", "*") if isinstance(details, dict) else str(details)
            optional = isinstance(details, dict) and details.get("optional")
            if name.lower() == "python":
                found.python = found.python or poetry_version(version)
            elif isinstance(details, dict) and ("path" in details or "git" in details):
                if "git" in details:
                    found.needs.append((f"{name} @ git+{details['git']}", group))
            else:
                found.needs.append(
                    (name + poetry_version(version), "optional" if optional else group)
                )
    for name, target in (poetry.get("scripts") or {}).items():
        found.scripts[str(name)] = str(target if isinstance(target, str) else "")


def poetry_version(version: str) -> str:
    """A Poetry constraint as PEP 440 spells it."""
    parts = [_one_poetry_version(part.strip()) for part in version.split("||")[0].split(",")]
    return ",".join(part for part in parts if part)


def _one_poetry_version(part: str) -> str:
    match = re.fullmatch(r"([\^~])\s*(\d+(?:\.\d+)*)\S*", part)
    if match:
        numbers = [int(number) for number in match[2].split(".")]
        keep = 1 if match[1] == "^" else min(2, len(numbers))
        if match[1] == "^":
            while keep < len(numbers) and not any(numbers[:keep]):
                keep += 1
        above = [*numbers[: keep - 1], numbers[keep - 1] + 1]
        return f">={match[2]},<{'.'.join(map(str, above))}"
    if part in {"", "*"}:
        return ""
    return part if part[0] in "<>=!~" else f"=={part}"


def read_setup_cfg(text: str) -> Project | None:
    """A setup.cfg; None for one that only configures tools. Raises ValueError."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError("no INI file that can be read") from error
    if not parser.has_section("options") and not parser.has_section("metadata"):
        return None
    found = Project()
    if parser.has_section("options"):
        found.python = parser.get("options", "python_requires", fallback="")
        needs = parser.get("options", "install_requires", fallback="")
        found.needs += [(need, "") for need in _lines(needs)]
    if parser.has_section("options.extras_require"):
        for group, needs in parser.items("options.extras_require"):
            found.needs += [(need, group) for need in _lines(needs)]
    if parser.has_section("options.entry_points"):
        _entry_points(
            _lines(parser.get("options.entry_points", "console_scripts", fallback="")), found
        )
    return found


def _lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r"[\n]|;\s*(?=\w+$)", text) if line.strip()]


def _entry_points(lines: list[str], found: Project) -> None:
    for line in lines:
        name, equals, target = line.partition("=")
        if equals:
            found.scripts[name.strip()] = target.strip()


def read_setup_py(text: str) -> Project | None:
    """A setup.py, by its syntax tree alone: what stands in it as literals. Raises ValueError."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("no Python that can be read") from error
    names: dict[str, Any] = {}
    found: Project | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = _literal(node.value, names)
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        name = getattr(called, "id", getattr(called, "attr", ""))
        if not isinstance(node, ast.Call) or name != "setup":
            continue
        found = found or Project()
        for keyword in node.keywords:
            _setup_keyword(keyword.arg or "", _literal(keyword.value, names), found)
    return found


def _setup_keyword(name: str, value: Any, found: Project) -> None:
    if name == "python_requires" and isinstance(value, str):
        found.python = value
    elif name == "install_requires":
        needs = _lines(value) if isinstance(value, str) else value or []
        found.needs += [(need, "") for need in needs if isinstance(need, str)]
    elif name == "extras_require" and isinstance(value, dict):
        for group, needs in value.items():
            found.needs += [(need, str(group)) for need in needs or [] if isinstance(need, str)]
    elif name == "entry_points" and isinstance(value, dict):
        scripts = value.get("console_scripts") or []
        lines = _lines(scripts) if isinstance(scripts, str) else scripts
        _entry_points([line for line in lines if isinstance(line, str)], found)


def _literal(node: ast.expr, names: dict[str, Any]) -> Any:
    """The value of a literal, of a name that was assigned one, or the literal part of a list."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(element, names) for element in node.elts]
    if isinstance(node, ast.Dict):
        return {
            _literal(key, names): _literal(value, names)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal(node.left, names), _literal(node.right, names)
        return left + right if isinstance(left, list) and isinstance(right, list) else None
    return node.value if isinstance(node, ast.Constant) else None
