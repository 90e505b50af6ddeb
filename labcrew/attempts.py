"""The requests that one call to a chat model takes: retries and fallbacks, each within the bounds.

What is set aside for a call covers its first request. Before each further one the account is asked
again, with what the earlier ones used: so a budget is passed by one request at most, and only where
that one uses more than can be told before it.
"""

from collections.abc import Callable

from labcrew.domain.chat import FailureKind, Tokens
from labcrew.errors import ModelFailure
from labcrew.recordings import Request
from labcrew.spending import Account, Reservation

# The endpoint turned the request away, so nothing was used; any other failure may have cost it all.
FREE: frozenset[FailureKind] = frozenset(
    {"rate_limited", "unavailable", "unauthorised", "unknown_model", "too_long", "over_budget"}
)


_BYTES_A_TOKEN = 2
"""Text has about three to four bytes a token; numbers and other scripts have fewer."""
_TOKENS_A_MESSAGE = 16
_MOST_COMPLETION = 4096


def most_of(request: Request, model: object) -> Tokens:
    """The most that a request can use.

    Args:
        request: as it is kept.
        model: that is asked; its `max_tokens`, where it has one.
    """
    return Tokens(
        prompt=len(request.text.encode("utf-8", "replace")) // _BYTES_A_TOKEN
        + _TOKENS_A_MESSAGE * (len(request.messages) + 1),
        completion=int(getattr(model, "max_tokens", _MOST_COMPLETION)),
        estimated=True,
    )


def used_by(failure: ModelFailure, request: Request, model: object) -> Tokens:
    """What a failed request used: as its endpoint says, nothing, or all it could.

    Args:
        failure: of the request.
        request: as it is kept.
        model: as for `most_of`.
    """
    if failure.tokens is not None:
        return failure.tokens
    return Tokens() if failure.kind in FREE else most_of(request, model)


class Attempts:
    """Follows the requests of a call; a `labcrew.calling.Meter`.

    Args:
        account: pays.
        held: what is set aside for the call: its upper bound is that of each request.
        names: of the models that a request may be sent to: the dearest's price bounds it.
        took: seconds since the call began.
    """

    def __init__(
        self,
        account: Account,
        held: Reservation,
        names: tuple[str, ...],
        took: Callable[[], float],
    ) -> None:
        self.held = held
        self._account, self._names, self._took = account, names, took
        self._most = held.call.tokens
        self._used: list[tuple[str, Tokens]] = []
        self._open = ""

    @property
    def any(self) -> bool:
        """Whether a request was told of; a model that tells of none makes one a call."""
        return bool(self._used or self._open)

    @property
    def tokens(self) -> Tokens:
        """What all requests used; one without an end counts in full."""
        used = Tokens()
        for _, tokens in self._all():
            used = used.plus(tokens)
        return used

    @property
    def usd(self) -> float | None:
        """What they cost, each by its own model's price; None: none that used anything has one."""
        known = [price for _, price in self._priced() if price is not None]
        return sum(known) if known else None

    @property
    def unpriced(self) -> int:
        """Tokens of those whose model has no price."""
        return sum(tokens.total for tokens, price in self._priced() if price is None)

    def begin(self, name: str) -> None:
        if self.any:
            self._used = self._all()
            self._open = ""
            call = self.held.call.model_copy(
                update={"tokens": self.tokens.plus(self._most), "duration_s": self._took()}
            )
            self.held = self._account.extend(self.held, call, prices_of=self._names)
        self._open = name

    def answered(self, tokens: Tokens) -> None:
        self._end(tokens if tokens.total else self._in_full())

    def failed(self, failure: ModelFailure) -> None:
        if failure.tokens is None and failure.kind not in FREE:
            self._end(self._in_full())
        else:
            self._end(failure.tokens or Tokens())

    def _end(self, tokens: Tokens) -> None:
        self._used.append((self._open, tokens))
        self._open = ""

    def _in_full(self) -> Tokens:
        return self._most.model_copy(update={"estimated": True})

    def _priced(self) -> list[tuple[Tokens, float | None]]:
        used = [(name, tokens) for name, tokens in self._all() if tokens.total]
        return [(tokens, self._account.usd(tokens, name)) for name, tokens in used]

    def _all(self) -> list[tuple[str, Tokens]]:
        return [*self._used, *([(self._open, self._in_full())] if self._open else [])]
