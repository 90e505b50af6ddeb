"""Chat models behind OpenAI-compatible endpoints: layers round one port, and who answers what.

`endpoint.EndpointChat` is one endpoint asked once; `retrying.RetryingChat` asks it again where that
helps; `fallback.FallbackChat` asks the next one; `answering` reads from settings which answer what.
"""

from desk.models.answering import build_judge, build_models, chat_of
from desk.models.endpoint import EndpointChat

__all__ = ["EndpointChat", "build_judge", "build_models", "chat_of"]
