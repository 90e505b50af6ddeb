"""What trials did: one, several beside each other, the best, and why one failed."""

from collections.abc import Sequence

from desk.chat.answers.asking import Asked
from desk.chat.telling import LISTED, Answer, plural, quoted
from desk.wording import measured, settings
from labcrew.domain.conversation import Figure, Focus, Statement
from labcrew.domain.experiment import Trial
from labcrew.domain.ticket import AssignedTicket

_LOOKED_AT = 50
_FAILED = ("failed", "stopped", "unknown")


def trial(asked: Asked) -> Answer:
    """A trial's settings, score and end; all of a ticket's in short where none is named."""
    owner = asked.ticket()
    chosen = asked.trials()
    if not chosen:
        return _listed(asked, owner)
    statements = []
    for one in chosen[:LISTED]:
        statements.append(_told(asked, owner, one))
        statements += _incidents_of(asked, one)
    return Answer(statements=tuple(statements), focus=_focus(owner, chosen))


def failure(asked: Asked) -> Answer:
    """Why a trial failed; why a ticket did, with its failed trials."""
    owner = asked.ticket()
    chosen = asked.trials()
    statements: list[Statement] = []
    if not chosen:
        if owner.status == "failed":
            said = f"{owner.id} failed: {quoted(owner.outcome, 300) or 'no reason is recorded'}."
        else:
            said = f"{owner.id} is {owner.status}; it did not fail."
        statements.append(asked.tell.say(said, ("tickets", owner.id)))
        chosen = [t for t in asked.ledger.trials.of(owner.id) if t.status in _FAILED]
        if not chosen:
            statements.append(
                asked.tell.say(f"None of {owner.id}'s trials failed.", ("tickets", owner.id))
            )
    for one in chosen[:LISTED]:
        statements += _why(asked, one)
    if len(chosen) > LISTED:
        figure = asked.tell.count("trials", owner.id, *_FAILED)
        said = f"{plural(figure.shown, 'trial')} of {owner.id} ended so in all."
        statements.append(asked.tell.say(said, ("tickets", owner.id), figures=[figure]))
    return Answer(statements=tuple(statements), focus=_focus(owner, chosen[:LISTED]))


def compare(asked: Asked) -> Answer:
    """Trials side by side: settings that differ, scores, and the difference of two."""
    owner = asked.ticket()
    chosen = asked.trials()
    if len(chosen) == 1:
        first = [t for t in asked.ledger.trials.of(owner.id) if t.kind == "baseline"][:1]
        chosen = [*chosen, *(t for t in first if t.id != chosen[0].id)]
    if len(chosen) < 2:
        said = f"Name two trials or more of {owner.id}, as `compare trials 3 and 5`."
        return Answer(
            statements=(asked.tell.say(f"Which ones? {owner.id} has these.", ("tickets", owner.id)),
                        *_listed(asked, owner).statements),
            focus=Focus(tickets=(owner.id,), intent="compare"),
            choices=(said,),
        )  # fmt: skip
    statements = [_told(asked, owner, one) for one in chosen[:LISTED]]
    statements.append(_differ(asked, chosen[:LISTED]))
    scored = [one for one in chosen if one.score is not None]
    if len(chosen) == 2 and len(scored) == 2:
        statements.append(_ahead(asked, owner, *_by_score(owner, scored)))
    return Answer(statements=tuple(statements), focus=_focus(owner, chosen))


def best(asked: Asked) -> Answer:
    """The trial with the best score; of each unfinished ticket where none is named."""
    named = asked.tickets()
    if not named:
        every = [t for _, t in asked.ledger.tickets.page(limit=_LOOKED_AT)]
        metric = asked.slots.metric
        named = [t for t in every if not metric or t.ticket.metric.name.lower() == metric]
    if not named:
        return Answer(statements=(Statement(text="No ticket measures that yet."),))
    statements, leaders = [], []
    for owner in named[:LISTED]:
        scored = [t for t in asked.ledger.trials.of(owner.id) if t.score is not None]
        if not scored:
            if len(named) == 1:
                said = f"No trial of {owner.id} has a score yet."
                statements.append(asked.tell.say(said, ("tickets", owner.id)))
            continue
        # A confirmation's seed is drawn after the choice: nothing is chosen by it.
        choosable = [t for t in scored if t.kind != "confirmation"] or scored
        leader = _by_score(owner, choosable)[0]
        leaders.append(leader)
        figure = asked.tell.count("trials", owner.id, "scored")
        goal = "highest" if owner.ticket.metric.direction == "maximize" else "lowest"
        aside = ", confirmations left aside" if len(choosable) < len(scored) else ""
        said = (
            f"Of {plural(figure.shown, 'scored trial')} of {owner.id}{aside}, {leader.id} has the"
            f" {goal}"
            f" {quoted(owner.ticket.metric.name, 60)}: {measured(leader)} on"
            f" {leader.score.split if leader.score else ''}, with {quoted(settings(leader.values))}"
            f" (seed {leader.seed}, {leader.data} data). It is one run's number; the merge request"
            " has means over seeds."
        )
        statements.append(
            asked.tell.say(said, ("trials", leader.id), ("tickets", owner.id), figures=[figure])
        )
    if not statements:
        statements = [Statement(text="No trial has a score yet.")]
    focus = Focus(listed=tuple(leader.id for leader in leaders))
    if len(leaders) == 1:
        focus = Focus(tickets=(leaders[0].ticket,), trials=(leaders[0].number,))
    return Answer(statements=tuple(statements), focus=focus)


def _told(asked: Asked, owner: AssignedTicket, one: Trial) -> Statement:
    value = measured(one)
    metric = quoted(owner.ticket.metric.name, 60)
    score = f", {metric} {value}" if value else ""
    split = f" on {one.score.split}" if one.score is not None else ""
    took = f", took {one.result.duration_s:.1f} s" if one.result is not None else ""
    return asked.tell.say(
        f"{one.id} ({one.kind.replace('_', ' ')}, {quoted(settings(one.values))}, seed {one.seed},"
        f" {one.data} data) is {one.status}{score}{split}{took}.",
        ("trials", one.id),
    )


def _why(asked: Asked, one: Trial) -> list[Statement]:
    if one.status not in _FAILED:
        said = f"{one.id} did not fail: it is {one.status}."
        return [asked.tell.say(said, ("trials", one.id)), *_incidents_of(asked, one)]
    result = one.result
    reason = quoted(result.reason, 300) if result is not None else "no reason is recorded"
    code = f" (exit code {result.exit_code})" if result is not None and result.exit_code else ""
    said = f"{one.id} {one.status}: {reason}{code}. It ran with {quoted(settings(one.values))}."
    return [asked.tell.say(said, ("trials", one.id)), *_incidents_of(asked, one)]


def _incidents_of(asked: Asked, one: Trial) -> list[Statement]:
    found = [i for i in asked.ledger.incidents.of(one.ticket) if i.trial == one.id]
    statements = []
    for incident in found[:LISTED]:
        seen = quoted(incident.evidence[-1], 160) if incident.evidence else ""
        shown = f' It printed "{seen}".' if seen else ""
        said = f"{incident.kind.replace('_', ' ')}: {quoted(incident.diagnosis, 300)}.{shown}"
        statements.append(asked.tell.say(f"{one.id}, {said}", ("incidents", incident.id)))
    return statements


def _differ(asked: Asked, chosen: Sequence[Trial]) -> Statement:
    names = dict.fromkeys(name for one in chosen for name in one.values)
    lines = []
    for name in names:
        values = [one.values.get(name, "the program's own") for one in chosen]
        if len({str(value) for value in values}) > 1:
            told = " against ".join(
                f"{value:.4g}" if isinstance(value, float) else str(value) for value in values
            )
            lines.append(f"{name} {told}")
    for name in ("data", "seed", "kind"):
        values = [getattr(one, name) for one in chosen]
        if len(set(values)) > 1:
            lines.append(f"{name} {' against '.join(str(v).replace('_', ' ') for v in values)}")
    told = "; ".join(lines)
    text = f"They differ in {quoted(told, 800)}." if told else "They have the same settings."
    return asked.tell.say(text, *(("trials", one.id) for one in chosen))


def _ahead(asked: Asked, owner: AssignedTicket, better: Trial, other: Trial) -> Statement:
    figure = asked.tell.shown(
        Figure(
            shown="0",
            how="difference",
            table="trials",
            ids=(better.id, other.id),
            field="score.value",
        ),
        ".4f",
    )
    rows = (("trials", better.id), ("trials", other.id))
    if float(figure.shown) == 0:
        return asked.tell.say(f"{better.id} and {other.id} score the same.", *rows)
    said = (
        f"{better.id} is ahead by {figure.shown} in {quoted(owner.ticket.metric.name, 60)}; one run"
        " each, so seeds alone may explain it."
    )
    return asked.tell.say(said, *rows, figures=[figure])


def _by_score(owner: AssignedTicket, scored: Sequence[Trial]) -> list[Trial]:
    sign = -1 if owner.ticket.metric.direction == "maximize" else 1
    return sorted(scored, key=lambda one: sign * one.score.value if one.score else 0.0)


def _listed(asked: Asked, owner: AssignedTicket) -> Answer:
    trials = asked.ledger.trials.of(owner.id)
    if not trials:
        said = f"{owner.id} has no trials yet."
        return Answer(
            statements=(asked.tell.say(said, ("tickets", owner.id)),),
            focus=Focus(tickets=(owner.id,)),
        )
    figure = asked.tell.count("trials", owner.id)
    statements = [
        asked.tell.say(
            f"{owner.id} has {plural(figure.shown, 'trial')}; the newest are these.",
            ("tickets", owner.id),
            figures=[figure],
        )
    ]
    newest = trials[-LISTED:]
    statements += [_told(asked, owner, one) for one in newest]
    focus = Focus(tickets=(owner.id,), listed=tuple(one.id for one in newest))
    return Answer(statements=tuple(statements), focus=focus)


def _focus(owner: AssignedTicket, chosen: Sequence[Trial]) -> Focus:
    return Focus(
        tickets=(owner.id,),
        trials=tuple(one.number for one in chosen),
        listed=tuple(one.id for one in chosen),
    )
