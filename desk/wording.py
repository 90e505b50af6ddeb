"""The ledger's lines in words, for people who watch."""

from collections.abc import Callable

from desk.wording_loops import loop_line, round_line
from labcrew.domain.event import Event
from labcrew.domain.experiment import Trial
from labcrew.domain.search_space import Values
from labcrew.ledger import Ledger
from labcrew.spending import EXHAUSTED, WARNED

NAMES = {
    "coordinator": "Coordinator",
    "literature_review": "Literature review",
    "data_pipeline": "Data pipeline",
    "experiment_launcher": "Experiment launcher",
    "log_monitor": "Log monitor",
    "merge_request": "Merge request",
    "worker": "Worker",
    "rule": "Rule",
}
_TOOLS = {
    "read_library": "read the library of papers",
    "search_papers": "searched for papers",
    "profile_data": "profiled the data",
    "clean_data": "made the cleaned data",
    "prepare_environment": "prepared the environment",
    "survey_repository": "read the repository",
    "install_environment": "tried an environment",
    "first_run": "ran the program once",
    "make_change": "made the change on a branch",
    "run_smoke_test": "ran the smoke test",
    "publish_branch": "published the branch",
    "propose_change": "opened the merge request at the forge",
    "withdraw_change": "closed the merge request at the forge",
}

_CAME = 120
_HELPED = {True: "helped", False: "did not help"}


def who(actor: str) -> str:
    """An actor's name as people read it."""
    return NAMES.get(actor, actor.removeprefix("person:"))


def sentence(event: Event, ledger: Ledger) -> str | None:
    """What a line says, in words; None for lines that only matter to machines.

    A line of a record names what the record says now, which may be newer than the line.
    """
    maker = _BY_KIND.get(event.kind) or _BY_KIND.get(f"{event.data.get('table', '')}.*")
    return maker(event, ledger) if maker is not None else None


def settings(values: Values) -> str:
    """A trial's settings in one line."""
    if not values:
        return "as it is"
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in values.items()
    )


def measured(trial: Trial) -> str:
    """A trial's number, labelled when only the run vouches for it; empty while there is none."""
    if trial.score is not None:
        label = " (reported)" if trial.score.source == "reported" else ""
        return f"{trial.score.value:.5g}{label}"
    if trial.result is not None and trial.result.reported is not None:
        return f"{trial.result.reported:.5g} (reported)"
    return ""


def _id(event: Event) -> str:
    return str(event.data.get("id", ""))


def _ticket(event: Event, ledger: Ledger) -> str | None:
    word = {
        "ticket.assigned": "assigned the ticket",
        "ticket.paused": "paused the ticket",
        "ticket.resumed": "let the ticket go on",
        "ticket.retried": "had the ticket tried again",
        "ticket.stopped": "stopped the ticket",
        "ticket.budget": "changed the budget",
    }.get(event.kind)
    if event.actor.startswith("person:"):
        return f"{who(event.actor)} {word or 'changed the ticket'}"
    assigned = ledger.tickets.find(_id(event))
    if assigned is None:
        return None
    if event.kind == "ticket.failed" and assigned.status != "failed":
        return f"The ticket had failed; it is {assigned.status} now"
    if assigned.status not in ("done", "failed"):
        return None
    outcome = assigned.outcome.removeprefix("failed: ")
    return f"The ticket is {assigned.status}{f': {outcome}' * bool(outcome)}"


def _trial(event: Event, ledger: Ledger) -> str | None:
    trial = ledger.trials.find(_id(event))
    if trial is None:
        return None
    about = f"{trial.id} ({trial.kind.replace('_', ' ')}, {settings(trial.values)})"
    value = measured(trial)
    if trial.status == "planned":
        return None
    if trial.status == "running":
        return f"{about} runs"
    if trial.status in ("failed", "stopped", "unknown") and trial.result is not None:
        return f"{about} {trial.status}: {trial.result.reason}"
    return f"{about} {trial.status}{f': {value}' * bool(value)}"


def _incident(event: Event, ledger: Ledger) -> str | None:
    incident = ledger.incidents.find(_id(event))
    if incident is None:
        return None
    done = incident.intervention
    then = f"; {done.action.replace('_', ' ')}: {done.because}" if done is not None else ""
    if done is not None and done.helped is not None:
        return f"{incident.trial}: {done.action.replace('_', ' ')} {_HELPED[done.helped]}"
    return f"{incident.trial}: {incident.kind.replace('_', ' ')}, {incident.diagnosis}{then}"


def _gate(event: Event, ledger: Ledger) -> str | None:
    gate = ledger.gates.find(_id(event))
    if gate is None or event.kind != "gate.opened":
        return None
    return f"A person is asked: {gate.title} ({gate.id})"


def _decision(event: Event, ledger: Ledger) -> str | None:
    decision = ledger.decisions.find(_id(event))
    if decision is None:
        return None
    remark = f": {decision.comment}" if decision.comment else ""
    return f"{decision.by} decided {decision.gate}: {decision.kind}{remark}"


def _plan(event: Event, ledger: Ledger) -> str | None:
    return "The plan is written" if event.kind == "plan.written" else "The plan is changed"


def _brief(event: Event, ledger: Ledger) -> str | None:
    brief = ledger.briefs.find(_id(event))
    if brief is None:
        return "The literature is reviewed"
    return (
        f"The literature is reviewed: {len(brief.findings)} findings, {len(brief.suggestions)}"
        " settings suggested"
    )


def _dataset(event: Event, ledger: Ledger) -> str | None:
    card = ledger.datasets.find(_id(event))
    if card is None:
        return None
    if not card.read:
        return f"{card.path}: not read, so not checked"
    rows = f"{card.path}: {card.rows} rows"
    if event.kind == "data.cleaned":
        return f"{rows}, cleaned to {card.cleaned_rows}" if card.cleaned_rows else None
    return f"{rows}, {len(card.quarantined)} doubtful" if card.quarantined else f"{rows} checked"


def _request(event: Event, ledger: Ledger) -> str | None:
    request = ledger.merge_requests.find(_id(event))
    if request is None:
        return None
    if event.kind == "merge_request.approved" and request.status == "open":
        return f"{request.id} is approved but not merged: {request.merge_note}"
    if event.kind == "merge_request.merged" and request.status == "merged":
        return f"{request.id} is {request.merge_note or 'merged'}"
    return f"{request.id} is {request.status} ({request.verdict.replace('_', ' ')})"


def _comment(event: Event, ledger: Ledger) -> str | None:
    comment = ledger.comments.find(_id(event))
    if comment is None or event.kind != "merge_request.commented":
        return None
    return f"{comment.by} on {comment.merge_request}: {comment.text}"


def _lesson(event: Event, ledger: Ledger) -> str | None:
    lesson = ledger.lessons.find(_id(event))
    return None if lesson is None else f"Learnt: {lesson.text}"


def _agent_failed(event: Event, ledger: Ledger) -> str | None:
    problems = event.data.get("problems") or [""]
    return f"{who(str(event.data.get('agent')))}: {problems[0]}; {event.data.get('action')}"


def _tool(event: Event, ledger: Ledger) -> str | None:
    words = _TOOLS.get(str(event.data.get("tool")))
    outcome = str(event.data.get("outcome", "done"))
    if words is None and outcome == "done":
        return None
    if outcome != "done":
        tool = str(event.data.get("tool")).replace("_", " ")
        return f"{who(event.actor)} could not {tool}: {outcome}"
    return f"{who(event.actor)} {words}"


def _memory(event: Event, ledger: Ledger) -> str | None:
    return f"Kept in the ledger alone. {event.data.get('because')} {event.data.get('remedy')}"


def _network(event: Event, ledger: Ledger) -> str | None:
    if event.data.get("verdict") != "refused":
        return None
    place = f"{event.data.get('host')}:{event.data.get('port')}".removesuffix(":0")
    return f"{event.data.get('subject')} did not get to {place}: {event.data.get('reason')}"


def _judgement(event: Event, ledger: Ledger) -> str | None:
    fallbacks = event.data.get("fallbacks") or []
    if not fallbacks:
        return None
    return f"{who(event.actor)} answered by {event.data.get('by')}; the model: {fallbacks[-1]}"


def _attachment(event: Event, ledger: Ledger) -> str | None:
    attached = ledger.attachments.find(_id(event))
    if attached is None:
        return None
    if event.kind == "run.attached":
        return f"{who(event.actor)} attached {attached.what}"
    return None if attached.status == "watching" else f"{attached.what}: {attached.outcome}"


def _draft(event: Event, ledger: Ledger) -> str | None:
    draft = ledger.drafts.find(_id(event))
    if draft is None:
        return None
    if event.actor.startswith("person:"):
        word = {
            "draft.asked": f"asked for a ticket: {draft.sentence}",
            "draft.answered": "answered a question of the draft",
            "draft.guesses_taken": "took the best guesses of the draft",
        }.get(event.kind, "changed the draft")
        return f"{who(event.actor)} {word}"
    return {
        "draft.asking": f"The draft asks: {'; '.join(q.question for q in draft.questions)}",
        "draft.written": "The draft of the ticket is written",
        "draft.failed": f"No ticket: {draft.trouble.message if draft.trouble else 'unknown'}",
    }.get(event.kind)


def _code_step(event: Event, ledger: Ledger) -> str | None:
    """One step of writing code: what was tried, and the first words of what came of it."""
    tried = event.data.get("ask") or ", ".join(o["name"] for o in event.data.get("outcomes", ()))
    came = next((o["text"] for o in event.data.get("outcomes", ())), "")
    said = " ".join(str(came).rpartition("```")[2].split())[:_CAME]  # behind the change itself
    return f"Code, step {int(event.data['step']) + 1}: {tried}{f': {said}' * bool(said)}"


def _patch(event: Event, ledger: Ledger) -> str | None:
    patch = ledger.patches.find(_id(event))
    if patch is None:
        return None
    if patch.status == "gave_up":
        return f"The code was given up after {patch.steps} steps"
    paths = ", ".join(file.path for file in patch.files)
    return f"The code is written in {patch.steps} steps, its tests pass: {paths}"


def _spending(event: Event, ledger: Ledger) -> str | None:
    """That a share of a bound is used, or all of it."""
    data = event.data
    if event.kind != WARNED:
        return f"Budget: {data['because']}"
    used, most = (f"{data[n]:,.0f}" if data[n] >= 10 else f"{data[n]:.4g}" for n in ("used", "of"))
    return f"Budget: {data['share']:.0%} of {data['bound']} is used, {used} of {most}"


def _access(event: Event, ledger: Ledger) -> str | None:
    name = event.data.get("name")
    return {
        "access.signed_in": f"{who(event.actor)} signed in to the board",
        "access.signed_out": f"{who(event.actor)} signed out of the board",
        "access.refused": "Somebody was refused at the board's sign-in",
        "access.token_added": f"{who(event.actor)} gave {name} a token, {event.data.get('role')}",
        "access.token_removed": f"{who(event.actor)} removed a token of {name}",
    }.get(event.kind)


_BY_KIND: dict[str, Callable[[Event, Ledger], str | None]] = {
    "tickets.*": _ticket,
    "evolutions.*": loop_line,
    "rounds.*": round_line,
    "trials.*": _trial,
    "incidents.*": _incident,
    "gates.*": _gate,
    "decisions.*": _decision,
    "plans.*": _plan,
    "briefs.*": _brief,
    "datasets.*": _dataset,
    "merge_requests.*": _request,
    "comments.*": _comment,
    "lessons.*": _lesson,
    "drafts.*": _draft,
    "attachments.*": _attachment,
    "patches.*": _patch,
    "programming.turn": _code_step,
    "agent.failed": _agent_failed,
    "tool.used": _tool,
    "judgement.answered": _judgement,
    "memory.damaged": _memory,
    "network.request": _network,
    WARNED: _spending,
    EXHAUSTED: _spending,
    "spending.unpriced": _spending,
    "access.signed_in": _access,
    "access.signed_out": _access,
    "access.refused": _access,
    "access.token_added": _access,
    "access.token_removed": _access,
}


def dollars(value: float) -> str:
    """An amount of money."""
    return f"${value:,.2f}" if value >= 0.01 or value == 0 else f"${value:.4f}"
