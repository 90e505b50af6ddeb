"""Runs the parts and judges them: every probe held, and a control that shows that probes bite."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from evals.attacks.probe import Finding, Part, PartResult, Run, counted
from labcrew.domain.base import Model
from labcrew.errors import LabcrewError
from tools.toolbox import Workbench

Seen = Callable[[str, Finding], None]


class Report(Model):
    """The battery's outcome, part by part."""

    parts: tuple[PartResult, ...]
    passed: bool

    def renewed(self, newer: "Report") -> "Report":
        """The same with what another report says of its own parts, in their old places."""
        found = {part.name: part for part in (*self.parts, *newer.parts)}
        parts = tuple(found.values())
        return Report(parts=parts, passed=all(part.passed for part in parts))


def attack(
    bench: Workbench, parts: Sequence[Part], seen: Seen = lambda part, finding: None
) -> Report:
    """Runs parts one after the other, each with its control.

    Args:
        bench: a home of the battery's own.
        parts: what to run; none is a failure.
        seen: is told each finding as it comes: "container" or "container, control", and it.
    """
    results = tuple(_part(bench, part, seen) for part in parts)
    return Report(parts=results, passed=bool(results) and all(r.passed for r in results))


def judge(part: Part, findings: Sequence[Finding], control: Sequence[Finding]) -> tuple[str, ...]:
    """Why a part fails, in plain words; nothing if it passed."""
    complaints = [
        f"{finding.probe} is {finding.verdict}: {finding.happened}"
        for finding in findings
        if finding.verdict != "held"
    ]
    twice = [name for name, count in Counter(f.probe for f in findings).items() if count > 1]
    if twice:
        complaints.append(f"probes that ran twice count once: {', '.join(sorted(twice))}")
    tried = len({finding.probe for finding in findings})
    if tried < part.least_tried:
        complaints.append(f"{tried} probes ran; the part needs {part.least_tried}")
    breached = len({f.probe for f in control if f.verdict == "breached"})
    if breached < part.least_breached:
        ends = "; ".join(f.happened for f in control if f.verdict == "unknown")
        complaints.append(
            f"the control was breached by {breached} probes; {part.least_breached} are needed to"
            f" show that the probes bite{f' ({ends})' * bool(ends)}"
        )
    return tuple(complaints)


def _part(bench: Workbench, part: Part, seen: Seen) -> PartResult:
    began = time.monotonic()
    findings = _all(bench, part.run, lambda finding: seen(part.name, finding))
    control = _all(bench, part.control, lambda finding: seen(f"{part.name}, control", finding))
    return PartResult(
        name=part.name,
        title=part.title,
        findings=findings,
        control=control,
        least_tried=part.least_tried,
        least_breached=part.least_breached,
        complaints=judge(part, findings, control),
        seconds=round(time.monotonic() - began, 1),
    )


def _all(bench: Workbench, run: Run, seen: Callable[[Finding], None]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    try:
        for finding in run(bench):
            found.append(finding)
            seen(finding)
    except Exception as error:
        # A part that broke off, whatever by, has not held; what it found so far is still told.
        said = (
            error.message if isinstance(error, LabcrewError) else f"{type(error).__name__}: {error}"
        )
        broken = Finding(
            probe="the part itself",
            tried="run to its end",
            happened=f"broke off: {said}",
            verdict="unknown",
        )
        found.append(broken)
        seen(broken)
    return tuple(found)


def totals(results: Iterable[PartResult]) -> tuple[int, int, int]:
    """Probes tried, held, and breached in the controls, over parts."""
    parts = tuple(results)
    return (
        sum(len(part.findings) for part in parts),
        sum(counted(part.findings, "held") for part in parts),
        sum(counted(part.control, "breached") for part in parts),
    )
