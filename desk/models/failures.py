"""What went wrong with a call to an endpoint, as one of the kinds of `ModelFailure`."""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from labcrew.domain.chat import FailureKind
from labcrew.errors import LabcrewError, ModelFailure, ToolsRefused
from labcrew.judgement import shortened

_STATUS: dict[int, tuple[FailureKind, str]] = {
    401: ("unauthorised", "it does not accept the key"),
    402: ("unauthorised", "nothing is left to pay it with"),
    403: ("unauthorised", "it does not allow this"),
    404: ("unknown_model", "it does not know the model {model}, or the address is wrong"),
    408: ("timed_out", "it took too long"),
    413: ("too_long", "the question is too long for it"),
    429: ("rate_limited", "it is overloaded, or the quota is used up"),
}
_TOO_LONG = (
    "context_length", "context length", "context size", "context window", "prompt is too long",
    "maximum context", "too many tokens", "input tokens exceed", "string_above_max_length",
)  # fmt: skip
_UNKNOWN_MODEL = ("model_not_found", "model not found", "unknown model", "deploymentnotfound")
_FILTERED = ("content_filter", "content management policy", "responsibleaipolicyviolation")
_QUOTA = "insufficient_quota"
_TOOLS = re.compile(r"\b(?:tools?|tool_choice)\b", re.I)
_TOOLS_STATUS = (400, 404, 422, 500, 501)
_BAD_CALL = (
    "tool_use_failed", "failed to call a function", "tool call validation failed",
    "failed to parse",
)  # fmt: skip
"""Of what a model made of its tools this once; the endpoint knows them."""
_WORDS = 160


def failure_of(error: Exception, model: str) -> ModelFailure:
    """The failure that an exception of the client library stands for; never holds a traceback."""
    import openai

    if isinstance(error, ModelFailure):
        return error
    if isinstance(error, LabcrewError):
        return ModelFailure(error.message, error.remedy, kind="unavailable")
    cause: BaseException | None = error
    while cause is not None:  # the library wraps what its streams raise
        if isinstance(cause, ModelFailure):
            return cause
        cause = cause.__cause__
    if isinstance(error, openai.APITimeoutError):
        return ModelFailure("the endpoint did not answer in time", kind="timed_out")
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, model)
    if isinstance(error, openai.APIConnectionError):
        return ModelFailure(
            "the endpoint can't be reached, or closed the connection", kind="unavailable"
        )
    if isinstance(error, openai.APIError):
        return _of_words(error, model)
    # Endpoints fail in more ways than their client library names.
    what = "no JSON" if isinstance(error, json.JSONDecodeError) else type(error).__name__
    return ModelFailure(
        f"the endpoint's answer is not of the chat protocol: {what}", kind="unavailable"
    )


def _of_status(error: Any, model: str) -> ModelFailure:
    status = int(error.status_code)
    said = _said(error)
    if _refuses_tools(status, said, error, model):
        told = shortened(error_words(error), _WORDS)
        return ToolsRefused(
            f"the endpoint answered {status}: it takes no tools ({told})", kind="invalid"
        )
    plain = _STATUS.get(status) or _any_status(status)
    kind, meaning = plain
    if kind not in ("unauthorised", "rate_limited"):  # "too many tokens" a minute is no length
        kind, meaning = _kind_of_words(said) or plain
    words = f" ({shortened(error_words(error), _WORDS)})" if status in (400, 422, 500, 501) else ""
    retry_after_s = None
    if status in (408, 429) or status >= 500:
        retry_after_s = math.inf if _QUOTA in said else retry_after(error.response.headers)
    return ModelFailure(
        f"the endpoint answered {status}: {meaning.format(model=model)}{words}",
        kind=kind,
        retry_after_s=retry_after_s,
    )


def _refuses_tools(status: int, said: str, error: Any, model: str) -> bool:
    """Whether an endpoint says that it takes none, by its status and its own first words."""
    if status not in _TOOLS_STATUS:
        return False
    if _kind_of_words(said) is not None or any(words in said for words in _BAD_CALL):
        return False
    words = shortened(error_words(error).replace(model, ""), _WORDS)
    # 500 is a failure, but for llama.cpp, which says so of a parameter that it does not take.
    return bool(_TOOLS.search(words)) and (status != 500 or "param" in words.lower())


def _any_status(status: int) -> tuple[FailureKind, str]:
    if status >= 500:
        return "unavailable", "it failed"
    if 300 <= status < 400:
        return "unavailable", "it sends elsewhere, and nothing is followed; see base_url"
    return "invalid", "the request was refused"


def _of_words(error: Any, model: str) -> ModelFailure:
    """An error that came in the middle of a stream."""
    kind, meaning = _kind_of_words(_said(error)) or ("unavailable", "it broke off")
    words = shortened(error_words(error), _WORDS)
    said = f"{meaning.format(model=model)} ({words})"
    return ModelFailure(f"the endpoint failed in mid-stream: {said}", kind=kind)


def _kind_of_words(said: str) -> tuple[FailureKind, str] | None:
    if any(words in said for words in _TOO_LONG):
        return "too_long", "the question is too long for it"
    if any(words in said for words in _FILTERED):
        return "refused", "its content filter refused the question"
    if any(words in said for words in _UNKNOWN_MODEL):
        return "unknown_model", "it does not know the model {model}"
    return None


def _said(error: Any) -> str:
    """What the endpoint said, for looking at, in lower case."""
    body = getattr(error, "body", None)
    try:
        text = body if isinstance(body, str) else json.dumps(body, default=str)
    except (ValueError, RecursionError):
        text = ""
    return f"{str(error)[:5000]} {text[:5000]}".lower()


def error_words(error: Any) -> str:
    """The endpoint's own words."""
    body = getattr(error, "body", None)
    if isinstance(body, Mapping) and isinstance(body.get("message"), str):
        return str(body["message"])
    return str(getattr(error, "message", ""))


def retry_after(
    headers: Mapping[str, str], clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """Seconds to wait, from Retry-After in either of its forms; None where there are none.

    Args:
        headers: of an answer.
        clock: says what time it is where the answer does not.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds < math.inf:  # false for what is no number
            return seconds
    try:
        then = parsedate_to_datetime(headers.get("retry-after", ""))
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else clock()
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError):
        return None
