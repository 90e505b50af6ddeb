"""The end of a ticket: closed without a merge, and what is kept for the next one."""

from typing import Any

from langgraph.runtime import Runtime

from graphs import forging
from graphs.remembering import remember
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.remembered import REMEMBERED_TRIALS, record_of_lesson
from labcrew.domain.research import Lesson, data_hash
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.trial_records import records_of_trials


async def close(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Ends a ticket that is not merged."""
    work = runtime.context
    requests = work.ledger.merge_requests.of(state["ticket"])
    with work.ledger.transaction():
        for request in requests:
            if request.status == "open":
                work.ledger.merge_requests.put(
                    request.model_copy(update={"status": "closed"}),
                    actor="merge_request",
                    kind="merge_request.closed",
                )
    if requests:
        await forging.withdraw(work, work.assigned(state["ticket"]), requests[-1])
    return {}


async def reflect(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Keeps what was learnt, for the next ticket, and ends this one."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    outcome = state.get("outcome", "")
    trials = work.trials(assigned.id)
    lessons = _lessons(work, assigned, trials, outcome)
    failed = outcome.startswith("failed")
    with work.ledger.transaction():
        for lesson in lessons:
            work.ledger.lessons.put(lesson, actor="coordinator", kind="lesson.kept")
    # Done comes last: a ticket that the ledger has as done is not taken up again.
    ended = (trial for trial in trials if trial.status in REMEMBERED_TRIALS)
    kept = list(records_of_trials(work.ledger, ended))
    kept += [record_of_lesson(lesson) for lesson in lessons]
    await remember(work.bench, assigned.id, kept)
    work.move(assigned.id, "failed" if failed else "done", outcome)
    return {}


def _what_helped(incident: Incident) -> str:
    """What was done about an incident and whether that helped, once it is known."""
    done = incident.intervention
    if done is None or done.helped is None:
        return ""
    return f"; {done.action.replace('_', ' ')} {'helped' if done.helped else 'did not help'}"


def _spelt(values: Values) -> str:
    return ", ".join(f"{k}={v}" for k, v in sorted(values.items())) or "the program's defaults"


def _borne_out(work: Work, assigned: AssignedTicket) -> str:
    """What numbers that nothing was chosen by say of the winner: the best of many is no result.

    The review of literature takes a lesson that something is not better for a warning of it.
    """
    requests = work.ledger.merge_requests.of(assigned.id)
    return {
        "improves": "numbers that nothing was chosen by bear it out",
        "no_gain": "it was not better beyond the seeds' noise where nothing was chosen by it",
        "no_score_before": "the program as it was gave none to hold it against",
    }.get(requests[-1].verdict if requests else "", "it was measured there alone")


def _lessons(
    work: Work, assigned: AssignedTicket, trials: list[Trial], outcome: str
) -> list[Lesson]:
    best = work.best(assigned, trials)
    ticket = assigned.ticket
    texts = [f"{ticket.title}: {outcome}."]
    if best is not None:
        reported = any(t.score and t.score.source == "reported" for t in best.trials)
        what = "the code of its change" if best.code else _spelt(best.values)
        texts.append(
            f"For {ticket.title}, {what} on {best.data} data gave the best"
            f" validation {ticket.metric.name}, {best.mean:.4g}"
            + " as the runs report it"
            * reported
            + f" over {len(best.scores)} {'seeds' if len(best.scores) > 1 else 'seed'};"
            f" {_borne_out(work, assigned)}."
        )
    told = [
        i
        for i in work.ledger.incidents.of(assigned.id)
        if i.intervention is not None and not i.intervention.part_of
    ]
    for incident in told[:5]:
        values = next((t.values for t in trials if t.id == incident.trial), {})
        texts.append(
            f"With {_spelt(values)} a run of {ticket.title} had this: {incident.diagnosis[:200]}"
            f"{_what_helped(incident)}"
        )
    data = data_hash(work.cards(assigned.id), cleaned=False)
    return [
        Lesson(
            id=f"{assigned.id}-L{assigned.revision}.{n}",
            ticket=assigned.id,
            text=text,
            code_hash=assigned.base_commit,
            data_hash=data,
            repository=assigned.repository,
        )
        for n, text in enumerate(texts)
    ]
