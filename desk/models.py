"""Chat models behind any OpenAI-compatible endpoint, and the judge that asks them."""

import asyncio
import json
import os
import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from labcrew.domain.chat import (
    ChatModel,
    FailureKind,
    Message,
    Reply,
    Tokens,
    ToolCall,
    ToolOffer,
)
from labcrew.domain.research import AgentName
from labcrew.errors import ModelFailure, SettingsError
from labcrew.judgement import Judge, shortened
from labcrew.settings import ModelSettings, Settings

_RETRIES = 2


class OpenAIChat:
    """One endpoint, asked for structured answers (`response_format` of type json_schema).

    A refused, overloaded or failing call is tried again twice by the client library, which honours
    Retry-After; all tries together end at `settings.timeout_s`.

    Args:
        settings: the endpoint. Without `base_url` the client library's own default is used, and
            then a key is needed.

    Raises:
        SettingsError: no key where one is needed.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self.name = settings.model
        self._settings = settings
        self._key = settings.api_key or SecretStr(os.environ.get("OPENAI_API_KEY", ""))
        if not self._key.get_secret_value():
            if settings.base_url is None:
                raise SettingsError(
                    f"The model {settings.model} has no key.",
                    "Set OPENAI_API_KEY, or the model's api_key, or base_url for a local server.",
                )
            self._key = SecretStr("none")
        self._client: Any = None

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks once. Raises ModelFailure with a short reason that never holds the key."""
        kind: FailureKind = "timed_out"
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._ask(messages, tools, schema)
        except ModelFailure:
            raise
        except TimeoutError:
            reason = f"no answer within {self._settings.timeout_s:g} s"
        except Exception as error:
            # Endpoints fail in more ways than their client library names; the rule answers then.
            kind, reason = _reason(error, self.name)
        secret = self._key.get_secret_value()
        if len(secret) > 4:
            reason = reason.replace(secret, "…")
        raise ModelFailure(reason, kind=kind) from None

    async def _ask(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolOffer],
        schema: type[BaseModel] | None,
    ) -> Reply:
        options: dict[str, Any] = {}
        if schema is not None:
            options["response_format"] = _response_format(schema)
        if tools:
            options["tools"] = [
                {"type": "function", "function": tool.model_dump(mode="json")} for tool in tools
            ]
        said = await self._chat().ainvoke([_as_sent(message) for message in messages], **options)
        if said.additional_kwargs.get("refusal"):
            raise ModelFailure("the model refused to answer", kind="refused")
        ended = str(said.response_metadata.get("finish_reason", ""))
        if ended == "length":
            most = self._settings.max_tokens
            raise ModelFailure(f"the answer was cut off at max_tokens ({most})", kind="cut_off")
        if ended == "content_filter":
            raise ModelFailure("the endpoint's content filter withheld the answer", kind="refused")
        used = said.usage_metadata or {}
        cached = (used.get("input_token_details") or {}).get("cache_read", 0)
        return Reply(
            message=Message(
                role="assistant",
                content=said.content if isinstance(said.content, str) else "",
                calls=tuple(
                    ToolCall(
                        id=call["id"], name=call["function"]["name"],
                        arguments=call["function"]["arguments"],
                    )
                    for call in said.additional_kwargs.get("tool_calls", ())
                ),
            ),
            model=self.name,
            tokens=Tokens(
                prompt=used.get("input_tokens", 0),
                cached=cached or 0,
                completion=used.get("output_tokens", 0),
            ),
            finish=ended or "stop",
        )  # fmt: skip

    def _chat(self) -> Any:
        if self._client is None:
            from langchain_openai import ChatOpenAI

            self._client = ChatOpenAI(
                model=self._settings.model,
                base_url=self._settings.base_url,
                api_key=self._key,
                temperature=self._settings.temperature,
                max_completion_tokens=self._settings.max_tokens,
                timeout=self._settings.timeout_s,
                max_retries=_RETRIES,
                http_async_client=_http_client(self._settings.timeout_s),
                use_responses_api=False,
            )
        return self._client


def build_judge(settings: Settings) -> Judge:
    """The judge with a chat model for each agent that settings name one for.

    Raises:
        SettingsError: an agent nobody knows, or a model without a key.
    """
    known = (*get_args(AgentName), "default")
    for agent in settings.models:
        if agent not in known:
            raise SettingsError(
                f"Setting models.{agent}: there is no such agent.", f"Known: {', '.join(known)}."
            )
    models: dict[str, ChatModel] = {
        agent: OpenAIChat(model) for agent, model in settings.models.items()
    }
    if not models:
        return Judge(models={})
    return Judge(
        models=models,
        attempts=max(model.attempts for model in settings.models.values()),
        timeout_s=max(model.timeout_s for model in settings.models.values()) + 1,
    )


def _http_client(timeout_s: float) -> Any:
    """A client that keeps no connection open: nothing to close, nothing tied to an event loop."""
    import openai

    return openai.DefaultAsyncHttpxClient(
        timeout=timeout_s, limits=_no_keepalive(), follow_redirects=False
    )


def _no_keepalive() -> Any:
    import openai

    # The library carries its HTTP client along under a name that has changed between releases.
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)
    return limits(max_connections=100, max_keepalive_connections=0)


def _as_sent(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.role == "tool":
        sent["tool_call_id"] = message.answers
    return sent


def _response_format(schema: type[BaseModel]) -> Any:
    """Strict where the strict dialect of JSON schema can say the type.

    Strict output knows no tables with free keys; those are asked for without `strict`; the answer
    is checked on arrival in any case.
    """
    from openai.lib._pydantic import to_strict_json_schema

    plain = schema.model_json_schema()
    strict = not _has_free_keys(plain)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", schema.__name__)[:64]
    asked = to_strict_json_schema(schema) if strict else plain
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "schema": asked, "strict": strict},
    }


def _has_free_keys(node: Any) -> bool:
    if isinstance(node, list):
        return any(_has_free_keys(item) for item in node)
    if not isinstance(node, dict):
        return False
    if node.get("additionalProperties") not in (None, False):
        return True
    if node.get("type") == "object" and "properties" not in node:
        return True
    return any(_has_free_keys(value) for value in node.values())


_STATUS: dict[int, tuple[FailureKind, str]] = {
    401: ("unauthorised", "it does not accept the key"),
    403: ("unauthorised", "it does not allow this"),
    404: ("unknown_model", "it does not know the model {model}, or the address is wrong"),
    413: ("too_long", "the question is too long for it"),
    429: ("rate_limited", "it is overloaded, or the quota is used up"),
}


def _reason(error: Exception, model: str) -> tuple[FailureKind, str]:
    import openai

    if isinstance(error, json.JSONDecodeError):
        return "invalid", "the answer is not JSON"
    if isinstance(error, openai.APITimeoutError):
        return "timed_out", "the endpoint did not answer in time"
    if isinstance(error, openai.APIConnectionError):
        return "unavailable", "the endpoint can't be reached, or closed the connection"
    if isinstance(error, openai.LengthFinishReasonError):
        return "cut_off", "the answer was cut off at max_tokens"
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return "refused", "the endpoint's content filter withheld the answer"
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        other: tuple[FailureKind, str] = (
            ("invalid", "the request was refused") if status < 500 else ("unavailable", "it failed")
        )
        kind, meaning = _STATUS.get(status, other)
        return kind, f"the endpoint answered {status}: {meaning.format(model=model)}"
    return "invalid", shortened(f"no usable answer ({type(error).__name__})")
