"""LangChain's chat client for one endpoint, on an HTTP client that keeps within bounds."""

import os
import warnings
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from pydantic import SecretStr

from desk.models.assembly import Assembly, not_the_protocol
from labcrew.errors import SettingsError
from labcrew.settings import ModelSettings

MOST_BYTES = 32 << 20
"""Of one response, whatever it holds."""
ASSEMBLY: ContextVar[Assembly] = ContextVar("labcrew_assembly")
"""Where the answer that is under way in this task is put together."""
_KEYS = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}


def key_of(settings: ModelSettings) -> SecretStr:
    """The key that an endpoint is given; one of the environment never goes to another's address.

    Raises SettingsError: none is set where one is needed.
    """
    if settings.api_key is not None and settings.api_key.get_secret_value():
        return settings.api_key
    if settings.base_url is None or settings.provider == "azure":
        found = os.environ.get(_KEYS[settings.provider], "")
        if found:
            return SecretStr(found)
        raise SettingsError(
            f"The model {settings.name} has no key.",
            f"Set {_KEYS[settings.provider]}, or the model's api_key, or base_url for a local"
            " server.",
        )
    return SecretStr("none")


def chat_client(settings: ModelSettings, key: SecretStr, base_url: str | None) -> Any:
    """A client that asks once and feeds `ASSEMBLY`; importing it takes a second."""
    import httpx2

    # Their advice on structured output is about another way of asking than ours.
    warnings.filterwarnings("ignore", module="langchain_openai")
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
    common = {
        "api_key": key,
        "temperature": settings.temperature,
        "timeout": httpx2.Timeout(settings.timeout_s, connect=settings.connect_s),
        "max_retries": 0,
        "http_async_client": _http_client(),
        "stream_usage": settings.stream_usage,
        "stream_chunk_timeout": None,
    }
    openai_chat, azure_chat = _fed_clients()
    if settings.provider == "azure":
        return azure_chat(
            azure_endpoint=base_url,
            azure_deployment=settings.model,
            api_version=settings.api_version,
            **common,
        )
    return openai_chat(model=settings.name, base_url=base_url, use_responses_api=False, **common)


@cache
def _fed_clients() -> tuple[Any, Any]:
    """The two clients; what they are sent goes to `ASSEMBLY` as it is.

    Their own messages lose a refusal in a stream, and tool calls that are not quite as they should
    be.
    """
    from langchain_openai import AzureChatOpenAI, ChatOpenAI

    class Fed:
        def _convert_chunk_to_generation_chunk(self, chunk: Any, *rest: Any) -> Any:
            ASSEMBLY.get().feed(chunk)
            known = countable(chunk)
            return super()._convert_chunk_to_generation_chunk(known, *rest)  # type: ignore[misc]

        def _create_chat_result(self, response: Any, *rest: Any) -> Any:
            sent = response if isinstance(response, Mapping) else _dumped(response)
            ASSEMBLY.get().feed(sent)
            return super()._create_chat_result(countable(sent), *rest)  # type: ignore[misc]

    class FedOpenAI(Fed, ChatOpenAI):
        pass

    class FedAzure(Fed, AzureChatOpenAI):
        pass

    return FedOpenAI, FedAzure


def countable(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent with its usage left out unless it is a table of plain numbers."""
    usage = sent.get("usage")
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    if isinstance(usage, Mapping) and all(type(usage.get(name)) is int for name in names):
        return {**sent, "usage": {name: usage[name] for name in names}}
    return {**sent, "usage": None}


def _dumped(response: Any) -> Mapping[str, Any]:
    if not hasattr(response, "model_dump"):
        raise not_the_protocol("it is no JSON object")
    dumped: Mapping[str, Any] = response.model_dump()
    return dumped


def _http_client() -> Any:
    """Keeps no connection open: nothing to close, nothing tied to an event loop.

    It follows no redirects: the key and the question go where settings say and nowhere else.
    """
    import httpx2
    import openai

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MOST_BYTES
            async for piece in self._stream:
                left -= len(piece)
                if left < 0:
                    raise not_the_protocol(f"it has more than {MOST_BYTES >> 20} MB")
                yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def begun(response: Any) -> None:
        ASSEMBLY.get().content_type = response.headers.get("content-type", "").partition(";")[0]
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise not_the_protocol("it is compressed, which was not asked for")
        response.stream = Bounded(response.stream)

    return openai.DefaultAsyncHttpxClient(
        limits=httpx2.Limits(max_connections=100, max_keepalive_connections=0),
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [begun]},
    )
