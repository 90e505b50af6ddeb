"""What a call used: the endpoint's numbers where they can be true, else an estimate.

A budget rests on these numbers, and an endpoint is not trusted: a count that no tokeniser could
come to (negative, more than there were bytes, next to none for a long text) is not believed.
"""

from collections.abc import Mapping
from typing import Any

from labcrew.domain.chat import Tokens

_BYTES_A_TOKEN = 4
_MOST_BYTES_A_TOKEN = 64
_FRAME = 2000
"""Tokens that an endpoint may add to a question: its template, and its words about tools."""


def tokens_used(
    said: Any, *, sent_bytes: int, answered: str, max_tokens: int, thought_bytes: int = 0
) -> Tokens:
    """The tokens of one call.

    Args:
        said: the endpoint's `usage`, unread.
        sent_bytes: of everything that was sent, as JSON.
        answered: everything that came back, as text.
        max_tokens: the longest answer that was asked for; what a model thinks and does not show
            counts towards it.
        thought_bytes: of what it thought and did show.
    """
    answer_bytes = len(answered.encode("utf-8", "replace"))
    if isinstance(said, Mapping):
        prompt = _count(said.get("prompt_tokens"))
        completion = _count(said.get("completion_tokens"))
        if (
            prompt is not None
            and completion is not None
            and sent_bytes // _MOST_BYTES_A_TOKEN <= prompt <= sent_bytes + _FRAME
            and answer_bytes // _MOST_BYTES_A_TOKEN
            <= completion
            <= max(answer_bytes + thought_bytes, max_tokens) + _FRAME
        ):
            details = said.get("prompt_tokens_details")
            cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
            return Tokens(prompt=prompt, cached=min(cached or 0, prompt), completion=completion)
    return estimated(sent_bytes, answer_bytes + thought_bytes)


def estimated(sent_bytes: int, answer_bytes: int) -> Tokens:
    """About what this many bytes are in tokens, rounded up."""
    return Tokens(
        prompt=-(-sent_bytes // _BYTES_A_TOKEN),
        completion=-(-answer_bytes // _BYTES_A_TOKEN),
        estimated=True,
    )


def added(a: Tokens, b: Tokens) -> Tokens:
    """Both together; an estimate if either is one."""
    return a.plus(b)


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value
