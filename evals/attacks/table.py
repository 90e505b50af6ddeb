"""The battery's report as a person reads it."""

from rich.table import Table

from evals.attacks.battery import Report, totals
from evals.attacks.probe import counted


def table(report: Report) -> Table:
    """Probes tried, held and breached by the control, a line a part."""
    made = Table(title="What was tried against this machine's sandboxes", title_justify="left")
    made.add_column("part")
    for column in ("tried", "held", "control breached", "asked of the control", "seconds"):
        made.add_column(column, justify="right")
    made.add_column("verdict")
    for part in report.parts:
        made.add_row(
            part.title,
            str(len(part.findings)),
            str(counted(part.findings, "held")),
            f"{counted(part.control, 'breached')} of {len(part.control)}",
            str(part.least_breached),
            f"{part.seconds:.0f}",
            "held" if part.passed else "FAILED",
        )
    tried, held, bitten = totals(report.parts)
    made.add_section()
    verdict = "held" if report.passed else "FAILED"
    made.add_row("all", str(tried), str(held), str(bitten), "", "", verdict)
    return made


def complaints(report: Report) -> list[str]:
    """One line for each thing that failed."""
    return [f"{part.name}: {line}" for part in report.parts for line in part.complaints]
