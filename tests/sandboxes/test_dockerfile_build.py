"""A build of a Dockerfile, on engines that say what they are told to and on a real one."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import requests
import urllib3
from docker.api import APIClient

from labcrew.domain.sandbox import Limits, OverlayFile
from labcrew.errors import EnvironmentBroken
from sandboxes.client import connect
from sandboxes.crossing.tarballs import owned
from sandboxes.environments.dockerfile_build import build

Entries = Iterator[dict[str, str]]


class Engine:
    """An engine whose builds say one thing.

    Args:
        says: makes what a build says.
    """

    def __init__(self, says: Callable[[], Entries]) -> None:
        self._says = says
        self.asked: dict[str, Any] = {}
        self.listened = False

    def build(self, **asked: Any) -> Entries:
        self.asked = asked
        return self._listened()

    def _listened(self) -> Entries:
        self.listened = True
        try:
            yield from self._says()
        finally:
            self.listened = False


def built(engine: Engine, timeout_s: float = 600) -> EnvironmentBroken | None:
    limits = Limits(memory_mb=1024, timeout_s=timeout_s)
    return build(
        cast(APIClient, engine), b"", "Dockerfile", "labcrew/env:x",
        network="none", arguments={}, limits=limits,
    )  # fmt: skip


def test_a_build_is_bounded() -> None:
    engine = Engine(lambda: iter([{"stream": "Step 1/1 : FROM scratch\n"}, {"aux": "sha256:1"}]))
    assert built(engine) is None
    assert engine.asked["container_limits"]["memory"] == 1 << 30
    assert engine.asked["container_limits"]["memswap"] == 1 << 30
    assert engine.asked["shmsize"] == 512 << 20
    assert engine.asked["timeout"] == 600


def test_the_last_lines_of_one_that_failed_are_told() -> None:
    def says() -> Entries:
        for number in range(1000):
            yield {"stream": f"line {number}\n{'x' * 100_000}\n"}
        yield {"error": "a step returned a non-zero code: 1"}

    broken = built(Engine(says))
    assert broken is not None
    assert "line 994\n" in broken.message
    assert "line 993\n" not in broken.message
    assert broken.message.endswith("\na step returned a non-zero code: 1")
    assert len(broken.message) < 5000


def test_one_that_was_killed_tells_of_its_memory() -> None:
    broken = built(Engine(lambda: iter([{"error": "a step returned a non-zero code: 137"}])))
    assert "its memory (1024 MiB) ran out" in str(broken)


def test_one_that_goes_on_for_ever_is_ended() -> None:
    def says() -> Entries:
        while True:
            yield {"stream": "still here\n"}

    engine = Engine(says)
    broken = built(engine, timeout_s=0.01)
    assert not engine.listened
    assert "it took too long (0.01 s)\nstill here" in str(broken)
    assert "environment.image" in str(broken)


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ReadTimeout(),
        urllib3.exceptions.ReadTimeoutError(cast(Any, None), "/build", "Read timed out."),
    ],
)
def test_one_that_says_nothing_is_ended(error: Exception) -> None:
    def says() -> Entries:
        yield {"stream": "Step 1/1 : RUN sleep infinity\n"}
        raise error

    broken = built(Engine(says))
    assert "it took too long (600 s)\nStep 1/1" in str(broken)


@pytest.mark.engine
def test_the_engine_ends_what_takes_too_long(base_image: str) -> None:
    mark = uuid.uuid4().hex
    text = f"FROM {base_image}\nRUN : {mark}; echo begun; exec sleep 3600\n".encode()
    context = owned(b"", (OverlayFile(path="Dockerfile", content=text),))
    client = connect()
    try:
        broken = build(
            client, context, "Dockerfile", f"labcrew/env:{mark[:24]}",
            network="none", arguments={}, limits=Limits(memory_mb=256, timeout_s=5),
        )  # fmt: skip
        assert "it took too long (5 s)" in str(broken)
        assert "\nbegun" in str(broken)
        end = time.monotonic() + 60
        while any(mark in found["Command"] for found in client.containers(all=True)):
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        client.close()
