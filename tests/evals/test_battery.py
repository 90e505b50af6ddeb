"""The battery's own judgement: what makes a part fail."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from evals.attacks.battery import attack, judge, totals
from evals.attacks.parts import PARTS, chosen
from evals.attacks.probe import Finding, Part, Verdict
from evals.attacks.table import complaints
from labcrew.errors import EngineError, InputError
from tools.toolbox import Workbench

BENCH = cast(Workbench, None)  # these parts touch nothing


def finding(probe: str, verdict: Verdict = "held") -> Finding:
    return Finding(probe=probe, tried="a door", happened="nothing", verdict=verdict)


def part(*findings: Finding, control: tuple[Finding, ...] = (), **changes: Any) -> Part:
    made = {"least_tried": 1, "least_breached": 1, **changes}
    return Part(
        name="doors", title="doors", run=lambda _: findings, control=lambda _: control, **made
    )


BITES = (finding("a", "breached"),)


def test_all_held_and_a_control_that_was_breached() -> None:
    report = attack(BENCH, [part(finding("a"), finding("b"), control=BITES)])
    assert report.passed
    assert totals(report.parts) == (2, 2, 1)


@pytest.mark.parametrize("verdict", ["breached", "unknown"])
def test_whatever_did_not_hold_fails(verdict: Verdict) -> None:
    report = attack(BENCH, [part(finding("a"), finding("b", verdict), control=BITES)])
    assert not report.passed
    assert complaints(report) == [f"doors: b is {verdict}: nothing"]


def test_a_control_that_does_not_bite_fails() -> None:
    report = attack(BENCH, [part(finding("a"), control=(finding("a", "unknown"),))])
    assert "control was breached by 0" in complaints(report)[0]


def test_one_breach_counted_twice_does_not_make_a_control() -> None:
    assert judge(part(least_breached=2), [finding("a")], [*BITES, *BITES])


def test_too_few_probes_fail_and_repeats_do_not_fill_up() -> None:
    found = judge(part(least_tried=2), [finding("a"), finding("a")], BITES)
    assert len(found) == 2


@pytest.mark.parametrize("error", [EngineError("the engine went away"), OSError("it went away")])
def test_a_part_that_breaks_off_fails_and_tells_what_it_saw(error: Exception) -> None:
    def broken(bench: Workbench) -> Iterator[Finding]:
        yield finding("a")
        raise error

    made = Part("doors", "doors", broken, lambda _: BITES, least_tried=1, least_breached=1)
    report = attack(BENCH, [made])
    assert not report.passed
    assert [f.verdict for f in report.parts[0].findings] == ["held", "unknown"]
    assert "went away" in complaints(report)[0]


def test_a_part_that_ran_again_replaces_what_it_said() -> None:
    doors = attack(BENCH, [part(finding("a"), finding("b", "breached"), control=BITES)])
    windows = Part(
        "windows", "windows", lambda _: (finding("c"),), lambda _: BITES, least_tried=1,
        least_breached=1,
    )  # fmt: skip
    whole = doors.renewed(attack(BENCH, [windows]))
    assert ([p.name for p in whole.parts], whole.passed) == (["doors", "windows"], False)
    again = whole.renewed(attack(BENCH, [part(finding("a"), control=BITES)]))
    assert ([p.name for p in again.parts], again.passed) == (["doors", "windows"], True)
    assert totals(again.parts) == (2, 2, 2)


def test_no_parts_are_no_success() -> None:
    assert not attack(BENCH, []).passed


def test_an_unknown_part_is_told() -> None:
    with pytest.raises(InputError, match="no part windows"):
        chosen(["windows"])
    assert chosen([]) == PARTS
