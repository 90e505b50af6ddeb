"""How loops of self-evolution stand: rounds, what was kept, noise, the sealed result."""

from desk.chat.answers.asking import Asked
from desk.chat.telling import LISTED, Answer, nothing, plural, quoted
from desk.commissions import is_loop
from labcrew.domain.conversation import Focus, Statement
from labcrew.domain.evolution import Evolution


def loops(asked: Asked) -> Answer:
    """All that is known of each loop that is named, in a few sentences."""
    named = [id for id in asked.slots.tickets if is_loop(id)]
    found = [asked.ledger.evolutions.find(id) for id in named]
    missing = [id for id, loop in zip(named, found, strict=True) if loop is None]
    if missing:
        known = [loop.id for _, loop in asked.ledger.evolutions.page(limit=LISTED)]
        there = f" There are: {', '.join(known)}." if known else " There are none yet."
        answer = nothing(f"There is no loop {missing[0]}.{there}")
        rows = asked.tell.rows_of("evolutions", known)
        said = answer.statements[0].model_copy(update={"rows": rows})
        return answer.model_copy(update={"statements": (said,)})
    statements = [s for loop in found if loop is not None for s in _told(asked, loop)]
    return Answer(statements=tuple(statements), focus=Focus(tickets=tuple(named)))


def _told(asked: Asked, loop: Evolution) -> list[Statement]:
    row = ("evolutions", loop.id)
    say = asked.tell.say
    allowed = loop.spec.budget.rounds
    outcome = f": {quoted(loop.outcome, 240)}" if loop.outcome else ""
    said = [
        say(
            f"{loop.id}, {quoted(loop.spec.title, 120)}, is {loop.status} after {loop.rounds} of"
            f" {plural(allowed, 'round')}{outcome}.",
            row,
        )
    ]
    rounds = [r for r in asked.ledger.rounds.of(loop.id) if r.verdict == "kept"]
    for round_ in rounds[-LISTED:]:
        title = quoted(round_.proposal.title, 160) if round_.proposal is not None else ""
        reason = quoted(round_.reason, 200)
        text = f"Kept in round {round_.number}: {title}; {reason}."
        said.append(say(text, ("rounds", round_.id)))
    if not rounds:
        said.append(say(f"{loop.id} has kept no change.", row))
    if loop.noise is not None:
        noise = loop.noise
        said.append(
            say(
                f"Its baseline's mean is {noise.mean:.4g}; "
                + (
                    f"{noise.seen}."
                    if noise.deterministic
                    else f"a gain of {noise.detectable:.4g} is kept most of the time."
                ),
                row,
            )
        )
    if loop.sealed is not None:
        gain = loop.sealed.comparison
        said.append(
            say(
                f"On the sealed split {loop.sealed.baseline:.4g} became {loop.sealed.final:.4g}:"
                f" a gain of {gain.gain:.4g}, from {gain.low:.4g} to {gain.high:.4g}.",
                row,
            )
        )
    for request in asked.ledger.merge_requests.of(loop.id)[-1:]:
        text = f"Its merge request {request.id} is {request.status}."
        said.append(say(text, ("merge_requests", request.id)))
    for gate in asked.ledger.gates.of(loop.id):
        if gate.status == "open":
            text = f"{quoted(gate.title, 160)} ({gate.id}) waits for a person."
            said.append(say(text, ("gates", gate.id)))
    return said
