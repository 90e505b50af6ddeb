"""LangChain's chat client for one endpoint."""

import os
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import SecretStr

from desk.models.assembly import ASSEMBLY, not_the_protocol
from labcrew.errors import SettingsError
from labcrew.settings import ModelSettings

OPENAI = "https://api.openai.com/v1"
"""Where settings name no address; the library's own would come from the environment."""
_KEYS = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}


def key_of(settings: ModelSettings) -> SecretStr:
    """The key that an endpoint is given; one of the environment never goes to another's address.

    Raises SettingsError: none is set where one is needed.
    """
    if settings.api_key is not None and settings.api_key.get_secret_value():
        return settings.api_key
    if settings.gguf is None and (settings.base_url is None or settings.provider == "azure"):
        found = os.environ.get(_KEYS[settings.provider], "")
        if found:
            return SecretStr(found)
        raise SettingsError(
            f"The model {settings.name} has no key.",
            f"Set {_KEYS[settings.provider]}, or the model's api_key, or base_url for a local"
            " server.",
        )
    return SecretStr("none")


def chat_client(settings: ModelSettings, key: SecretStr, base_url: str) -> Any:
    """A client that asks once and feeds `ASSEMBLY`; importing it takes a second."""
    import httpx2

    from desk.models.http import never_used, one_shot_client

    # Their advice on structured output is about another way of asking than ours.
    warnings.filterwarnings("ignore", module="langchain_openai")
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
    common = {
        "api_key": key,
        "temperature": settings.temperature,
        "timeout": httpx2.Timeout(settings.timeout_s, connect=settings.connect_s),
        "max_retries": 0,
        "http_async_client": one_shot_client(),
        "http_client": never_used(),  # else the library makes one, which takes a while
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
            plain = _fed(chunk, "delta")
            return super()._convert_chunk_to_generation_chunk(plain, *rest)  # type: ignore[misc]

        def _create_chat_result(self, response: Any, *rest: Any) -> Any:
            plain = _fed(_dumped(response), "message")
            return super()._create_chat_result(plain, *rest)  # type: ignore[misc]

    class FedOpenAI(Fed, ChatOpenAI):
        pass

    class FedAzure(Fed, AzureChatOpenAI):
        pass

    return FedOpenAI, FedAzure


def _fed(sent: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Feeds what was sent; answers the plain of it, which LangChain can read whatever it was.

    Tool calls are left out: it would mend arguments that are no JSON, in quadratic time.
    """
    assembly = ASSEMBLY.get()
    message = {"role": "assistant", "content": assembly.feed(sent)}
    choice = {"index": 0, part: message, "finish_reason": assembly.finish or None}
    usage, names = sent.get("usage"), ("prompt_tokens", "completion_tokens", "total_tokens")
    counted = isinstance(usage, Mapping) and all(type(usage.get(n)) is int for n in names)
    return {
        "choices": [choice] if sent["choices"] else [],
        "usage": {name: usage[name] for name in names} if usage and counted else None,
    }


def _dumped(response: Any) -> Mapping[str, Any]:
    if not hasattr(response, "model_dump"):
        raise not_the_protocol("it is no JSON object")
    dumped: Mapping[str, Any] = response.model_dump()
    return dumped
