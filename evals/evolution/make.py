"""Makes a target's git repository and its spec: `python -m evals.evolution.make NAME FOLDER`.

FOLDER/repository has one commit on the branch main, whose id depends on the files alone, and
FOLDER/SPEC.md says what is evolved: `labcrew evolve FOLDER/SPEC.md`. The target `designer` evolves
labcrew itself: its spec names the checkout that this file stands in.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from evals.evolution.targets.kmodule.hidden import cases as hidden_cases
from labcrew.errors import InputError, LabcrewError

TARGETS = Path(__file__).parent / "targets"
CHECKOUT = Path(__file__).parents[2]
_AUTHOR, _EMAIL, _DATE = "labcrew evaluation", "evaluation@localhost", "2025-01-06T09:00:00+0000"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_PARTS = ("program", "scorer", "components", "cases.jsonl")
_ITS_OWN_REPOSITORY = "repository: repository\n"


def names() -> list[str]:
    """The targets that there are."""
    return sorted(path.parent.name for path in TARGETS.glob("*/SPEC.md"))


def make(name: str, folder: Path, seed: int = 0) -> Path:
    """Writes the repository and the spec.

    Args:
        name: of a target.
        folder: made if it is not there.
        seed: draws what is hidden, in a target that hides something (kmodule).

    Returns:
        The path of the spec.

    Raises:
        InputError: there is no such target, or the folder holds one already.
    """
    if name not in names():
        raise InputError(f"There is no target {name!r}.", f"Choose from: {', '.join(names())}.")
    source, repository, spec = TARGETS / name, folder / "repository", folder / "SPEC.md"
    for path in (repository, spec):
        if path.exists() or path.is_symlink():
            raise InputError(f"{path} exists already.", "Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    text = (source / "SPEC.md").read_text(encoding="utf-8")
    if _ITS_OWN_REPOSITORY in text:
        _repository(source, repository, seed)
    spec.write_text(text.replace("{checkout}", str(CHECKOUT)), encoding="utf-8")
    return spec


def _repository(source: Path, repository: Path, seed: int) -> None:
    repository.mkdir()
    for part in _PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, repository / part, ignore=_LEFT_OUT)
        elif (source / part).is_file():
            shutil.copyfile(source / part, repository / part)
    if source.name == "kmodule":
        (repository / "cases.jsonl").write_text(hidden_cases(seed), encoding="utf-8")
    _git(repository, "init", "--quiet", "--template=", "--initial-branch=main")
    _git(repository, "add", "--all")
    _git(repository, "commit", "--quiet", "--message", f"The target {source.name}")


def _git(repository: Path, *arguments: str) -> None:
    """Runs git without this machine's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", _AUTHOR), ("EMAIL", _EMAIL), ("DATE", _DATE))
    }
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=kept | identity | isolated,
        check=True,
        capture_output=True,
        text=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="evals.evolution.make", description=__doc__)
    parser.add_argument("name", choices=names())
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="of what is hidden (kmodule)")
    given = parser.parse_args(arguments)
    try:
        print(make(given.name, given.folder, given.seed))
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except subprocess.CalledProcessError as error:
        print(f"git failed: {error.stderr.strip()}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
