"""Part "output": what a program prints, on its way to a person, a model or a store."""

from collections.abc import Iterable

from evals.attacks.output import floods, shown, streams
from evals.attacks.probe import Finding, Part
from tools.toolbox import Workbench


def _run(bench: Workbench) -> Iterable[Finding]:
    for theme in (streams, shown, floods):
        yield from theme.run(bench)


def _control(bench: Workbench) -> Iterable[Finding]:
    for theme in (streams, shown, floods):
        yield from theme.control(bench)


OUTPUT = Part(
    name="output",
    title="output",
    run=_run,
    control=_control,
    least_tried=50,
    least_breached=25,
)
