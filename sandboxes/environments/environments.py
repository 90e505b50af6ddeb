"""The software a ticket's runs need: planned from the repository, installed once into an image."""

from __future__ import annotations

import codecs
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from labcrew.domain.base import content_hash
from labcrew.domain.repository import Repositories
from labcrew.domain.running import Environment
from labcrew.domain.sandbox import (
    EnvironmentPlan,
    Limits,
    NetworkRequest,
    OverlayFile,
    ReadOnlyInput,
    SandboxSpec,
)
from labcrew.errors import EngineError, EnvironmentBroken, GateRequired, NotFound
from labcrew.patterns import matches
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.crossing.tarballs import owned
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.environments.dockerfile_build import build
from sandboxes.environments.host_pip import HostPip, host_pip
from sandboxes.environments.pip_log import pips_words
from sandboxes.environments.requirements import (
    FOUND_IN_ORDER,
    UNREAD,
    Requirements,
    add_packages,
    read_requirements,
)
from sandboxes.images import BaseImage, base_software, base_tag
from sandboxes.network.dockerfile import refuse_fetching, replaced, with_arguments
from sandboxes.network.rules import NOT_LISTED, for_install, hosts_of, pip_variables
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient

_PATH = "/opt/env/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
_INSTALL = """\
set -e
set -a; . /workspace/host/environment; set +a
export HOME=/workspace TMPDIR=/workspace/tmp
mkdir -p /workspace/tmp
/opt/env/bin/pip install --no-cache-dir --progress-bar off -r /workspace/requirements.txt \
  -c /workspace/constraints.txt
"""
# Constraint lines travel in the plan's one text, as comments to pip.
_CONSTRAINT = "# constraint: "

_LOG_LINES = 5000
Say = Callable[[str], None]
# By the image's tag, for every home of this process: one makes it, the others wait and find it.
_MAKING: dict[str, threading.Lock] = {}


class Environments:
    """Implements labcrew.domain.sandbox.Environments.

    Args:
        sandboxes: the home's containers.
        repositories: where requirement files are read.
        limits: bounds of one install or build.
        say: is told in plain words what is being done.
        pip: answers what reaches the package index; default: this machine's.
    """

    def __init__(
        self,
        sandboxes: DockerSandboxes,
        repositories: Repositories,
        *,
        limits: Limits | None = None,
        say: Say = lambda text: None,
        pip: Callable[[], HostPip] = host_pip,
    ) -> None:
        self._sandboxes = sandboxes
        self._repositories = repositories
        self._requests: dict[str, tuple[NetworkRequest, ...]] = {}
        self._limits = limits or Limits(
            cpus=2, memory_mb=4096, pids=512, timeout_s=3600, workspace_mb=32768
        )
        self._say = say
        self._pip = pip

    def plan(
        self, wanted: Environment, repository: str, commit: str, without: tuple[str, ...] = ()
    ) -> EnvironmentPlan:
        """What runs need; the engine is only asked which image a name means now.

        Args:
            wanted: names a file, packages, a Dockerfile or an image, or nothing.
            repository: name of the trusted repository.
            commit: full id of the commit whose files count.
            without: path patterns that a Dockerfile's build must not see.

        Raises EnvironmentBroken for a file that is missing or can't be read.
        """
        if wanted.image:
            return self._image_plan(wanted.image, repository, commit)
        if wanted.dockerfile:
            return self._dockerfile_plan(wanted.dockerfile, without, repository, commit)
        present = set(self._repositories.files(repository, commit))
        source = wanted.requirements
        if source is None and not wanted.alone:
            source = next((p for p in FOUND_IN_ORDER if p in present), None)
        found = Requirements()
        if source is not None:
            links = self._repositories.links(repository, commit)
            found = read_requirements(
                source, lambda path: self._read(repository, commit, _end(links, path))
            )
        found = add_packages(found, wanted.packages)
        if not found.text:
            unread = [*found.unread, *sorted(present.intersection(UNREAD))]
            note = f"; {', '.join(unread)} is not read" if unread else ""
            return EnvironmentPlan(
                kind="base",
                description=f"labcrew's base image (Python 3.11); nothing is installed{note}",
                needs_gate=False,
                key=content_hash({"base": base_tag()}),
                repository=repository,
                commit=commit,
            )
        return self._requirements_plan(source, found, repository, commit)

    def ensure(self, plan: EnvironmentPlan, *, approved: bool = False) -> str:
        """The image's tag, made first where it is missing.

        Args:
            plan: as `plan` answered it.
            approved: a person said yes to a plan that needs a gate.

        Raises:
            GateRequired: the plan needs a gate and nobody decided.
            EnvironmentBroken: it can't be installed; with pip's last lines.
            EngineError: the engine is missing or refused.
        """
        if plan.needs_gate and not approved:
            raise GateRequired(f"A person decides first: {plan.description}")
        client = self._sandboxes.client
        if plan.kind == "base":
            return BaseImage(client, self._say).ensure()
        if plan.kind == "image":
            return self._pinned(plan.source)
        tag = f"labcrew/env:{plan.key[:24]}"
        with _MAKING.setdefault(tag, threading.Lock()):
            if self._has(tag):
                return tag
            if plan.kind == "dockerfile":
                self._build(client, plan, tag)
            else:
                base = BaseImage(client, self._say).ensure()
                self._install(client, plan, base, tag)
        return tag

    def requests(self, key: str) -> tuple[NetworkRequest, ...]:
        return self._requests.get(key, ())

    def _image_plan(self, image: str, repository: str, commit: str) -> EnvironmentPlan:
        """Bound to the image's content, where the engine can say what the name means now."""
        try:
            digest = self._sandboxes.image_digest(image)
        except (NotFound, EngineError):
            digest = ""
        known = f" ({digest[:19]})" if digest and digest != image else ""
        return EnvironmentPlan(
            kind="image",
            description=f"The engine's image {image}{known}, as it is",
            needs_gate=False,
            key=content_hash({"image": digest or image}),
            source=digest or image,
            repository=repository,
            commit=commit,
        )

    def _dockerfile_plan(
        self, path: str, without: tuple[str, ...], repository: str, commit: str
    ) -> EnvironmentPlan:
        if matches(path, without):
            raise EnvironmentBroken(
                f"{path} is private, so it can't be built: trials run in what it makes",
                "Take it out of evaluator.private.",
            )
        text = self._read(repository, commit, path)
        refuse_fetching(path, text)
        apart = f"; it does not see {', '.join(without)}" if without else ""
        return EnvironmentPlan(
            kind="dockerfile",
            description=clean(
                f"`docker build` of {path}: it runs as root in containers of the engine that reach"
                f" nothing but the package index; the engine itself fetches the image that it"
                f" builds on{apart}"
            ),
            needs_gate=True,
            key=content_hash(
                {"dockerfile": text, "path": path, "commit": commit, "without": list(without)}
            ),
            source=path,
            without=without,
            repository=repository,
            commit=commit,
        )

    def _requirements_plan(
        self, source: str | None, found: Requirements, repository: str, commit: str
    ) -> EnvironmentPlan:
        lines = found.text.splitlines()
        parts = [f"pip install into Python 3.11, from {source or 'the ticket'}: {', '.join(lines)}"]
        try:
            hosts = hosts_of(found.addresses)
        except ValueError as error:
            raise EnvironmentBroken(f"{source or 'environment.packages'}: {error}") from None
        if found.addresses:
            parts.append(f"from other places than the package index: {', '.join(found.addresses)}")
            parts.append(f"the install may reach {', '.join(hosts)}")
        if found.left_out:
            parts.append(f"left out (runs use the copy in /workspace): {', '.join(found.left_out)}")
        if found.unread:
            parts.append(f"{', '.join(found.unread)} is not read")
        text = found.text + "".join(
            f"{_CONSTRAINT}{line}\n" for line in found.constraints.splitlines()
        )
        return EnvironmentPlan(
            kind="requirements",
            description=clean("; ".join(parts)),
            needs_gate=bool(found.addresses),
            key=content_hash({"base": base_software(), "requirements": text}),
            hosts=hosts,
            requirements=text,
            source=source or "",
            repository=repository,
            commit=commit,
        )

    def _install(self, client: APIClient, plan: EnvironmentPlan, base: str, tag: str) -> None:
        # The name is the plan's: an install that was cut off is found again, not doubled.
        name = f"env-{plan.key[:16]}"
        container = self._sandboxes.container_name(name)
        pip = self._pip()
        folders = tuple(f"/packages/{index}" for index in range(len(pip.folders)))
        spec = SandboxSpec(
            name=name,
            purpose="environment",
            ticket="",
            image=base,
            command=("/bin/sh", "/workspace/install.sh"),
            inputs=tuple(
                ReadOnlyInput(source=source, target=target)
                for source, target in zip(pip.folders, folders, strict=True)
            ),
            limits=self._limits,
        )
        status = self._sandboxes.status(name)
        # One whose proxy is gone (a restarted engine) can't go on.
        if status.state == "created" or (status.state == "exited" and status.exit_code != 0):
            self._sandboxes.remove(name)
            status = self._sandboxes.status(name)
        if status.state == "missing":
            self._say(f"Installing the environment ({len(plan.requirements.splitlines())} lines) …")
            network = self._uplink(container, name, plan, pip)
            body = self._sandboxes.body(spec, network=network, writable_root=True)
            files = (
                OverlayFile(path="install.sh", content=_INSTALL.encode()),
                OverlayFile(path="requirements.txt", content=plan.requirements.encode()),
                OverlayFile(path="constraints.txt", content=_constraints(plan).encode()),
                OverlayFile(path="host/ca.pem", content=pip.certificates),
                OverlayFile(path="host/environment", content=_variables(pip, folders).encode()),
            )
            with translated(f"start the install {container}"):
                client.create_container_from_config(body, container)  # type: ignore[no-untyped-call]
                client.put_archive(container, "/workspace", owned(b"", files))
                client.start(container)
        timed_out = self._wait(name)
        try:
            self._requests[plan.key] = self._sandboxes.requests(name)
            status = self._sandboxes.status(name)
            if timed_out or status.exit_code != 0:
                raise self._broken(client, container, plan, timed_out, status.out_of_memory)
            with translated(f"keep the environment {tag}"):
                self._commit(client, container, base, tag)
        finally:
            self._sandboxes.remove(name)
        self._say(f"The environment {tag} is ready.")

    def _wait(self, name: str) -> bool:
        """Waits for the install's end; True if its time ran out and it was stopped."""
        while True:
            status = self._sandboxes.status(name)
            if status.state != "running":
                return False
            if status.started_at is not None:
                age = time.time() - status.started_at.timestamp()
                if age > self._limits.timeout_s:
                    self._sandboxes.stop(name, 0)
                    return True
            time.sleep(0.25)

    def _commit(self, client: APIClient, container: str, base: str, tag: str) -> None:
        found: Any = client.inspect_image(base)  # type: ignore[no-untyped-call]
        config = dict(found["Config"])
        # Its own environment, command and labels are merged in where these say nothing.
        config["Env"] = [
            *(item for item in config.get("Env") or [] if not item.startswith(("PATH=", "HOME="))),
            f"PATH={_PATH}",
            "HOME=/tmp",
            "VIRTUAL_ENV=/opt/env",
        ]
        config["Labels"] = dict.fromkeys(hardening.MARKS, "") | (config.get("Labels") or {})
        config["Cmd"], config["Entrypoint"] = ["sleep", "infinity"], []
        repository, version = tag.split(":")
        client.commit(container, repository=repository, tag=version, conf=config)

    def _broken(
        self, client: APIClient, container: str, plan: EnvironmentPlan, late: bool, memory: bool
    ) -> EnvironmentBroken:
        with translated(f"read the log of {container}"):
            log = clean(client.logs(container, tail=_LOG_LINES))
        lines = [line for line in log.splitlines() if line.strip()]
        errors = "\n".join(f"  {line[:300]}" for line in lines[-12:])
        reason = "it took too long" if late else "its memory ran out" if memory else "pip failed"
        return EnvironmentBroken(
            f"The ticket's environment could not be installed: {reason}\n{errors}"
            f"{_refusals(self.requests(plan.key))}",
            "Correct the requirements and assign the ticket again, or name an image that the"
            " engine has (environment.image).",
            log=pips_words(log),
        )

    def _build(self, client: APIClient, plan: EnvironmentPlan, tag: str) -> None:
        self._say(f"Building {plan.source} …")
        archive = self._repositories.archive(plan.repository, plan.commit, without=plan.without)
        text = self._read(plan.repository, plan.commit, plan.source)
        pip = self._pip()
        variables = pip_variables(pip)
        text = with_arguments(text, variables)
        refuse_fetching(plan.source, text)  # again: this is what the engine reads
        context = replaced(archive, plan.source, text.encode())
        name = f"build-{plan.key[:16]}"
        container = self._sandboxes.container_name(name)
        try:
            network = self._uplink(container, name, plan, pip)
            with translated(f"build {plan.source}"):
                broken = build(
                    client, context, plan.source, tag,
                    network=network, arguments=variables, limits=self._limits,
                )  # fmt: skip
            self._requests[plan.key] = self._sandboxes.requests(name)
        finally:
            self._sandboxes.remove(name)
        if broken is not None:
            raise EnvironmentBroken(
                broken.message + _refusals(self.requests(plan.key)), broken.remedy
            )

    def _uplink(self, container: str, name: str, plan: EnvironmentPlan, pip: HostPip) -> str:
        """The network of an install: the package index, and what a person let it reach."""
        settings = for_install(plan.hosts, self._sandboxes.settings.private_hosts, pip)
        return self._sandboxes.uplinks.open(container, name, "", settings)

    def _pinned(self, image: str) -> str:
        """The image by its content id, so that a later tag of the same name changes nothing."""
        try:
            return self._sandboxes.image_digest(image)
        except NotFound:
            raise EnvironmentBroken(
                f"The engine has no image {image}", f"Run `docker pull {image}`, or build it."
            ) from None

    def _has(self, tag: str) -> bool:
        try:
            self._sandboxes.image_digest(tag)
        except NotFound:
            return False
        return True

    def _read(self, repository: str, commit: str, path: str) -> str:
        try:
            raw = self._repositories.read(repository, commit, path, cap_mb=1)
            # As pip reads it: what PowerShell writes is UTF-16 with a mark.
            marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            return raw.decode("utf-16" if marked else "utf-8-sig")
        except NotFound:
            raise EnvironmentBroken(f"{path} is not in the repository at {commit[:12]}") from None
        except UnicodeDecodeError:
            raise EnvironmentBroken(f"{path} is not UTF-8 text") from None


def _end(links: Mapping[str, str | None], path: str) -> str:
    """Where the file of a path stands, which may be a link."""
    end = links.get(path, path)
    if end is None:
        raise EnvironmentBroken(
            f"{path} is a link that leads out of the repository", "Commit the file itself."
        )
    return end


def _constraints(plan: EnvironmentPlan) -> str:
    lines = plan.requirements.splitlines(keepends=True)
    return "".join(line.removeprefix(_CONSTRAINT) for line in lines if line.startswith(_CONSTRAINT))


def _variables(pip: HostPip, folders: tuple[str, ...]) -> str:
    """Lines of a shell script: pip's way to the proxy; no address or password of the machine's."""
    variables = pip_variables(pip, folders)
    if pip.certificates:
        bundle = "/workspace/host/ca.pem"
        variables |= {"PIP_CERT": bundle, "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _refusals(requests: tuple[NetworkRequest, ...]) -> str:
    """What an install was not let through to, as a last line."""
    hosts = [r.host for r in requests if r.verdict == "refused" and r.reason == NOT_LISTED]
    return f"\n  It asked for hosts that it may not reach: {', '.join(hosts)}" if hosts else ""
