"""The sections that the reports of tickets and of loops share."""

from collections.abc import Iterator

from desk import model_costs
from labcrew.domain.review import Gate
from labcrew.evidence import as_text, table
from labcrew.ledger import Ledger

MOST_ROWS = 200


def needs(ledger: Ledger, id: str) -> Iterator[str]:
    """The gates that are open."""
    open_gates: list[Gate] = [g for g in ledger.gates.of(id) if g.status == "open"]
    if open_gates:
        yield "## What needs a person"
        yield "\n".join(
            f"- **{as_text(gate.title)}** (`{gate.id}`), since"
            f" {gate.opened_at:%Y-%m-%d %H:%M} UTC: {' or '.join(gate.allowed)}"
            for gate in open_gates
        )


def network(ledger: Ledger, id: str) -> Iterator[str]:
    """What runs asked of the network, and what became of it."""
    asked = [e.data for e in ledger.events.of(id) if e.kind == "network.request"]
    if not asked:
        return
    yield "## What was asked of the network"
    yield table(
        ["by", "host", "times", "bytes in", "bytes out", "became of it"],
        [
            [
                as_text(str(data["subject"])),
                as_text(f"{data['host']}:{data['port']}".removesuffix(":0")),
                str(data["times"]),
                str(data["down_bytes"]),
                str(data["up_bytes"]),
                as_text(f"{data['verdict']} {data['reason']}".strip()),
            ]
            for data in asked[:MOST_ROWS]
        ],
    )
    if len(asked) > MOST_ROWS:
        yield f"{len(asked) - MOST_ROWS} more are in the ledger."


def merge_requests(ledger: Ledger, id: str) -> Iterator[str]:
    """Every merge request with its text and the remarks on it."""
    for request in ledger.merge_requests.of(id):
        verdict = request.verdict.replace("_", " ")
        yield f"## Merge request {request.id}: {request.status}, {verdict}"
        if request.status == "superseded":
            yield "A later revision took its place."
            continue
        yield f"Branch `{request.branch}` at `{request.commit[:12]}`. {as_text(request.merge_note)}"
        yield _deeper(request.description)
        for comment in ledger.comments.of(id):
            if comment.merge_request == request.id:
                where = f" on {as_text(comment.path)}" if comment.path else ""
                yield f"> {as_text(comment.by)}{where}: {as_text(comment.text, 2000)}"


def models(ledger: Ledger, id: str) -> Iterator[str]:
    """What agents used of chat models."""
    if made := model_costs.rows(ledger.model_calls.of(id)):
        yield "## Chat models"
        yield table(model_costs.HEAD, made)


def decisions(ledger: Ledger, id: str) -> Iterator[str]:
    """Who decided what, at which gate."""
    decisions = ledger.decisions.of(id)
    if decisions:
        yield "## Who decided what"
        yield "\n".join(
            f"- {d.at:%Y-%m-%d %H:%M} UTC, {as_text(d.by)}: {d.kind} at `{d.gate}`"
            f"{f': {as_text(d.comment, 600)}' if d.comment else ''}"
            for d in decisions
        )


def _deeper(markdown: str) -> str:
    """A document within a document: its headings one level down."""
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in markdown.split("\n"))
