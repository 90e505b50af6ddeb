"""How a merge request stands."""

from desk.chat.answers.asking import Asked
from desk.chat.telling import LISTED, Answer, nothing, quoted
from labcrew.domain.conversation import Focus, Statement
from labcrew.domain.review import MergeRequest


def merge_request(asked: Asked) -> Answer:
    """A merge request's state, what it rests on, its smoke test and its comments."""
    if asked.slots.merge_request:
        asked.tickets()
        found = asked.ledger.merge_requests.find(asked.slots.merge_request)
        if found is None:
            return nothing(f"There is no merge request {asked.slots.merge_request}.")
        return _told(asked, found)
    named = asked.tickets()
    if not named:
        newest = [r for _, r in asked.ledger.merge_requests.page(limit=LISTED)]
        if not newest:
            return nothing("There is no merge request yet.")
        if len(newest) == 1:
            return _told(asked, newest[0])
        statements = [
            asked.tell.say(f"{r.id}, {quoted(r.title, 80)}, is {r.status}.",
                           ("merge_requests", r.id))
            for r in newest
        ]  # fmt: skip
        return Answer(
            statements=tuple(statements), focus=Focus(listed=tuple(r.ticket for r in newest))
        )
    requests = asked.ledger.merge_requests.of(named[0].id)
    if not requests:
        said = f"{named[0].id} has no merge request yet; it is {named[0].status}."
        return Answer(
            statements=(asked.tell.say(said, ("tickets", named[0].id)),),
            focus=Focus(tickets=(named[0].id,)),
        )
    return _told(asked, requests[-1])


def _told(asked: Asked, request: MergeRequest) -> Answer:
    row = ("merge_requests", request.id)
    target = f" for {quoted(request.target, 80)}" if request.target else ""
    note = f" {quoted(request.merge_note, 200)}." if request.merge_note else ""
    statements: list[Statement] = [
        asked.tell.say(
            f"{request.id}, {quoted(request.title, 120)}, is {request.status}; its branch is"
            f" {quoted(request.branch, 80)}{target}. The verdict: "
            f"{request.verdict.replace('_', ' ')}.{note}",
            row,
        )
    ]
    numbers = [e for e in request.evidence if e.statistic in ("mean", "gain")]
    numbers = numbers or list(request.evidence)
    if numbers:
        told = "; ".join(f"{e.key.replace('_', ' ')} {e.rendered()}" for e in numbers[:LISTED])
        statements.append(asked.tell.say(f"Its evidence: {told}.", row))
    if request.smoke is not None:
        passed = "passed" if request.smoke.passed else "did not pass"
        said = f"Its smoke test {passed}: {quoted(request.smoke.detail, 200)}."
        statements.append(asked.tell.say(said, row))
    for gate in asked.ledger.gates.of(request.ticket):
        asks = gate.kind == "merge" and gate.shown.get("merge_request") == request.id
        if gate.status == "open" and asks:
            said = f"It waits for a person who may approve ({gate.id})."
            statements.append(asked.tell.say(said, ("gates", gate.id)))
    comments = [c for c in asked.ledger.comments.of(request.ticket)
                if c.merge_request == request.id]  # fmt: skip
    for comment in comments[-3:]:
        where = f" on {quoted(comment.path, 80)}" if comment.path else ""
        said = f'{quoted(comment.by, 80)} commented{where}: "{quoted(comment.text, 240)}".'
        statements.append(asked.tell.say(said, ("comments", comment.id)))
    return Answer(
        statements=tuple(statements),
        focus=Focus(tickets=(request.ticket,), merge_request=request.id),
    )
