"""Calls of a forge's client: tried again where that may help, and failures in words."""

import re
from collections.abc import Callable
from typing import TypeVar

import requests

from labcrew.domain.forge import ForgeFailure, ForgeSettings
from labcrew.errors import ForgeError
from labcrew.plain_text import ODD

T = TypeVar("T")
_SHOWN = 300
_BY_STATUS: dict[int, ForgeFailure] = {
    401: "unauthorised", 403: "forbidden", 404: "missing", 409: "moved", 410: "missing",
    429: "limited",
}  # fmt: skip
_WORDS: dict[ForgeFailure, tuple[str, str]] = {
    "unauthorised": (
        "the token is refused",
        "Put a valid token into the variable that [forge] token_variable names.",
    ),
    "forbidden": ("the token may not do this", "Give it the rights that docs/forges.md lists."),
    "missing": (
        "it is not there, or the token may not see it",
        "Check project and url under [forge] in labcrew.toml.",
    ),
    "branch_gone": ("a branch is not there any more", "Open the request again from a new ticket."),
    "moved": ("it has changed meanwhile", "Look at it there, then decide again."),
    "invalid": ("the forge does not accept it", ""),
    "limited": ("too many calls were made", "It is tried again later."),
    "unavailable": ("the forge has a fault of its own", "It is tried again later."),
    "unreachable": ("no connection, or it broke", "It is tried again later."),
    "timed_out": ("no answer in time", "It is tried again later."),
    "garbled": ("the answer is not of the published form", "Check url and api under [forge]."),
}
_AGAIN: frozenset[ForgeFailure] = frozenset({"limited", "unavailable", "unreachable", "timed_out"})


class Answered(Exception):
    """A client's own error, brought into one form.

    Args:
        status: of HTTP; below 400: an answer that can't be read.
        text: the forge's words.
        wait_s: what it asked for in Retry-After, in seconds.
    """

    def __init__(self, status: int, text: str, wait_s: float | None) -> None:
        super().__init__(status)
        self.status, self.text, self.wait_s = status, text, wait_s


class Calls:
    """Makes calls and turns what goes wrong into ForgeError.

    Args:
        name: the forge's, for messages.
        settings: how often and how long.
        sleep: waits so many seconds.
        plain: a client's error as Answered; None where it is none of the client's.
        secret: taken out of what the forge says.
    """

    def __init__(
        self,
        name: str,
        settings: ForgeSettings,
        sleep: Callable[[float], None],
        plain: Callable[[Exception], Answered | None],
        secret: str,
    ) -> None:
        self._secret = secret
        self._name, self._settings = name, settings
        self._sleep, self._plain = sleep, plain

    def read(self, what: str, call: Callable[[], T]) -> T:
        """A call that changes nothing: tried again after any fault that may pass."""
        return self._make(what, call, _AGAIN)

    def write(self, what: str, call: Callable[[], T]) -> T:
        """A call that changes something: tried again only where the forge refused to begin."""
        return self._make(what, call, frozenset({"limited"}))

    def _make(self, what: str, call: Callable[[], T], again: frozenset[ForgeFailure]) -> T:
        for left in range(self._settings.retries, -1, -1):
            try:
                return call()
            except ForgeError:
                raise
            except Exception as error:
                failure = self._failure(what, error)
                wait = failure.wait_s
                if wait is None:
                    wait = min(2.0 ** (self._settings.retries - left), self._settings.retry_wait_s)
                too_long = wait > self._settings.retry_wait_s
                if failure.kind not in again or not left or too_long:
                    raise failure from None  # a client's own text may hold what it sent
                self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _failure(self, what: str, error: Exception) -> ForgeError:
        answered = self._plain(error)
        if answered is not None:
            kind = _BY_STATUS.get(answered.status)
            if answered.status < 400:
                kind = "garbled"
            if kind is None:
                kind = "unavailable" if answered.status >= 500 else "invalid"
            if answered.status == 403 and re.search(r"rate limit|abuse", answered.text, re.I):
                kind = "limited"
            return self._told(what, kind, f"{answered.status}: {answered.text}", answered.wait_s)
        if isinstance(error, requests.TooManyRedirects):
            return self._told(what, "garbled", "it leads to another address")
        if isinstance(error, requests.Timeout):
            return self._told(what, "timed_out")
        if isinstance(error, requests.RequestException | ConnectionError):
            return self._told(what, "unreachable")
        if isinstance(error, ValueError | LookupError | TypeError | AttributeError):
            return self._told(what, "garbled", type(error).__name__)
        raise error

    def _told(
        self, what: str, kind: ForgeFailure, detail: str = "", wait_s: float | None = None
    ) -> ForgeError:
        words, remedy = _WORDS[kind]
        if self._secret:
            detail = detail.replace(self._secret, "***")
        detail = " ".join(ODD.sub("", detail).split())[:_SHOWN]
        return ForgeError(
            f"{self._name}: {what}: {words}{f' ({detail})' * bool(detail)}.",
            remedy,
            kind=kind,
            wait_s=wait_s,
        )


def wait_asked_for(header: str | None) -> float | None:
    """Retry-After in seconds; None where there is none that says a number."""
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None
