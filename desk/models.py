"""Chat models behind any OpenAI-compatible endpoint, and the judge that asks them."""

import asyncio
import json
import os
import re
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from labcrew.domain.research import AgentName
from labcrew.errors import JudgementError, SettingsError
from labcrew.judgement import ChatModel, Judge
from labcrew.settings import ModelSettings, Settings

A = TypeVar("A", bound=BaseModel)
_RETRIES = 2
_SHOWN = 300
_LONGEST_ANSWER = 1_000_000


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

    async def answer(self, system: str, user: str, schema: type[A]) -> A:
        """Asks once. Raises JudgementError with a short reason that never holds the key."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._ask(system, user, schema)
        except JudgementError:
            raise
        except TimeoutError:
            reason = f"no answer within {self._settings.timeout_s:g} s"
        except Exception as error:
            # Endpoints fail in more ways than their client library names; the rule answers then.
            reason = _reason(error, self.name)
        secret = self._key.get_secret_value()
        raise JudgementError(reason.replace(secret, "…") if len(secret) > 4 else reason) from None

    async def _ask(self, system: str, user: str, schema: type[A]) -> A:
        structured = self._chat().with_structured_output(
            _response_format(schema), method="json_schema", include_raw=True
        )
        reply = await structured.ainvoke([("system", system), ("human", user)])
        message = reply["raw"]
        if message.additional_kwargs.get("refusal"):
            raise JudgementError("the model refused to answer")
        ended = str(message.response_metadata.get("finish_reason", ""))
        if ended == "length":
            raise JudgementError(
                f"the answer was cut off at max_tokens ({self._settings.max_tokens})"
            )
        if ended == "content_filter":
            raise JudgementError("the endpoint's content filter withheld the answer")
        text = message.content if isinstance(message.content, str) else ""
        if not text.strip():
            raise JudgementError("an empty answer")
        if len(text) > _LONGEST_ANSWER:
            raise JudgementError(f"an answer of {len(text)} characters")
        return schema.model_validate_json(text)

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


def _response_format(schema: type[BaseModel]) -> Any:
    """The type itself where the strict dialect of JSON schema can say it, else its schema.

    Strict output knows no tables with free keys; those are asked for without `strict` and checked
    on arrival like every answer.
    """
    plain = schema.model_json_schema()
    if not _has_free_keys(plain):
        return schema
    name = re.sub(r"[^A-Za-z0-9_-]", "_", schema.__name__)[:64]
    return {"name": name, "schema": plain, "strict": False}


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


def _reason(error: Exception, model: str) -> str:
    import openai

    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        place = f", field {where}" if where else ""
        return _short(f"the answer does not fit{place}: {first['msg']}")
    if isinstance(error, json.JSONDecodeError):
        return "the answer is not JSON"
    if isinstance(error, openai.APITimeoutError):
        return "the endpoint did not answer in time"
    if isinstance(error, openai.APIConnectionError):
        return "the endpoint can't be reached, or closed the connection"
    if isinstance(error, openai.LengthFinishReasonError):
        return "the answer was cut off at max_tokens"
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return "the endpoint's content filter withheld the answer"
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        meaning = {
            401: "it does not accept the key",
            403: "it does not allow this",
            404: f"it does not know the model {model}, or the address is wrong",
            413: "the question is too long for it",
            429: "it is overloaded, or the quota is used up",
        }.get(status, "the request was refused" if status < 500 else "it failed")
        return f"the endpoint answered {status}: {meaning}"
    return _short(f"no usable answer ({type(error).__name__})")


def _short(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= _SHOWN else clean[: _SHOWN - 1] + "…"
