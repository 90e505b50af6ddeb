"""Asks a model every case as the crew would, and scores what the crew would take.

An answer that can't be used is the rule's in the end, as on a ticket: it costs time and tokens and
counts as invalid. Results are kept as they come, one JSON line a case.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from evals.judgements.case import Case
from labcrew.domain.base import Model, content_hash
from labcrew.domain.chat import ChatModel, FailureKind, Message, Reply, Tokens, ToolOffer
from labcrew.errors import LabcrewError, ModelFailure
from labcrew.judgement import Judge

ENDPOINT_FAILS: tuple[FailureKind, ...] = (
    "unavailable", "unauthorised", "unknown_model", "rate_limited", "over_budget",
)  # fmt: skip
"""Failures that say nothing of a model's judgement."""
Say = Callable[[str], None]


class EndpointLost(LabcrewError):
    """The endpoint gives no answers, so there is nothing to measure."""


class Answered(Model):
    """One case as a model answered it."""

    question: str = Field(description="the judgement's name")
    case: str
    key: str = Field(description="hash of all that the answer depends on")
    score: float = Field(ge=0, le=1, description="of what the crew would take in the end")
    valid: bool = Field(description="whether that is the model's own answer")
    troubles: tuple[str, ...] = Field(default=(), description="why answers could not be used")
    seconds: float = Field(ge=0)
    tokens: Tokens = Tokens()
    calls: int = Field(ge=0)


@dataclass
class _Counted:
    """A model whose calls are counted.

    Args:
        inner: answers.
    """

    inner: ChatModel
    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    lost: ModelFailure | None = None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.inner.name

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """What the inner model replies."""
        self.calls += 1
        try:
            reply = await self.inner.reply(messages, tools=tools, schema=schema, purpose=purpose)
        except ModelFailure as error:
            self._add(error.tokens)
            if error.kind in ENDPOINT_FAILS:
                self.lost = error
            raise
        self._add(reply.tokens)
        return reply

    def _add(self, used: Tokens | None) -> None:
        if used is not None:
            self.tokens = Tokens(
                prompt=self.tokens.prompt + used.prompt,
                cached=self.tokens.cached + used.cached,
                completion=self.tokens.completion + used.completion,
            )


def rule_score(case: Case) -> float:
    """How good the rule's answer is."""
    return case.score(case.judgement.rule(case.question))


def key_of(case: Case, model: str) -> str:
    """What an answer depends on, as a hash: the case, the prompt, the answer's form, the model."""
    judgement = case.judgement
    asked = [judgement.name, judgement.prompt, judgement.answer.model_json_schema(), model]
    return content_hash([*asked, case.question.model_dump(mode="json")])


async def ask(
    case: Case, chat: ChatModel, *, model: str, attempts: int, timeout_s: float
) -> Answered:
    """One case.

    Args:
        model: the model's identity, for the key.
        attempts: answers that are looked at before the rule answers, at least 1.
        timeout_s: seconds for one of them.

    Raises:
        EndpointLost: the endpoint doesn't answer, so that nothing is measured.
    """
    counted = _Counted(chat)
    judge = Judge(models={"default": counted}, attempts=attempts, timeout_s=timeout_s)
    begun = time.monotonic()
    verdict = await judge.ask(case.judgement, case.question)
    seconds = time.monotonic() - begun
    if counted.lost is not None:
        raise EndpointLost(
            f"The model {chat.name} can't be asked: {counted.lost.message}",
            counted.lost.remedy or "See `labcrew doctor`; what was measured is kept.",
        )
    return Answered(
        question=case.judgement.name,
        case=case.name,
        key=key_of(case, model),
        score=case.score(verdict.answer),
        valid=verdict.by != "rule",
        troubles=verdict.fallbacks,
        seconds=round(seconds, 3),
        tokens=counted.tokens,
        calls=counted.calls,
    )


async def measure(
    cases: Sequence[Case],
    chat: ChatModel,
    kept: Path,
    *,
    model: str,
    attempts: int = 2,
    timeout_s: float = 120,
    say: Say = lambda _text: None,
) -> tuple[Answered, ...]:
    """Asks what has no result yet.

    Args:
        kept: the file of results; a line that can't be read is measured again.
        model: the model's identity; results of another one are not taken.
        attempts: answers that are looked at before the rule answers, at least 1.
        timeout_s: seconds for one of them.

    Raises:
        EndpointLost: the endpoint doesn't answer; what was measured is kept.
    """
    known = {answered.key: answered for answered in load(kept)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    found = []
    with kept.open("a", encoding="utf-8") as file:
        for number, case in enumerate(cases, 1):
            answered = known.get(key_of(case, model))
            if answered is None:
                answered = await ask(
                    case, chat, model=model, attempts=attempts, timeout_s=timeout_s
                )
                file.write(answered.model_dump_json() + "\n")
                file.flush()
                say(f"[{number}/{len(cases)}] {case.judgement.name}, {case.name}:"
                    f" {answered.score:.2f}{'' if answered.valid else ' (the rule)'}")  # fmt: skip
            found.append(answered)
    return tuple(found)


def load(kept: Path) -> list[Answered]:
    """The results of a file, oldest first; half a line, of a run that was cut off, is left out."""
    found = []
    if kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            with suppress(ValidationError):
                found.append(Answered.model_validate_json(line))
    return found
