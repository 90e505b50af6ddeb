"""The morning report over a home: what needs a person first, then what ran and what went wrong."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from agents.monitoring.narrative import NARRATIVE, Night
from agents.monitoring.responses import ADVISORY
from desk.commissions import table_of
from desk.morning_loops import LoopNight, loop_nights, loops_text
from desk.saved import DEFINITION as SAVED
from desk.saved import Saving, savings
from desk.views.failed import Failed, failed_in
from labcrew.autonomy import Autonomy, Facts, autonomy
from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.monitoring import Attachment
from labcrew.domain.review import Gate
from labcrew.errors import InputError
from labcrew.evidence import as_text, table
from labcrew.judgement import Judge
from labcrew.ledger import Ledger
from sandboxes.text import clean

_MOST_ROWS = 100
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(m|h|d|w)")
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}
_HELPED = {None: "not known", True: "yes", False: "no"}
_ENDED = ("finished", "scored", "failed", "stopped", "unknown", "skipped")


class TicketNight(Model):
    """A ticket's runs since the time."""

    ticket: str
    title: str
    status: str
    started: int
    scored: int
    failed: int
    running: int
    incidents: int


class Morning(Model):
    """All that the report says."""

    since: datetime
    until: datetime
    narrative: str
    narrative_by: str
    gates: tuple[Gate, ...]
    left_to_a_person: tuple[Incident, ...]
    failed: tuple[Failed, ...]
    tickets: tuple[TicketNight, ...]
    loops: tuple[LoopNight, ...]
    attachments: tuple[Attachment, ...]
    incidents: tuple[Incident, ...]
    saved: tuple[Saving, ...]
    autonomy: Autonomy

    @property
    def saved_s(self) -> float:
        """Seconds of running time that were saved."""
        return sum(saving.seconds for saving in self.saved)


def since_of(text: str, now: datetime) -> datetime:
    """The time that a person means: 12h, 2d, 90m, or a date and time.

    Raises InputError: it is no time, or still to come.
    """
    if match := _SPAN.fullmatch(text.strip()):
        try:
            return now - timedelta(hours=float(match[1]) * _HOURS[match[2]])
        except OverflowError:
            raise InputError(f"--since {text[:40]} is before all time.", "E.g. 12h or 2d") from None
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"--since {text} is no time.", "E.g. 12h, 2d, or 2026-01-31T18:00"
        ) from None
    given = given if given.tzinfo is not None else given.replace(tzinfo=now.tzinfo)
    if given > now:
        raise InputError(f"--since {text[:40]} is still to come.", "E.g. 12h or 2d")
    return given


def morning(ledger: Ledger, judge: Judge, since: datetime, now: datetime) -> Morning:
    """Gathers the report from the ledger; a model, where one is set, writes its first paragraph."""
    tickets = ledger.tickets.all()
    events = ledger.events.of(None)
    recent = [event for event in events if event.at >= since]
    ids = {(str(e.data.get("table", "")), str(e.data.get("id", ""))) for e in recent}
    of_ticket: dict[str, list[Trial]] = {t.id: [] for t in tickets}
    for trial in ledger.trials.all():
        of_ticket.setdefault(trial.ticket, []).append(trial)
    by_ticket: dict[str, list[Event]] = {}
    for event in recent:
        by_ticket.setdefault(event.ticket, []).append(event)
    trials = {trial.id: trial for mine in of_ticket.values() for trial in mine}
    incidents = tuple(i for i in ledger.incidents.all() if ("incidents", i.id) in ids)
    gates = tuple(ledger.gates.all(status="open"))
    nights = tuple(
        _ticket_night(
            t.id, t.ticket.title, t.status, of_ticket[t.id], by_ticket.get(t.id, []), incidents
        )
        for t in tickets
        if t.id in by_ticket or t.status == "running"
    )
    attachments = tuple(
        a
        for a in ledger.attachments.all()
        if a.status == "watching" or ("attachments", a.id) in ids
    )
    left = tuple(i for i in incidents if _is_left(i, gates))
    failed = tuple(one for one in failed_in(ledger) if (table_of(one.id), one.id) in ids)
    saved = savings(incidents, trials, of_ticket)
    facts = Facts(
        events=tuple(events),
        trials=tuple(trials.values()),
        incidents=tuple(ledger.incidents.all()),
        gates=tuple(ledger.gates.all()),
        decisions=tuple(ledger.decisions.all()),
        datasets=tuple(ledger.datasets.all()),
        requests=tuple(ledger.merge_requests.all()),
    )
    night = Night(
        hours=round((now - since).total_seconds() / 3600, 1),
        started=sum(n.started for n in nights),
        scored=sum(n.scored for n in nights),
        failed=sum(n.failed for n in nights),
        running=sum(n.running for n in nights),
        incidents=len(incidents),
        helped=sum(bool(i.intervention and i.intervention.helped) for i in incidents),
        waiting=len(gates) + len(left) + len(failed),
        saved_hours=round(sum(s.seconds for s in saved) / 3600, 1) if saved else None,
        told=tuple(_told(incident) for incident in incidents[-20:]),
    )
    verdict = asyncio.run(judge.ask(NARRATIVE, night))
    return Morning(
        since=since,
        until=now,
        narrative=verdict.answer.text,
        narrative_by=verdict.by,
        gates=gates,
        left_to_a_person=left,
        failed=failed,
        tickets=nights,
        loops=loop_nights(ledger, by_ticket),
        attachments=attachments,
        incidents=incidents,
        saved=saved,
        autonomy=autonomy(facts, since),
    )


def _ticket_night(
    id: str,
    title: str,
    status: str,
    trials: Sequence[Trial],
    recent: Sequence[Event],
    incidents: Sequence[Incident],
) -> TicketNight:
    began = {str(e.data.get("id")) for e in recent if e.kind == "trial.started"}
    ended = {str(e.data.get("id")) for e in recent if e.kind == "trial.ended"}
    over = [t for t in trials if t.id in ended and t.status in _ENDED]
    return TicketNight(
        ticket=id,
        title=title,
        status=status,
        started=sum(t.id in began for t in trials),
        scored=sum(t.status == "scored" for t in over),
        failed=sum(t.status in ("failed", "stopped", "unknown") for t in over),
        running=sum(t.status == "running" for t in trials),
        incidents=sum(i.ticket == id for i in incidents),
    )


def _is_left(incident: Incident, gates: Sequence[Gate]) -> bool:
    """Whether an incident waits for a person outside any gate."""
    done = incident.intervention
    if any(gate.shown.get("incident") == incident.id for gate in gates):
        return False
    if done is None:
        return incident.kind not in ADVISORY
    return done.action == "escalate" and incident.ticket.startswith("A-")


def _told(incident: Incident) -> str:
    done = incident.intervention
    then = f"; {done.action.replace('_', ' ')}, helped: {_HELPED[done.helped]}" if done else ""
    return f"{incident.trial}: {incident.kind.replace('_', ' ')}, {incident.diagnosis[:300]}{then}"


def text(report: Morning) -> str:
    """The report as Markdown; text of others is escaped."""
    parts = [
        f"# Morning report, {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC",
        _narrative(report),
        *_needs(report),
        *_runs(report),
        *loops_text(report.loops),
        *_attached(report),
        *_incidents(report),
        *_saved(report),
        *autonomy_text(report.autonomy),
    ]
    return clean("\n\n".join(parts)) + "\n"


def _narrative(report: Morning) -> str:
    words = as_text(report.narrative, 1500)
    if report.narrative_by == "rule":
        return words
    return f"{words}\n\n*Written by {as_text(report.narrative_by)}; the tables below are counted.*"


def _needs(report: Morning) -> Iterator[str]:
    yield "## What needs a person"
    lines = [
        f"- **{as_text(gate.title)}** (`{gate.id}`), since {gate.opened_at:%Y-%m-%d %H:%M}:"
        f" `labcrew decide {gate.id} {'|'.join(gate.allowed)}`"
        for gate in report.gates
    ]
    lines += [
        f"- **{incident.trial}: {incident.kind.replace('_', ' ')}**: {as_text(incident.diagnosis)}"
        for incident in report.left_to_a_person
    ]
    lines += [
        f"- **{one.id} failed** ({as_text(one.title)}): {as_text(one.because)}; again:"
        f" `{one.again}`"
        for one in report.failed
    ]
    yield "\n".join(lines) if lines else "Nothing."


def _runs(report: Morning) -> Iterator[str]:
    if report.tickets:
        yield "## Runs"
        yield table(
            ["ticket", "title", "status", "started", "scored", "failed", "running", "incidents"],
            [
                [
                    night.ticket,
                    as_text(night.title),
                    night.status,
                    *(
                        str(number)
                        for number in (
                            night.started,
                            night.scored,
                            night.failed,
                            night.running,
                            night.incidents,
                        )
                    ),
                ]
                for night in report.tickets[:_MOST_ROWS]
            ],
        )


def _attached(report: Morning) -> Iterator[str]:
    if report.attachments:
        yield "## Runs that labcrew did not start"
        yield table(
            ["watch", "run", "status", "restarts", "ended"],
            [
                [a.id, as_text(a.what), a.status, str(a.restarts), as_text(a.outcome)]
                for a in report.attachments[:_MOST_ROWS]
            ],
        )


def _incidents(report: Morning) -> Iterator[str]:
    yield "## Incidents and what was done"
    if not report.incidents:
        yield "None."
        return
    rows = []
    for incident in report.incidents[:_MOST_ROWS]:
        done = incident.intervention
        rows.append(
            [
                incident.trial,
                incident.kind.replace("_", " "),
                as_text(incident.diagnosis),
                f"{done.action.replace('_', ' ')} ({as_text(done.by)})" if done else "nothing yet",
                _HELPED[done.helped if done else None],
            ]
        )
    yield table(["run", "what", "diagnosis", "done", "helped"], rows)
    if len(report.incidents) > _MOST_ROWS:
        yield f"{len(report.incidents) - _MOST_ROWS} more are in the ledger."


def _saved(report: Morning) -> Iterator[str]:
    yield "## Time saved"
    if report.saved:
        yield table(
            ["run", "saved", "because"],
            [[s.trial, _span(s.seconds), as_text(s.because)] for s in report.saved[:_MOST_ROWS]],
        )
    yield f"{_span(report.saved_s)} of running time in all. {SAVED}"


def autonomy_text(measure: Autonomy) -> Iterator[str]:
    """The measure with its definition and what must be read beside it, as Markdown."""
    yield "## Autonomy"
    if measure.by_count is None:
        yield f"No operational step was closed. {measure.definition}"
        return
    by_time = "not known" if measure.by_time is None else f"{measure.by_time:.0%}"
    yield (
        f"By count {measure.by_count:.0%} ({measure.alone} of {measure.closed} steps), by time"
        f" {by_time} ({_span(measure.alone_s)} of {_span(measure.closed_s)})."
    )
    yield table(
        ["step", "closed", "with no person, and standing", "took"],
        [[s.name, str(s.closed), str(s.alone), _span(s.closed_s)] for s in measure.steps],
    )
    yield (
        f"Beside it: {measure.escalations} escalations, {measure.wrong_actions} wrong actions,"
        f" {measure.unknown_outcomes} actions whose outcome is not known, {measure.misses} misses"
        " (runs that failed without an incident, and incidents that a person told of)."
    )
    yield measure.definition


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
