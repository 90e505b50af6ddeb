"""The probe programs, and how one is run: its source goes along as an argument."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from evals.attacks.probe import Finding, Verdict

BATCHES = ("files", "kernel", "calls", "network")
BESIDE = "neighbours"  # for containers in which something of labcrew's runs
_INSIDE = Path(__file__).parent / "inside"
_PACKAGE = "evals.attacks.container.inside"
# Makes the harness importable by its name in a container that has none of this, then runs one.
_LOADER = """\
import json, sys, types
name, shared, program = json.loads(sys.argv.pop(1))
harness = types.ModuleType(name)
sys.modules[name] = harness
exec(compile(shared, "harness.py", "exec"), harness.__dict__)
exec(compile(program, "probes.py", "exec"), {"__name__": "__main__"})
"""


def batch(name: str, targets: dict[str, str]) -> tuple[str, ...]:
    """The command of a file of probes.

    Args:
        targets: what its harness is told, the nonce among it.
    """
    sources = json.dumps([f"{_PACKAGE}.harness", _source("harness"), _source(name)])
    return ("python3", "-c", _LOADER, sources, name, json.dumps(targets))


def bomb(kind: str, most: int) -> tuple[str, ...]:
    """The command that takes as much of something as it gets."""
    return ("python3", "-c", _source("bombs"), kind, str(most))


def findings(output: str, nonce: str) -> dict[str, Finding]:
    """The findings in a batch's output, by probe; lines without the nonce are none."""
    found = {}
    for line in output.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.pop("nonce", None) == nonce:
            finding = Finding.model_validate(told)
            found[finding.probe] = finding
    return found


def worst(runs: dict[str, dict[str, Finding]]) -> Iterator[Finding]:
    """One finding a probe over several containers: it held only where it held in each.

    Args:
        runs: findings by probe, by the container's kind.
    """
    for name in dict.fromkeys(name for run in runs.values() for name in run):
        seen = {kind: run.get(name) for kind, run in runs.items()}
        known = [finding for finding in seen.values() if finding is not None]
        verdicts = {finding.verdict if finding else "unknown" for finding in seen.values()}
        verdict: Verdict = _first(("breached", "unknown", "held"), verdicts)
        told = {
            kind: finding.happened if finding else "no answer" for kind, finding in seen.items()
        }
        happened = (
            next(iter(told.values()))
            if len(set(told.values())) == 1
            else "; ".join(f"{kind}: {text}" for kind, text in told.items())
        )
        yield known[0].model_copy(update={"verdict": verdict, "happened": happened})


def _first(order: Iterable[Verdict], among: set[Verdict]) -> Verdict:
    return next(verdict for verdict in order if verdict in among)


def _source(name: str) -> str:
    return (_INSIDE / f"{name}.py").read_text(encoding="utf-8")
