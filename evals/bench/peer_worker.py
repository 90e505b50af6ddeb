"""Calls one peer as its own documentation says; run by the Python of a throw-away environment that
has the peer and not labcrew.

Arguments: the peer, labcrew's base image, the environment's package folder. Each line of standard
input is `single N` or `crowd N`; each answer a line of JSON: milliseconds of each call, or calls a
second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARALLEL = 16
# The peer's server is Python of the same version, so that the container needs no network.
_SERVER = '#!/bin/sh\nexec python3 -m swerex.server "$@"\n'


class SweRex:
    """swe-rex: a server in the container, a process a command."""

    def __init__(self, image: str, packages: Path) -> None:
        from swerex.deployment.docker import DockerDeployment
        from swerex.runtime.abstract import Command

        programs = packages / "labcrew-peer"
        programs.mkdir(exist_ok=True)
        server = programs / "swerex-remote"
        server.write_text(_SERVER)
        server.chmod(0o755)
        search = "/peer/labcrew-peer:/usr/local/bin:/usr/bin:/bin"
        arguments = ["-v", f"{packages}:/peer:ro", "-e", "PYTHONPATH=/peer", "-e", f"PATH={search}"]
        self._loop = asyncio.new_event_loop()
        self._command = Command(command=["true"])
        self._deployment = DockerDeployment(image=image, pull="never", docker_args=arguments)
        self._loop.run_until_complete(self._deployment.start())

    async def _call(self) -> None:
        done = await self._deployment.runtime.execute(self._command)
        assert done.exit_code == 0, done

    def single(self, calls: int) -> list[float]:
        async def one_by_one() -> list[float]:
            spent = []
            for _ in range(calls):
                began = time.perf_counter()
                await self._call()
                spent.append((time.perf_counter() - began) * 1000)
            return spent

        return self._loop.run_until_complete(one_by_one())

    def crowd(self, calls: int) -> float:
        async def all_at_once() -> float:
            left = iter(range(calls))

            async def caller() -> None:
                for _ in left:
                    await self._call()

            began = time.perf_counter()
            await asyncio.gather(*(caller() for _ in range(PARALLEL)))
            return calls / (time.perf_counter() - began)

        return self._loop.run_until_complete(all_at_once())

    def close(self) -> None:
        self._loop.run_until_complete(self._deployment.stop())
        self._loop.close()


class LlmSandbox:
    """llm-sandbox: docker's exec on a container that stays."""

    def __init__(self, image: str, packages: Path) -> None:
        from llm_sandbox import SandboxSession

        self._session: Any = SandboxSession(
            lang="python", image=image, keep_template=True, skip_environment_setup=True
        )
        self._session.open()

    def _call(self) -> None:
        done = self._session.execute_command("true")
        assert done.exit_code == 0, done

    def single(self, calls: int) -> list[float]:
        spent = []
        for _ in range(calls):
            began = time.perf_counter()
            self._call()
            spent.append((time.perf_counter() - began) * 1000)
        return spent

    def crowd(self, calls: int) -> float:
        with ThreadPoolExecutor(PARALLEL) as threads:
            began = time.perf_counter()
            list(threads.map(lambda _: self._call(), range(calls)))
            return calls / (time.perf_counter() - began)

    def close(self) -> None:
        self._session.close()


@contextmanager
def opened(name: str, image: str, packages: Path) -> Iterator[SweRex | LlmSandbox]:
    """A peer with its container started."""
    peer = SweRex(image, packages) if name == "swe-rex" else LlmSandbox(image, packages)
    try:
        yield peer
    finally:
        peer.close()


def main() -> None:
    """Serves until the input ends."""
    name, image, packages = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # peers print
    with opened(name, image, Path(packages)) as peer:
        peer.single(3)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            kind, _, calls = line.partition(" ")
            measured = peer.single if kind == "single" else peer.crowd
            print(json.dumps(measured(int(calls))), file=answers, flush=True)


if __name__ == "__main__":
    main()
