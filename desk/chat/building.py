"""A coordinator for an open home, with the model that settings name."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from desk.chat.coordinator import Conversing, Coordinator
from desk.chat.replying import Replying
from desk.wiring import Opened, halt
from labcrew.domain.research import Embedder
from labcrew.errors import EngineError


def coordinator(
    opened: Opened, *, files: Path | None = None, embedder: Embedder | None = None
) -> Coordinator:
    """The coordinator of a home.

    Args:
        opened: the home.
        files: where ticket files are looked for; None: they must be pasted.
        embedder: default: the one that memory uses.

    Raises SettingsError: a model's settings.
    """
    from memory.embedding import OnnxEmbedder

    def ended(ticket: str) -> None:
        # The ticket is stopped all the same; whoever works on it ends what it runs.
        with contextlib.suppress(EngineError):
            halt(opened, ticket)

    return Coordinator(
        opened.office(),
        embedder or OnnxEmbedder(),
        files=files,
        halt=ended,
        model=_model(opened),
    )


def _model(opened: Opened) -> Callable[[Replying], Conversing] | None:
    return None
