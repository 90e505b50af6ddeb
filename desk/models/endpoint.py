"""One OpenAI-compatible endpoint, asked once."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from desk.local_model import CONTEXT_TOKENS
from desk.models.assembly import ASSEMBLY, Assembly, not_the_protocol
from desk.models.client import OPENAI, chat_client, key_of
from desk.models.failures import failure_of
from desk.models.request import Request
from desk.models.usage import tokens_used
from labcrew import calling
from labcrew.domain.chat import Manner, Message, Reply, Tokens, ToolOffer
from labcrew.errors import ModelFailure, ToolsRefused
from labcrew.settings import ModelSettings

_CHARACTERS_A_TOKEN = 3


class EndpointChat:
    """An endpoint; it is asked once a call, with time-outs for the begin, each pause and all.

    Args:
        settings: the endpoint. Without `base_url` it is OpenAI's, and then a key is needed.
        begin: what replies begin with; only a local file goes on from what it is said to have said.

    Raises SettingsError: no key where one is needed.
    """

    def __init__(self, settings: ModelSettings, begin: str = "") -> None:
        self.name = settings.name
        self._begin = begin if settings.gguf is not None else ""
        self.settings = settings
        self.max_tokens = settings.max_tokens
        self._key = key_of(settings)
        self._refuses_tools = False
        self._client: Any = None
        self._making = threading.Lock()

    @property
    def native_tools(self) -> bool:
        """Whether tools are offered to the endpoint as its own."""
        return self.settings.tools != "schema" and not self._refuses_tools

    @property
    def small(self) -> bool:
        """Whether code is asked of it one edit at a time."""
        asked = self.settings.writes_code
        return asked == "edits" or (asked == "auto" and self.settings.gguf is not None)

    @property
    def prompt_characters(self) -> int | None:
        """What surely fits into its context beside an answer; None: nobody said how long that is.

        Three characters to a token: code and prose have more, so a longer one may fit as well.
        """
        context = self.settings.context_tokens
        if context is None and self.settings.gguf is not None:
            context = CONTEXT_TOKENS
        if context is None:
            return None
        return max(context - self.max_tokens, context // 4) * _CHARACTERS_A_TOKEN

    @property
    def provider(self) -> str:
        """Whose protocol it is, in OpenTelemetry's words."""
        return "azure.ai.openai" if self.settings.provider == "azure" else "openai"

    @property
    def address(self) -> str:
        """The host that is asked; empty: this process."""
        if self.settings.gguf is not None:
            return ""
        return urlsplit(self.settings.base_url or OPENAI).hostname or ""

    def in_manner(self, manner: Manner) -> "EndpointChat":
        """The same endpoint, whose replies are written in another manner."""
        return EndpointChat(in_manner(self.settings, manner), manner.begin)

    def sending(self, max_tokens: int, options: dict[str, Any]) -> "EndpointChat":
        """The same endpoint through the same client, with another limit and other options."""
        changes = {"max_tokens": max_tokens, "options": options}
        other = EndpointChat(self.settings.model_copy(update=changes))
        other._client = self._made()
        return other

    async def openai_client(self) -> Any:
        """The client library's own client, for what is not a conversation."""
        return (await asyncio.to_thread(self._made)).root_async_client

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks once; see `labcrew.domain.chat.ChatModel`. No reason ever holds the key."""
        if tools and self.native_tools:
            try:
                return await self._reply(messages, tools, schema, native=True)
            except ToolsRefused:
                if self.settings.tools != "auto":
                    raise
            self._refuses_tools = True
        if self._begin and not tools and schema is None:
            return await self._going_on(messages)
        return await self._reply(messages, tools, schema, native=False)

    async def _going_on(self, messages: Sequence[Message]) -> Reply:
        """The reply that begins as it was told to, whether the server repeats that or not."""
        begun = [*messages, Message(role="assistant", content=self._begin)]
        try:
            reply = await self._reply(begun, (), None, native=False)
        except ModelFailure as failure:
            failure.said = self._whole(failure.said)
            raise
        said = reply.message.model_copy(update={"content": self._whole(reply.message.content)})
        return reply.model_copy(update={"message": said})

    def _whole(self, said: str) -> str:
        return said if not said or said.startswith(self._begin) else self._begin + said

    async def _reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolOffer],
        schema: type[BaseModel] | None,
        *,
        native: bool,
    ) -> Reply:
        request = Request.of(self.settings, messages, tools, schema, native=native)
        heard = Assembly()
        meter = calling.meter()
        meter.begin(self.name)
        try:
            client = await asyncio.to_thread(self._made)
            try:
                async with asyncio.timeout(self.settings.timeout_s):
                    await self._hear(client, request, heard)
            except TimeoutError:
                reason = f"no answer within {self.settings.timeout_s:g} s"
                raise ModelFailure(reason, kind="timed_out") from None
            _check(heard, self.settings)
        except Exception as error:
            failure = failure_of(error, self.name)
            if not heard.pieces and isinstance(error, ValueError):
                failure = _no_answer(heard)
            told = type(failure)(
                self._without_key(failure.message),
                failure.remedy,
                kind=failure.kind,
                retry_after_s=failure.retry_after_s,
                tokens=self._used(request, heard) if heard.told_what_it_cost else None,
                said=self._without_key(failure.said),
            )
            meter.failed(told)
            raise told from None
        used = self._used(request, heard)
        meter.answered(used)
        return Reply(
            message=request.message(heard),
            model=self.name,
            tokens=used,
            finish=heard.finish or "stop",
        )

    async def _hear(self, client: Any, request: Request, heard: Assembly) -> None:
        token = ASSEMBLY.set(heard)
        try:
            if not self.settings.stream:
                await client.ainvoke(request.messages, **request.options)
                return
            stream = client.astream(request.messages, **request.options)
            await _listen(
                stream,
                self.settings.first_token_s or self.settings.timeout_s,
                self.settings.between_tokens_s,
            )
        finally:
            with suppress(ValueError):  # closed with its loop, from a context that never had it
                ASSEMBLY.reset(token)

    def _made(self) -> Any:
        """The client, made when it is first needed: importing it takes a second."""
        with self._making:
            if self._client is None:
                base_url = self.settings.base_url or OPENAI
                if self.settings.gguf is not None:
                    from desk.local_model import base_url_of

                    base_url = base_url_of(self.settings)
                self._client = chat_client(self.settings, self._key, base_url)
            return self._client

    def _used(self, request: Request, heard: Assembly) -> Tokens:
        return tokens_used(
            heard.usage,
            sent_bytes=request.bytes,
            answered=heard.text + "".join(call.name + call.arguments for call in heard.calls),
            max_tokens=self.settings.max_tokens,
            thought_bytes=heard.thought_bytes,
        )

    def _without_key(self, text: str) -> str:
        key = self._key.get_secret_value()
        return text.replace(key, "…") if len(key) > 4 else text


async def _listen(stream: Any, first_s: float, pause_s: float) -> None:
    """Reads a stream to its end. Raises ModelFailure where it is silent for too long.

    It is not closed: whatever ends a read has ended the asynchronous generator that it is, but for
    an event loop that is dropped in the middle of one, which leaves it running for ever.
    """
    wait_s, silence = first_s, f"nothing was heard within {first_s:g} s"
    while True:
        try:
            async with asyncio.timeout(wait_s):
                await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ModelFailure(silence, kind="timed_out") from None
        wait_s, silence = pause_s, f"the answer stopped for more than {pause_s:g} s"


def in_manner(settings: ModelSettings, manner: Manner) -> ModelSettings:
    """The settings of an endpoint that is asked in a manner."""
    options = dict(settings.options)
    if manner.seed is not None:
        options["seed"] = manner.seed
    if manner.stop:
        options["stop"] = list(manner.stop)
    changes: dict[str, Any] = {"options": options}
    if manner.temperature is not None:
        changes["temperature"] = manner.temperature
    if manner.most_tokens is not None:
        changes["max_tokens"] = min(settings.max_tokens, manner.most_tokens)
    return settings.model_copy(update=changes)


def _check(heard: Assembly, settings: ModelSettings) -> None:
    """Raises ModelFailure where the answer is none, or not a whole one."""
    if not heard.pieces:
        raise _no_answer(heard)
    if heard.refusal:
        raise ModelFailure("the model refused to answer", kind="refused")
    if heard.finish == "length":
        reason = f"the answer was cut off at max_tokens ({settings.max_tokens})"
        raise ModelFailure(reason, kind="cut_off", said=heard.text)
    if heard.finish == "content_filter":
        raise ModelFailure("the endpoint's content filter withheld the answer", kind="refused")
    if heard.finish == "error" or (settings.stream and not heard.finish):
        raise ModelFailure("the answer broke off before its end", kind="unavailable")


def _no_answer(heard: Assembly) -> ModelFailure:
    kind = f"it is {heard.content_type}" if heard.content_type else "it is empty"
    return ModelFailure(
        not_the_protocol(kind).message,
        "Where an endpoint can't stream, set stream = false for it.",
        kind="unavailable",
    )
