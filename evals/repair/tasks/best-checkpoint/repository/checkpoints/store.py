"""Checkpoints as JSON files in a folder."""

import json
import os


def write(folder, name, content):
    """Writes a file whole or not at all."""
    path = os.path.join(folder, f"{name}.json")
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(path + ".part", path)


def read(folder, name):
    """A checkpoint, or None where there is none."""
    path = os.path.join(folder, f"{name}.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)
