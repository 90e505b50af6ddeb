"""The survey of a tree that a test writes, made by the program as the sandbox runs it."""

import subprocess
import sys
from pathlib import Path

from labcrew.domain.survey import EntryPoint, Survey

PROGRAM = Path(__file__).parents[2] / "sandboxes" / "image" / "inside" / "survey_repository.py"


def written(root: Path, files: dict[str, str]) -> Path:
    """The folder with the files in it."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def survey_of(root: Path, files: dict[str, str] | None = None) -> Survey:
    """What the program says of a folder."""
    written(root, files or {})
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(root)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Survey.model_validate_json(done.stdout)


def entry(survey: Survey, path: str) -> EntryPoint:
    """The one entry point at a path."""
    [found] = [entry for entry in survey.entries if entry.path == path]
    return found


def shown(entry: EntryPoint, kind: str) -> list[str]:
    """What an entry point's traits of a kind concern."""
    return [trait.what for trait in entry.traits if trait.kind == kind]
