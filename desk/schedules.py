"""Tickets that are assigned on time: each due time once, whatever is killed or run twice.

The key of a due time is the schedule and that time in UTC. It is written in the commit that takes
the ticket, so there are both or neither. Wall clocks follow the schedule's own time zone: a time
that summer time skips is run when the clock has jumped, one that comes twice is run once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from desk.acting import actor, one_at_a_time
from desk.office import ENDED, Office
from labcrew.domain.background import QuietHours, Schedule, known_zone, utc
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, InputError, LabcrewError
from labcrew.ticket_file import read_ticket, ticket_text

_MOST_MISSED = 100_000
_LOCK = "schedules.lock"
_FIELDS = 5
_FIVE = 'Five fields, e.g. "0 3 * * *" for every night at three.'


class _Done(Exception):
    pass


class Schedules:
    """A home's schedules.

    Args:
        office: assigns.
        quiet: when nothing is begun; what falls due then is begun afterwards.
    """

    def __init__(self, office: Office, quiet: QuietHours) -> None:
        self._office, self._quiet = office, quiet
        self._ledger, self._clock = office.ledger, office.clock

    def add(self, file: Path, cron: str, timezone: str, by: str) -> Schedule:
        """Keeps a ticket's text with its times. Raises InputError, TicketError."""
        person = actor(by)
        ticket = read_ticket(file)
        now = self._clock.now()
        if len(cron.split()) != _FIELDS:  # a sixth would be seconds
            raise InputError(f"--cron {cron!r} has {len(cron.split())} fields.", _FIVE)
        try:
            next(_times(cron, known_zone(timezone), now))
        except (CronSimError, ValueError) as error:
            raise InputError(
                f"--cron {cron!r}, --timezone {timezone!r}: {error}.",
                _FIVE,
            ) from None
        except StopIteration:
            raise InputError(f"--cron {cron!r} never comes.") from None
        with one_at_a_time(self._office.home, _LOCK), self._ledger.transaction():
            made = Schedule(
                id=f"S-{len(self._ledger.schedules.all()) + 1:03d}",
                title=ticket.title,
                text=ticket_text(file),
                beside=str(file.absolute().parent),
                cron=cron,
                timezone=timezone,
                by=by,
                added_at=now,
            )
            self._ledger.schedules.put(made, actor=person, kind="schedule.added")
        return made

    def remove(self, id: str, by: str) -> Schedule:
        """Ends a schedule; its tickets stay. Raises NotFound."""
        person = actor(by)
        with self._ledger.transaction():
            removed = self._ledger.schedules.get(id).model_copy(update={"status": "removed"})
            self._ledger.schedules.put(removed, actor=person, kind="schedule.removed")
        return removed

    def active(self) -> list[Schedule]:
        """Those that still come due, oldest first."""
        return self._ledger.schedules.all(status="active")

    def next_due(self, schedule: Schedule) -> datetime | None:
        """When it comes due next, UTC; None: never again."""
        coming = _times(schedule.cron, schedule.timezone, self._clock.now())
        return next((due for due in coming if not self._dealt_with(schedule.id, due)), None)

    def run_due(self) -> list[AssignedTicket]:
        """Assigns what is due, what was missed once; nothing in quiet hours.

        Raises LabcrewError: some could not be assigned now; they are tried again the next time.
        """
        now = self._clock.now()
        for schedule in self.active():
            self._set_back(schedule, now)
        if self._quiet.holds(now):
            return []
        found: list[AssignedTicket] = []
        troubles: dict[str, LabcrewError] = {}
        for schedule in self.active():
            try:
                assigned = self._run(schedule, now)
            except LabcrewError as error:  # what else is due must not wait for it
                troubles[schedule.id] = error
            else:
                found += [assigned] if assigned is not None else []
        if troubles:
            raise _as_one(troubles)
        return found

    def _set_back(self, schedule: Schedule, now: datetime) -> None:
        """Looks for due times from now on where the clock once was ahead of what it says now."""
        if (schedule.last_due or schedule.added_at) <= now:
            return
        with self._ledger.transaction():
            changed = self._ledger.schedules.get(schedule.id).model_copy(update={"last_due": now})
            self._ledger.schedules.put(changed, actor="rule", kind="schedule.set_back")

    def _dealt_with(self, id: str, due: datetime) -> bool:
        return self._ledger.events.find(_key(id, due)) is not None

    def _run(self, schedule: Schedule, now: datetime) -> AssignedTicket | None:
        due, missed = _newest(schedule, now)
        if due is None:
            return None
        if self._dealt_with(schedule.id, due):  # before the clock was set back
            with self._ledger.transaction():
                known = self._ledger.schedules.get(schedule.id)
                passed = known.model_copy(update={"last_due": due})
                self._ledger.schedules.put(passed, actor="rule", kind="schedule.passed")
            return None
        earlier = self._ledger.tickets.find(schedule.last_ticket)
        if earlier is not None and earlier.status not in ENDED:
            self._note(schedule, due, "schedule.skipped", f"{earlier.id} is still going")
            return None
        try:
            return self._office.assign(
                read_ticket(schedule.text, name=f"{schedule.id}'s ticket"),
                source=f"schedule {schedule.id}, due {utc(due)}",
                by=schedule.by,
                beside=Path(schedule.beside),
                settle=lambda assigned: self._settle(schedule.id, due, assigned.id, missed),
            )
        except _Done:
            return None
        except (InputError, BoundaryError) as error:
            self._note(schedule, due, "schedule.failed", error.message)
            return None

    def _settle(self, id: str, due: datetime, ticket: str, missed: int) -> None:
        """Claims a due time, inside the commit that takes its ticket."""
        schedule, key = self._ledger.schedules.get(id), _key(id, due)
        if schedule.status != "active" or self._ledger.events.find(key) is not None:
            raise _Done
        self._ledger.events.append(
            ticket=ticket,
            actor="rule",
            kind="schedule.ran",
            key=key,
            data={"schedule": id, "due": utc(due), "missed_before": missed},
        )
        changed = schedule.model_copy(update={"last_due": due, "last_ticket": ticket})
        self._ledger.schedules.put(changed, actor="rule")

    def _note(self, schedule: Schedule, due: datetime, kind: str, because: str) -> None:
        """Says why a due time passed without a ticket; it does not come back."""
        with self._ledger.transaction():
            now = self._ledger.schedules.get(schedule.id)
            if now.last_due is not None and now.last_due >= due:
                return
            self._ledger.events.append(
                ticket=now.last_ticket,
                actor="rule",
                kind=kind,
                key=_key(now.id, due),
                data={"schedule": now.id, "due": utc(due), "because": because},
            )
            changed = now.model_copy(update={"last_due": due})
            self._ledger.schedules.put(changed, actor="rule")


def _key(id: str, due: datetime) -> str:
    return f"schedule/{id}/{utc(due)}"


def _as_one(troubles: dict[str, LabcrewError]) -> LabcrewError:
    """All troubles as one, each with its schedule where there are several."""
    first, *others = troubles.values()
    if not others:
        return first
    told = LabcrewError("\n".join(f"{id}: {trouble}" for id, trouble in troubles.items()))
    told.exit_code = first.exit_code
    return told


def _newest(schedule: Schedule, now: datetime) -> tuple[datetime | None, int]:
    """The newest time that is due, and how many before it were missed; of very many, at least."""
    start = schedule.last_due or schedule.added_at
    while True:
        missed, due = -1, None
        for at in _times(schedule.cron, schedule.timezone, start):
            if at > now:
                return due, missed
            missed, due = missed + 1, at
            if missed == _MOST_MISSED:
                break
        else:
            return due, missed
        start += (now - start) / 2


def _times(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """The due times after a time, in UTC, each once: an hour that comes twice is one."""
    last = after
    for at in CronSim(cron, after.astimezone(ZoneInfo(timezone))):
        due = at.astimezone(UTC)
        if due > last:
            last = due
            yield due
