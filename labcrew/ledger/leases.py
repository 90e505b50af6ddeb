"""Who works on a ticket: one worker at a time, told apart by a fencing token that only grows."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field
from sqlalchemy import select

from labcrew.domain.base import Model
from labcrew.errors import LeaseLost
from labcrew.ledger.chain import RESERVED, stamp
from labcrew.ledger.schema import LEASES

if TYPE_CHECKING:
    from labcrew.ledger.store import Store

FREE = ""


class Lease(Model):
    """The right to work on a ticket until a time; whoever acquires later has a higher token."""

    ticket: str
    holder: str = Field(min_length=1)
    token: int = Field(ge=1)
    expires_at: datetime


class Leases:
    """The leases of one store."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def acquire(
        self, ticket: str, holder: str, ttl_s: float, *, take_over: bool = False
    ) -> Lease | None:
        """Takes a ticket for `ttl_s` seconds; None while another worker's lease lasts.

        With `take_over` a lease that still lasts is taken too: for a worker that knows the earlier
        one to be dead because it owns the home. The earlier one's token is void either way.
        """
        with self._store.writing() as transaction:
            now = self._store.clock.now()
            table = LEASES.c
            query = select(LEASES).where(table.ticket == ticket)
            row = transaction.connection.execute(query).one_or_none()
            held = row is not None and row.holder != FREE and row.expires_at > stamp(now)
            if held and not take_over:
                return None
            lease = Lease(
                ticket=ticket,
                holder=holder,
                token=1 if row is None else row.token + 1,
                expires_at=now + timedelta(seconds=ttl_s),
            )
            values = {
                "holder": holder,
                "token": lease.token,
                "expires_at": stamp(lease.expires_at),
            }
            if row is None:
                transaction.connection.execute(LEASES.insert(), {"ticket": ticket, **values})
            else:
                transaction.connection.execute(
                    LEASES.update().where(table.ticket == ticket).values(values)
                )
            transaction.unfence()
            transaction.append(
                ticket=ticket,
                actor=holder,
                kind="lease.acquired",
                key=f"{RESERVED}lease/{ticket}@{lease.token}",
                data={"token": lease.token},
            )
            return lease

    def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Extends a lease to `ttl_s` seconds from now, even a lapsed one that nobody took.

        Raises:
            LeaseLost: another worker has taken the ticket, or the lease was released.
        """
        with self._store.writing(lease) as transaction:
            expires_at = self._store.clock.now() + timedelta(seconds=ttl_s)
            transaction.connection.execute(
                LEASES.update()
                .where(LEASES.c.ticket == lease.ticket)
                .values(expires_at=stamp(expires_at))
            )
            return lease.model_copy(update={"expires_at": expires_at})

    def release(self, lease: Lease) -> None:
        """Gives a ticket back; a lease that was lost already is left alone."""
        try:
            with self._store.writing(lease) as transaction:
                transaction.connection.execute(
                    LEASES.update().where(LEASES.c.ticket == lease.ticket).values(holder=FREE)
                )
                transaction.unfence()
        except LeaseLost:
            return

    def of(self, ticket: str) -> Lease | None:
        """The lease that stands now; None where nobody works on the ticket."""
        with self._store.reading() as connection:
            row = connection.execute(select(LEASES).where(LEASES.c.ticket == ticket)).one_or_none()
        if row is None or row.holder == FREE:
            return None
        lease = Lease(
            ticket=row.ticket,
            holder=row.holder,
            token=row.token,
            expires_at=datetime.fromisoformat(row.expires_at),
        )
        return lease if lease.expires_at > self._store.clock.now() else None
