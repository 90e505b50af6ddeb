"""Part "container": what a program inside tries against its container and the machine under it."""

from collections.abc import Iterable

from evals.attacks.container import batches, bombs, lingering
from evals.attacks.probe import Finding, Part
from tools.toolbox import Workbench


def _run(bench: Workbench) -> Iterable[Finding]:
    for theme in (batches, lingering, bombs):
        yield from theme.run(bench)


def _control(bench: Workbench) -> Iterable[Finding]:
    for theme in (batches, lingering, bombs):
        yield from theme.control(bench)


CONTAINER = Part(
    name="container",
    title="containers",
    run=_run,
    control=_control,
    least_tried=45,
    least_breached=8,
)
