"""The runner's program as one command, and what a container needs to be its home."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

_MODULES = ("frames", "warden", "supervisor")
_PACKAGE = "sandboxes.runner.inside"


@lru_cache(maxsize=1)
def command() -> tuple[str, ...]:
    """Starts the runner with nothing but an image's own python3: the command carries its source.

    -I and -S keep out what an image or a workspace would have Python import.
    """
    lines = ["import sys, types"]
    for name in _MODULES:
        source = (Path(__file__).parent / "inside" / f"{name}.py").read_text()
        lines += [
            f"module = sys.modules[{f'{_PACKAGE}.{name}'!r}] = types.ModuleType({name!r})",
            f"exec(compile({source!r}, {name!r}, 'exec'), module.__dict__)",
        ]
    return ("python3", "-I", "-S", "-c", "\n".join([*lines, "module.main()"]))


def moved_in(body: dict[str, Any], program: tuple[str, ...]) -> dict[str, Any]:
    """The create call of a container whose process 1 is the runner.

    Args:
        body: the create call as hardening made it.
        program: the runner's command.
    """
    host = body["HostConfig"] | {
        # An init would be this user's and traceable, and hold the streams open to everyone inside.
        "Init": False,
        "LogConfig": {"Type": "none"},
    }
    return body | {
        "Entrypoint": list(program),
        "OpenStdin": True,
        "StdinOnce": True,  # the runner ends with the labcrew process that holds its input
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": False,
        "StopSignal": "SIGKILL",  # it heeds no other, and has nothing to save
        "HostConfig": host,
    }
