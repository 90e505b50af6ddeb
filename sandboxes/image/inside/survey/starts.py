"""Where a program must start: in its own folder only where that is shown."""

from __future__ import annotations

from typing import Any

from .tree import Tree, folder_of, name_of, word


def with_starts(entries: list[dict[str, Any]], tree: Tree) -> None:
    """Changes the commands of scripts that README or their own paths start in their folder."""
    for entry in entries:
        folder = folder_of(entry["path"])
        if not folder or entry["kind"] not in {"script", "shell", "notebook", "program"}:
            continue
        if entry["kind"] == "notebook":
            continue  # its kernel starts in its folder anyhow
        told = [stated["command"] for stated in entry["stated"]]
        here = sum(command.startswith(f"cd {folder} &&") for command in told)
        shown = here * 2 > len(told)
        if shown or (here * 2 == len(told) and _needs_its_folder(entry, folder, tree)):
            program = entry["command"].removesuffix(word(entry["path"]))
            if program != entry["command"]:
                entry["command"] = f"cd {word(folder)} && {program}{word(name_of(entry['path']))}"


def _needs_its_folder(entry: dict[str, Any], folder: str, tree: Tree) -> bool:
    """Whether it reads a file by a relative path that exists only seen from its own folder."""
    for trait in entry["traits"]:
        path = trait["what"].removeprefix("./")
        if trait["kind"] != "reads" or trait["place"]["path"] != entry["path"]:
            continue
        if path.startswith(("/", "~", "http")) or any(c in path for c in "(){}*\"' "):
            continue
        parts = folder.split("/")
        while path.startswith("../") and parts:
            path, parts = path[3:], parts[:-1]
        seen = "/".join([*parts, path])
        if (seen in tree or tree.is_folder(seen)) and trait["what"].removeprefix("./") not in tree:
            return True
    return False
