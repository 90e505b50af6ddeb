"""Side effects that happen once, whatever is killed, resumed, forked or run twice at a time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from labcrew.domain.base import canonical_json
from labcrew.errors import LedgerError, NotFound
from labcrew.ledger.chain import plain, text_of
from labcrew.ledger.leases import Lease
from labcrew.ledger.records import Records
from labcrew.ledger.schema import EFFECTS, Effect

if TYPE_CHECKING:
    from labcrew.ledger.store import Store

ACTOR = "worker"
POLL_S = 0.01


class Effects:
    """Intents and what came of them. A fenced ledger's effects are refused to a lost lease."""

    def __init__(self, store: "Store", lease: Lease | None) -> None:
        self._store = store
        self._lease = lease
        self._records = Records(store, EFFECTS, lease)

    def find(self, key: str) -> Effect | None:
        """The effect with this key, None where it was never intended."""
        return self._records.find(key)

    def of(self, ticket: str) -> list[Effect]:
        """A ticket's effects, oldest first."""
        return self._records.of(ticket)

    def pending(self, ticket: str) -> list[Effect]:
        """A ticket's intents without an outcome, oldest first."""
        return [effect for effect in self._records.of(ticket) if effect.status == "intended"]

    def intend(self, key: str, ticket: str, payload: dict[str, Any]) -> Effect:
        """Writes down what is about to be done; the same again answers what stands.

        Raises:
            LedgerError: the key stands for another payload or ticket.
        """
        return self._intend(key, ticket, payload)[0]

    def done(self, key: str, result: dict[str, Any]) -> None:
        """Writes down what came of an intent; the same again does nothing.

        Raises:
            NotFound: it was never intended.
            LedgerError: another result stands already.
        """
        self._done(key, result)

    def once(
        self,
        key: str,
        ticket: str,
        payload: dict[str, Any],
        perform: Callable[[], dict[str, Any]],
        find: Callable[[], dict[str, Any] | None],
    ) -> dict[str, Any]:
        """Does something in the world once and answers its result, now and on every re-run.

        Args:
            key: ticket, logical step, revision; never a retry count.
            ticket: whose effect it is.
            payload: what is to be done; a changed one under the same key is refused.
            perform: does it. What it raises goes through, and the intent stays open.
            find: looks for it in the world, after a run that may or may not have done it.

        Raises:
            LeaseLost: the ledger is fenced and its lease is no longer current.
            LedgerError: the key stands for another payload or ticket, or a transaction is open:
                an intent must be on disk before anything happens.
        """
        self._store.refuse_open_transaction()
        with self._alone(key):
            effect, is_new = self._intend(key, ticket, payload)
            if effect.result is not None:
                return effect.result
            result = None if is_new else find()
            return self._done(key, perform() if result is None else result)

    async def once_async(
        self,
        key: str,
        ticket: str,
        payload: dict[str, Any],
        perform: Callable[[], Awaitable[dict[str, Any]]],
        find: Callable[[], Awaitable[dict[str, Any] | None]] | None,
        settle: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """`once` with awaitables; other tasks run while the world is waited for.

        Args:
            find: None where it is harmless to begin again what a killed process had begun: then
                one line says that it was done, and none before it that it was intended.
            settle: writes to the ledger what follows, in the commit that notes the effect as done.
        """
        self._store.refuse_open_transaction()
        async with self._alone_async(key):
            if find is None:
                known = self._known(key, ticket, payload)
                if known is not None:
                    return known
                return self._both(key, ticket, payload, await perform(), settle)
            effect, is_new = await asyncio.to_thread(self._intend, key, ticket, payload)
            if effect.result is not None:
                return effect.result
            found = None if is_new else await find()
            if found is None:
                found = await perform()
            return await asyncio.to_thread(self._done, key, found, settle)

    def _intend(self, key: str, ticket: str, payload: dict[str, Any]) -> tuple[Effect, bool]:
        kept = plain(text_of(payload))
        with self._store.writing(self._lease):
            known = self._records.find(key)
            if known is None:
                effect = Effect(key=key, ticket=ticket, payload=kept)
                self._records.put(effect, actor=ACTOR, kind="effect.intended")
                return effect, True
            if known.ticket != ticket or canonical_json(known.payload) != canonical_json(kept):
                raise LedgerError(
                    f"The effect {key!r} was intended with another payload.",
                    "A changed step needs a new revision in its key.",
                )
            return known, False

    def _known(self, key: str, ticket: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """What came of it, if it is done."""
        if self._records.find(key) is None:
            return None
        return self._intend(key, ticket, payload)[0].result

    def _both(
        self,
        key: str,
        ticket: str,
        payload: dict[str, Any],
        result: dict[str, Any],
        settle: Callable[[], None] | None,
    ) -> dict[str, Any]:
        with self._store.writing(self._lease):
            if self._records.find(key) is not None:
                self._intend(key, ticket, payload)  # refuses another payload
                return self._done(key, result, settle)
            kept: dict[str, Any] = plain(text_of(result))
            effect = Effect(
                key=key, ticket=ticket, payload=plain(text_of(payload)), status="done", result=kept
            )
            self._records.put(effect, actor=ACTOR, kind="effect.done")
            if settle is not None:
                settle()
            return kept

    def _done(
        self, key: str, result: dict[str, Any], settle: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        kept: dict[str, Any] = plain(text_of(result))
        with self._store.writing(self._lease):
            known = self._records.find(key)
            if known is None:
                raise NotFound(f"The effect {key!r} was never intended.")
            if known.result is None:
                effect = known.model_copy(update={"result": kept, "status": "done"})
                self._records.put(effect, actor=ACTOR, kind="effect.done")
                if settle is not None:
                    settle()
            elif canonical_json(known.result) != canonical_json(kept):
                raise LedgerError(f"The effect {key!r} is done already, with another result.")
        return kept

    # Across processes the lease keeps a key to one worker; within a process, this does.

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        with self._store.keys_in_flight.setdefault(key, threading.Lock()):
            yield

    @asynccontextmanager
    async def _alone_async(self, key: str) -> AsyncIterator[None]:
        lock = self._store.keys_in_flight.setdefault(key, threading.Lock())
        while not lock.acquire(blocking=False):  # noqa: ASYNC110 (maybe another loop's)
            await asyncio.sleep(POLL_S)
        try:
            yield
        finally:
            lock.release()
