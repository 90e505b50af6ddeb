"""Short commands in a container that runs something else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import RunResult
from labcrew.errors import EngineError
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.streams import Output, Stream
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient

_OUTPUT_BYTES = 1 << 20


def run_beside(
    client: APIClient, container: str, command: tuple[str, ...], timeout_s: float
) -> RunResult:
    """Runs a command as the container's user, within its limits and behind its filter.

    The engine can't end such a command: one that is late goes on until the container ends.

    Raises EngineUnavailable, OutcomeUnknown; EngineError where the container does not run.
    """
    from docker.errors import APIError
    from docker.errors import NotFound as Missing

    output = Output(cap=_OUTPUT_BYTES)
    began = time.monotonic()
    with translated(f"run a command in {container}"):
        api: Any = client
        try:
            made = api.exec_create(
                container, list(command), user=hardening.USER, workdir="/workspace"
            )
        except Missing:
            raise EngineError(f"There is no container {container}") from None
        except APIError as error:
            if error.status_code != 409:
                raise
            raise EngineError(f"Container {container} does not run") from error
        stream = Stream(client, f"/exec/{made['Id']}/start", body={"Detach": False, "Tty": False})
        try:
            stream.exchange(output, stdin=b"", deadline=began + timeout_s)
        finally:
            stream.close()
        code = api.exec_inspect(made["Id"])["ExitCode"]
    return RunResult(
        exit_code=-1 if code is None else int(code),
        stdout=clean(bytes(output.stdout)),
        stderr=clean(bytes(output.stderr)),
        timed_out=output.timed_out,
        truncated=output.truncated,
        duration_s=round(time.monotonic() - began, 3),
    )
