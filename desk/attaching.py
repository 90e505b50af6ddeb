"""Supervising runs that labcrew did not start: what is meant, its record, and the loop."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from desk.acting import actor, one_at_a_time
from desk.attach_wanted import Wanted, absolute, meant, offered
from desk.attached_run import AttachedRun, Tell
from desk.wiring import Opened, redaction
from graphs.accounts import accounted, own_bounds
from labcrew.domain.monitoring import Attachment, Expectations
from labcrew.errors import InputError, LeaseLost, NotFound
from labcrew.judgement import Judge
from labcrew.ledger.leases import Lease
from tools.followers.container import Container
from tools.followers.log_file import LogFile
from tools.followers.notifier import Notifier
from tools.followers.process import Process, pid_of
from tools.followers.source import Place, Source
from tools.followers.tensorboard import TensorBoard
from tools.followers.writers import Writers

_TTL_S, _RENEW_S = 60.0, 20.0
_TICK_S, _POLL_S = 1.0, 0.05
_NUMBER = re.compile(r"A-(\d+)")


class Attaching:
    """The supervision of some runs by this process.

    Args:
        opened: the home that keeps the record.
        wanted: what is supervised.
        expected: what is known of the runs.
        judge: answers where there is a choice.
        by: the person.
        tell: is told what happens.
    """

    def __init__(
        self,
        opened: Opened,
        wanted: Wanted,
        expected: Expectations,
        judge: Judge,
        by: str,
        tell: Tell,
    ) -> None:
        self._ledger, self._clock = opened.ledger, opened.clock
        self._opened, self._wanted, self._expected = opened, wanted, expected
        self._judge, self._by, self._tell = judge, by, tell
        self._notifier, self._writers = Notifier(), Writers()
        self._client: Any = None
        self.runs: list[AttachedRun] = []
        try:
            for token, what in enumerate(dict.fromkeys(meant(w) for w in wanted.whats)):
                self.runs.append(self._attached(token, what))
        except BaseException:
            self.leave("it could not begin")
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attached(self, token: int, what: str) -> AttachedRun:
        with one_at_a_time(self._opened.home):
            known = self._unfinished(what)
            id = known.id if known else self._next_id()
            lease = self._lease(id, what)
            try:
                source = self._source(token, what, known)
            except BaseException:
                self._ledger.release(lease)
                raise
            place = source.place
            attachment = (known or Attachment(id=id, what=what, by=self._by,
                attached_at=self._clock.now(), file=place.file, offset=place.offset)
            ).model_copy(
                update={
                    "log": str(absolute(str(self._wanted.log))) if self._wanted.log else "",
                    "stop": self._wanted.stop,
                    "restart": self._wanted.restart,
                    "rescues": self._wanted.rescues,
                    "offers": offered(self._wanted),
                }
            )  # fmt: skip
            self._ledger.attachments.put(attachment, actor=actor(self._by), kind="run.attached")
        run = AttachedRun(
            attachment,
            lease,
            source,
            self._ledger,
            self._clock,
            self._expected,
            self._paying(id, lease),
            self._tell,
            lambda: self._notifier.wake(token),
        )
        self._tell("attached", {"attachment": attachment, "again": known is not None})
        return run

    def _paying(self, id: str, lease: Lease) -> Judge:
        """The judge, whose calls to models are on the attachment's account."""
        settings = self._opened.settings
        return accounted(
            self._judge,
            self._ledger.fenced(lease),
            self._opened.home,
            self._clock,
            settings,
            id,
            lambda: own_bounds(settings),
            redact=redaction(settings),
        )

    def _unfinished(self, what: str) -> Attachment | None:
        """The record of a watch over the same run that was killed."""
        found = self._ledger.attachments.all(status="watching")
        return next((a for a in reversed(found) if a.what == what), None)

    def _lease(self, id: str, what: str) -> Lease:
        held = self._ledger.lease_of(id)
        gone = held is not None and _is_gone(held.holder)
        lease = self._ledger.acquire(id, _me(), _TTL_S, take_over=gone)
        if lease is None:
            raise InputError(
                f"{what} is supervised already, as {id}, by {held.holder if held else 'another'}.",
                "Look on with: labcrew watch",
            )
        return lease

    def _next_id(self) -> str:
        numbers = [
            int(match[1])
            for known in self._ledger.attachments.all()
            if (match := _NUMBER.fullmatch(known.id))
        ]
        return f"A-{max(numbers, default=0) + 1:03d}"

    def _source(self, token: int, what: str, known: Attachment | None) -> Source:
        kind, _, rest = what.partition(":")
        start = Place(file=known.file, offset=known.offset) if known else None
        from_end = self._wanted.from_end
        if kind == "container":
            return Container(rest, self._engine(rest), self._notifier, token, start)
        if kind == "tensorboard":
            # Where a restarted run began can't be told in event files.
            late = from_end or (known is not None and known.restarts > 0)
            return TensorBoard(
                Path(rest),
                self._notifier,
                token,
                from_end=late,
                quiet_s=self._expected.stall_s,
                writers=self._writers,
            )
        if kind == "pid" and self._wanted.log is None:
            raise InputError(
                "What a process printed can't be read once it runs.",
                f"Name the file that it writes: --attach {what} --log FILE",
            )
        path = Path(rest) if kind == "log" else absolute(str(self._wanted.log))
        log = LogFile(
            path,
            self._notifier,
            token,
            start=start,
            from_end=from_end,
            quiet_s=self._expected.stall_s,
            writers=self._writers,
        )
        return log if kind == "log" else Process(pid_of(rest), log)

    def _engine(self, name: str) -> Any:
        from sandboxes.client import connect
        from sandboxes.outside import OutsideContainer

        if self._client is None:
            self._client = connect()
        return OutsideContainer(self._client, name)

    def once(self) -> None:
        """Judges what stands there now, and leaves."""
        for run in self.runs:
            run.look()

    def watch(self, each_second: Callable[[], None] = lambda: None) -> None:
        """Supervises until every run has ended; KeyboardInterrupt goes through.

        Args:
            each_second: called about once a second.
        """
        now = self._clock.monotonic
        tick_at, renew_at = now(), now() + _RENEW_S
        for run in self.runs:
            run.take()
        while any(not run.over for run in self.runs):
            going = [run for run in self.runs if not run.over]
            polled = [run for run in going if not run.source.announced]
            wait_s = max(0.0, tick_at - now())
            for token in self._notifier.wait(min(wait_s, _POLL_S) if polled else wait_s):
                if not self.runs[token].over:
                    self._guarded(self.runs[token], AttachedRun.woken)
            for run in polled:
                if not run.over:
                    self._guarded(run, AttachedRun.take)
            if now() >= tick_at:
                for run in going:
                    if not run.over:
                        self._guarded(run, AttachedRun.tick)
                if now() >= renew_at:
                    for run in going:
                        if not run.over:
                            self._guarded(run, lambda one: one.renew(_TTL_S))
                    renew_at = now() + _RENEW_S
                each_second()
                tick_at = now() + _TICK_S

    def _guarded(self, run: AttachedRun, step: Callable[[AttachedRun], object]) -> None:
        """One run that can't be followed any longer doesn't end the others' watch."""
        try:
            step(run)
        except LeaseLost as error:
            run.over = True
            self._tell("lost", {"attachment": run.attachment, "because": error.message})
        except (InputError, NotFound, OSError) as error:
            run.finish("left", f"it can't be read any longer: {error}")
        except Exception as error:  # whatever its log holds, the others' watch goes on
            run.finish("left", f"labcrew's own error: {type(error).__name__}: {error}"[:600])

    def leave(self, why: str) -> None:
        """Closes the records of runs that go on without a watch."""
        for run in self.runs:
            if not run.over:
                run.wait()
                run.finish("left", why)

    def close(self) -> None:
        """Gives back what following took; the runs are not touched."""
        for run in self.runs:
            run.source.close()
        self._notifier.close()
        if self._client is not None:
            self._client.close()


def _me() -> str:
    return f"{os.uname().nodename}:{os.getpid()}"


def _is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that runs no more."""
    node, _, pid = holder.rpartition(":")
    return node == os.uname().nodename and not Path("/proc", pid).exists()
