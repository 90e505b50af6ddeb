"""`python -m … WAY FILE`: takes one flood in a process of its own and says what it cost."""

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evals.own_memory import own_memory_mib
from labcrew.domain.sandbox import SandboxSpec
from sandboxes import hardening
from sandboxes.client import connect
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories
from sandboxes.volumes.owners import owner


def main() -> None:
    """Prints how much this process grew, how long it took and how much it kept."""
    way, told = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    client = connect()
    # A home of its own: the battery's is another process's.
    home = f"flood{secrets.token_hex(5)}"
    sandboxes = DockerSandboxes(home, GitRepositories(Path("/nowhere")), client)
    try:
        if way == "naive":
            grown, took, kept = _measured(lambda: _naive(client, home, told))
        else:
            spec = SandboxSpec.model_validate_json(told["spec"])
            # What the first use of an engine costs is not the flood's.
            warm = spec.model_copy(update={"name": f"{spec.name}-warm", "command": ("true",)})
            sandboxes.run(warm)
            grown, took, kept = _ways(sandboxes, spec, float(told["limit"]))[way]()
    finally:
        sandboxes.clean_orphans(set())
        sandboxes.close()
        client.close()
    print(json.dumps({"grown_mib": grown, "took_s": took, "kept_mib": kept}))


def _ways(
    sandboxes: DockerSandboxes, spec: SandboxSpec, limit: float
) -> dict[str, Callable[[], tuple[float, float, float]]]:
    def run() -> tuple[float, float, float]:
        return _measured(lambda: _size(sandboxes.run(spec)))

    def call() -> tuple[float, float, float]:
        idle = spec.model_copy(
            update={
                "purpose": "tools",
                "command": (),
                "limits": spec.limits.model_copy(update={"timeout_s": 600}),
            }
        )
        sandboxes.start(idle)
        try:
            sandboxes.exec(spec.name, ("true",))
            return _measured(
                lambda: _size(sandboxes.exec(spec.name, spec.command, timeout_s=limit))
            )
        finally:
            sandboxes.remove(spec.name)

    def follow() -> tuple[float, float, float]:
        sandboxes.start(spec)
        # A trial's deadline is kept by whoever watches it.
        stop = threading.Timer(limit, sandboxes.stop, (spec.name, 0))
        stop.start()
        try:
            return _measured(lambda: sum(len(text) for text in sandboxes.follow(spec.name)))
        finally:
            stop.cancel()
            stop.join()
            sandboxes.remove(spec.name)

    return {"run": run, "exec": call, "follow": follow}


def _size(result: Any) -> int:
    return len(result.stdout) + len(result.stderr)


def _naive(client: Any, home: str, told: dict[str, str]) -> int:
    labels = {hardening.HOME: home, hardening.NAME: "naive", hardening.OWNER: owner(None)}
    made = client.create_container(told["image"], ["sleep", "infinity"], labels=labels)
    try:
        client.start(made["Id"])
        command = ["python3", "-c", told["flood"], "line", "one"]
        return len(client.exec_start(client.exec_create(made["Id"], command)["Id"]))
    finally:
        client.remove_container(made["Id"], force=True, v=True)


def _measured(action: Callable[[], int]) -> tuple[float, float, float]:
    """MiB that this process's peak grew by, seconds, MiB that the action answered."""
    before, began = own_memory_mib("VmRSS"), time.monotonic()
    kept = action()
    took = time.monotonic() - began
    return own_memory_mib("VmHWM") - before, took, kept / (1 << 20)


if __name__ == "__main__":
    main()
