"""Containers of one home on a Docker engine: the adapter for the Sandboxes port."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.domain.monitoring import Usage
from labcrew.domain.repository import Repositories
from labcrew.domain.sandbox import (
    Capacity,
    NetworkRequest,
    OutputFile,
    OverlayFile,
    RunResult,
    SandboxSpec,
    SandboxStatus,
)
from labcrew.errors import (
    EngineError,
    EngineUnavailable,
    LabcrewError,
    OutcomeUnknown,
    StorageFull,
)
from labcrew.settings import SandboxSettings
from sandboxes import hardening
from sandboxes.beside import run_beside
from sandboxes.client import connect, translated
from sandboxes.crossing import inside
from sandboxes.crossing.archives import Archives
from sandboxes.crossing.crossing import Crossing
from sandboxes.crossing.tarballs import owned
from sandboxes.deadlines import Watch
from sandboxes.environments.host_pip import host_pip
from sandboxes.facts import Facts
from sandboxes.logs import follow, watch
from sandboxes.network.rules import for_hosts
from sandboxes.network.uplink import Uplinks
from sandboxes.runner import program
from sandboxes.runner.pool import Pool
from sandboxes.runner.residents import Residents
from sandboxes.states import inspected, read_status, run_attached
from sandboxes.usage import Meter
from sandboxes.volumes import orphans, workspaces
from sandboxes.volumes.owners import owner
from sandboxes.volumes.volumes import Volumes

if TYPE_CHECKING:
    from docker.api import APIClient


_MEMORY = "Give it more memory: its files take half of it at most."
_MORE = "Raise the ticket's budget.disk_mb and resume it."


class DockerSandboxes:
    """Implements labcrew.domain.sandbox.Sandboxes.

    Args:
        home_id: the home's id; only containers that carry it are ever touched.
        repositories: where workspaces are filled from.
        client: the engine; default: the one that DOCKER_HOST names, asked at the first call.
        settings: how containers are run.
        folder: the home's root; None for a home that ends with this process.
        runner: the program that takes calls in tool containers.
        warm: how many tool containers run before a ticket asks for one.
    """

    def __init__(
        self,
        home_id: str,
        repositories: Repositories,
        client: APIClient | None = None,
        *,
        settings: SandboxSettings | None = None,
        folder: Path | None = None,
        runner: tuple[str, ...] | None = None,
        warm: int = 0,
    ) -> None:
        if not hardening.is_name(home_id):
            raise ValueError(f"{home_id!r} can't be a home's id")
        self._home = home_id
        self._client, self._shares_client = client, client is not None
        self._making = threading.RLock()  # held while something is made that there is once
        self._runner = runner
        self._residents: Residents | None = None
        self._watch: Watch | None = None
        self._facts = Facts(lambda: self.client)
        self._settings = settings or SandboxSettings()
        self._owner = owner(folder)
        self._without_network: set[str] = set()
        self._archives = Archives(repositories)
        self._in_memory: set[str] = set()
        self._volumes = Volumes(lambda: self.client, home_id, self._owner, self._settings.volumes)
        self._meter = Meter(lambda: self.client, self._volumes)
        self._pool = Pool(
            lambda: self.client,
            home_id,
            self._owner,
            make=lambda spec: self._start(self.container_name(spec.name), spec),
            drop=self.remove,
            size=warm,
        )

    def close(self) -> None:
        """Ends what serves this process alone: runners, keeper, watch; tickets' workspaces stay."""
        self._pool.close()
        if self._residents is not None:
            self._residents.close()
        self._volumes.close()
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._client is not None and not self._shares_client:
            self._client.close()

    @property
    def settings(self) -> SandboxSettings:
        """How containers are run."""
        return self._settings

    @property
    def uplinks(self) -> Uplinks:
        """The proxies of sandboxes that may reach something. Raises EngineUnavailable."""
        return Uplinks(self.client, self._home, self._owner, self._settings)

    @property
    def client(self) -> APIClient:
        """The engine. Raises EngineUnavailable."""
        with self._making:
            if self._client is None:
                self._client = connect()
            return self._client

    @property
    def home_id(self) -> str:
        """The home whose containers these are."""
        return self._home

    @property
    def residents(self) -> Residents:
        """The runners of the tool containers that this process started or called."""
        with self._making:
            if self._residents is None:
                self._residents = Residents(self.client, self._volumes.ready)
            return self._residents

    def container_name(self, name: str) -> str:
        """What the engine calls the container, and its workspace's volume."""
        if not hardening.is_name(name):
            raise ValueError(f"{name!r} can't be a container's name")
        return f"labcrew-{self._home}-{self._pool.inner(name)}"

    def start(self, spec: SandboxSpec) -> None:
        container = self.container_name(spec.name)
        if not takes_calls(spec):
            self._start(container, spec)
        elif not self.residents.holds(container):
            with self.residents.door(container):
                new = self._pool.serves(spec) and self._inspect(container) is None
                if not (new and self._pool.hand_out(spec)):
                    self._start(container, spec)

    def _start(self, container: str, spec: SandboxSpec) -> None:
        if not self._create(spec, attached=False):
            state = self._inspect(container)
            if state is None:
                return self._start(container, spec)  # it was removed in between
            if state["State"]["Status"] != "created":
                return None
            self._volumes.ready(container)
        # Never started: perhaps killed half filled. Filling it again changes nothing.
        if not spec.in_memory:
            self._fill(container, spec)
        if takes_calls(spec):
            self.residents.open(container)
            if spec.in_memory:
                inside.unpack(self.residents, container, self._content(spec), more=_MEMORY)
        else:
            with translated(f"start container {container}"):
                self.client.start(container)
        self._watching().add(container, spec.limits.timeout_s)
        return None

    def status(self, name: str) -> SandboxStatus:
        found = self._inspect(self.container_name(name))
        status = read_status(name, found)
        if status.state == "exited" and status.exit_code != 0:
            full = self._volumes.full(self.container_name(name))
            return status.model_copy(update={"workspace_full": full})
        return status

    def follow(self, name: str) -> Iterator[str]:
        return follow(self.client, self.container_name(name))

    def watch(self, name: str) -> Iterator[str]:
        return watch(self.client, self.container_name(name))

    def usage(self, name: str) -> Usage | None:
        return self._meter.read(self.container_name(name))

    def stop(self, name: str, grace_s: float = 2.0) -> None:
        from docker.errors import NotFound as Missing

        container = self.container_name(name)
        with translated(f"stop container {container}"):
            try:
                self.client.stop(container, timeout=max(0, math.ceil(grace_s)))
            except Missing:
                return

    def remove(self, name: str) -> None:
        container = self.container_name(name)
        workspaces.remove_container(self.client, container)
        if container in self._without_network:
            self._without_network.discard(container)
        else:
            self.uplinks.close(container)
        if container in self._in_memory:
            self._in_memory.discard(container)
        else:
            self._volumes.remove(container)
        self._meter.forget(container)
        if self._residents is not None:
            self._residents.forget(container)
        if self._watch is not None:
            self._watch.forget(container)
        self._pool.forget(name)

    def collect(
        self, name: str, path: str, destination: Path, cap_mb: int
    ) -> tuple[OutputFile, ...]:
        container = self.container_name(name)
        if container in self._in_memory:
            raise EngineError(f"The workspace of {name} lies in memory and can't be collected")
        return self._crossing(container).collect(container, path, destination, cap_mb)

    def run(self, spec: SandboxSpec) -> RunResult:
        container = self.container_name(spec.name)
        self._watching()  # it is ended from here; if we are killed, by whom that leaves behind
        if not self._create(spec, attached=True):
            self.remove(spec.name)  # left by a call that was killed: its answer is lost
            self._create(spec, attached=True)
        try:
            self._fill(container, spec)
            result = run_attached(self.client, container, spec.limits)
            full = result.exit_code != 0 and self._volumes.full(container)
            return result.model_copy(update={"workspace_full": full})
        except EngineUnavailable as error:
            raise OutcomeUnknown(f"The Docker engine was lost while {container} ran") from error
        finally:
            with suppress(EngineError):  # what can't be removed now goes when the name is next used
                self.remove(spec.name)

    def exec(
        self, name: str, command: tuple[str, ...], *, stdin: bytes = b"", timeout_s: float = 60
    ) -> RunResult:
        return self.residents.run(
            self.container_name(name), command, stdin=stdin, timeout_s=timeout_s
        )

    def converse(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        answer: Callable[[str], str | None],
        stdin: bytes = b"",
        timeout_s: float = 60,
        overall_s: float = 3600,
        cap_mb: int = 4,
    ) -> RunResult:
        return self.residents.converse(
            self.container_name(name),
            command,
            answer=answer,
            stdin=stdin,
            timeout_s=timeout_s,
            overall_s=overall_s,
            cap=cap_mb << 20,
        )

    def exec_beside(self, name: str, command: tuple[str, ...], *, timeout_s: float) -> RunResult:
        return run_beside(self.client, self.container_name(name), command, timeout_s)

    def read_file(self, name: str, path: str, cap_mb: int = 8) -> bytes:
        container = self.container_name(name)
        if container in self._in_memory:
            return inside.read_file(self.residents, container, path, cap_mb)
        return self._crossing(container).read_file(container, path, cap_mb)

    def write_files(self, name: str, files: tuple[OverlayFile, ...]) -> None:
        inside.unpack(self.residents, self.container_name(name), owned(b"", files), more=_MORE)

    def image_digest(self, image: str) -> str:
        return self._facts.digest(image)

    def capacity(self) -> Capacity:
        return self._facts.capacity()

    def requests(self, name: str) -> tuple[NetworkRequest, ...]:
        return self.uplinks.requests(self.container_name(name))

    def list(self, ticket: str | None = None) -> tuple[SandboxStatus, ...]:
        handed = {h.warm: h for h in self._pool.handed.values()}
        names = set()
        for name, made_for in orphans.owners(self.client, self._home):
            has = handed[name].ticket if name in handed else made_for
            if not self._pool.is_idle(name) and ticket in (None, has):
                names.add(handed[name].name if name in handed else name)
        statuses = [self.status(name) for name in sorted(names)]
        return tuple(status for status in statuses if status.state != "missing")

    def clean_orphans(self, living: set[str]) -> tuple[str, ...]:
        """Removes this home's containers and volumes whose names are not among the living."""
        orphans.remove_keepers(self.client, self._home, but=self._volumes.keeper)
        self._pool.drain()
        prefix = self.container_name("x").removesuffix("x")
        names = orphans.names(self.client, self._home)
        names |= {volume.removeprefix(prefix) for volume in self._volumes.names()}
        gone = sorted({self._pool.outer(name) for name in names} - living)
        for name in gone:
            self.remove(name)
        orphans.remove_given_up(self.client, self._home)
        orphans.remove_networks(self.client, orphans.networks(self.client, self._home))
        if names & living:
            self._watching().adopt()
        return tuple(gone)

    def _create(self, spec: SandboxSpec, *, attached: bool) -> bool:
        """Makes the container; False if one of this home has the name already."""
        try:
            return self._made(spec, attached=attached)
        except OutcomeUnknown:
            raise
        except LabcrewError:
            with suppress(EngineError):  # its workspace was made first
                self._volumes.remove(self.container_name(spec.name))
            raise

    def _made(self, spec: SandboxSpec, *, attached: bool) -> bool:
        from docker.errors import APIError, ImageNotFound

        container = self.container_name(spec.name)
        if spec.in_memory:
            self._in_memory.add(container)
        body = self.body(spec, attached=attached, network=self._network(spec, container))
        if not attached and takes_calls(spec):
            body = program.moved_in(body, self._runner or program.command())
        with translated(f"create container {container}"):
            try:
                self.client.create_container_from_config(body, container)  # type: ignore[no-untyped-call]
            except ImageNotFound as error:
                raise EngineError(
                    f"The engine has no image {spec.image}",
                    "`make image` builds labcrew's own; a ticket's environment is made on resume.",
                ) from error
            except APIError as error:
                if error.status_code != 409:
                    raise
                found = self._inspect(container)
                labels = found["Config"]["Labels"] if found else {hardening.HOME: self._home}
                if labels.get(hardening.HOME) != self._home:
                    raise EngineError(f"Container {container} belongs to another home") from error
                return False
        return True

    def _network(self, spec: SandboxSpec, container: str) -> str:
        """None, or the proxy's network of a sandbox that may reach hosts."""
        if not spec.hosts:
            self._without_network.add(container)  # so that nothing is looked for at its end
            return "none"
        if self._inspect(container) is not None:
            return "none"
        settings = for_hosts(spec.hosts, self._settings.private_hosts, host_pip())
        return self.uplinks.open(container, spec.name, spec.ticket, settings)

    def body(
        self,
        spec: SandboxSpec,
        *,
        attached: bool = False,
        network: str = "none",
        writable_root: bool = False,
    ) -> dict[str, Any]:
        """The engine's create call for a container of this home; its workspace is made first."""
        container = self.container_name(spec.name)
        return hardening.body(
            self._home,
            spec,
            container,
            attached=attached,
            network=network,
            writable_root=writable_root,
            knows_localhost=self._facts.knows_localhost(spec.image),
            volumes=self._facts.volumes(spec.image),
            driver={}
            if spec.in_memory
            else self._volumes.driver(
                container, spec.limits, hardening.labels(self._home, spec, self._owner)
            ),
            owner=self._owner,
            runtime=self._facts.runtime(self._settings.runtime),
        )

    def _content(self, spec: SandboxSpec) -> bytes:
        """What a workspace begins with, as a tar."""
        return owned(b"") if spec.workspace is None else self._archives.content(spec.workspace)

    def _fill(self, container: str, spec: SandboxSpec) -> None:
        content = self._content(spec)
        try:
            with translated(f"fill the workspace of {container}"):
                self.client.put_archive(container, "/workspace", content)
        except StorageFull as error:
            if not self._volumes.capped:
                raise
            raise StorageFull(
                f"The workspace of {spec.name} is full: it holds {spec.limits.workspace_mb} MiB"
                f" and {spec.limits.workspace_files} files, less than what goes into it",
                _MORE,
            ) from error

    def _inspect(self, container: str) -> dict[str, Any] | None:
        return inspected(self.client, container)

    def _watching(self) -> Watch:
        with self._making:
            if self._watch is None:
                self._watch = Watch(self.client, self._home)
            return self._watch

    def _crossing(self, container: str) -> Crossing:
        self._volumes.ready(container)
        return Crossing(self.client)


def takes_calls(spec: SandboxSpec) -> bool:
    """Whether a started container waits for calls, rather than running a command of its own."""
    return spec.purpose in ("tools", "candidate", "scorer") and not spec.command
