"""Probes by the dozen: one program a theme, run as a trial and as a call in a tool container."""

from collections.abc import Iterable

from evals.attacks.boxes import docker_of
from evals.attacks.container.programs import BATCHES, BESIDE, batch, findings, worst
from evals.attacks.probe import Finding
from evals.attacks.stands import Permissive, Stand, decoys
from tools.toolbox import Workbench


def run(bench: Workbench) -> Iterable[Finding]:
    """The batches in labcrew's containers: a probe held if it held in both kinds.

    A trial's process 1 is its own; that of a tool container is labcrew's.
    """
    with decoys(docker_of(bench).client) as (folder, told):
        stand = Stand(bench, folder)
        targets = {**told, "outside": "yes"}
        with stand.tools() as tools:
            for name in (*BATCHES, BESIDE):
                command = batch(name, targets)
                ends = {"tools": stand.sandboxes.exec(tools, command, timeout_s=60)}
                if name != BESIDE:
                    ends["trial"] = stand.run(command)
                found = {k: findings(end.stdout, told["nonce"]) for k, end in ends.items()}
                yield from worst(found)
                for kind, end in ends.items():
                    yield from _broken(f"the {name} program as {kind}", end.exit_code, end.stderr)


def control(bench: Workbench) -> Iterable[Finding]:
    """The same in a root container as an engine makes it by default; nothing outside is tried."""
    with decoys(docker_of(bench).client) as (folder, told):
        stand = Permissive(bench, folder)
        with stand.container() as container:
            for name in (*BATCHES, BESIDE):
                output = stand.exec(container, batch(name, {**told, "outside": "no"}))
                yield from findings(output, told["nonce"]).values()


def _broken(name: str, exit_code: int, stderr: str) -> Iterable[Finding]:
    """A program that broke off would leave probes out unseen."""
    if exit_code:
        yield Finding(
            probe=name,
            tried="run every probe to the end",
            happened=f"exit code {exit_code}: {stderr[-300:]}",
            verdict="unknown",
        )
