"""What an endpoint says of its models, where it lists them."""

from typing import Any

from desk.models.endpoint import EndpointChat
from labcrew.domain.base import Model
from labcrew.errors import SettingsError
from labcrew.judgement import shortened
from labcrew.settings import ModelSettings

_MOST_NAMES = 200
_CONTEXT = ("context_length", "max_model_len", "context_window", "max_context_length", "n_ctx")
"""What endpoints call a model's context length; the protocol has no name for it."""


class Listed(Model):
    """The models of an endpoint.

    Args:
        context_tokens: of the one that settings name, where it is said.
    """

    names: tuple[str, ...] = ()
    context_tokens: int | None = None


async def listed(settings: ModelSettings) -> Listed:
    """Asks for the list; an empty one where there is none.

    Raises SettingsError: the model has no key, or its file can't be served.
    """
    if settings.provider == "azure":
        return Listed()
    try:
        client = await EndpointChat(settings).openai_client()
        page = await client.with_options(timeout=settings.timeout_s).models.list()
        models = [model.model_dump() for model in list(page.data)[:_MOST_NAMES]]
    except SettingsError:
        raise
    except Exception:
        # Listing is no part of what labcrew needs; whatever went wrong is told by the next call.
        return Listed()
    names = tuple(shortened(str(model.get("id")), 100) for model in models)
    one = [m for m in models if m.get("id") == settings.name or len(models) == 1]
    return Listed(names=names, context_tokens=_context(one[0]) if one else None)


def _context(model: dict[str, Any]) -> int | None:
    meta = model.get("meta")
    for table in (model, meta if isinstance(meta, dict) else {}):
        for name in _CONTEXT:
            value = table.get(name)
            if type(value) is int and 256 <= value <= 1 << 30:
                return value
    return None
