"""Runs git on the trusted side: nothing of the environment, hooks, or a stranger's configuration.

GitPython's command object starts the process; `env -i` before git leaves it nothing but what is
named here. Configuration that matters is given on the command line, which no repository's own
can override; what git's child processes need stands in a file of labcrew's own.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from labcrew import full_disk
from labcrew.errors import LabcrewError, StorageFull

_CONFIG = """\
# Written by labcrew: the only configuration that its git processes read beside a repository's.
[safe]
\tdirectory = *
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tsshCommand = false
[uploadpack]
\tallowAnySHA1InWant = true
[protocol]
\tallow = never
[protocol "file"]
\tallow = always
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""
_TIMED_OUT = 124  # what `timeout` answers
_COMPLAINTS = 1 << 20
# How this machine reaches others: its proxies and certificates.
_WAY_OUT = (
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
)  # fmt: skip
_OVERRIDES = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.sshCommand=false",
    "core.quotePath=false",
    "core.logAllRefUpdates=true",
    "core.pager=cat",
    "core.attributesFile=/dev/null",
    "core.alternateRefsCommand=true",
    "core.gitProxy=false",
    "core.askPass=false",
    "protocol.allow=never",
    # A repository's own word on one protocol would else stand above the general one.
    *(f"protocol.{name}.allow=never" for name in ("ext", "ssh", "git", "http", "https", "fd")),
    "protocol.file.allow=always",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "diff.external=",
    "credential.helper=",
    "commit.gpgSign=false",
    "safe.directory=*",
)


class GitFailed(LabcrewError):
    """git ended with an error; `text` is what it said, `status` its exit code."""

    def __init__(self, arguments: Sequence[str], status: int, text: str) -> None:
        super().__init__(f"git {' '.join(arguments[:3])} … failed: {text.strip()[-1000:]}")
        self.status = status
        self.text = text.strip()


@dataclass(frozen=True)
class GitRunner:
    """Runs git with a closed environment.

    Args:
        root: a folder of labcrew's own, where its git configuration file is kept.
    """

    root: Path

    def prepare(self) -> None:
        """Writes the configuration file; needed once before `run`."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not self._config.exists():
            draft = self.root / f".gitconfig.{os.getpid()}.{threading.get_ident()}"
            draft.write_text(_CONFIG)
            draft.replace(self._config)

    @property
    def _config(self) -> Path:
        return self.root / "gitconfig"

    def run(
        self,
        folder: Path,
        *arguments: str,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        settings: Sequence[str] = (),
        limit_bytes: int | None = None,
        timeout_s: float | None = None,
    ) -> bytes:
        """The standard output of one git command.

        Args:
            folder: where it runs.
            arguments: git's, without the name of the program.
            stdin: what it reads; default: nothing.
            environment: variables beside the closed set.
            settings: more `key=value` of configuration.
            limit_bytes: how much of the output is read; git is ended there; default: all.
            timeout_s: seconds before it is killed; default: none.

        Raises:
            GitFailed: it ended with an error.
            StorageFull: a disk is full.
        """
        variables = {**self._closed(), **(environment or {})}
        command = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        if timeout_s is not None:
            command += ["timeout", "-k", "5", str(timeout_s)]
        command += ["git", "-C", str(folder)]
        for setting in (*_OVERRIDES, *settings):
            command += ["-c", setting]
        command += arguments
        with (
            full_disk.translated(f"No space left for git in {self.root}"),
            self._source(stdin) as source,
        ):
            if limit_bytes is None:
                status, output, text = self._whole(command, source)
            else:
                status, output, text = self._capped(command, source, limit_bytes)
        if status != 0:
            if "No space left on device" in text or "Disk quota exceeded" in text:
                raise StorageFull(f"No space left for git in {folder}", "Free some and resume.")
            if status == _TIMED_OUT and timeout_s is not None:
                text = f"it took longer than {timeout_s:g} s"
            raise GitFailed(arguments, status, text)
        return output

    def ask_elsewhere(
        self,
        folder: Path,
        *arguments: str,
        secrets: Mapping[str, str],
        settings: Sequence[str],
        timeout_s: float,
    ) -> tuple[int, str]:
        """Runs one command that talks to another machine; answers its exit code and what it said.

        Args:
            secrets: variables of that process, which no list of processes shows.
            settings: `key=value` of configuration, above all others.
            timeout_s: seconds before it is killed; the exit code is then 124.
        """
        passed = {name: os.environ[name] for name in _WAY_OUT if name in os.environ}
        command = ["timeout", "-k", "5", str(timeout_s), "git", "-C", str(folder)]
        for setting in (*_OVERRIDES, *settings):
            command += ["-c", setting]
        done = subprocess.run(
            [*command, *arguments],
            env={**passed, **self._closed(), **secrets},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd="/",
        )
        said = (done.stdout + b"\n" + done.stderr)[-_COMPLAINTS:]
        return done.returncode, said.decode("utf-8", "replace")

    def _closed(self) -> dict[str, str]:
        """The variables that every git process gets."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.root),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._config),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ASKPASS": "false",
            "GIT_EDITOR": "false",
        }

    @contextmanager
    def _source(self, stdin: bytes | None) -> Iterator[BinaryIO | None]:
        """A file without a name that a command reads; None for one that reads nothing."""
        if stdin is None:
            yield None
            return
        with tempfile.TemporaryFile(dir=self.root) as source:
            source.write(stdin)
            source.seek(0)
            yield source

    def _whole(self, command: list[str], source: BinaryIO | None) -> tuple[int, bytes, str]:
        from git.cmd import Git

        answer: Any = Git(str(self.root)).execute(
            command,
            istream=source,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
        status, output, error = answer
        return int(status or 0), bytes(output), str(error)

    def _capped(
        self, command: list[str], source: BinaryIO | None, limit: int
    ) -> tuple[int, bytes, str]:
        """Reads so much and ends git there: what it would have said more is never made."""
        from git.cmd import Git

        running: Any = Git(str(self.root)).execute(command, istream=source, as_process=True)
        process: subprocess.Popen[bytes] = running.proc
        assert process.stdout is not None, "GitPython gives both pipes"
        assert process.stderr is not None
        complaints = process.stderr
        told: list[bytes] = []
        # git would wait for ever on complaints that nobody reads.
        listener = threading.Thread(target=lambda: told.append(complaints.read(_COMPLAINTS)))
        listener.start()
        output = process.stdout.read(limit)
        cut = len(output) == limit and bool(process.stdout.read(1))
        if cut:
            process.terminate()
        process.stdout.close()
        status = process.wait()
        listener.join()
        complaints.close()
        return 0 if cut else status, output, b"".join(told).decode("utf-8", "replace")

    def line(self, folder: Path, *arguments: str) -> str:
        """The output of a command that says one line."""
        return self.run(folder, *arguments).decode("utf-8", "surrogateescape").rstrip("\n")

    def commit_at(self, folder: Path, ref: str) -> str | None:
        """The commit that a ref names; None where it names none."""
        try:
            return self.line(folder, "rev-parse", "--verify", "-q", f"{ref}^{{commit}}")
        except GitFailed:
            return None

    def succeeds(self, folder: Path, *arguments: str) -> bool:
        """Whether a question that git answers by its exit code is answered yes."""
        try:
            self.run(folder, *arguments)
        except GitFailed as error:
            if error.status == 1:
                return False
            raise
        return True


def user_ignore_file() -> str:
    """Where the user's own git looks for files to ignore everywhere."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return _of_the_user("--type=path", "core.excludesFile") or str(base / "git" / "ignore")


def line_ends() -> str:
    """How the user's own git changes line ends where a repository says nothing of it."""
    return _of_the_user("core.autocrlf") or "false"


def _of_the_user(*asked: str) -> str:
    """A setting of the user's own git; "" where there is none."""
    config = ["git", "config", "--global", "--get", *asked]
    try:
        done = subprocess.run(config, capture_output=True, text=True, cwd="/", timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
