"""The battery's frame: probes against a boundary, and the same probes against none.

A part is one file with one `PART`, and one line in `parts.py`. Its control shows that its probes
bite: against a permissive target enough of them must succeed, or the part proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labcrew.domain.base import Model

if TYPE_CHECKING:
    from docker.api import APIClient

    from sandboxes.docker_sandboxes import DockerSandboxes
    from sandboxes.repositories import GitRepositories

Verdict = Literal["held", "breached", "not tried"]


class Result(Model):
    """What came of one probe.

    Args:
        probe: its name, unique in its part.
        tried: what it tried, one line.
        happened: what came of it, one line, cleaned.
        verdict: "not tried" where this machine offers nothing to try it on; never counts as held.
    """

    probe: str
    tried: str
    happened: str
    verdict: Verdict


@dataclass(frozen=True)
class Range:
    """Where the attacks happen: a home of their own on the user's engine.

    Args:
        folder: an empty folder of the host that goes away afterwards.
        client: the engine.
        sandboxes: the boundary under attack.
        repositories: its git side.
        image: labcrew's base image.
        say: is told what is being tried.
    """

    folder: Path
    client: APIClient
    sandboxes: DockerSandboxes
    repositories: GitRepositories
    image: str
    say: Callable[[str], None]


Probes = Callable[[Range], Iterator[Result]]


@dataclass(frozen=True)
class Part:
    """One boundary and what is tried against it.

    Args:
        name: one word.
        least: probes that must have been tried and held.
        probes: tries them all against labcrew's boundary.
        least_breached: how many of them the control must let through.
        control: tries the same against a permissive target; yields the same probe names.
    """

    name: str
    least: int
    probes: Probes
    least_breached: int
    control: Probes


class PartReport(Model):
    """What came of one part."""

    name: str
    least: int
    least_breached: int
    results: tuple[Result, ...]
    control: tuple[Result, ...]

    def count(self, verdict: Verdict) -> int:
        """Probes of the boundary that ended so."""
        return sum(result.verdict == verdict for result in self.results)

    @property
    def breached_by_control(self) -> int:
        return sum(result.verdict == "breached" for result in self.control)

    def problems(self) -> list[str]:
        """Why the part fails, in words; nothing when it passes."""
        found = [
            f"{self.name}: {result.probe} breached: {result.happened}"
            for result in self.results
            if result.verdict == "breached"
        ]
        held = self.count("held")
        if held < self.least:
            found.append(f"{self.name}: {held} probes held, {self.least} are asked for")
        if self.breached_by_control < self.least_breached:
            found.append(
                f"{self.name}: its control let through {self.breached_by_control} probes where"
                f" {self.least_breached} must get through: the battery does not bite here"
            )
        return found


def run(part: Part, range_: Range) -> PartReport:
    """Tries a part's probes, then its control."""
    return PartReport(
        name=part.name,
        least=part.least,
        least_breached=part.least_breached,
        results=tuple(part.probes(range_)),
        control=tuple(part.control(range_)),
    )
