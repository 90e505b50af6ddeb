"""Requests that may be sent again: the header Idempotency-Key, and what was answered to it."""

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request

from desk.web.access import Caller, caller_of
from desk.web.lab import Lab, lab_of
from labcrew.domain.base import Model
from labcrew.errors import InputError

M = TypeVar("M", bound=Model)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="drawn by the caller, one for each thing to be done: sent again with the same"
        " request it gives the same answer, and nothing is done twice",
    ),
]


class AnotherRequest(InputError):
    """The key stands for another request of this caller."""


class _Earlier(Exception):
    """Somebody was quicker with the same key: what was done here is undone."""


class Once:
    """One request: it is done and its answer kept in one commit, or neither.

    Args:
        lab: where answers are kept.
        caller: keys of different callers are different keys.
        key: None: the request can't be sent again, and its answer is not kept.
        request: method, address and body, by hash.
    """

    def __init__(self, lab: Lab, caller: Caller, key: str | None, request: str) -> None:
        self._ledger = lab.ledger
        self._payload = {"by": caller.name, "request": request}
        named = hashlib.sha256(f"{caller.name}\0{key}".encode()).hexdigest()
        self._key = None if key is None else f"request/{named}"

    def answer(self, act: Callable[[], M], model: type[M]) -> M:
        """What `act` answers, now or when the request first came.

        Args:
            act: writes to the ledger and nowhere else: it runs inside a transaction.
            model: what it answers.

        Raises AnotherRequest, and what `act` raises: then nothing is kept.
        """
        return self.settled(lambda settle: self._inside(act, settle, model), model)

    def settled(self, act: Callable[[Callable[[M], None]], M], model: type[M]) -> M:
        """As `answer`, for what takes longer than a transaction may.

        Args:
            act: is given what it must call with its answer, in the transaction that makes it true.
        """
        earlier = self._known(model)
        if earlier is not None:
            return earlier

        def settle(answer: M) -> None:
            self._keep(answer, model)

        try:
            return act(settle)
        except _Earlier:
            earlier = self._known(model)
            if earlier is None:
                raise
            return earlier

    def _inside(self, act: Callable[[], M], settle: Callable[[M], None], model: type[M]) -> M:
        with self._ledger.transaction():
            if self._known(model) is not None:  # the same request, sent twice at once
                raise _Earlier
            made = act()
            settle(made)
        return made

    def _known(self, model: type[M]) -> M | None:
        effect = None if self._key is None else self._ledger.effect(self._key)
        if effect is None or effect.result is None:
            return None
        if effect.payload != self._payload:
            raise AnotherRequest(
                "This Idempotency-Key was sent with another request before.",
                "Draw a new key for each thing to be done.",
            )
        return model.model_validate(effect.result)

    def _keep(self, answer: M, model: type[M]) -> None:
        if self._key is None:
            return
        with self._ledger.transaction():
            if self._known(model) is not None:
                raise _Earlier
            self._ledger.intend(self._key, "", self._payload)
            self._ledger.done(self._key, answer.model_dump(mode="json"))


async def once_of(
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    lab: Annotated[Lab, Depends(lab_of)],
    key: Key = None,
) -> Once:
    """A route's dependency: the request as something that is done once."""
    asked = f"{request.method} {request.url.path}\0".encode() + await request.body()
    return Once(lab, caller, key, hashlib.sha256(asked).hexdigest())


OnceOnly = Annotated[Once, Depends(once_of)]
