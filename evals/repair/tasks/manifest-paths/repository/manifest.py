"""Manifests: JSON files that list a data set's files and labels."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """A file and its label."""

    file: Path
    label: str


def resolve(manifest, file):
    """Where a file of a manifest lies."""
    return Path(file)


def load_manifest(manifest):
    """The items of a manifest.

    Args:
        manifest: the JSON file: a list of {"file": …, "label": …}; relative paths start at
            the manifest's own folder.

    Raises:
        FileNotFoundError: names the files that are missing.
    """
    entries = json.loads(Path(manifest).read_text(encoding="utf-8"))
    items = [Item(resolve(manifest, entry["file"]), entry["label"]) for entry in entries]
    missing = [str(item.file) for item in items if not item.file.is_file()]
    if missing:
        raise FileNotFoundError(f"{len(missing)} files are missing: {', '.join(missing[:3])}")
    return items


def write_manifest(manifest, items):
    """Writes items, with paths relative to the manifest where they lie below it."""
    folder = Path(manifest).parent
    entries = []
    for item in items:
        file = item.file
        if file.is_relative_to(folder):
            file = file.relative_to(folder)
        entries.append({"file": file.as_posix(), "label": item.label})
    Path(manifest).write_text(json.dumps(entries, indent=1), encoding="utf-8")


def labels(items):
    """How often each label occurs."""
    counts = {}
    for item in items:
        counts[item.label] = counts.get(item.label, 0) + 1
    return counts
