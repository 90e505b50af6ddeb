"""A ticket's report as Markdown, for a person to send on: what was asked, done, found and spent."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from agents.budget_used import spent
from agents.description import spelt
from agents.trial_groups import CLEANED_OTHERWISE, NOT_COMPARED, data_seen
from desk import report_sections as sections
from desk.loop_report import loop_report
from desk.views.costs import costs_of
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Plan, Score, Trial
from labcrew.domain.research import Citation, DatasetCard
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_text, table
from labcrew.ledger import Ledger
from sandboxes.text import clean


def report(ledger: Ledger, assigned: AssignedTicket) -> str:
    """The report of a ticket as the ledger has it now.

    Text that came from papers, logs, data or people is escaped: it can't become markup.
    """
    parts = [
        f"# {assigned.id}: {as_text(assigned.ticket.title)}",
        _standing(ledger, assigned),
        *sections.needs(ledger, assigned.id),
        *_asked(assigned),
        *_plan(ledger, assigned),
        *_literature(ledger, assigned),
        *_data(ledger, assigned),
        *_trials(ledger, assigned),
        *_incidents(ledger, assigned),
        *sections.network(ledger, assigned.id),
        *sections.merge_requests(ledger, assigned.id),
        *_cost(ledger, assigned),
        *sections.models(ledger, assigned.id),
        *sections.decisions(ledger, assigned.id),
    ]
    return clean("\n\n".join(parts)) + "\n"


def report_of(ledger: Ledger, found: AssignedTicket | Evolution) -> str:
    """The report of a ticket or of a loop."""
    if isinstance(found, Evolution):
        return loop_report(ledger, found)
    return report(ledger, found)


def number(score: Score) -> str:
    """A score as text; one that nobody but the run vouches for is labelled."""
    return f"{score.value:.6g}" + (" (reported)" if score.source == "reported" else "")


def _standing(ledger: Ledger, assigned: AssignedTicket) -> str:
    used = spent(ledger.trials.of(assigned.id))
    outcome = f": {as_text(assigned.outcome)}" if assigned.outcome else ""
    return (
        f"**{assigned.status.capitalize()}**{outcome}. {used} of {assigned.budget.trials} runs"
        f" used; revision {assigned.revision}; assigned {assigned.assigned_at[:16]} by"
        f" {as_text(assigned.assigned_by)}."
    )


def _asked(assigned: AssignedTicket) -> Iterator[str]:
    ticket = assigned.ticket
    yield "## What was asked"
    if ticket.question:
        quoted = "\n".join(f"> {as_text(line, 2000)}" for line in ticket.question.split("\n")[:60])
        yield quoted
    goal = "higher" if ticket.metric.direction == "maximize" else "lower"
    target = f", target {ticket.metric.target:g}" if ticket.metric.target is not None else ""
    judge = (
        "scored by the ticket's evaluator from each run's outputs"
        if ticket.evaluator is not None
        else "as the runs report it themselves: not verified"
    )
    lines = [
        f"- Measure: {as_text(ticket.metric.name)} ({goal} is better{target}), {judge}",
        f"- Repository: `{assigned.repository}` at commit `{assigned.base_commit[:12]}`",
        f"- Command: `{ticket.run.command.replace('`', chr(39))}`",
    ]
    if ticket.hosts:
        lines.append(f"- Hosts that trials asked to reach: {', '.join(ticket.hosts)}")
    lines += [f"- Note: {as_text(warning)}" for warning in assigned.warnings]
    yield "\n".join(lines)


def _plan(ledger: Ledger, assigned: AssignedTicket) -> Iterator[str]:
    plans = ledger.plans.of(assigned.id)
    if not plans:
        return
    plan: Plan = plans[-1]
    yield f"## The plan (written by {as_text(plan.by)})"
    yield as_text(plan.summary, 2000)
    yield "\n".join(f"{n}. {as_text(step, 600)}" for n, step in enumerate(plan.steps, 1))
    if plan.suggestions:
        yield table(
            ["settings to try first", "because"],
            [[spelt(s.values), as_text(s.because)] for s in plan.suggestions],
        )
    if plan.recalled:
        yield "\n".join(f"- Recalled: {as_text(lesson)}" for lesson in plan.recalled)


def _literature(ledger: Ledger, assigned: AssignedTicket) -> Iterator[str]:
    briefs = ledger.briefs.of(assigned.id)
    if not briefs:
        return
    brief = briefs[-1]
    yield "## Literature"
    findings = {finding.id: finding for finding in ledger.findings.of(assigned.id)}
    # A document has several places, and two documents may have one key: each claim has its own.
    lines, sources = [], set()
    for id in brief.findings:
        if (finding := findings.get(id)) is not None:
            citation = finding.citation
            key, where = as_text(citation.key), as_text(citation.locator)
            sources.add(f"- [{key}] {_source(citation)}")
            lines.append(f"- {as_text(finding.claim, 600)} [{key}, {where}]")
    yield "\n".join(lines) if lines else "Nothing relevant was found."
    if sources:
        yield "\n".join(sorted(sources))
    yield "\n".join(
        f"- Searched {as_text(s.source)}: {s.state}, {s.documents} documents"
        f"{f' ({as_text(s.detail)})' if s.detail else ''}"
        for s in brief.searched
    )


def _source(citation: Citation) -> str:
    authors = ", ".join(citation.authors[:6]) + (" et al." if len(citation.authors) > 6 else "")
    year = f"({citation.year})" if citation.year else ""
    head = " ".join(part for part in (authors, year) if part)
    parts = [head, citation.title, citation.venue]
    told = ". ".join(as_text(part) for part in parts if part)
    return f"{told} ({citation.verification.replace('_', ' ')})"


def _data(ledger: Ledger, assigned: AssignedTicket) -> Iterator[str]:
    cards: list[DatasetCard] = ledger.datasets.of(assigned.id)
    if not cards:
        return
    yield "## Data"
    yield table(
        ["file", "split", "rows", "faults", "quarantined", "readmitted", "sha256"],
        [
            [
                as_text(card.path),
                card.split,
                str(card.rows) if card.read else "not read",
                str(sum(fault.severity != "note" for fault in card.faults)),
                str(len(card.quarantined)),
                str(len(card.readmitted)),
                card.sha256[:12],
            ]
            for card in cards
        ],
    )
    faults = [(card, fault) for card in cards for fault in card.faults]
    if faults:
        yield "\n".join(
            f"- {fault.severity}: {as_text(card.path)}, {as_text(fault.check)}, {fault.rows} rows:"
            f" {as_text(fault.detail)}"
            for card, fault in faults[: sections.MOST_ROWS]
        )
    reasons = Counter((card.path, row.check) for card in cards for row in card.quarantined)
    if reasons:
        yield table(
            ["file", "taken out because", "rows"],
            [
                [as_text(path), as_text(check), str(n)]
                for (path, check), n in sorted(reasons.items())
            ],
        )


def _trials(ledger: Ledger, assigned: AssignedTicket) -> Iterator[str]:
    trials = ledger.trials.of(assigned.id)
    if not trials:
        return
    seen = data_seen(trials, ledger.datasets.of(assigned.id))
    yield "## Trials"
    yield table(
        ["trial", "kind", "settings", "data", "seed", "validation", "took", "ended"],
        [_trial_row(trial, seen[trial.id]) for trial in trials[: sections.MOST_ROWS]],
    )
    if len(trials) > sections.MOST_ROWS:
        yield f"{len(trials) - sections.MOST_ROWS} more are in the ledger."
    if CLEANED_OTHERWISE in seen.values():
        yield NOT_COMPARED
    unread = [trial.result.unread for trial in trials if trial.result and trial.result.unread]
    if unread:
        yield (
            f"The logs of {len(unread)} runs held {sum(unread)} lines with numbers that the log"
            " monitor could not read."
        )


def _trial_row(trial: Trial, data: str) -> Sequence[str]:
    result = trial.result
    if trial.score is not None:
        measured = number(trial.score)
    elif result is not None and result.reported is not None:
        measured = f"{result.reported:.6g} (reported)"
    else:
        measured = ""
    return [
        trial.id,
        trial.kind.replace("_", " "),
        spelt(trial.values),
        data,
        str(trial.seed),
        measured,
        f"{result.duration_s:.0f} s" if result is not None else "",
        trial.status + (f": {as_text(result.reason, 120)}" if result and result.exit_code else ""),
    ]


def _incidents(ledger: Ledger, assigned: AssignedTicket) -> Iterator[str]:
    incidents = ledger.incidents.of(assigned.id)
    if not incidents:
        return
    yield "## Incidents and what was done"
    rows = []
    for incident in incidents:
        done = incident.intervention
        helped = {None: "not known", True: "yes", False: "no"}[done.helped if done else None]
        rows.append(
            [
                incident.trial,
                f"{incident.kind.replace('_', ' ')} after {incident.at_s:.0f} s",
                as_text(incident.diagnosis),
                f"{done.action.replace('_', ' ')} ({as_text(done.by)})" if done else "",
                helped,
            ]
        )
    yield table(["trial", "what", "diagnosis", "done", "helped"], rows)


def _cost(ledger: Ledger, assigned: AssignedTicket) -> Iterator[str]:
    costs = costs_of(ledger, assigned)
    events = ledger.events.of(assigned.id)
    span = _hours(events[0].at, events[-1].at) if events else 0.0
    forecast = costs.forecast
    yield "## Forecast and actual"
    yield table(
        ["", "forecast", "actual", "budget"],
        [
            [
                "runs",
                str(forecast.trials) if forecast else "",
                str(costs.trials),
                str(assigned.budget.trials),
            ],
            [
                "hours of running",
                f"{forecast.hours:.2f}" if forecast else "",
                f"{costs.hours:.2f}",
                f"{assigned.budget.hours:g}",
            ],
            [
                "cost, USD",
                f"{forecast.cost_usd:.2f}" if forecast else "",
                f"{costs.run_usd:.2f}",
                "",
            ],
        ],
    )
    if forecast is not None:
        yield f"The forecast rested on {as_text(forecast.basis)}."
    yield (
        f"Runs side by side count their hours once. From assignment to the last line it took"
        f" {span:.2f} hours, with the waiting at gates."
    )


def _hours(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 3600
