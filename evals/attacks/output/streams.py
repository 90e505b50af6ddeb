"""Hostile bytes through each way by which a container's output comes: run, call, log."""

from __future__ import annotations

import json
from collections.abc import Iterable

from evals.attacks.boxes import docker_of
from evals.attacks.output.payloads import PAYLOADS, harm, printing
from evals.attacks.probe import Finding, Verdict
from evals.attacks.stands import Permissive, Stand, decoys
from tools.toolbox import Workbench

_BEGIN = "[[payload "
# Prints each payload to a stream in pieces of a size, each a write of its own.
_PRINT = """\
import json, os, sys, time
stream, size = int(sys.argv[1]), int(sys.argv[2])
for number, payload in enumerate(json.loads(sys.argv[3])):
    content = ("[[payload %d]]\\n" % number).encode() + bytes.fromhex(payload)
    for start in range(0, len(content), size):
        os.write(stream, content[start:start + size])
        if size == 1:
            time.sleep(0.0002)
"""


def run(bench: Workbench) -> Iterable[Finding]:
    """Each payload in one piece by run and call, both streams; and byte by byte in the log."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Stand(bench, folder)
        whole = {
            "a run's output": stand.run(_command(1, 4096)).stdout,
            "a run's errors": stand.run(_command(2, 4096)).stderr,
        }
        with stand.tools() as tools:
            whole["a call's output"] = stand.sandboxes.exec(tools, _command(1, 4096)).stdout
            whole["a call's errors"] = stand.sandboxes.exec(tools, _command(2, 4096)).stderr
        split = {"a log, byte by byte": _followed(stand, 1), "a log": _followed(stand, 4096)}
    yield from _judged("printed", whole)
    yield from _judged("logged", split)


def control(bench: Workbench) -> Iterable[Finding]:
    """The bytes as the engine gives them, decoded and no more."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Permissive(bench, folder)
        with stand.container() as container:
            yield from _judged("printed", {"the engine": stand.exec(container, _command(1, 4096))})


def _followed(stand: Stand, size: int) -> str:
    spec = stand.spec(_command(1, size))
    stand.sandboxes.start(spec)
    try:
        return "".join(stand.sandboxes.follow(spec.name))
    finally:
        stand.sandboxes.remove(spec.name)


def _command(stream: int, size: int) -> tuple[str, ...]:
    payloads = json.dumps([printing(payload).hex() for payload in PAYLOADS.values()])
    return ("python3", "-c", _PRINT, str(stream), str(size), payloads)


def _judged(how: str, texts: dict[str, str]) -> Iterable[Finding]:
    """One finding a payload: it held where it was harmless in every text."""
    parts = {way: _parts(text) for way, text in texts.items()}
    for number, name in enumerate(PAYLOADS):
        told = {way: harm(part.get(number, "")) for way, part in parts.items()}
        bad = [f"{way}: {what}" for way, what in told.items() if what]
        verdict: Verdict = "breached" if bad else "held"
        yield Finding(
            probe=f"{name}, {how}",
            tried=f"{name} through {', '.join(texts)}",
            happened="; ".join(bad) or "harmless text came through",
            verdict=verdict,
        )


def _parts(text: str) -> dict[int, str]:
    found = {}
    for piece in text.split(_BEGIN)[1:]:
        number, _, content = piece.partition("]]\n")
        found[int(number)] = content
    return found
