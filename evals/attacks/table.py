"""The battery's report as a person reads it."""

from rich.table import Table

from evals.attacks.battery import Report, totals
from evals.attacks.probe import counted

MARK = "<!-- battery -->"


def table(report: Report) -> Table:
    """Probes tried, held and breached by the control, a line a part."""
    made = Table(title="What was tried against this machine's sandboxes", title_justify="left")
    made.add_column("part")
    for column in ("tried", "held", "control breached", "s"):
        made.add_column(column, justify="right", no_wrap=True)
    made.add_column("verdict")
    for part in report.parts:
        bitten = f"{counted(part.control, 'breached')} of {len(part.control)}"
        made.add_row(
            part.title,
            str(len(part.findings)),
            str(counted(part.findings, "held")),
            f"{bitten}, asked {part.least_breached}",
            f"{part.seconds:.0f}",
            "held" if part.passed else "FAILED",
        )
    tried, held, breached = totals(report.parts)
    made.add_section()
    verdict = "held" if report.passed else "FAILED"
    made.add_row("all", str(tried), str(held), str(breached), "", verdict)
    return made


def markdown(report: Report) -> str:
    """The same as a table of Markdown, without what differs from run to run."""
    lines = ["| part | tried | held | control breached |", "|---|---|---|---|"]
    for part in report.parts:
        bitten = f"{counted(part.control, 'breached')} of {len(part.control)}"
        held = counted(part.findings, "held")
        lines.append(f"| {part.title} | {len(part.findings)} | {held} | {bitten} |")
    return "\n".join(lines)


def documented(text: str, report: Report) -> str:
    """A document with the table between its two marks. Raises ValueError where it has none."""
    before, _, rest = text.partition(MARK)
    _, mark, after = rest.partition(MARK)
    if not mark:
        raise ValueError(f"the document has no two lines {MARK}")
    return f"{before}{MARK}\n{markdown(report)}\n{MARK}{after}"


def complaints(report: Report) -> list[str]:
    """One line for each thing that failed."""
    return [f"{part.name}: {line}" for part in report.parts for line in part.complaints]
