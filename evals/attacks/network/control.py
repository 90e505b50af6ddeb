"""The same probes in a container on the default bridge, beside a proxy that takes any request.

It reaches what the battery itself started, and nothing else: addresses and names outside this
machine are replaced by the listener's, and the listener is the only name server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast

from evals.attacks.network.runs import judged, program, told
from evals.attacks.network.stage import INSIDE, ZONE, Stage, address, staged, start
from evals.attacks.probe import Finding
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.volumes.workspaces import remove_container
from tools.toolbox import Workbench

_PYTHON = "/opt/labcrew/bin/python"
_SECTIONS = {
    "none": ("direct",),
    "hosts": ("proxied",),
    "install": ("direct", "index", "secrets"),
}


def control(bench: Workbench) -> Iterator[Finding]:
    """Every situation's findings, in containers that nobody hardened."""
    sandboxes = cast(DockerSandboxes, bench.sandboxes)
    with staged(sandboxes.client, sandboxes.home_id) as stage, ExitStack() as stack:
        proxy = f"labcrew-{stage.home}-attack-proxy"
        stack.callback(remove_container, stage.client, proxy)
        files = {"open_proxy.py": (INSIDE / "open_proxy.py").read_bytes()}
        where = {
            "Dns": [stage.other],
            "ExtraHosts": [f"linklocal.{ZONE}:{stage.other}"],
        }
        start(stage, proxy, (_PYTHON, "/srv/open_proxy.py"), files, ready=True, host=where)
        for situation, sections in _SECTIONS.items():
            yield from _situation(stage, situation, sections, address(stage.client, proxy))


def _situation(
    stage: Stage, situation: str, sections: tuple[str, ...], proxy: str
) -> Iterator[Finding]:
    container = f"labcrew-{stage.home}-attack-control"
    settings = stage.settings(situation, *sections, control=True) | {"proxy": [proxy, 3128]}
    password = f"http://crew:{stage.password}@{stage.other}/simple"
    try:
        start(
            stage,
            container,
            program(settings),
            {},
            environment=(f"PIP_INDEX_URL={password}",),
            host={"Dns": [stage.other]},
        )
        stage.client.wait(container, timeout=240)
        log = stage.client.logs(container, stderr=False).decode("utf-8", "replace")
    finally:
        remove_container(stage.client, container)
    yield from judged(stage, situation, told(log), stage.received())
