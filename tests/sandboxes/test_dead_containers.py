"""Containers that an engine gave up removing: dead, and without their name."""

from typing import Any, cast

import pytest
from docker.api import APIClient
from docker.errors import APIError, NotFound
from requests import Response

from sandboxes import hardening
from sandboxes.volumes import workspaces
from sandboxes.volumes.orphans import containers, remove_given_up, remove_keepers
from sandboxes.volumes.workspaces import remove_container

ID, LAYER = "c" * 64, "1" * 64
BUSY = (
    f'container {ID}: driver "overlay2" failed to remove root filesystem:'
    f" unlinkat /var/lib/docker/overlay2/{LAYER}/merged: device or resource busy"
)


class GivesUp:
    """An engine that gives up at a container's mount, and lets go of its name then.

    Args:
        times: how often it gives up.
    """

    state = "exited"
    mark = hardening.HOME

    def __init__(self, times: int) -> None:
        self._times = times
        self.named = True
        self.there = True

    def remove_container(self, container: str, **asked: bool) -> None:
        if not self.there or (container != ID and not self.named):
            raise NotFound("no such container", explanation=f"No such container: {container}")
        self.named = False
        if self._times:
            self._times -= 1
            raise APIError("500 Server Error", explanation=BUSY)
        self.there = False

    def containers(self, *, filters: dict[str, list[str]], **asked: bool) -> list[dict[str, Any]]:
        if not self.there or filters != {"label": [f"{self.mark}=h"]}:
            return []
        names = ["/trial"] if self.named else []
        return [{"Id": ID, "Names": names, "State": self.state, "Labels": {}}]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "_PAUSE_S", 0)


@pytest.mark.parametrize("times", [0, 1, 3])
def test_a_busy_mount_is_waited_for(times: int) -> None:
    engine = GivesUp(times)
    remove_container(cast(APIClient, engine), "trial")
    assert not engine.there


class RemovesItself(GivesUp):
    """An engine that is at it already when it is asked, and gives up after."""

    def remove_container(self, container: str, **asked: bool) -> None:
        if self._times:
            self._times -= 1
            under_way = f"removal of container {container} is already in progress"
            conflict = Response()
            conflict.status_code = 409
            raise APIError("409 Conflict", conflict, under_way)
        super().remove_container(container, **asked)

    def inspect_container(self, container: str) -> dict[str, Any]:
        assert self.named
        self.named = False
        return {"Id": ID}


def test_one_that_the_engine_itself_gives_up_is_asked_for_by_its_id() -> None:
    engine = RemovesItself(1)
    remove_container(cast(APIClient, engine), "trial")
    assert not engine.there


def test_one_that_was_left_dead_is_found_by_its_label() -> None:
    engine = GivesUp(1)
    with pytest.raises(APIError):
        engine.remove_container("trial")
    remove_given_up(cast(APIClient, engine), "another")
    assert engine.there
    remove_given_up(cast(APIClient, engine), "h")
    assert not engine.there


class TakesTheNameFirst(RemovesItself):
    """One that removes a container itself, and has taken its name before it is asked."""

    state = "removing"

    def inspect_container(self, container: str) -> dict[str, Any]:
        self.named = False
        raise NotFound("no such container")


@pytest.mark.parametrize("mark", [hardening.HOME, hardening.KEEPER])
def test_one_that_is_being_removed_is_asked_for_by_its_id(mark: str) -> None:
    by_name, by_id = TakesTheNameFirst(1), TakesTheNameFirst(1)
    by_name.mark = by_id.mark = mark
    remove_container(cast(APIClient, by_name), "trial")
    assert by_name.there  # nobody knows it by that name
    remove_given_up(cast(APIClient, by_id), "h")
    assert not by_id.there


def test_an_earlier_keeper_is_removed_by_its_id() -> None:
    engine = TakesTheNameFirst(1)
    engine.mark = hardening.KEEPER
    remove_keepers(cast(APIClient, engine), "h", but="trial")
    assert engine.there
    remove_keepers(cast(APIClient, engine), "h", but="another")
    assert not engine.there


def test_one_with_a_name_is_left_alone() -> None:
    engine = GivesUp(0)
    remove_given_up(cast(APIClient, engine), "h")
    assert engine.there


class Ghost(GivesUp):
    """An engine that lists a container which it has no more."""

    state = "dead"

    def inspect_container(self, container: str) -> dict[str, Any]:
        raise NotFound("no such container")


def test_one_that_is_listed_only_is_not_there() -> None:
    assert containers(cast(APIClient, Ghost(0)), f"{hardening.HOME}=h") == []
    assert containers(cast(APIClient, GivesUp(0)), f"{hardening.HOME}=h") != []
