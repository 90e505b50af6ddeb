"""The probes in labcrew's own sandboxes: without a network, with hosts, installing, building."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from evals.attacks.network.stage import INDEX, USER, ZONE, Stage, probe_files, staged
from evals.attacks.probe import Finding
from labcrew.domain.running import Environment
from labcrew.domain.sandbox import Limits, NetworkRequest, SandboxSpec
from labcrew.errors import EnvironmentBroken
from labcrew.settings import SandboxSettings
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.environments.environments import Environments
from sandboxes.environments.host_pip import HostPip
from tools.toolbox import Workbench

_LIMITS = Limits(cpus=1, memory_mb=512, timeout_s=240, output_mb=2)
_RULED = ("rebind", "inner", "loop", "linklocal", "mapped", "mixed", "*.wild", "allowed")
_FINDINGS = "cat /opt/env/lib/python3*/site-packages/hostile_findings.jsonl"


def run(bench: Workbench) -> Iterator[Finding]:
    """Every situation's findings."""
    given = cast(DockerSandboxes, bench.sandboxes)
    with staged(given.client, given.home_id) as stage, ExitStack() as stack:
        allowed = f"allowed.{ZONE}"
        settings = SandboxSettings.model_validate(
            {
                "private_hosts": [f"{allowed}={stage.other}"],
                "name_servers": [stage.other],
                "volumes": given.settings.volumes,
                "runtime": given.settings.runtime,
            }
        )
        sandboxes = DockerSandboxes(
            given.home_id, bench.repositories, given.client, settings=settings
        )
        stack.callback(sandboxes.close)
        hosts = (allowed, *(f"{name}.{ZONE}:8080" for name in _RULED))
        yield from _in_sandbox(stage, sandboxes, bench.base_image, "none", ("direct",), ())
        yield from _in_sandbox(
            stage, sandboxes, bench.base_image, "hosts", ("direct", "proxied"), hosts
        )
        yield from _in_environment(stage, sandboxes, bench, "install")
        yield from _in_environment(stage, sandboxes, bench, "dockerfile")


def judged(
    stage: Stage, situation: str, told: Iterable[dict[str, Any]], received: set[str]
) -> Iterator[Finding]:
    """What the probes told, with what the listeners received."""
    for item in told:
        arrived = item["mark"] in received
        yield Finding(
            probe=f"{situation}: {item['probe']}",
            tried=item["tried"],
            happened="its mark arrived outside; " * arrived + item["happened"],
            verdict="breached" if arrived else item["verdict"],
        )


def told(output: str) -> list[dict[str, Any]]:
    """The findings in a program's output; other lines are left out."""
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"probe"')]


def program(settings: dict[str, Any]) -> tuple[str, ...]:
    """A command that runs the probes, wherever it has Python and /tmp."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in probe_files().items():
            out.writestr("__main__.py" if name == "probes.py" else name, content)
    script = (
        'echo "$0" | base64 -d >/tmp/probes.zip; echo "$1" >/tmp/settings.json;'
        " exec python3 /tmp/probes.zip /tmp/settings.json"
    )
    packed = base64.b64encode(data.getvalue()).decode()
    return ("/bin/sh", "-c", script, packed, json.dumps(settings))


def _in_sandbox(
    stage: Stage,
    sandboxes: DockerSandboxes,
    image: str,
    situation: str,
    sections: tuple[str, ...],
    hosts: tuple[str, ...],
) -> Iterator[Finding]:
    spec = SandboxSpec(
        name=f"attack-{situation}",
        purpose="trial",
        ticket="",
        image=image,
        command=program(stage.settings(situation, *sections)),
        limits=_LIMITS,
        hosts=hosts,
    )
    result = sandboxes.run(spec)
    found = told(result.stdout)
    yield from judged(stage, situation, found, stage.received())
    if not found or result.exit_code != 0:
        yield _unknown(situation, result.stderr or result.stdout)


def _in_environment(
    stage: Stage, sandboxes: DockerSandboxes, bench: Workbench, situation: str
) -> Iterator[Finding]:
    """An install whose build runs the probes, or a Dockerfile that does."""
    address = f"http://{USER}:{stage.password}@{stage.other}:{INDEX}/simple"
    pip = HostPip({"index-url": address}, (), b"", {})
    environments = Environments(sandboxes, bench.repositories, limits=_LIMITS, pip=lambda: pip)
    docker = situation == "dockerfile"
    settings = stage.settings(situation, "direct", "index", "secrets")
    with tempfile.TemporaryDirectory(prefix="labcrew-attack-") as folder:
        where = _repository(bench, Path(folder), settings if docker else None)
    wanted = Environment(dockerfile="Dockerfile") if docker else Environment(packages=("hostile",))
    plan = environments.plan(wanted, *where)
    try:
        tag = environments.ensure(plan, approved=True)
    except EnvironmentBroken as error:
        yield _unknown(situation, error.message)
        return
    finally:
        requests = environments.requests(plan.key)
    try:
        command = "cat /findings.jsonl" if docker else _FINDINGS
        spec = SandboxSpec(
            name=f"attack-{situation}-read", purpose="tools", ticket="", image=tag,
            command=("/bin/sh", "-c", command), limits=_LIMITS,
        )  # fmt: skip
        result = sandboxes.run(spec)
    finally:
        sandboxes.client.remove_image(tag, force=True)
    found = told(result.stdout)
    yield from judged(stage, situation, found, stage.received())
    yield _logged(situation, stage.password, requests)
    if not found:
        yield _unknown(situation, result.stderr or result.stdout)


def _logged(situation: str, password: str, requests: tuple[NetworkRequest, ...]) -> Finding:
    """The journal must have the refusals, and never the password."""
    refused = sum(request.times for request in requests if request.verdict == "refused")
    text = "".join(request.model_dump_json() for request in requests)
    return Finding(
        probe=f"{situation}: journal",
        tried="go unnoticed, or have the password written into the journal",
        happened=f"{refused} refusals are noted",
        verdict="breached" if password in text or not refused else "held",
    )


def _unknown(situation: str, said: str) -> Finding:
    return Finding(
        probe=f"{situation}: the situation itself",
        tried="run the probes",
        happened=f"they did not run to their end: {said.strip()[-300:]}",
        verdict="unknown",
    )


def _repository(bench: Workbench, folder: Path, settings: dict[str, Any] | None) -> tuple[str, str]:
    """A repository of the battery's own; with settings, one whose Dockerfile runs the probes."""
    files = {"train.py": b"print('trained')\n", "mark": uuid.uuid4().hex.encode()}
    if settings is not None:
        files |= probe_files() | {
            "settings.json": json.dumps(settings).encode(),
            "Dockerfile": (
                f"FROM {bench.base_image}\nUSER 0\nCOPY . /probes\n"
                "RUN cd /probes && python3 probes.py settings.json > /findings.jsonl\nUSER 10001\n"
            ).encode(),
        }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    identity = ["-c", "user.name=battery", "-c", "user.email=battery@localhost"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "start"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
    name = f"attack-{uuid.uuid4().hex[:8]}"
    return name, bench.repositories.take(name, folder, "HEAD", snapshot=False)
