"""What each entry point shows: settings, traits and imports; the bulk of reading, in two halves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from . import traits
from .configuration import configs_for, settings_for
from .entries import Entry
from .halves import in_halves
from .modules import Module, Modules
from .shell_traits import shell_traits
from .tree import Tree, place, plain

MOST_FOLLOWED = 2 << 20
"""Bytes of the repository's own modules that are read for all entry points together."""
MOST_OF_A_PROGRAM = 400 << 10
LEAST_OF_A_PROGRAM = 16 << 10
_WORTH_TWO = 200 << 10
"""Bytes of programs from which a second process pays."""
Stated = list[dict[str, Any]]


class Detail:
    """Reads entry points closely.

    Args:
        stated: an entry's number → the commands that run it.
    """

    def __init__(self, tree: Tree, modules: Modules, stated: dict[int, Stated]) -> None:
        self._tree = tree
        self._modules = modules
        self._stated = stated
        self._allowance = MOST_OF_A_PROGRAM

    def of_all(
        self, entries: list[Entry]
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """(the entry points as the survey spells them, where each module from elsewhere is used)"""
        share = MOST_FOLLOWED // (len(entries) or 1)
        self._allowance = min(MOST_OF_A_PROGRAM, max(LEAST_OF_A_PROGRAM, share))
        numbered = list(enumerate(entries))
        size = sum(self._tree.sizes.get(entry.path, 0) for entry in entries)
        if size > _WORTH_TWO:
            parts = in_halves(numbered, self._of_some)
        else:
            parts = [self._of_some(numbered)]
        told: list[dict[str, Any]] = []
        imports: dict[str, dict[str, Any]] = {}
        for part in parts:
            told += part["entries"]
            imports = part["imports"] | imports
            self._tree.unread += [one for one in part["unread"] if one not in self._tree.unread]
        return told, dict(list(imports.items())[:500])

    def _of_some(self, entries: Sequence[tuple[int, Entry]]) -> dict[str, Any]:
        imports: dict[str, dict[str, Any]] = {}
        told = [self._of_one(entry, self._stated.get(at, []), imports) for at, entry in entries]
        return {"entries": told, "imports": imports, "unread": list(self._tree.unread)}

    def _of_one(
        self, entry: Entry, commands: Stated, imports: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        closure = self._closure(entry)
        rests_on = [module.path for module in closure if module.path != entry.path]
        elsewhere: list[str] = []
        for module in closure:
            for name, wanted in self._modules.elsewhere(module).items():
                lines = module.text.split("\n")
                line = lines[wanted.line - 1] if wanted.line <= len(lines) else ""
                imports.setdefault(plain(name, 100), place(module.path, wanted.line, line))
                if name not in elsewhere:
                    elsewhere.append(name)
        return {
            "path": entry.path,
            "kind": entry.kind,
            "command": entry.command,
            "settings": settings_for(entry, self._tree, {entry.path, *rests_on}),
            "traits": self._traits(entry, closure),
            "stated": commands,
            "configs": configs_for(entry, rests_on, commands, self._tree),
            "imports": elsewhere,
            "rests_on": rests_on,
            "summary": plain(entry.module.docstring if entry.module else "", 600),
        }

    def _closure(self, entry: Entry) -> list[Module]:
        if entry.module is None:
            return []
        return self._modules.closure(entry.module, self._allowance)

    def _traits(self, entry: Entry, closure: list[Module]) -> list[dict[str, Any]]:
        if not closure:
            return shell_traits(entry.path, entry.text)
        units = [(module.path, module.text, module.units) for module in closure]
        found = traits.of_program(entry.path, units)
        return self._in_notebook(entry, found) if entry.kind == "notebook" else found

    def _in_notebook(self, entry: Entry, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The traits with the lines of the notebook's file, not of its joined code."""
        text = self._tree.read(entry.path) or ""
        for trait in found:
            if trait["place"]["path"] == entry.path:
                spelt = json.dumps(trait["place"]["text"][:60], ensure_ascii=False)[1:-1]
                at = text.find(spelt)
                trait["place"]["line"] = text[:at].count("\n") + 1 if at >= 0 else 0
        return found
