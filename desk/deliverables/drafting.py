"""Makes the document of a ticket from the ledger; its numbers are the evidence's own."""

from collections import Counter
from collections.abc import Iterator

from agents.description import opened
from agents.trial_groups import CLEANED_OTHERWISE, NOT_COMPARED, data_seen, on_present_data
from desk.deliverables.asking import asked
from desk.deliverables.document import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Picture,
    Section,
    Table,
)
from desk.deliverables.plain import line, text
from desk.views.costs import costs_of
from labcrew.domain.experiment import Trial
from labcrew.domain.research import Citation
from labcrew.domain.review import MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger
from tools.plots import trials_png

_MOST_ROWS = 300
_MOST_POINTS = 6
_VERDICTS = {
    "improves": "The change is better than the program as it was",
    "no_gain": "The change is no better than the program as it was, beyond the seeds' noise",
    "unmeasured": "What was found is not measured on unseen data",
    "tests_pass": "The change makes the tests pass that failed before",
    "no_score_before": "With the change the program gives a score; before it gave none, so that"
    " no gain is claimed",
}


def document(ledger: Ledger, assigned: AssignedTicket) -> Document:
    """A ticket's deliverable as the ledger has it now; the same ledger, the same document."""
    requests = [r for r in ledger.merge_requests.of(assigned.id) if r.status != "superseded"]
    request = requests[-1] if requests else None
    trials = ledger.trials.of(assigned.id)
    events = ledger.events.of(assigned.id)
    at = events[-1].at.isoformat(timespec="seconds") if events else assigned.assigned_at
    ticket, unchecked = assigned.ticket, _unchecked(ledger, assigned, request)
    sections = [
        asked(ticket.title, ticket.question, ticket.metric, assigned.base_commit),
        _found(assigned, request),
        *_plot(assigned, request, on_present_data(trials, ledger.datasets.of(assigned.id))),
        _done(ledger, assigned, trials),
        _assumptions(ledger, assigned),
        *_sources(ledger, assigned),
        _failed(ledger, assigned, trials),
        _cost(ledger, assigned),
        Section(
            title="What no person has checked",
            message="A first draft: this is what nobody has checked yet",
            blocks=(Bullets(items=unchecked),),
            points=unchecked,
        ),
    ]
    return Document(
        title=line(assigned.ticket.title),
        subtitle=f"{assigned.id}, {assigned.status}; as of {at[:16].replace('T', ' ')} UTC",
        warning="First draft, written by labcrew from its records. Not checked by a person: "
        + unchecked[0],
        at=at,
        sections=tuple(sections),
    )


def _found(assigned: AssignedTicket, request: MergeRequest | None) -> Section:
    if request is None:
        told = f"There is no result yet. {line(assigned.outcome)}".strip()
        return Section(
            title="What was found", message="There is no result yet",
            blocks=(Paragraph(text=told),), points=(told,),
        )  # fmt: skip
    values = _values(request)
    rows, message = tuple(_result_rows(request, values)), _message(request, values)
    reported = any(s.source == "reported" for e in request.evidence for s in e.scores)
    notes = [f"{message}."]
    if reported:
        notes.append("Numbers that only the runs themselves vouch for are reported, not verified.")
    if request.smoke is not None:
        ended = "passed" if request.smoke.passed else "failed"
        notes.append(f"The smoke test {ended}: {line(request.smoke.detail)}")
    state = f"Merge request {request.id} is {request.status}, branch {line(request.branch)}."
    head = (line(assigned.ticket.metric.name), "before", "with the change", "gain", "95% interval")
    blocks: list[Block] = [Paragraph(text=" ".join(notes))]
    if rows:
        blocks.append(Table(head=head, rows=rows))
        chosen = "The change was chosen on the validation data"
        if "holdout_best_mean" in values:
            chosen += f"; {opened(request.revision)}"
        elif "fresh_best_mean" in values:
            chosen += f"; {opened(request.revision, 'the comparison with fresh seeds was made')}"
        blocks.append(Paragraph(text=f"Mean ± standard deviation over the seeds. {chosen}."))
    blocks.append(Paragraph(text=state))
    points = [f"{_of(row)}" for row in rows] + notes[1:] + [state]
    return Section(
        title="What was found",
        message=message,
        blocks=tuple(blocks),
        points=tuple(points[:_MOST_POINTS]),
    )


def _values(request: MergeRequest) -> dict[str, str]:
    """The evidence's numbers as they are shown; one seed has no deviation."""
    return {
        each.key: each.rendered()
        for each in request.evidence
        if each.statistic != "std" or len(each.scores) > 1
    }


def _message(request: MergeRequest, values: dict[str, str]) -> str:
    """The verdict, and what it rests on where that is less than unseen data and enough seeds."""
    told = _VERDICTS[request.verdict]
    if request.verdict == "unmeasured" and values.keys() & {"holdout_gain", "fresh_gain"}:
        return "What was found has too few seeds to tell a gain from noise"
    if request.verdict == "improves" and "holdout_gain" not in values:
        return f"{told}, with fresh seeds on the same data"
    return told


def _result_rows(request: MergeRequest, values: dict[str, str]) -> Iterator[tuple[str, ...]]:
    lacking = "no score" if request.verdict == "no_score_before" else "not measured"
    for split in ("validation", "holdout", "fresh"):
        if f"{split}_best_mean" not in values:
            continue

        def number(name: str, split: str = split) -> str:
            mean = values.get(f"{split}_{name}_mean", lacking)
            spread = values.get(f"{split}_{name}_std")
            return f"{mean} ± {spread}" if spread is not None else mean

        low, high = values.get(f"{split}_gain_low"), values.get(f"{split}_gain_high")
        yield (
            "fresh seeds" if split == "fresh" else split,
            number("baseline"),
            number("best"),
            values.get(f"{split}_gain", ""),
            f"{low} to {high}" if low is not None else "",
        )


def _of(row: tuple[str, ...]) -> str:
    split, before, after, gain, interval = row
    told = f"{split.capitalize()}: {after}, before {before}"
    return told + f"; gain {gain}" * bool(gain) + f" ({interval})" * bool(interval)


def _plot(
    assigned: AssignedTicket, request: MergeRequest | None, trials: list[Trial]
) -> Iterator[Section]:
    if not any(trial.score is not None for trial in trials):
        return
    evidence = {e.key: e.scores for e in request.evidence} if request is not None else {}
    holdout = [
        (label, evidence[key])
        for label, key in (
            ("baseline", "holdout_baseline_mean"), ("this change", "holdout_best_mean"),
        )
        if key in evidence
    ]  # fmt: skip
    name = line(assigned.ticket.metric.name)
    picture = Picture(
        png=trials_png(assigned.ticket.metric, trials, holdout),
        caption=f"Validation {name} by trial, with the best so far"
        + (", and the holdout by seed." if holdout else "."),
    )
    yield Section(
        title="How the search went",
        message=f"{len(trials)} runs: {name} by trial",
        blocks=(picture,),
    )


def _done(ledger: Ledger, assigned: AssignedTicket, trials: list[Trial]) -> Section:
    plans, cards = ledger.plans.of(assigned.id), ledger.datasets.of(assigned.id)
    steps = tuple(line(step) for step in plans[-1].steps) if plans else ()
    blocks: list[Block] = [Bullets(items=steps)] if steps else []
    points = list(steps[:3])
    if trials:
        by = Counter(trial.kind.replace("_", " ") for trial in trials)
        told = f"{len(trials)} runs: " + ", ".join(f"{n} {kind}" for kind, n in by.items()) + "."
        points.append(told)
        seen = data_seen(trials, cards)
        rows = tuple(_trial_row(trial, seen[trial.id]) for trial in trials[:_MOST_ROWS])
        blocks += [
            Paragraph(text=told),
            Table(head=("run", "kind", "settings", "data", "seed", "validation"), rows=rows),
        ]
        if len(trials) > _MOST_ROWS:
            blocks.append(Paragraph(text=f"{len(trials) - _MOST_ROWS} more are in the ledger."))
        if CLEANED_OTHERWISE in seen.values():
            blocks.append(Paragraph(text=NOT_COMPARED))
    for card in cards:
        if out := len(card.quarantined) - len(card.readmitted):
            told = f"{out} of {card.rows} rows of {line(card.path)} taken out."
            points.append(told)
            blocks.append(Paragraph(text=told))
    if not blocks:
        blocks, points = [Paragraph(text="Nothing was run yet.")], ["Nothing was run yet."]
    return Section(
        title="How it was done",
        message=f"What was done, in {len(trials)} runs",
        blocks=tuple(blocks),
        points=tuple(points[:_MOST_POINTS]),
    )


def _trial_row(trial: Trial, data: str) -> tuple[str, ...]:
    if trial.score is not None:
        mark = " (reported)" if trial.score.source == "reported" else ""
        measured = f"{trial.score.value:.6g}{mark}"
    else:
        measured = trial.status
    values = line(", ".join(f"{k} = {v}" for k, v in sorted(trial.values.items()))) or "as it is"
    kind = trial.kind.replace("_", " ")
    return (trial.id, kind, values, data, str(trial.seed), measured)


def _assumptions(ledger: Ledger, assigned: AssignedTicket) -> Section:
    ticket = assigned.ticket
    told = [
        f"Scores are made by the ticket's own evaluator, {line(ticket.evaluator.command)}."
        if ticket.evaluator is not None
        else "Numbers are as the runs report them: no evaluator vouches for them.",
        f"The seeds {', '.join(map(str, ticket.seeds))} stand for all seeds.",
        "Validation and holdout data are like the data that the change will meet.",
    ]
    told += [
        f"Guessed, not confirmed: {line(doubt.field)}, because {line(doubt.because)}."
        for doubt in ticket.doubts
    ]
    told += [f"Noted when it was assigned: {line(warning)}" for warning in assigned.warnings]
    return Section(
        title="Assumptions",
        message="What this rests on",
        blocks=(Bullets(items=tuple(told)),),
        points=tuple(told[:_MOST_POINTS]),
    )


def _sources(ledger: Ledger, assigned: AssignedTicket) -> Iterator[Section]:
    findings = ledger.findings.of(assigned.id)
    if not findings:
        return
    rows = tuple((text(f.claim), _source(f.citation), _state(f.citation)) for f in findings)
    states = Counter(_state(f.citation) for f in findings)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    yield Section(
        title="Sources",
        message=f"{len(findings)} findings from literature: {told}",
        blocks=(Table(head=("finding", "source", "verification"), rows=rows[:_MOST_ROWS]),),
        points=tuple(f"{row[0]} ({row[2]})" for row in rows[:4]),
    )


def _source(citation: Citation) -> str:
    year = str(citation.year) if citation.year else ""
    parts = (", ".join(citation.authors[:3]), year, citation.title, citation.locator)
    return line(". ".join(part for part in parts if part))


def _state(citation: Citation) -> str:
    return citation.verification.replace("_", " ")


def _failed(ledger: Ledger, assigned: AssignedTicket, trials: list[Trial]) -> Section:
    rows, points = [], []
    for incident in ledger.incidents.of(assigned.id):
        done = incident.intervention
        helped = {None: "not known", True: "it helped", False: "it did not help"}
        told = done.action.replace("_", " ") if done else "nothing"
        end = helped[done.helped] if done is not None else ""
        kind = incident.kind.replace("_", " ")
        why = line(incident.diagnosis)
        rows.append((incident.trial, kind, why, f"{told}; {end}".rstrip("; ")))
        points.append(f"{incident.trial}: {kind}; {told}" + f", {end}" * bool(end))
    told_of = {incident.trial for incident in ledger.incidents.of(assigned.id)}
    for trial in trials:
        if trial.status == "failed" and trial.id not in told_of:
            why = line(trial.result.reason if trial.result is not None else "it did not start")
            rows.append((trial.id, "failed run", why, ""))
            points.append(f"{trial.id} failed: {why}")
    if not rows:
        told = "No run failed and nothing went wrong that was noticed."
        blocks: tuple[Block, ...] = (Paragraph(text=told),)
        points = [told]
    else:
        blocks = (Table(head=("run", "what", "why", "done"), rows=tuple(rows[:_MOST_ROWS])),)
    more = len(points) - _MOST_POINTS + 1
    if more > 1:
        points = [*points[: _MOST_POINTS - 1], f"{more} more are in the report."]
    return Section(
        title="What failed, and why",
        message=f"{len(rows)} things went wrong" if len(rows) != 1 else "One thing went wrong",
        blocks=blocks,
        points=tuple(points),
    )


def _cost(ledger: Ledger, assigned: AssignedTicket) -> Section:
    costs = costs_of(ledger, assigned)
    forecast = costs.forecast
    rows = (
        ("runs", str(forecast.trials) if forecast else "", str(costs.trials),
         str(costs.budget.trials)),
        ("hours of running", f"{forecast.hours:.2f}" if forecast else "",
         f"{costs.hours:.2f}", f"{costs.budget.hours:g}"),
        ("cost of running, USD", f"{forecast.cost_usd:.2f}" if forecast else "",
         f"{costs.run_usd:.2f}", ""),
        ("tokens of chat models", "", str(costs.models.tokens.total), ""),
    )  # fmt: skip
    return Section(
        title="What it cost",
        message=f"{costs.trials} runs, {costs.hours:.2f} hours of running, {costs.run_usd:.2f} USD",
        blocks=(Table(head=("", "forecast", "actual", "budget"), rows=rows),),
        points=tuple(
            f"{name.capitalize()}: {actual}" + f", forecast {said}" * bool(said)
            for name, said, actual, _ in rows
        ),
    )


def _unchecked(
    ledger: Ledger, assigned: AssignedTicket, request: MergeRequest | None
) -> tuple[str, ...]:
    told = ["the words of this document, and what the numbers mean."]
    decided = {d.gate: d for d in ledger.decisions.of(assigned.id)}
    for kind, what in (("plan", "the plan"), ("merge", "the change itself")):
        gates = [g for g in ledger.gates.of(assigned.id) if g.kind == kind]
        newest = decided.get(gates[-1].id) if gates else None
        if newest is None or newest.by in ("--yes", "expired"):
            told.append(f"{what}: no person decided on it.")
    unverified = sum(
        f.citation.verification == "unverified" for f in ledger.findings.of(assigned.id)
    )
    if unverified:
        told.append(f"{unverified} of the sources, which were not verified.")
    if request is None or request.gain is None or "holdout_gain" not in _values(request):
        told.append("whether it holds on data that nobody has used yet.")
    return tuple(told)
