"""A person's own repository: what labcrew may change in it, and what in it may not run.

A repository that came as an archive brings its own configuration; labcrew looks at it, copies from
it and makes a branch in it, and starts nothing that it names.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from evals.attacks.git.inside.worktrees import WHO
from evals.attacks.probe import Finding
from labcrew.errors import LabcrewError
from tools.toolbox import Workbench

_HOOKS = ("reference-transaction", "post-index-change", "pre-auto-gc", "post-checkout")
_SETTINGS: dict[str, dict[str, str]] = {
    "core.fsmonitor": {"core.fsmonitor": "{}"},
    "core.hooksPath": {"core.hooksPath": "scripts"},
    "core.alternateRefsCommand": {"core.alternateRefsCommand": "{}"},
    "filter clean": {"filter.f.clean": "{}", "filter.f.required": "true"},
    "filter process": {"filter.f.process": "{}"},
    "filter named a=b": {"filter.a=b.clean": "{}", "filter.a=b.required": "true"},
    "filter without a name": {"filter..clean": "{}"},
    "diff textconv": {"diff.f.textconv": "{}", "diff.f.command": "{}"},
    "core.sshCommand": {"core.sshCommand": "{}"},
    "uploadpack hook": {"uploadpack.packObjectsHook": "{}"},
    "insteadOf": {"url.ext::{} .insteadOf": "/", "protocol.ext.allow": "always"},
    "credential helper": {"credential.helper": "!{}"},
    "gpg.program": {"gpg.program": "{}", "commit.gpgSign": "true", "log.showSignature": "true"},
    "editor and pager": {"core.editor": "{}", "core.pager": "{}", "pager.status": "{}"},
}


class Lab:
    """A person's repository, and whether it is as it was.

    Args:
        path: made by this.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        for name, text in {
            "train.py": "print('trained')\n", "evaluate.py": "print('judged')\n",
            "data/a.csv": "a,b\n1,2\n", "README.md": "# Lab\n",
            ".gitattributes": "*.dat filter=f\n*.eq filter=a=b\n*.none filter=\n",
            "a.eq": "a\n", "a.none": "a\n",
        }.items():  # fmt: skip
            place = path / name
            place.parent.mkdir(exist_ok=True)
            place.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "start")

    def git(self, *arguments: str) -> None:
        """Plain git, on a repository that nobody else has touched yet."""
        subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            check=True,
            capture_output=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **WHO},
        )

    def state(self) -> dict[str, str]:
        """Every file's hash but for the objects, which are only ever added to."""
        objects = self.path / ".git" / "objects"
        return {
            str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and objects not in path.parents
        }

    def changed(self, before: dict[str, str], branch: str | None) -> str:
        """A file that is not as it was, but for one branch and its log; "" for none."""
        after = self.state()
        allowed = {f".git/refs/heads/{branch}", f".git/logs/refs/heads/{branch}"}
        touched = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        return ", ".join(sorted(touched - (allowed if branch else set())))


def yours(bench: Workbench, folder: Path) -> Iterator[Finding]:
    """Settings and hooks of a person's own repository, through all that labcrew does in it."""
    folder.mkdir()
    for name, settings in _SETTINGS.items():
        yield _tried(bench, folder, name, settings)
    yield _tried(bench, folder, "hooks", {})


def _tried(bench: Workbench, folder: Path, name: str, settings: dict[str, str]) -> Finding:
    key = "".join(c if c.isalnum() else "-" for c in name)
    marker, program = folder / f"{key}.ran", folder / f"{key}.sh"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    program.chmod(0o755)
    lab = Lab(folder / key)
    scripts = lab.path / (".git/hooks" if name == "hooks" else "scripts")
    scripts.mkdir(exist_ok=True)
    for hook in _HOOKS if name in {"hooks", "core.hooksPath"} else ():
        (scripts / hook).write_bytes(program.read_bytes())
        (scripts / hook).chmod(0o755)
    for setting, value in settings.items():
        lab.git("config", setting.replace("{}", str(program)), value.replace("{}", str(program)))
    for new in ("new.dat", "new.eq", "new.none"):
        (lab.path / new).write_text("data\n")
    for known in ("a.eq", "a.none"):
        (lab.path / known).write_text("b\n")  # as long as before: git looks into it
    (lab.path / "train.py").write_text("print('changed')\n")
    before, wrong, happened = lab.state(), "", "looked at, copied, published; nothing of it ran"
    branch = "labcrew/new"
    try:
        checkout = bench.repositories.inspect(str(lab.path), "HEAD")
        copy = f"yours-{key}"
        taken = bench.repositories.take(copy, lab.path, checkout.commit, snapshot=True)
        bench.repositories.archive(copy, taken)
        bench.repositories.change(copy, checkout.commit, taken)
        bench.repositories.publish(copy, taken, lab.path, branch)
        bench.repositories.merge(lab.path, "main", taken)
    except LabcrewError as error:
        happened, branch = f"refused: {error.message}", ""
    if marker.exists():
        wrong = "a program that the repository names ran"
    elif changed := lab.changed(before, branch or None):
        wrong = f"the repository changed: {changed}"
    return Finding(
        probe=f"your repository: {name}",
        tried="a repository that came with its own configuration",
        happened=(wrong or happened)[:300],
        verdict="breached" if wrong else "held",
    )
