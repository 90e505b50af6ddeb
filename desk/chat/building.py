"""A coordinator for an open home, with the model that settings name."""

import contextlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from desk.chat.coordinator import Conversing, Coordinator
from desk.chat.recognise import Recogniser
from desk.chat.replying import Replying
from desk.views.recall import Recall
from desk.wiring import Opened, halt
from labcrew.domain.research import Embedder
from labcrew.errors import EngineError


def coordinator(
    opened: Opened, *, files: Path | None = None, recall: Recall | None = None
) -> Coordinator:
    """The coordinator of a home.

    Args:
        opened: the home.
        files: where ticket files are looked for; None: they must be pasted.
        recall: finds what was learnt; default: one of its own.

    Raises SettingsError: a model's settings.
    """

    def ended(ticket: str) -> None:
        # The ticket is stopped all the same; whoever works on it ends what it runs.
        with contextlib.suppress(EngineError):
            halt(opened, ticket)

    return Coordinator(
        opened.office(),
        recogniser(),
        recall or Recall(opened.ledger, _embedder()),
        files=files,
        halt=ended,
        model=_model(opened),
    )


@cache
def _embedder() -> Embedder:
    from memory.embedding import OnnxEmbedder

    return OnnxEmbedder()


@cache
def recogniser() -> Recogniser:
    """One for a process: what it has learnt is the same everywhere."""
    return Recogniser(_embedder())


def _model(opened: Opened) -> Callable[[Replying], Conversing] | None:
    """Makes what converses with the model that settings name; None: the rules answer."""
    from desk.chat.conversing import ModelConversing
    from desk.models import build_models
    from desk.models.answering import asked_for
    from desk.models.questions import CHAT

    names = asked_for(opened.settings, CHAT)
    if not names:
        return None
    models = build_models(opened.settings)
    chat = next(
        (models[n] for n in (CHAT, "coordinator", "default") if models.get(n) is not None), None
    )
    if chat is None:
        return None
    prices = opened.settings.prices
    return lambda replying: ModelConversing(replying, chat, opened.ledger, opened.clock, prices)
