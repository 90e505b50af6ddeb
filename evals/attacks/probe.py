"""The words of the battery: a probe's finding, a part with its control, and what a part came to."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from labcrew.domain.base import Model
from tools.toolbox import Workbench

Verdict = Literal["held", "breached", "unknown"]


class Finding(Model):
    """What one probe tried and what came of it.

    Args:
        probe: its name, unique in its part.
        tried: what it tried, in plain words.
        happened: what was seen, in plain words.
        verdict: "unknown" where the probe could not tell; it never counts as held.
    """

    probe: str
    tried: str
    happened: str
    verdict: Verdict


Run = Callable[[Workbench], Iterable[Finding]]


def in_turn(*runs: Run) -> Run:
    """One run after the other, as one."""

    def run(bench: Workbench) -> Iterator[Finding]:
        for one in runs:
            yield from one(bench)

    return run


@dataclass(frozen=True)
class Part:
    """One part of the battery.

    Args:
        name: one word, as `doctor --attack --part` takes it.
        title: what is attacked, in plain words.
        run: the probes against labcrew's own boundary.
        control: the same probes against a permissive stand-in, which must be breached.
        least_tried: fewer probes than this fail the part.
        least_breached: fewer breaches of the control than this fail it: it would not bite.
    """

    name: str
    title: str
    run: Run
    control: Run
    least_tried: int
    least_breached: int


class PartResult(Model):
    """What a part came to.

    Args:
        findings: against labcrew's own boundary.
        control: against the stand-in.
        complaints: why the part fails; none: it passed.
        seconds: how long both took.
    """

    name: str
    title: str
    findings: tuple[Finding, ...]
    control: tuple[Finding, ...]
    least_tried: int
    least_breached: int
    complaints: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything held and the control was breached often enough."""
        return not self.complaints


def counted(findings: Iterable[Finding], verdict: Verdict) -> int:
    """How many findings have a verdict."""
    return sum(finding.verdict == verdict for finding in findings)
