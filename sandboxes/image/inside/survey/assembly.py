"""Puts the survey together: entry points with their settings, traits and stated commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import stated
from .configuration import config_files
from .data_files import data_files
from .detail import Detail
from .entries import (
    Entry,
    console_entries,
    make_entries,
    notebook_entries,
    python_entries,
    shell_entries,
)
from .modules import Modules
from .software import Software, software_of
from .starts import with_starts
from .tree import Tree, folder_of, name_of, place, plain

MOST_ENTRIES = 400
MOST_STATED = 400
_MOST_OF_ONE = 40
"""Stated commands that are kept for one entry point."""


def survey_of(root: Path, deadline: float = float("inf")) -> dict[str, Any]:
    """The survey of a folder, in the shape of labcrew's type.

    Args:
        root: the repository's files.
        deadline: monotonic seconds after which nothing more is read.
    """
    tree = Tree.walked(root, deadline)
    software = software_of(tree)
    modules = Modules(tree)
    entries = entries_of(tree, modules, software)
    commands = list(commands_of(tree, entries, software))
    matched, unmatched = _matched(commands, entries, tree, modules)
    readme, title = readme_of(tree)
    told, imports = Detail(tree, modules, matched).of_all(entries)
    with_starts(told, tree)
    if tree.late:
        tree.cut.append("the time for reading ran out: files after it are unread")
    return {
        "files": tree.count,
        "size_bytes": tree.size_bytes,
        "languages": dict(sorted(tree.languages.items(), key=lambda item: -item[1])[:60]),
        "title": title,
        "readme": readme,
        "entries": told,
        "stated": unmatched,
        "configs": config_files(
            tree, list(dict.fromkeys(p for one in told for p in one["configs"]))
        ),
        "environments": software.environments,
        "requirements": software.requirements,
        "imports": imports,
        "packages": modules.packages,
        "projects": software.projects,
        "data": data_files(tree),
        "unread": tree.unread,
        "cut": tree.cut,
    }


def entries_of(tree: Tree, modules: Modules, software: Software) -> list[Entry]:
    """Everything that can be run; a file stands once a kind."""
    found = [
        *python_entries(tree, modules),
        *console_entries(software.scripts, modules, tree),
        *notebook_entries(tree, modules),
        *shell_entries(tree),
        *make_entries(tree),
    ]
    if len(found) > MOST_ENTRIES:
        tree.cut.append(f"entry points: {len(found)}, of which {MOST_ENTRIES} are here")
    return found[:MOST_ENTRIES]


def commands_of(tree: Tree, entries: list[Entry], software: Software) -> Iterator[stated.Command]:
    """The commands that the repository's texts state."""
    names = set(software.scripts)
    documents = tree.named(stated.is_document)
    if len(documents) > stated.MOST_DOCUMENTS:
        tree.cut.append(f"documents: {len(documents)}, of which {stated.MOST_DOCUMENTS} were read")
    for path in documents[: stated.MOST_DOCUMENTS]:
        text = tree.read(path)
        if text:
            yield from stated.in_document(text, path, tree, names)
    for path in tree.named(stated.is_ci)[:30]:
        yield from stated.in_ci(tree.read(path) or "", path, tree, names)
    for entry in entries:
        if entry.kind in {"shell", "make"}:
            folder = folder_of(entry.path) if entry.kind == "make" else ""
            yield from _placed(
                stated.in_shell(entry.text, entry.path, folder, tree, names), entry, tree
            )
        elif entry.module is not None and entry.module.docstring:
            yield from _placed(
                stated.in_docstring(entry.module.docstring, entry.path, tree, names), entry, tree
            )


def _placed(found: Iterator[stated.Command], entry: Entry, tree: Tree) -> Iterator[stated.Command]:
    """The commands with their line in the file itself, not in the piece that was read."""
    text = tree.read(entry.path) or ""
    for command in found:
        words = command.line.split()
        at = text.find(" ".join(words[:2])) if entry.kind != "shell" else -1
        number = text[:at].count("\n") + 1 if at >= 0 else command.number
        yield stated.Command(command.line, command.folder, command.path, number)


def _matched(
    commands: list[stated.Command], entries: list[Entry], tree: Tree, modules: Modules
) -> tuple[dict[int, list[dict[str, Any]]], list[dict[str, Any]]]:
    """(entry's number → commands that run it, commands that run none)."""
    by_path: dict[str, list[int]] = {}
    by_module: dict[str, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    by_make: dict[tuple[str, str], list[int]] = {}
    for at, entry in enumerate(entries):
        if entry.kind == "make":
            by_make.setdefault((folder_of(entry.path), entry.name), []).append(at)
            continue
        if entry.kind == "console_script":
            by_name.setdefault(entry.name, []).append(at)
            continue
        by_path.setdefault(entry.path, []).append(at)
        if entry.path.endswith(".py"):
            parts = entry.path.removesuffix(".py").removesuffix("/__main__").split("/")
            for first in range(len(parts)):
                by_module.setdefault(".".join(parts[first:]), []).append(at)
    matched: dict[int, list[dict[str, Any]]] = {}
    unmatched: list[dict[str, Any]] = []
    known: set[tuple[int, str]] = set()
    for command in commands:
        hits: dict[int, str] = {}
        for target, folder in stated.targets_of(command, tree):
            found = (
                by_path.get(target.path, [])
                + by_module.get(target.module, [])
                + by_name.get(target.name, [])
                + by_make.get((folder, target.make), [])
            )
            for at in found:
                if entries[at].path != command.path or entries[at].kind not in {"shell", "make"}:
                    hits.setdefault(at, folder)
        for at, folder in hits.items():
            told = _stated(command, folder, entries[at].path)
            if (at, told["command"]) not in known and len(matched.get(at, [])) < _MOST_OF_ONE:
                known.add((at, told["command"]))
                matched.setdefault(at, []).append(told)
        if not hits and len(unmatched) < MOST_STATED and (-1, command.line) not in known:
            known.add((-1, command.line))
            unmatched.append(_stated(command, command.folder, ""))
    return matched, unmatched


def _stated(command: stated.Command, folder: str, entry: str) -> dict[str, Any]:
    line = plain(command.line, stated.MOST_COMMAND)
    if folder and not line.startswith("cd "):
        line = plain(f"cd {folder} && {line}", stated.MOST_COMMAND)
    where = place(command.path, command.number, command.line)
    return {"command": line, "place": where, "entry": entry}


def readme_of(tree: Tree) -> tuple[str, str]:
    """The README's path and its title."""
    for path in tree:
        if "/" in path:
            break
        if name_of(path).lower().startswith("readme"):
            text = tree.read(path) or ""
            return path, _title(text)
    return "", ""


def _title(text: str) -> str:
    lines = text[:20_000].split("\n")
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        heading = re.match(r"#{1,2}\s+(.+?)\s*#*$", line)
        if heading:
            return plain(re.sub(r"<[^>]*>|!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]))
        if line.strip() and re.fullmatch(r"([=\-~*#])\1{2,}\s*", after):
            return plain(line)
    return next((plain(line) for line in lines if line.strip()), "")
