"""labcrew's base image: `python -m sandboxes.images ensure`.

Its tag is the hash of what it is built from, so a present image is never built again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.errors import EngineError, LabcrewError
from sandboxes.client import connect, translated
from sandboxes.environments.host_pip import host_pip
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient

REGISTRY_BASE = "python:3.11-slim"
DEBIAN_BASE = "labcrew/debian:bookworm"
_PULL_TIMEOUT_S = 300
_REACH_TIMEOUT_S = 20

Say = Callable[[str], None]


def context() -> Path:
    """The folder that the base image is built from."""
    return Path(__file__).parent / "image"


def base_tag() -> str:
    """The base image's name: labcrew/base:<hash of its build context>."""
    return f"labcrew/base:{_digest(_context_files())[:16]}"


def base_software() -> str:
    """A hash of what the base image installs, labcrew's own programs in it left out.

    An environment rests on this: those programs run in the base image alone.
    """
    inside = context() / "inside"
    return _digest([path for path in _context_files() if inside not in path.parents])


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(context()).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class BaseImage:
    """Builds the base image where it is missing.

    Args:
        client: the engine.
        say: is told in plain words what is being done.
    """

    def __init__(self, client: APIClient, say: Say = lambda text: None) -> None:
        self._client = client
        self._say = say

    def ensure(self) -> str:
        """The tag of the base image, built first if the engine has none.

        Raises EngineError with the last lines of a build that failed.
        """
        tag = base_tag()
        if self._has(tag):
            self._say(f"The sandbox image {tag} is there; nothing to do.")
            return tag
        base = self._base()
        self._say(f"Building the sandbox image {tag} from {base} …")
        with tempfile.TemporaryDirectory(prefix="labcrew-image-") as folder:
            draft = Path(folder)
            for path in _context_files():
                copy = draft / path.relative_to(context())
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            (draft / "inside").mkdir(exist_ok=True)
            pip = host_pip()
            (draft / "host").mkdir()
            (draft / "host" / "ca.pem").write_bytes(pip.certificates)
            (draft / "host" / "environment").write_text(pip.shell("/host"))
            with translated(f"build {tag}"):
                self._build(draft, tag, base)
        self._say(f"The sandbox image {tag} is ready.")
        return tag

    def _build(self, folder: Path, tag: str, base: str) -> None:
        lines: list[str] = []
        for entry in self._client.build(
            path=str(folder), tag=tag, buildargs={"BASE": base}, rm=True, forcerm=True, decode=True
        ):
            text = str(entry.get("stream", "")).rstrip()
            if text.startswith("Step "):
                self._say(f"  {text}")
            lines += text.splitlines()
            if "error" in entry:
                tail = clean("\n".join([*lines[-20:], str(entry["error"])]))
                raise EngineError(f"The sandbox image could not be built:\n{tail}")

    def _base(self) -> str:
        if self._has(REGISTRY_BASE):
            return REGISTRY_BASE
        if self._has(DEBIAN_BASE):
            return DEBIAN_BASE
        self._say(f"Fetching {REGISTRY_BASE} …")
        if self._pull():
            return REGISTRY_BASE
        self._say("No container registry answers: making a Debian with debootstrap (a minute) …")
        self._debootstrap()
        return DEBIAN_BASE

    def _has(self, tag: str) -> bool:
        from docker.errors import ImageNotFound

        with translated(f"look for image {tag}"):
            try:
                self._client.inspect_image(tag)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return False
        return True

    def _pull(self) -> bool:
        """Tries the registry, in a process of its own so that a silent one can be given up.

        It runs elsewhere than in the user's folder: a stranger's clone may hold a docker.py.
        """
        python = [sys.executable, "-P", "-c"]
        code = (
            "import sys, docker\n"
            "client = docker.from_env(timeout=int(sys.argv[2]))\n"
            "client.api.inspect_distribution(sys.argv[1])\n"
            "print('answers', flush=True)\n"
        )
        try:
            reach = subprocess.run(
                [*python, code, REGISTRY_BASE, str(_REACH_TIMEOUT_S)],
                capture_output=True,
                cwd="/",
                timeout=_REACH_TIMEOUT_S + 5,
            )
            if b"answers" not in reach.stdout:
                return False
            pull = "import sys, docker; docker.from_env().api.pull(sys.argv[1])"
            done = subprocess.run(
                [*python, pull, REGISTRY_BASE],
                capture_output=True,
                cwd="/",
                timeout=_PULL_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0 and self._has(REGISTRY_BASE)

    def _debootstrap(self) -> None:
        path = os.pathsep.join([*os.get_exec_path(), "/usr/sbin", "/sbin"])
        root = [] if os.geteuid() == 0 else ["sudo"]
        if shutil.which("debootstrap", path=path) is None:
            raise EngineError(
                f"{REGISTRY_BASE} could not be fetched, and debootstrap is not installed",
                "Connect the engine to a registry, or `apt-get install debootstrap`.",
            )
        folder = tempfile.mkdtemp(prefix="labcrew-debian-")
        try:
            self._checked(
                [
                    *root,
                    "debootstrap",
                    "--variant=minbase",
                    "--include=python3,python3-venv,git,ripgrep,ca-certificates,libnss-myhostname",
                    "bookworm",
                    folder,
                ],
                path,
            )
            archive = ["tar", "-C", folder, "--numeric-owner", "--exclude=./var/cache/apt/*"]
            archive += ["--exclude=./var/lib/apt/lists/*", "-cf", "-", "."]
            with (
                subprocess.Popen([*root, *archive], stdout=subprocess.PIPE, cwd="/") as tar,
                translated("import the Debian base"),
            ):
                answer: Any = self._client.import_image_from_stream(
                    tar.stdout, repository=DEBIAN_BASE.split(":")[0], tag="bookworm"
                )
            if tar.returncode != 0 or "error" in str(answer):
                raise EngineError(f"The Debian base could not be imported: {str(answer)[:500]}")
        finally:
            remove = [*root, "rm", "-rf", "--one-file-system", folder]
            subprocess.run(remove, check=False, cwd="/")

    def _checked(self, command: list[str], path: str) -> None:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PATH": path},
            cwd="/",
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-15:])
            raise EngineError(f"`{' '.join(command[:3])} …` failed:\n{tail}")


def _context_files() -> list[Path]:
    return sorted(
        path
        for path in context().rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandboxes.images", description=__doc__)
    parser.add_argument("command", choices=["ensure", "tag"])
    given = parser.parse_args(arguments)
    try:
        if given.command == "tag":
            print(base_tag())
        else:
            BaseImage(connect(3600), lambda text: print(text, flush=True)).ensure()
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
