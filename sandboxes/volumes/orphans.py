"""What homes leave on an engine, found by their labels and removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.errors import EngineError
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.volumes.owners import is_gone
from sandboxes.volumes.workspaces import remove_container, remove_volume

if TYPE_CHECKING:
    from docker.api import APIClient


class Leftover(Model):
    """What a home that is gone has left."""

    home: str
    owner: str = Field(description="its label: the folder, or the process that it ended with")
    containers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()


def containers(client: APIClient, mark: str | None = None) -> list[dict[str, Any]]:
    """The containers that an engine has, in whatever state.

    One that is removed just as it exits may be listed as dead until the engine starts anew, though
    whoever asks for it is told that there is none: it is left out.

    Args:
        client: the engine.
        mark: a label that they bear, with or without its value.
    """
    from docker.errors import NotFound as Missing

    found = []
    with translated("list containers"):
        for item in client.containers(all=True, filters={"label": [mark]} if mark else None):
            with suppress(Missing):
                if item["State"] == "dead":
                    client.inspect_container(item["Id"])
                found.append(item)
    return found


def names(client: APIClient, home: str) -> set[str]:
    """The sandboxes of a home that have a container or a volume."""
    mark = f"{hardening.HOME}={home}"
    things = [*containers(client, mark), *_volumes(client, mark)]
    told = (_labels(item).get(hardening.NAME, "") for item in things)
    return {name for name in told if hardening.is_name(name)}


def owners(client: APIClient, home: str) -> set[tuple[str, str]]:
    """The names of a home's sandboxes and proxies that have a container, each with its ticket."""
    found = [_labels(item) for item in containers(client, f"{hardening.HOME}={home}")]
    return {
        (of[hardening.NAME], of.get(hardening.TICKET, ""))
        for of in found
        if hardening.is_name(of.get(hardening.NAME, ""))
    }


def remove_given_up(client: APIClient, home: str) -> None:
    """Removes a home's containers that an engine is removing or has given up: dead, or nameless."""
    for mark in (hardening.HOME, hardening.KEEPER):
        for item in containers(client, f"{mark}={home}"):
            if not item["Names"] or item["State"] in {"removing", "dead"}:
                remove_container(client, item["Id"])


def remove_keepers(client: APIClient, home: str, but: str) -> None:
    """Ends the keepers of a home's earlier processes, and what they gave volumes away with.

    Args:
        but: the one that serves now; nothing for none.
    """
    for item in containers(client, f"{hardening.KEEPER}={home}"):
        if _name(item) != but:
            remove_container(client, item["Id"])


def remove_networks(client: APIClient, networks: Iterable[str]) -> None:
    """Removes networks that nothing is joined to any more; the others stay."""
    for network in networks:
        with suppress(EngineError), translated(f"remove network {network}"):
            client.remove_network(network)


def networks(client: APIClient, home: str) -> set[str]:
    """The home's networks."""
    return {item["Name"] for item in _networks(client, f"{hardening.HOME}={home}")}


def left_behind(client: APIClient) -> tuple[Leftover, ...]:
    """What homes left that are known to be gone: their folder, or the process they ended with.

    Homes that stand, and those of other machines on the same engine, are not among them.
    """
    found: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, items in (
        ("containers", containers(client, hardening.OWNER)),
        ("volumes", _volumes(client, hardening.OWNER)),
        ("networks", _networks(client, hardening.OWNER)),
    ):
        for item in items:
            labels = _labels(item)
            owner = labels.get(hardening.OWNER, "")
            home = labels.get(hardening.HOME) or labels.get(hardening.KEEPER) or ""
            if home and is_gone(owner):
                name = _name(item) if kind == "containers" else str(item["Name"])
                found[home, owner][kind].append(name)
    return tuple(
        Leftover(
            home=home,
            owner=owner,
            containers=tuple(sorted(things["containers"])),
            volumes=tuple(sorted(things["volumes"])),
            networks=tuple(sorted(things["networks"])),
        )
        for (home, owner), things in sorted(found.items())
    )


def free(client: APIClient, leftovers: Iterable[Leftover]) -> None:
    """Removes what homes left that are gone; loop devices end with their volumes' mounts."""
    for leftover in leftovers:
        for container in leftover.containers:
            remove_container(client, container)
        # A workspace's file system lies in the volume of the home's keeper: that one goes last.
        for volume in sorted(leftover.volumes, key=lambda name: name.endswith("-disks")):
            remove_volume(client, volume)
        remove_networks(client, leftover.networks)


def _volumes(client: APIClient, mark: str) -> list[dict[str, Any]]:
    with translated("list volumes"):
        return client.volumes(filters={"label": [mark]})["Volumes"] or []


def _networks(client: APIClient, mark: str) -> list[dict[str, Any]]:
    with translated("list networks"):
        found: list[dict[str, Any]] = client.networks(filters={"label": [mark]})
    return found


def _labels(item: dict[str, Any]) -> dict[str, str]:
    return item["Labels"] or {}


def _name(container: dict[str, Any]) -> str:
    # One that is being removed has no name any more.
    names = container["Names"] or [container["Id"]]
    return str(names[0]).removeprefix("/")
