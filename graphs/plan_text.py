"""The words of a plan's gate."""

from labcrew.domain.experiment import Plan
from labcrew.domain.skills import RuleResult
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_code, as_text
from labcrew.skills.adherence import in_a_line

_RULE_CHARACTERS, _LONGEST = 400, 2000


def plan_text(
    assigned: AssignedTicket,
    made: Plan,
    notes: list[str],
    breaches: tuple[RuleResult, ...],
    read: list[str],
    forge: str,
) -> str:
    """The description of a plan's gate: a line or more for everything that is decided with it.

    Args:
        notes: what the data checks could not settle.
        breaches: rules of the lab that the plan breaks, or that could not be told of it.
        read: where untrusted text came from that was read.
        forge: where the change is proposed; empty: nowhere.
    """
    budget, forecast = assigned.budget, made.forecast
    left_out = [host for host in assigned.ticket.hosts if host not in made.hosts]
    lines = [as_text(made.summary, _LONGEST), ""]
    lines += [f"{n}. {as_text(step, _LONGEST)}" for n, step in enumerate(made.steps, 1)]
    lines.append("")
    if made.suggestions:
        lines.append("Settings to try first:")
        lines += [
            f"- {', '.join(f'{as_text(k)} = {as_text(str(v))}' for k, v in s.values.items())}"
            f" ({as_text(s.because, _LONGEST)})"
            for s in made.suggestions
        ]
        lines.append("")
    if made.quarantine:
        lines.append(f"Rows to take out of the training data: {len(made.quarantine)}")
        counted: dict[tuple[str, str], int] = {}
        for row in made.quarantine:
            counted[row.path, row.check] = counted.get((row.path, row.check), 0) + 1
        lines += [f"- {as_text(path)}: {n} {check}" for (path, check), n in sorted(counted.items())]
        lines.append("")
    lines += [f"Data: {note}" for note in notes]
    lines += [
        f"A rule of the lab {'must' if one.must else 'should'} be kept:"
        f" {as_text(in_a_line(one), _RULE_CHARACTERS)}"
        for one in breaches
    ]
    lines += _drafted(assigned)
    if read:
        lines.append(f"Untrusted text read: {', '.join(read)}; so no run gets the network")
    lines += [f"Recalled: {as_text(lesson, _LONGEST)}" for lesson in made.recalled]
    lines += [
        f"Environment: {_whole(made.environment)}",
        f"Network hosts: {', '.join(made.hosts) or 'none'}"
        + (f" (the ticket asks for {', '.join(left_out)})" if left_out else ""),
        *([f"The change will be proposed at {forge}, with its description"] if forge else []),
        f"Budget: {budget.trials} runs, {budget.parallel} at once, {budget.cpus:g} CPU and"
        f" {budget.memory_mb} MiB each, at most {budget.hours:g} h",
        f"Forecast: {forecast.hours:g} h, {forecast.cost_usd:.2f} USD ({forecast.basis})",
    ]
    return "\n".join(lines)


def _whole(text: str) -> str:
    return as_text(text, len(text))


def _drafted(assigned: AssignedTicket) -> list[str]:
    """What was guessed or written for the ticket, for a person to look at before work starts."""
    ticket, lines = assigned.ticket, []
    for doubt in ticket.doubts:
        lines.append(
            f"Guessed, not confirmed: {_whole(doubt.field)}"
            f" ({doubt.confidence:.0%} sure: {_whole(doubt.because)})"
        )
    if ticket.evaluator is not None and ticket.evaluator.files:
        command = ticket.evaluator.command
        shown = as_code(command, len(command))
        lines.append(f"The evaluator, which no trial sees, runs {shown} with:")
        for path, text in ticket.evaluator.files.items():
            # Without the empty line between, Markdown takes the text for more of the paragraph.
            code = (f"    {line}" for line in text.splitlines())
            lines += ["", f"{_whole(path)}:", "", *code, ""]
    if ticket.holdout_seeds:
        seeds = ", ".join(map(str, ticket.holdout_seeds))
        lines.append(
            f"At the end the program as it is and the winner run with the fresh seeds {seeds}"
        )
    return lines
