"""New lines of the ledger, given to everyone who listens; one look at the ledger serves all."""

import asyncio
from collections.abc import AsyncIterator

from labcrew.domain.event import Event
from labcrew.ledger import Ledger

_LOOK_S = 0.1
_MOST = 500


class Feed:
    """Follows a ledger, whoever writes to it.

    Args:
        ledger: only read.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def lines(self, after: int, ticket: str | None = None) -> AsyncIterator[Event]:
        """Every line with a number above `after`, oldest first, for as long as it is listened to.

        Args:
            ticket: only this ticket's lines.
        """
        while True:
            found = await asyncio.to_thread(self._ledger.events.of, ticket, after, _MOST)
            for event in found:
                after = event.sequence
                yield event
            if not found:
                await asyncio.sleep(_LOOK_S)
