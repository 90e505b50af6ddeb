"""How records look on a terminal. Everything from outside goes through `plain`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from desk.cli.common import plain, printable
from desk.commissions import is_loop
from desk.views.failed import Failed
from desk.wording import measured, settings
from labcrew.domain.monitoring import Escalation
from labcrew.domain.review import Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import unescaped

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from desk.views.costs import Costs
    from desk.views.sheet import ListedTicket, TicketSheet

_NEWEST = 40


def taken(assigned: AssignedTicket) -> str:
    """What a person reads after a ticket was assigned."""
    lines = [
        f"{assigned.id} assigned: {assigned.ticket.title}",
        f"  {assigned.repository} at {assigned.base_commit[:12]}"
        f" ({assigned.target_branch or 'no branch'})",
        *(f"  Note: {warning}" for warning in assigned.warnings),
    ]
    return printable("\n".join(lines))


def ticket_table(tickets: "Sequence[ListedTicket]") -> "RenderableType":
    """One line a ticket."""
    if not tickets:
        return "No tickets yet. Assign one with `labcrew run TICKET.md`."
    table = _table("ticket", "status", "runs", "title and outcome")
    for assigned in tickets:
        table.add_row(
            plain(assigned.id),
            plain(assigned.status),
            plain(f"{assigned.runs}/{assigned.budget.trials}"),
            plain(assigned.ticket.title + f" · {assigned.outcome}" * bool(assigned.outcome)),
        )
    return table


def ticket_page(sheet: "TicketSheet") -> "RenderableType":
    """Where a ticket stands."""
    from rich.console import Group

    assigned = sheet.ticket

    parts: list[RenderableType] = [
        plain(f"{assigned.id} {assigned.ticket.title}", "bold"),
        plain(f"{assigned.status}{f': {assigned.outcome}' * bool(assigned.outcome)}"),
        plain(f"{assigned.repository} at {assigned.base_commit[:12]}"),
        plain(budget_line(sheet.costs)),
    ]
    parts += [plain(f"Note: {warning}", "yellow") for warning in assigned.warnings]
    trials = [t for t in sheet.trials if t.status != "planned"]
    if trials:
        table = _table("trial", "kind", "data", "seed", "status", "validation", "settings")
        for trial in trials[-_NEWEST:]:
            cells = (
                trial.id,
                trial.kind.replace("_", " "),
                trial.data,
                str(trial.seed),
                trial.status,
                measured(trial),
                settings(trial.values),
            )
            table.add_row(*(plain(cell) for cell in cells))
        parts += ["", table]
    for incident in sheet.incidents[-10:]:
        kind = incident.kind.replace("_", " ")
        parts.append(plain(f"{incident.trial}: {kind}, {incident.diagnosis}", "yellow"))
    for request in sheet.merge_requests:
        parts.append(plain(f"{request.id} {request.status}: labcrew mr show {request.id}"))
    parts += [plain(how_to_decide(gate), "bold") for gate in sheet.gates]
    return Group(*parts)


def budget_line(costs: "Costs") -> str:
    """The budget and what of it is used."""
    from desk import model_costs

    budget = costs.budget
    gpus = f", {budget.gpus} GPUs" if budget.gpus else ""
    models = model_costs.line(costs.by_agent, budget, costs.limits)
    return (
        f"{costs.trials} of {budget.trials} runs used; at most {budget.hours:g} h,"
        f" {budget.parallel} at once, {budget.cpus:g} cores and {budget.memory_mb} MiB{gpus} a run"
        f"{f'; {models}' * bool(models)}"
    )


def inbox_page(gates: Sequence[Gate], failed: Sequence[Failed]) -> "RenderableType":
    """Everything that waits for a person."""
    from rich.console import Group

    if not gates and not failed:
        return "Nothing waits for you."
    lines = [plain(f"{one.id}, {one.title}, failed: {one.because}") for one in failed]
    commands = [plain(f"  again: {one.again}", "bold") for one in failed]
    return Group(
        *(gate_page(gate) for gate in gates),
        *(part for pair in zip(lines, commands, strict=True) for part in pair),
    )


def gate_page(gate: Gate) -> "RenderableType":
    """What a gate asks, and how to answer."""
    from rich.console import Group
    from rich.panel import Panel

    asked = gate.shown.get("escalation")
    shown = (
        escalation_page(Escalation.model_validate(asked))
        if asked
        else plain(unescaped(gate.description))
    )
    until = f" · until {gate.expires_at:%Y-%m-%d %H:%M} UTC" if gate.expires_at else ""
    return Panel(
        Group(shown, "", plain(how_to_decide(gate), "bold")),
        title=plain(gate.title),
        subtitle=plain(f"{gate.id} · shows {gate.payload_hash[:12]}{until}"),
        title_align="left",
        subtitle_align="left",
    )


def escalation_page(asked: Escalation) -> "RenderableType":
    """An incident that a person decides about: found, the log, the metric, what was tried."""
    from rich.console import Group

    parts: list[RenderableType] = [plain(asked.found, "bold")]
    parts += [plain(f"  {line}", "dim") for line in asked.excerpt]
    if asked.metric:
        parts.append(plain(f"{asked.metric}: {asked.sparkline}"))
    if asked.plot:
        parts.append(plain(f"Plot: {asked.plot}"))
    for attempt in asked.attempts:
        parts.append(plain(f"Tried: {attempt.action.replace('_', ' ')}; {attempt.outcome}"))
    parts += [plain(f"{option.command}: {option.means}") for option in asked.options]
    return Group(*parts)


def how_to_decide(gate: Gate) -> str:
    """The commands that answer a gate."""
    means = {
        "plan": {
            "accept": "go",
            "edit": 'change it: --edits \'{"budget": {…}, "readmit": [["path", row]],'
            ' "drop_suggestions": [0]}\'',
            "respond": "plan again: --comment '…'",
            "ignore": "stop the ticket",
        },
        "budget": {
            "accept": "add what is asked",
            "edit": 'set it: --edits \'{"budget": {"trials": 40}}\'',
            "respond": "say why not: --comment '…'",
            "ignore": "finish with what there is",
        },
        "escalation": {
            "accept": "try again",
            "respond": "try again with a note: --comment '…'",
            "ignore": "go on without",
        },
        "incident": {
            "accept": "stop this run",
            "respond": "say what to do: --comment '…'",
            "ignore": "let it go on",
        },
        "merge": {
            "accept": "merge",
            "respond": "send it back to work: --comment '…'",
            "ignore": "close without merging",
        },
    }[gate.kind]
    if is_loop(gate.ticket):
        means |= {
            "plan": {"accept": "let it change itself", "ignore": "end it, nothing done"},
            "escalation": {"accept": "let it change these", "ignore": "leave them as they are"},
        }.get(gate.kind, {})
    return "\n".join(
        f"labcrew decide {gate.id} {kind}   # {means.get(kind, kind)}" for kind in gate.allowed
    )


def request_table(requests: Sequence[MergeRequest]) -> "RenderableType":
    """One line a merge request."""
    if not requests:
        return "No merge requests yet."
    table = _table("merge request", "status", "verdict", "holdout gain", "branch", "title")
    for request in requests:
        table.add_row(
            plain(request.id),
            plain(request.status),
            plain(request.verdict.replace("_", " ")),
            plain("" if request.gain is None else f"{request.gain:+.4g}"),
            plain(request.branch),
            plain(request.title),
        )
    return table


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        # The last column has the long text; it alone is folded.
        table.add_column(column, overflow="fold", no_wrap=column != columns[-1])
    return table
