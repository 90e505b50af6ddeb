"""The scaffold target as a person would have it: a git repository, and a spec beside it.

`python -m evals.scaffold.make FOLDER` writes FOLDER/agent and FOLDER/SPEC.md. The commit's id
depends on the files alone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from evals.scaffold.catalogue import catalogue

HERE = Path(__file__).parent
REPOSITORY, SPEC, CASES = "agent", "SPEC.md", "cases.jsonl"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_DATE = "2026-01-05T09:00:00+0000"


def cases() -> str:
    """All tasks as JSON lines, in an order that says nothing of their kind."""
    found = sorted((task.case() for task in catalogue()), key=lambda case: case.id)
    return "".join(case.model_dump_json() + "\n" for case in found)


def make(folder: Path) -> Path:
    """Writes the repository and the spec.

    Returns:
        The path of the spec.

    Raises:
        FileExistsError: one of them is there already.
    """
    repository, spec = folder / REPOSITORY, folder / SPEC
    for path in (repository, spec):
        if path.exists() or path.is_symlink():
            raise FileExistsError(f"{path} exists already; choose another folder")
    shutil.copytree(HERE / "program", repository, ignore=_LEFT_OUT)
    for part in ("scorer", "components"):
        shutil.copytree(HERE / part, repository / part, ignore=_LEFT_OUT)
    (repository / CASES).write_text(cases(), encoding="utf-8")
    for command in (
        ["init", "--quiet", "--template=", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "A coding agent: one question, one answer"],
    ):
        _git(repository, *command)
    shutil.copyfile(HERE / SPEC, spec)
    return spec


def _git(repository: Path, *arguments: str) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "eval"), ("EMAIL", "eval@localhost"), ("DATE", _DATE))
    }
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=kept | identity | isolated,
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
