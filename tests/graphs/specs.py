"""Containers for tests."""

from labcrew.domain.sandbox import Limits, SandboxSpec
from tests.graphs.tiny import Lab


def sleeper(lab: Lab, name: str) -> SandboxSpec:
    """A container that does nothing for long."""
    return SandboxSpec(
        name=name,
        purpose="trial",
        ticket="T-009",
        image=lab.parts.bench.base_image,
        command=("sleep", "600"),
        limits=Limits(memory_mb=32),
    )
