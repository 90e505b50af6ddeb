"""`python -m evals.bench.peers`: the same command in labcrew's, swe-rex's and llm-sandbox's
containers, on this machine, interleaved. Writes results/peers-calls.json.

The peers are installed from the package index into an environment that is thrown away.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.bench.figures import RESULTS, Machine, median, this_machine
from evals.bench.sandbox import PARALLEL, per_second, sandboxed, timed, tool_container
from labcrew.domain.base import Model
from labcrew.errors import LabcrewError
from sandboxes.images import base_tag

PEERS = {
    "swe-rex": ("swe-rex==1.4.0", "aiohttp<4"),  # which it needs and does not name
    "llm-sandbox": ("llm-sandbox[docker]==0.3.46",),
}
_START_S = 180


class Cost(Model):
    """One sandbox's cost of running `true`."""

    version: str
    call_ms: float
    parallel_per_s: float


class Comparison(Model):
    """What was measured, and on what."""

    machine: Machine
    command: str = "true"
    parallel: int = PARALLEL
    rounds: int
    costs: dict[str, Cost]

    @property
    def ahead(self) -> bool:
        """Whether labcrew is faster than each peer, in both figures."""
        ours = self.costs["labcrew"]
        return all(
            ours.call_ms < cost.call_ms and ours.parallel_per_s > cost.parallel_per_s
            for name, cost in self.costs.items()
            if name != "labcrew"
        )


class Peer:
    """A peer's worker process.

    Args:
        name: as the worker knows it.
        python: of the environment that has it.
        packages: that environment's package folder.
        errors: where the worker's own talk goes.
    """

    def __init__(self, name: str, python: Path, packages: Path, errors: Any) -> None:
        worker = str(Path(__file__).with_name("peer_worker.py"))
        self._name = name
        self._process = subprocess.Popen(
            [str(python), "-I", worker, name, base_tag(), str(packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def answer(self) -> Any:
        """The worker's next line. Raises LabcrewError where it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LabcrewError(f"{self._name} could not be measured; what it said is above.")
        return line.strip() if line == "ready\n" else json.loads(line)

    def measure(self, kind: str, calls: int) -> Any:
        """What the worker measured: milliseconds a call, or calls a second."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind} {calls}\n")
        self._process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """Lets the worker put its container away."""
        self._process.communicate(timeout=_START_S)


def compare(rounds: int = 10) -> Comparison:
    """Measures all three, a few calls of each in turn.

    Args:
        rounds: of ten calls one by one and a crowd's calls each.

    Raises:
        EngineUnavailable: no Docker engine answers.
        LabcrewError: a peer can't be installed or does not run.
    """
    machine = this_machine()
    alone: dict[str, list[float]] = {name: [] for name in ("labcrew", *PEERS)}
    crowd: dict[str, list[float]] = {name: [] for name in ("labcrew", *PEERS)}
    with ExitStack() as stack:
        sandboxes, container = stack.enter_context(tool_container())
        peers = {name: stack.enter_context(installed(name)) for name in PEERS}
        for _ in range(rounds):
            alone["labcrew"] += [timed(lambda: sandboxed(sandboxes, container)) for _ in range(10)]
            crowd["labcrew"].append(per_second(lambda: sandboxed(sandboxes, container), 160))
            for name, peer in peers.items():
                alone[name] += peer.measure("single", 10)
                crowd[name].append(peer.measure("crowd", 2 * PARALLEL))
    versions = {"labcrew": "this"} | {n: w[0].partition("==")[2] for n, w in PEERS.items()}
    return Comparison(
        machine=machine,
        rounds=rounds,
        costs={
            name: Cost(
                version=versions[name],
                call_ms=round(median(alone[name]), 3),
                parallel_per_s=round(median(crowd[name]), 1),
            )
            for name in alone
        },
    )


@contextmanager
def installed(name: str) -> Iterator[Peer]:
    """A peer in an environment of its own, at work, thrown away afterwards."""
    with TemporaryDirectory(prefix="labcrew-peer-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # its container's user reads it
        python = root / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            install = [str(python), "-m", "pip", "install", "--quiet", *PEERS[name]]
            subprocess.run(install, check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace")[-1000:]
            raise LabcrewError(f"{name} could not be installed: {said}") from error
        packages = next(root.glob("lib/python*/site-packages"))
        with (root / "errors").open("w+") as errors:
            peer = Peer(name, python, packages, errors)
            try:
                peer.answer()
                yield peer
            except LabcrewError:
                errors.seek(0)
                print(errors.read()[-2000:], file=sys.stderr)
                raise
            finally:
                peer.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 1 where a peer is ahead."""
    parser = argparse.ArgumentParser(prog="evals.bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of peers-calls.json")
    given = parser.parse_args(arguments)
    try:
        found = compare(given.rounds)
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name, cost in found.costs.items():
        print(
            f"{name} {cost.version}: {cost.call_ms:.2f} ms a call,"
            f" {cost.parallel_per_s:.0f} calls/s with {found.parallel} at once"
        )
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "peers-calls.json").write_text(found.model_dump_json(indent=2) + "\n")
    return 0 if found.ahead else 1


if __name__ == "__main__":
    sys.exit(main())
