"""The way to the Docker engine, and what its errors mean to labcrew."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labcrew.errors import EngineError, EngineUnavailable, OutcomeUnknown, StorageFull

if TYPE_CHECKING:
    from docker.api import APIClient

REMEDY = (
    "Start one with `make engine` (Debian and Ubuntu), or install Docker"
    " (https://docs.docker.com/engine/install) and start it; DOCKER_HOST says where it listens."
)
SOCKET = "/var/run/docker.sock"


def connect(timeout_s: float = 600) -> APIClient:
    """A client of the engine that DOCKER_HOST names, or the local one.

    Args:
        timeout_s: seconds without a byte after which a call counts as lost.

    Raises:
        EngineUnavailable: no engine answers.
    """
    import docker
    from docker.utils import kwargs_from_env

    client: APIClient | None = None
    try:
        _try_socket(timeout_s)
        client = docker.APIClient(
            **kwargs_from_env(), version="auto", timeout=int(timeout_s), num_pools=32
        )
        client.ping()
    except Exception as error:
        if client is not None:
            client.close()
        raise unavailable(error) from error
    return client


def _try_socket(timeout_s: float) -> None:
    """Connects to the engine's socket and lets go of it: docker-py keeps one open that failed.

    Raises:
        OSError: nothing listens there.
    """
    from docker.utils import parse_host

    kind, _, path = str(parse_host(os.environ.get("DOCKER_HOST"))).partition("://")
    if kind == "http+unix":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
            tried.settimeout(timeout_s)
            tried.connect(path)


def unavailable(error: BaseException | None = None) -> EngineUnavailable:
    """The error for an engine that does not answer, with what can be done about it."""
    host = os.environ.get("DOCKER_HOST")
    where = f"at DOCKER_HOST={host}" if host else f"at {SOCKET}"
    if not host and Path(SOCKET).exists() and not os.access(SOCKET, os.R_OK | os.W_OK):
        return EngineUnavailable(
            f"You may not use the Docker engine {where}",
            "Add yourself to its group (`sudo usermod -aG docker $USER`, then log in again).",
        )
    reason = f": {str(error).splitlines()[0][:200]}" if error and str(error) else ""
    return EngineUnavailable(f"No Docker engine answers {where}{reason}", REMEDY)


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turns what docker-py raises into labcrew's errors.

    Args:
        action: what was being done, as "start container x"; begins the message.

    Raises:
        EngineUnavailable: the engine was not reached at all.
        OutcomeUnknown: it was lost in mid-call.
        StorageFull: its disk is full.
        EngineError: it refused.
    """
    import requests
    import urllib3
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        text = str(error.explanation or error)
        if "no space left" in text.lower() or "disk quota exceeded" in text.lower():
            raise StorageFull(
                f"Could not {action}: the Docker engine's disk is full",
                "Free some (`labcrew clean`, `docker system df`) and resume the ticket.",
            ) from error
        raise EngineError(f"Could not {action}: {text.strip()[:2000]}") from error
    except (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        ConnectionError,
        TimeoutError,
    ) as error:
        if _never_sent(error):
            raise unavailable(error) from error
        raise OutcomeUnknown(
            f"The Docker engine was lost while trying to {action}",
            "What it had begun is looked at again on resume.",
        ) from error
    except DockerException as error:
        raise EngineError(f"Could not {action}: {error}") from error


def _never_sent(error: BaseException) -> bool:
    seen: BaseException | None = error
    text = ""
    while seen is not None:
        text += f" {type(seen).__name__} {seen}"
        seen = seen.__cause__ or seen.__context__
    return any(
        sign in text
        for sign in ("Connection refused", "No such file or directory", "ConnectionRefused")
    )
