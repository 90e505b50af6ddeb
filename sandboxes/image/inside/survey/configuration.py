"""Which settings files belong to which program, and the settings that each thing offers."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from .entries import Entry
from .setting import Setting
from .settings import (
    config_paths,
    config_settings,
    make_settings,
    notebook_settings,
    settings_of,
    shell_settings,
)
from .stated import words_of
from .syntax import parsed
from .tree import Tree, folder_of, name_of

MOST_CONFIGS = 80
_SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf", ".gin")
_FOLDERS = re.compile(r"(^|/)(conf|confs|config|configs|configuration|hparams|params|recipes)(/|$)")
_NAMES = re.compile(r"(^|/)(config|conf|hparams|params|hyperparameters|settings|args)[\w.-]*$")


def settings_for(entry: Entry, tree: Tree, followed: set[str]) -> list[Setting]:
    """What an entry point lets people set.

    Args:
        followed: the Python files that may be read for it.
    """

    def read(path: str) -> str | None:
        return tree.read(path) if path in followed or not path.endswith(".py") else None

    if entry.kind == "notebook":
        return notebook_settings(entry.path, tree.read(entry.path) or "")
    if entry.kind == "shell":
        return shell_settings(entry.path, entry.text)
    if entry.kind == "make":
        return make_settings(entry.path, tree.read(entry.path) or "")
    if entry.module is not None:
        return settings_of(entry.path, entry.module.text, read, tree)
    return []


def configs_for(
    entry: Entry, rests_on: list[str], commands: list[dict[str, Any]], tree: Tree
) -> list[str]:
    """The settings files that an entry point reads, as its code and its stated commands say."""
    found: dict[str, None] = {}
    for path in [entry.path, *rests_on] if entry.module is not None else []:
        text = entry.module.text if path == entry.path and entry.module else tree.read(path)
        syntax = parsed(text) if text and any(suffix in text for suffix in _HINTS) else None
        if syntax is None or text is None:
            continue
        for named in config_paths(syntax, text):
            for base in (folder_of(path), folder_of(entry.path), ""):
                whole = posixpath.normpath(posixpath.join(base, named))
                if whole in tree:
                    found[whole] = None
                    break
    for command in commands:
        for word in words_of(command["command"]):
            given = word.rpartition("=")[2]
            for base in ("", folder_of(entry.path)):
                whole = posixpath.normpath(posixpath.join(base, given))
                if whole in tree and whole.endswith(_SUFFIXES):
                    found[whole] = None
                    break
    return [path for path in found if not _is_project_file(path)][:50]


_HINTS = (*_SUFFIXES, "config_name")


def config_files(tree: Tree, named: list[str]) -> dict[str, list[Setting]]:
    """The keys of settings files: those that programs name, and those that look like such.

    Args:
        named: paths that programs read, which come first.
    """
    likely = tree.named(lambda path: path.endswith(_SUFFIXES) and _looks_like_settings(path))
    paths = list(dict.fromkeys([*named, *likely]))
    if len(paths) > MOST_CONFIGS:
        tree.cut.append(f"settings files: {len(paths)}, of which {MOST_CONFIGS} were read")
    found: dict[str, list[Setting]] = {}
    for path in paths[:MOST_CONFIGS]:
        text = tree.read(path) if tree.sizes[path] <= 256 << 10 else None
        keys = config_settings(path, text) if text else []
        if keys:
            found[path] = keys
    return found


def _looks_like_settings(path: str) -> bool:
    if _is_project_file(path) or path.startswith(".") or "/." in path:
        return False
    stem = posixpath.splitext(path)[0].lower()
    return bool(_FOLDERS.search(folder_of(path)) or _NAMES.search(stem))


def _is_project_file(path: str) -> bool:
    return name_of(path) in {
        "pyproject.toml", "setup.cfg", "tox.ini", "mypy.ini", "pytest.ini", "package.json",
        "package-lock.json", "tsconfig.json", "mkdocs.yml", "environment.yml", "environment.yaml",
        ".pre-commit-config.yaml", "codecov.yml", ".codecov.yml", "docker-compose.yml",
        "docker-compose.yaml", "_config.yml", ".readthedocs.yml", ".readthedocs.yaml",
    }  # fmt: skip
