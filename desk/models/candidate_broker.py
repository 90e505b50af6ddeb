"""What stands between candidates and the language model: it asks, counts, and remembers.

A candidate's sandbox has neither a network nor a key. Its questions come over the runner's channel,
and the same question with the same seed is answered from the cache, whoever asks again.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from desk.local_model import identity_of
from desk.models.answering import CANDIDATE, RULE, asked_for
from desk.models.endpoint import EndpointChat
from desk.models.retrying import RetryingChat
from labcrew.attempts import used_by
from labcrew.domain.base import content_hash
from labcrew.domain.chat import Message, Reply, Tokens, ToolOffer
from labcrew.domain.evolution import ModelAnswer, ModelRequest
from labcrew.domain.spending import Price
from labcrew.errors import ModelFailure
from labcrew.recordings import Request
from labcrew.settings import ModelSettings, Settings

_BUSY_S = 60.0
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    answer TEXT NOT NULL
) WITHOUT ROWID
"""


def broker_of(settings: Settings, cache: Path) -> "CandidateBroker | None":
    """The broker over the model that answers candidates; None: settings name none.

    Only the first of several is taken: another one's answers would be another measurement.

    Raises SettingsError: names that nobody has, or a model without a key.
    """
    names = [name for name in asked_for(settings, CANDIDATE) if name != RULE]
    if not names:
        return None
    model = settings.models[names[0]]
    return CandidateBroker(model, cache, price=settings.prices.get(model.name))


class CandidateBroker:
    """Implements labcrew.domain.evolution.ModelBroker. Any number of threads may ask.

    Args:
        settings: the endpoint, with its retries and time limits; temperature and max_tokens are
            the requests' own.
        cache: the SQLite file in which answers are kept; made if it is not there. Several
            processes may share it.
        price: of the model's tokens; None: its answers are told as costing nothing.
    """

    def __init__(self, settings: ModelSettings, cache: Path, *, price: Price | None = None) -> None:
        self._price = price
        self._chat = EndpointChat(settings.model_copy(update={"temperature": None}))
        self._answers = _Answers(cache)
        self._not_before = [0.0]
        # Those that wait do so here, where no time limit of an answer runs.
        self._turns = threading.BoundedSemaphore(settings.parallel)

    @property
    def model(self) -> str:
        """Who answers, as settings name it."""
        return self._chat.name

    def answer(self, request: ModelRequest, seed: int) -> ModelAnswer:
        """Asks, or remembers.

        Raises ModelFailure, with what it used and cost; SettingsError: its gguf can't be read.
        """
        try:
            known = self._answer(request, seed)
        except ModelFailure as failure:
            failure.tokens = used_by(failure, Request.of(self.model, request.messages), request)
            failure.usd = self._usd(failure.tokens)
            raise
        # At today's price, also where it was remembered: an answer costs the same whenever.
        used = Tokens(prompt=known.prompt_tokens, completion=known.completion_tokens)
        return known.model_copy(update={"usd": self._usd(used)})

    def _usd(self, tokens: Tokens) -> float:
        return self._price.of(tokens) if self._price is not None else 0.0

    def _answer(self, request: ModelRequest, seed: int) -> ModelAnswer:
        if (known := self._answers.find(self._key(request, seed))) is not None:
            return known
        with self._turns:
            asking = self._asking(request, seed)  # the first loads the model, which is no answer's
            key = self._key(request, seed)  # of the file that is loaded now, and that answers
            if (known := self._answers.find(key)) is not None:  # asked for while this one waited
                return known
            began = time.monotonic()
            reply = asyncio.run(asking.reply(request.messages))
            seconds = time.monotonic() - began
        said = ModelAnswer(
            text=reply.message.content,
            prompt_tokens=reply.tokens.prompt,
            completion_tokens=reply.tokens.completion,
            seconds=round(seconds, 3),
        )
        return self._answers.keep(key, said)

    def close(self) -> None:
        """Closes the cache; the next question opens it again."""
        self._answers.close()

    def _key(self, request: ModelRequest, seed: int) -> str:
        """What an answer is kept under."""
        settings = self._chat.settings
        where = settings.base_url if settings.gguf is None else identity_of(settings)
        model = [settings.provider, settings.name, where, settings.options]
        return content_hash([model, request.model_dump(mode="json"), seed])

    def _asking(self, request: ModelRequest, seed: int) -> RetryingChat:
        settings = self._chat.settings
        options: dict[str, Any] = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": _sampled(seed, request.sample),
        }
        more = {
            "top_k": request.top_k,
            "min_p": request.min_p,
            "repeat_penalty": request.repeat_penalty,
        }
        if settings.gguf is None and settings.base_url is None:
            # OpenAI knows none of these, and refuses what it doesn't know.
            usual = ModelRequest.model_fields
            more = {name: value for name, value in more.items() if value != usual[name].default}
        if request.stop:
            options["stop"] = list(request.stop)
        chat = self._chat.sending(request.max_tokens, settings.options | options | more)
        return RetryingChat(
            _CutIsWhole(chat),
            retries=settings.retries,
            longest_wait_s=settings.retry_wait_s,
            timeout_s=settings.timeout_s,
            not_before=self._not_before,
        )


def _sampled(seed: int, sample: int) -> int:
    """The seed that the model is given: one of its own for each sample."""
    return seed if sample == 0 else int(content_hash([seed, sample])[:8], 16) >> 1


class _CutIsWhole:
    """An endpoint whose answer at max_tokens is an answer: whoever set that limit knows."""

    def __init__(self, chat: EndpointChat) -> None:
        self.name = chat.name
        self._chat = chat

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        try:
            return await self._chat.reply(messages, tools=tools, schema=schema, purpose=purpose)
        except ModelFailure as failure:
            if failure.kind != "cut_off":
                raise
            return Reply(
                message=Message(role="assistant", content=failure.said),
                model=self.name,
                tokens=failure.tokens or Tokens(),
                finish="length",
            )


class _Answers:
    """Answers on the disk: each written at once, and the first that is written stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def find(self, key: str) -> ModelAnswer | None:
        with self._lock, closing(self._base().cursor()) as cursor:
            row = cursor.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        return ModelAnswer.model_validate_json(row[0]).model_copy(update={"cached": True})

    def keep(self, key: str, answer: ModelAnswer) -> ModelAnswer:
        """Keeps an answer; answers what stands: another process may have been first."""
        with self._lock, closing(self._base().cursor()) as cursor:
            cursor.execute(
                "INSERT OR IGNORE INTO answers VALUES (?, ?)", (key, answer.model_dump_json())
            )
            new = cursor.rowcount == 1
        return answer if new else (self.find(key) or answer)

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _base(self) -> sqlite3.Connection:
        """The file, opened when it is first needed: most homes never ask."""
        if self._opened is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            base.execute(_TABLE)
            self._opened = base
        return self._opened
