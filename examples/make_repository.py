"""Makes a git repository of an example, with its ticket beside it.

`python examples/make_repository.py digits DEST` creates DEST/digits, with one commit on the branch
main, and DEST/ticket.md. The commit's id depends on the files alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
AUTHOR, EMAIL, DATE = "labcrew example", "example@localhost", "2025-01-06T09:00:00+0000"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "outputs")


def names() -> list[str]:
    """The examples that there are."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/ticket.md"))


def make(name: str, destination: Path) -> tuple[Path, str]:
    """Creates the repository and copies the ticket.

    Returns:
        The path of the ticket and the id of the commit.

    Raises:
        FileExistsError: the repository or the ticket is already there.
    """
    repository, ticket = destination / name, destination / "ticket.md"
    for path in (repository, ticket):
        if path.exists() or path.is_symlink():
            raise FileExistsError(f"{path} exists already; choose another folder")
    destination.mkdir(parents=True, exist_ok=True)
    shutil.copytree(EXAMPLES / name / "repository", repository, ignore=LEFT_OUT)
    git(repository, "init", "--quiet", "--template=", "--initial-branch=main")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", f"{name}: code and data")
    shutil.copyfile(EXAMPLES / name / "ticket.md", ticket)
    return ticket, git(repository, "rev-parse", "HEAD")


def git(repository: Path, *arguments: str) -> str:
    """Runs git in the repository, without this machine's own git settings; returns its output."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", AUTHOR), ("EMAIL", EMAIL), ("DATE", DATE))
    }
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=kept | identity | isolated,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Makes a git repository of an example, with its ticket beside it."
    )
    parser.add_argument("name", choices=names())
    parser.add_argument("destination", type=Path)
    arguments = parser.parse_args()
    try:
        ticket, commit = make(arguments.name, arguments.destination)
    except FileExistsError as error:
        print(f"make_repository.py: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"make_repository.py: git failed: {error.stderr.strip()}", file=sys.stderr)
        return 1
    print(f"{ticket} (commit {commit})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
