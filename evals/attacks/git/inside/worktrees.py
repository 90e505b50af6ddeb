"""Worktrees whose own git directory names programs to run, and the plain commands that run them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WHO = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@localhost",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}
_EDIT = "echo more >> train.py"
_COMMIT = f"{_EDIT}; git commit -qam more"
_SIDE = "git checkout -qb side HEAD~1; echo side > side.txt; git add side.txt; git commit -qm side;"
_AM = (
    "git format-patch -q -1 --stdout > ../one.patch; git reset -q --hard HEAD~1;"
    " git am -q ../one.patch"
)
_INTO = (
    "git clone -q --no-hardlinks . ../other; cd ../other; echo x > new.txt; git add new.txt;"
    " git commit -qm x; git push -q origin HEAD:refs/heads/new"
)
_ADD = "echo data > file.dat; git add file.dat; git status; git diff HEAD"
_CONFLICT = (
    "git checkout -qb side HEAD~1; echo other > train.py; git commit -qam side; git merge main"
)


@dataclass(frozen=True)
class Worktree:
    """One way to have git run a program.

    Args:
        name: of the probe.
        plant: given the clone and the program, an executable file that makes the marker.
        command: what a person or a careless tool does there, as a shell's line.
    """

    name: str
    plant: Callable[[Path, Path], object]
    command: str


def _hook(name: str, **settings: str) -> Callable[[Path, Path], object]:
    def plant(clone: Path, program: Path) -> None:
        hooks = clone / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        shutil.copy(program, hooks / name)
        _set(clone, {key.replace("_", "."): value for key, value in settings.items()})

    return plant


def _config(settings: dict[str, str], attributes: str = "") -> Callable[[Path, Path], object]:
    """Settings, in which {} is the program."""

    def plant(clone: Path, program: Path) -> None:
        filled = {
            key.replace("{}", str(program)): value.replace("{}", str(program))
            for key, value in settings.items()
        }
        _set(clone, filled)
        if attributes:
            (clone / ".git" / "info").mkdir(exist_ok=True)
            (clone / ".git" / "info" / "attributes").write_text(attributes)

    return plant


def _set(clone: Path, settings: dict[str, str]) -> None:
    for key, value in settings.items():
        subprocess.run(
            ["git", "config", "--file", str(clone / ".git" / "config"), key, value], check=True
        )


def _included(where: str, text: str) -> Callable[[Path, Path], object]:
    def plant(clone: Path, program: Path) -> None:
        (clone / ".git" / where).write_text(text.replace("{}", str(program)))
        if where == "config.worktree":
            _set(clone, {"extensions.worktreeConfig": "true"})
        else:
            _set(clone, {"include.path": where})

    return plant


def _hooks_path(clone: Path, program: Path) -> None:
    (clone / "scripts").mkdir()
    shutil.copy(program, clone / "scripts" / "pre-commit")
    _set(clone, {"core.hooksPath": "scripts"})


def _conditional(clone: Path, program: Path) -> None:
    (clone / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {program}\n")
    _set(clone, {"includeIf.gitdir:/**.path": "more"})


def _redirected(clone: Path, program: Path) -> None:
    """The .git folder becomes a file that names another."""
    hidden = clone / "data.d"
    (clone / ".git").rename(hidden)
    (clone / ".git").write_text("gitdir: data.d\n")
    subprocess.run(
        [
            "git",
            "config",
            "--file",
            str(hidden / "config"),
            "core.fsmonitor",
            str(hidden / "program"),
        ],
        check=True,
    )


def _linked(clone: Path, program: Path) -> None:
    (clone / ".git").rename(clone / "data.d")
    (clone / ".git").symlink_to("data.d")
    subprocess.run(
        ["git", "config", "--file", str(clone / "data.d/config"), "core.fsmonitor", str(program)],
        check=True,
    )


def _bare(clone: Path, program: Path) -> None:
    """A folder of the tree that is a bare repository."""
    inner = clone / "docs"
    subprocess.run(["git", "init", "-q", "--bare", str(inner)], check=True)
    for key, value in (("core.bare", "false"), ("core.worktree", ".."),
                       ("core.fsmonitor", str(program))):  # fmt: skip
        subprocess.run(["git", "config", "--file", str(inner / "config"), key, value], check=True)


def _nested(clone: Path, program: Path) -> None:
    inner = clone / "vendor"
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    _set(inner, {"core.fsmonitor": str(program)})


def _submodule(clone: Path, program: Path) -> None:
    inner = clone / "sub"
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    run = ["git", "-C", str(inner), "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(run, check=True, env=os.environ | WHO)
    subprocess.run(["git", "-C", str(clone), "add", "sub"], check=True, capture_output=True)
    (clone / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    _set(clone, {"submodule.sub.url": "./sub", "submodule.sub.update": f"!{program}"})
    subprocess.run(run, check=True, env=os.environ | WHO)  # so that there is something to update


def _submodule_monitor(clone: Path, program: Path) -> None:
    _submodule(clone, program)
    _set(clone / "sub", {"core.fsmonitor": str(program)})


def _rebasing(clone: Path, program: Path) -> None:
    """A rebase that stopped half way, with a line to execute on its list."""
    tip = subprocess.check_output(["git", "-C", str(clone), "rev-parse", "HEAD"]).decode()
    state = clone / ".git" / "rebase-merge"
    state.mkdir()
    for name, text in {
        "git-rebase-todo": f"exec {program}\n", "head-name": "refs/heads/main\n", "onto": tip,
        "orig-head": tip, "done": "", "msgnum": "0\n", "end": "1\n", "interactive": "",
    }.items():  # fmt: skip
        (state / name).write_text(text)
    (clone / ".git" / "HEAD").write_text(tip)


def _signed(clone: Path, program: Path) -> None:
    """A commit with a signature, and a program to check it."""
    raw = subprocess.check_output(["git", "-C", str(clone), "cat-file", "commit", "HEAD"])
    head, _, message = raw.partition(b"\n\n")
    mark = b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    made = subprocess.run(
        ["git", "-C", str(clone), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=head + mark + b"\n\n" + message, capture_output=True, check=True,
    )  # fmt: skip
    subprocess.run(
        ["git", "-C", str(clone), "update-ref", "refs/heads/main", made.stdout.decode().strip()],
        check=True,
    )
    _set(clone, {"gpg.program": str(program), "log.showSignature": "true"})


def _alternates(clone: Path, program: Path) -> None:
    other = clone / "store"
    subprocess.run(["git", "init", "-q", "--bare", str(other)], check=True)
    info = clone / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{other}/objects\n")
    _set(clone, {"core.alternateRefsCommand": str(program)})


_HOOKS = {
    "pre-commit": _COMMIT, "prepare-commit-msg": _COMMIT, "commit-msg": _COMMIT,
    "post-commit": _COMMIT, "post-checkout": "git checkout -qb other",
    "post-index-change": f"{_EDIT}; git add -A", "reference-transaction": "git branch other",
    "pre-merge-commit": f"{_SIDE} git merge -q --no-edit main",
    "post-merge": f"{_SIDE} git merge -q --no-edit main",
    "pre-rebase": f"{_SIDE} git rebase -q main", "post-rewrite": "git commit -q --amend -m other",
    "pre-push": "git init -q --bare ../r; git push -q ../r HEAD:refs/heads/z",
    "applypatch-msg": _AM, "pre-applypatch": _AM, "post-applypatch": _AM,
    "update": _INTO, "pre-receive": _INTO, "post-receive": _INTO, "post-update": _INTO,
    "push-to-checkout": _INTO.replace("refs/heads/new", "refs/heads/main"),
    "proc-receive": _INTO, "pre-auto-gc": "git gc --auto",
}  # fmt: skip
_EXTRA = {
    "push-to-checkout": {"receive_denyCurrentBranch": "updateInstead"},
    "proc-receive": {"receive_procReceiveRefs": "refs/heads/new"},
    "pre-auto-gc": {"gc_auto": "1", "gc_autoPackLimit": "1"},
}
_FETCH = "git fetch -q origin"
_SETTINGS: dict[str, tuple[dict[str, str], str, str]] = {
    "core.fsmonitor": ({"core.fsmonitor": "{}"}, "", "git status"),
    "core.fsmonitor, by diff": ({"core.fsmonitor": "{}"}, "", "git diff"),
    "core.pager": ({"core.pager": "{}"}, "", "script -qec 'git log' /dev/null"),
    "pager.log": ({"pager.log": "{}"}, "", "script -qec 'git log' /dev/null"),
    "core.editor": ({"core.editor": "{}"}, "", f"{_EDIT}; git commit -a"),
    "sequence.editor": ({"sequence.editor": "{}"}, "", "git rebase -i HEAD~1"),
    "core.sshCommand": (
        {"core.sshCommand": "{}", "remote.origin.url": "ssh://localhost/x"}, "", _FETCH),
    "core.gitProxy": (
        {"core.gitProxy": "{}", "remote.origin.url": "git://localhost/x"}, "", _FETCH),
    "remote uploadpack": (
        {"remote.origin.uploadpack": "{}", "remote.origin.url": "."}, "", _FETCH),
    "remote receivepack": (
        {"remote.origin.receivepack": "{}", "remote.origin.url": "."}, "",
        "git push -q origin HEAD:refs/heads/z"),
    "ext URL": ({"remote.origin.url": "ext::{}", "protocol.ext.allow": "always"}, "", _FETCH),
    "insteadOf": (
        {"url.ext::{} .insteadOf": "https://host.invalid/", "protocol.ext.allow": "always",
         "remote.origin.url": "https://host.invalid/x"}, "", _FETCH),
    "credential helper": ({"credential.helper": "!{}"}, "",
        "printf 'protocol=https\\nhost=host.invalid\\n\\n' | git credential fill"),
    "core.askPass": ({"core.askPass": "{}"}, "",
        "printf 'protocol=https\\nhost=host.invalid\\n\\n' | git credential fill"),
    "gpg.program": ({"gpg.program": "{}", "commit.gpgSign": "true"}, "", _COMMIT),
    "gpg.ssh.program": (
        {"gpg.format": "ssh", "gpg.ssh.program": "{}", "user.signingKey": "key::ssh-rsa x",
         "commit.gpgSign": "true"}, "", _COMMIT),
    "filter clean": ({"filter.f.clean": "{}"}, "*.dat filter=f\n", _ADD),
    "filter smudge": (
        {"filter.f.smudge": "{}"}, "*.py filter=f\n", "rm train.py; git checkout train.py"),
    "filter process": ({"filter.f.process": "{}"}, "*.dat filter=f\n", _ADD),
    "diff.external": ({"diff.external": "{}"}, "", f"{_EDIT}; git diff"),
    "diff driver": ({"diff.d.command": "{}"}, "*.py diff=d\n", f"{_EDIT}; git diff"),
    "diff textconv": ({"diff.d.textconv": "{}"}, "*.py diff=d\n", "git log -p"),
    "diff textconv, by show": ({"diff.d.textconv": "{}"}, "*.py diff=d\n", "git show"),
    "diff textconv, by blame": ({"diff.d.textconv": "{}"}, "*.py diff=d\n", "git blame train.py"),
    "merge driver": ({"merge.m.driver": "{}"}, "*.py merge=m\n", _CONFLICT),
    "mergetool": (
        {"mergetool.t.cmd": "{}", "merge.tool": "t", "mergetool.prompt": "false"}, "",
        f"{_CONFLICT}; git mergetool"),
    "difftool": (
        {"difftool.t.cmd": "{}", "diff.tool": "t", "difftool.prompt": "false"}, "",
        f"{_EDIT}; git difftool"),
    "interactive.diffFilter": (
        {"interactive.diffFilter": "{}", "color.ui": "always"}, "", f"{_EDIT}; yes | git add -p"),
    "trailer command": (
        {"trailer.t.key": "T", "trailer.t.command": "{}"}, "",
        "echo subject | git interpret-trailers"),
    "trailer cmd": (
        {"trailer.t.key": "T", "trailer.t.cmd": "{}"}, "",
        "echo subject | git interpret-trailers --trailer T=1"),
    "archive format": ({"tar.x.command": "{}"}, "", "git archive --format=x HEAD > ../a"),
    "alias": ({"alias.st": "!{}"}, "", "git st"),
    "remote helper": (
        {"remote.origin.url": "{} x", "remote.origin.vcs": "ext", "protocol.ext.allow": "always",
         "remote.origin.uploadpack": "{}"}, "", _FETCH),
    "man viewer": (
        {"man.viewer": "v", "man.v.cmd": "{}"}, "", "git help log"),
    "browser": (
        {"help.format": "web", "help.htmlPath": "/usr", "web.browser": "b", "browser.b.cmd": "{}"},
        "", "git web--browse -c web.browser x || git help -w log"),
    "core.worktree": ({"core.worktree": "/", "core.fsmonitor": "{}"}, "", "git status -uno"),
    "core.attributesFile": (
        {"core.attributesFile": ".attributes", "diff.d.textconv": "{}"}, "*.py diff=d\n",
        "git log -p"),
}  # fmt: skip

WORKTREES = (
    *(
        Worktree(f"hook {name}", _hook(name, **_EXTRA.get(name, {})), command)
        for name, command in _HOOKS.items()
    ),
    *(
        Worktree(name, _config(settings, attributes), command)
        for name, (settings, attributes, command) in _SETTINGS.items()
    ),
    Worktree("core.hooksPath", _hooks_path, _COMMIT),
    Worktree("include.path", _included("more", "[core]\n\tfsmonitor = {}\n"), "git status"),
    Worktree("includeIf", _conditional, "git status"),
    Worktree("config.worktree", _included("config.worktree", "[core]\n\tfsmonitor = {}\n"),
             "git status"),
    Worktree("redirected .git file", _redirected, "git status"),
    Worktree("linked .git", _linked, "git status"),
    Worktree("embedded bare repository", _bare, "cd docs; git status"),
    Worktree("nested repository", _nested, "cd vendor; git status"),
    Worktree("submodule update command", _submodule,
             "git -C sub commit -q --allow-empty -m y; git submodule update"),
    Worktree("monitor of a submodule", _submodule_monitor, "git status"),
    Worktree("rebase under way", _rebasing, "git rebase --continue"),
    Worktree("signature that is checked", _signed, "git log -1"),
    Worktree("alternates", _alternates, "git fetch -q . HEAD; git clone -q . ../z; " + _INTO),
)  # fmt: skip
