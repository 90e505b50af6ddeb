"""What a candidate asks of the language model, read from its standard output and counted."""

import json
import math
import re
import secrets

from pydantic import ValidationError

from labcrew.domain.chat import Message
from labcrew.domain.evolution import ModelAnswer, ModelBroker, ModelRequest
from labcrew.domain.evolution_spec import ModelAllowance
from labcrew.errors import LabcrewError, ModelFailure
from labcrew.plain_text import HALVES

_MEANT = re.compile(r'\s*\{\s*"model"')
_CHARACTERS_A_TOKEN = 16
"""More than any text has on the whole: beyond it, nobody need be asked to know that it is over."""
_BYTES_A_TOKEN, _BYTES_A_CALL, _PLAIN_MB = 24, 1 << 12, 4
"""Of JSON: four characters a token, all escaped; what stands around the texts of a question; and
what a run may print beside its questions."""
_ITS_OWN_FAULT = frozenset({"too_long", "refused", "invalid", "cut_off"})
_ANYBODYS_FAULT = frozenset({"timed_out", "unavailable"})
"""llama.cpp answers 500 to roles in an order that a model's template refuses."""


class OverAllowance(LabcrewError):
    """A run asked for more than it may."""


class Unanswered(LabcrewError):
    """A run asked what the model answers nobody in time, though it answers other questions."""


class Questions:
    """The questions of one run; called with each line that it prints.

    A line is a question if it is a JSON object with the one key "model". One that was meant to be
    but can't be read is answered with what is wrong with it; all other lines are plain output.
    Cached answers count as others do, and what no answer came of through no fault of the program's
    is counted apart, so that a run costs the same whenever it is made.

    Args:
        broker: answers.
        allowance: what the run may ask for.
        seed: the run's.
    """

    def __init__(self, broker: ModelBroker, allowance: ModelAllowance, seed: int) -> None:
        self._broker, self._allowance, self._seed = broker, allowance, seed
        self.calls = self.tokens = self.lost_tokens = 0
        self.seconds = self.usd = 0.0

    @property
    def cap_mb(self) -> int:
        """MiB that the run may print: all that it may ask, and some plain output."""
        calls, tokens = self._allowance.calls, self._allowance.tokens
        return _PLAIN_MB + math.ceil((calls * _BYTES_A_CALL + tokens * _BYTES_A_TOKEN) / (1 << 20))

    def __call__(self, line: str) -> str | None:
        """The answer as a line of JSON; None for plain output.

        Raises OverAllowance, Unanswered, ModelFailure where the fault is the model's or its
        endpoint's.
        """
        if _MEANT.match(line) is None:
            return None
        try:
            request = _read(line)
        except ValueError as error:
            return json.dumps({"error": str(error)})
        if self.calls >= self._allowance.calls:
            raise OverAllowance(f"it asked the model more than {self._allowance.calls} times")
        left = self._allowance.tokens - self.tokens
        if left < 1 or sum(len(m.content) for m in request.messages) > left * _CHARACTERS_A_TOKEN:
            raise OverAllowance(f"what it asks is more than the {left} tokens that it has left")
        # More would be over it anyway, and a long answer may outlast what the endpoint is given.
        request = request.model_copy(update={"max_tokens": min(request.max_tokens, left)})
        self.calls += 1
        try:
            answer = self._answer(request)
            said = {"text": answer.text}
            self.tokens += answer.tokens
            self.seconds += answer.seconds
            self.usd += answer.usd
        except ModelFailure as error:
            if error.kind not in _ITS_OWN_FAULT:
                raise
            said = {"error": error.message[:500]}
            self.tokens += _tokens(error)
            self.usd += error.usd
        if self.tokens > self._allowance.tokens:
            raise OverAllowance(f"it used more than {self._allowance.tokens} of the model's tokens")
        return json.dumps(said)

    def _answer(self, request: ModelRequest) -> ModelAnswer:
        """The broker's answer. After none, another question tells whose fault it was."""
        try:
            return self._broker.answer(request, self._seed)
        except ModelFailure as error:
            if error.kind not in _ANYBODYS_FAULT:
                raise
            self._lose(error)
        self._knock()
        try:
            return self._broker.answer(request, self._seed)
        except ModelFailure as error:
            if error.kind == "unavailable":
                raise ModelFailure(
                    error.message, error.remedy, kind="invalid", tokens=error.tokens, usd=error.usd
                ) from error
            if error.kind != "timed_out":
                raise
            self._lose(error)
            raise Unanswered(
                "it asked the model what is not answered in time, twice, while the model answers"
                " other questions"
            ) from error

    def _knock(self) -> None:
        """Asks for one token. Raises ModelFailure where the endpoint gives none to anybody."""
        # A word that was never asked, since the broker remembers what was.
        word = Message(role="user", content=f"Say {secrets.token_hex(4)}.")
        try:
            told = self._broker.answer(ModelRequest(messages=(word,), max_tokens=1), self._seed)
        except ModelFailure as error:
            if error.kind not in _ITS_OWN_FAULT:
                raise
            self._lose(error)
            return  # it answered, if only that it will not
        self.lost_tokens += told.tokens
        self.usd += told.usd

    def _lose(self, failure: ModelFailure) -> None:
        self.lost_tokens += _tokens(failure)
        self.usd += failure.usd


def _tokens(failure: ModelFailure) -> int:
    return failure.tokens.total if failure.tokens is not None else 0


def _read(line: str) -> ModelRequest:
    """The request of a line. Raises ValueError that says what is wrong with it."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the line is not JSON: {str(error)[:200]}") from None
    if set(found) != {"model"}:
        raise ValueError('the line holds other keys beside "model"')
    try:
        request = ModelRequest.model_validate(found["model"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "model"
        raise ValueError(f"{where[:200]}: {first['msg'][:300]}") from None
    if any(m.role == "tool" or m.calls or m.answers for m in request.messages):
        raise ValueError("messages: roles are system, user and assistant, without tools")
    if HALVES.search(json.dumps(found, ensure_ascii=False)):
        raise ValueError("it holds half a character, which can't be sent")
    return request
