"""The settings files that a program names in its code."""

from __future__ import annotations

import ast
import posixpath

from .folding import UNKNOWN, Folder
from .syntax import Source, keywords

SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf", ".gin")
_WRITERS = {"dump", "safe_dump", "to_json", "write_text", "save", "savefig", "write"}
_MOST = 50


def config_paths(tree: ast.Module, text: str) -> list[str]:
    """Paths of settings files as the code spells them, in its order; those it writes left out.

    They may be relative to the program's folder or to where it is started. Hydra's
    `config_path` and `config_name` are joined.
    """
    lowered = text.lower()
    if not any(suffix in lowered for suffix in SUFFIXES) and "config_name" not in text:
        return []
    source = Source("", text, tree)
    fold = Folder()
    found: dict[str, None] = {}
    written: set[str] = set()
    for node in source.nodes:
        if isinstance(node, ast.Call):
            named = keywords(node)
            if {"config_name", "version_base"} & set(named) and source.origin(node.func) in (
                "hydra.main", "hydra.initialize", "hydra.compose",
            ):  # fmt: skip
                folder, name = (
                    fold.known(named.get("config_path"), source),
                    fold.known(named.get("config_name"), source),
                )
                if isinstance(name, str):
                    whole = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
                    folder = folder if isinstance(folder, str) else ""
                    found[posixpath.normpath(posixpath.join(folder, whole))] = None
            written |= _written(node, source, fold)
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.Call | ast.BinOp):
            path = _path(node, source, fold)
            if path:
                found[path] = None
    parts = {
        part for path in found for other in [path] for part in found if other.endswith("/" + part)
    }
    return [path for path in found if path not in written and path not in parts][:_MOST]


def _path(node: ast.expr, source: Source, fold: Folder) -> str:
    if isinstance(node, ast.Call) and source.origin(node.func) not in (
        "os.path.join", "Path", "pathlib.Path",
    ):  # fmt: skip
        return ""
    value = fold(node, source)
    if value is UNKNOWN or not isinstance(value, str) or len(value) > 300 or "\n" in value:
        return ""
    good = value.lower().endswith(SUFFIXES) and value.lower() not in SUFFIXES
    if not good or " " in value or "://" in value or any(mark in value for mark in "*{}%"):
        return ""
    return posixpath.normpath(value)


def _written(node: ast.Call, source: Source, fold: Folder) -> set[str]:
    """The paths that a call opens for writing, or that a writer is given."""
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    name = attribute or source.origin(node.func)
    mode = node.args[1] if len(node.args) > 1 else keywords(node).get("mode")
    value = fold.known(mode, source)
    if isinstance(node.func, ast.Attribute) and name in ("write_text", "open"):
        value = fold.known(node.args[0], source) if name == "open" and node.args else "w"
        path = _path(node.func.value, source, fold)
        return {path} if isinstance(value, str) and value[:1] in ("w", "a", "x") else set()
    writes = name in _WRITERS or (
        name == "open" and isinstance(value, str) and value[:1] in ("w", "a", "x")
    )
    return {_path(argument, source, fold) for argument in node.args} if writes else set()
