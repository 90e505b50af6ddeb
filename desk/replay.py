"""Goes through a ticket's decisions again from what was recorded, without an endpoint.

Nothing is asked of a model, nothing runs in a sandbox, and nothing is written: each question is
built anew from its record, answered from the records, and what comes of it is held against what
the ledger says came of it, byte for byte.
"""

import asyncio
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from labcrew.domain.base import Model, canonical_json
from labcrew.domain.chat import ChatModel
from labcrew.domain.event import Event
from labcrew.domain.programming import ModelCall
from labcrew.domain.repository import Repositories
from labcrew.errors import Differs, NotFound, ReplayError
from labcrew.home import Home
from labcrew.judgement import Judge, Judgement
from labcrew.ledger import Ledger
from labcrew.metered import ANSWERED
from labcrew.recorded_chat import RecordedChat
from labcrew.recordings import Recordings, sha256
from labcrew.redaction import Redaction

_COMPARED = ("judgement", "by", "fallbacks", "answer")


class Difference(Model):
    """The first place where what comes of the records is not what the ledger says.

    Args:
        what: the ledger's key of the decision, or the call's id.
        recorded: as the ledger has it, JSON or words.
        replayed: as it came out now.
    """

    what: str
    recorded: str
    replayed: str


class Replayed(Model):
    """What was gone through.

    Args:
        calls: calls to models whose records are whole.
        decisions: judgements, and steps of the loop that writes code, that came out the same.
        left_out: what could not be gone through, and why.
        difference: None: every decision came out byte for byte.
    """

    ticket: str
    calls: int
    decisions: int
    left_out: tuple[str, ...]
    difference: Difference | None


def replay(
    home: Home, ledger: Ledger, ticket: str, repositories: Repositories | None = None
) -> Replayed:
    """Goes through a ticket's, or a draft's, recorded decisions; the ledger is only read.

    Args:
        repositories: the home's trusted clones, for the writing of code; default: those there.

    Raises:
        NotFound: there is no such ticket or draft, or all that it recorded is gone.
    """
    if ledger.tickets.find(ticket) is None and ledger.drafts.find(ticket) is None:
        ledger.tickets.get(ticket)
    folder = home.model_calls(ticket) / "kept"
    recordings = Recordings(folder, Redaction())
    calls = {call.id: call for call in ledger.model_calls.of(ticket)}
    if any(call.prompt for call in calls.values()) and not folder.is_dir():
        raise NotFound(
            f"What {ticket} asked its models, and their answers, is gone from {folder}.",
            "`labcrew clean` removes it where a ticket ended without success; all else is in the"
            " ledger, which `labcrew ledger verify` checks.",
        )
    left_out: list[str] = []
    counts = {"calls": 0, "decisions": 0}
    difference = None
    try:
        for call in calls.values():
            _look_at(call, recordings, left_out, counts)
        for event in ledger.events.of(ticket):
            if event.kind == "judgement.answered":
                _judge_again(event, calls, recordings, left_out, counts)
        if any(event.kind == "programming.turn" for event in ledger.events.of(ticket)):
            from desk.replay_code import write_again

            clones = repositories or _clones(home)
            steps, missing = write_again(home, ledger, clones, ticket, recordings)
            counts["decisions"] += steps
            left_out += missing
    except Differs as differs:
        difference = Difference(
            what=differs.what, recorded=differs.recorded, replayed=differs.replayed
        )
    return Replayed(ticket=ticket, left_out=tuple(left_out), difference=difference, **counts)


def _look_at(
    call: ModelCall, recordings: Recordings, left_out: list[str], counts: dict[str, int]
) -> None:
    """Holds a call's records against the ledger's hashes."""
    if not call.prompt:
        left_out.append(f"{call.id}: labcrew was killed before its prompt was kept")
        return
    request = recordings.request(call.prompt)
    if request is None:
        raise Differs(call.id, f"prompt {call.prompt}", "its files are gone, or were changed")
    if call.exact and (found := sha256(request.text)) != call.prompt_sha256:
        raise Differs(call.id, f"request {call.prompt_sha256}", f"request {found}")
    if call.outcome == ANSWERED and recordings.reply(call.answer) is None:
        raise Differs(call.id, f"answer {call.answer}", "its file is gone, or was changed")
    counts["calls"] += 1


def _judge_again(
    event: Event,
    calls: dict[str, ModelCall],
    recordings: Recordings,
    left_out: list[str],
    counts: dict[str, int],
) -> None:
    data, known = event.data, _judgements()
    name = str(data["judgement"])
    if "question" not in data:
        left_out.append(f"{event.key}: an older labcrew did not keep its question")
        return
    mine = [calls[id] for id in data["calls"] if id in calls]
    if not data["exact"] or not all(call.exact for call in mine):
        left_out.append(f"{event.key}: a secret was taken out of its records")
        return
    if name not in known:
        left_out.append(f"{event.key}: this labcrew asks no {name}")
        return
    judgement = known[name]
    value = recordings.value(str(data["question"]))
    try:
        question = question_type(judgement).model_validate(value)
    except ValidationError:
        said = "gone, or changed" if value is None else "of another shape than this labcrew's"
        raise Differs(event.key, f"question {data['question']}", said) from None
    recorded = canonical_json({key: data[key] for key in _COMPARED})
    refused = str(data.get("refused", ""))
    model = RecordedChat(_asked(mine, recordings), mine, recordings, refused)
    house = _text(event, "told", recordings)
    found = _text(event, "looked_up", recordings)

    async def consult(
        judgement: Judgement[Any, Any], question: BaseModel, model: ChatModel, timeout_s: float
    ) -> str:
        return found

    judge = Judge(
        models={judgement.agent: model},
        attempts=int(data["attempts"]),
        timeout_s=float(data["timeout_s"]),
        told=lambda _agent: house,
        consult=consult,
    )
    try:
        verdict = asyncio.run(judge.ask(judgement, question))
    except ReplayError as error:
        raise Differs(event.key, recorded, f"{error.message} {error.remedy}".strip()) from None
    replayed = canonical_json(
        {
            "judgement": name,
            "by": verdict.by,
            "fallbacks": list(verdict.fallbacks),
            "answer": verdict.answer.model_dump(mode="json"),
        }
    )
    if replayed != recorded:
        raise Differs(event.key, recorded, replayed)
    if model.left:
        raise Differs(event.key, f"{', '.join(model.left)} was asked", "it is not asked")
    counts["decisions"] += 1


def _text(event: Event, name: str, recordings: Recordings) -> str:
    """A text that a model was told beside a question; empty: none was."""
    kept = str(event.data.get(name, ""))
    text = recordings.value(kept) if kept else ""
    if not isinstance(text, str):
        raise Differs(event.key, f"{name} {kept}", "gone, or changed")
    return text


def _clones(home: Home) -> Repositories:
    from sandboxes.git.repositories import GitRepositories

    return GitRepositories(home.repositories)


def _asked(calls: list[ModelCall], recordings: Recordings) -> str:
    """The name of the model that was asked; who answered may be another one."""
    for call in calls:
        if (request := recordings.request(call.prompt)) is not None:
            return request.model
    return ""


def _judgements() -> dict[str, Judgement[Any, Any]]:
    from desk.models.questions import judgements

    return {judgement.name: judgement for judgement in judgements()}


def question_type(judgement: Judgement[Any, Any]) -> type[BaseModel]:
    """The type of a judgement's questions: what its rule reads.

    Raises:
        ReplayError: the rule does not say.
    """
    rule: Callable[..., Any] = judgement.rule
    hints = get_type_hints(rule)
    hints.pop("return", None)
    for kind in hints.values():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    raise ReplayError(f"The rule of {judgement.name} does not name its question's type.")
