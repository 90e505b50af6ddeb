"""The battery's container part on this machine's engine; and that its own words are sound."""

import json

from evals.attacks.battery import attack
from evals.attacks.container.part import CONTAINER
from evals.attacks.container.programs import findings, worst
from evals.attacks.probe import Finding
from evals.attacks.table import complaints
from evals.lab import bare_bench


def test_nothing_gets_out_of_a_container() -> None:
    with bare_bench() as bench:
        report = attack(bench, [CONTAINER])
    assert complaints(report) == []
    assert report.passed


def line(nonce: str, probe: str, verdict: str) -> str:
    told = {"nonce": nonce, "probe": probe, "tried": "a door", "happened": "x", "verdict": verdict}
    return json.dumps(told)


def test_lines_without_the_nonce_are_no_findings() -> None:
    output = "\n".join(
        [line("n", "a", "held"), line("m", "b", "held"), "[1]", "noise", '"n"', "{}"]
    )
    assert list(findings(output, "n")) == ["a"]


def test_a_probe_held_only_where_it_held_everywhere() -> None:
    trial = findings("\n".join(line("n", name, "held") for name in "abc"), "n")
    tools = findings("\n".join([line("n", "a", "held"), line("n", "b", "breached")]), "n")
    found: list[Finding] = list(worst({"trial": trial, "tools": tools}))
    assert [f.verdict for f in found] == ["held", "breached", "unknown"]
    assert "no answer" in found[2].happened
