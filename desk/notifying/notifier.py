"""Tells people of new lines of the ledger: each line and channel at most once.

An intent is written before the first try and how it ended after the last; in between, that a try
was refused, and that another begins. An intent without an end is of a process that ended: it is
gone on with where the newest try was refused; else the message may be out, and is not sent again.
"""

import math
import os
from collections.abc import Callable

from desk.acting import one_at_a_time
from desk.notifying.messages import Message, message_of
from desk.notifying.sending import Outcome, mail, post
from labcrew.domain.background import NotifySettings, QuietHours
from labcrew.errors import SettingsError
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import Clock

_LOCK = "notify.lock"
_BATCH = 200
_FIRST_WAIT_S, _LONGEST_WAIT_S = 2.0, 300.0
HOME = "notify"
_FROM = "notify/from"

Channel = Callable[[Message], tuple[Outcome, str]]


class Notifier:
    """Sends what is new; of what happened before it was first switched on, nothing.

    Args:
        home: a lock in it lets one process send at a time.
        ledger: what happened, and what was sent.
        clock: for time stamps, quiet hours and waits between tries.
        settings: who is told.
        quiet: nothing is sent then; what waits follows afterwards.
    """

    def __init__(
        self, home: Home, ledger: Ledger, clock: Clock, settings: NotifySettings, quiet: QuietHours
    ) -> None:
        self._home, self._ledger, self._clock = home, ledger, clock
        self._settings, self._quiet = settings, quiet
        self._channels = self._configured()
        self._after: int | None = None
        self._not_before: dict[str, float] = {}

    def _configured(self) -> dict[str, Channel]:
        settings, found = self._settings, dict[str, Channel]()
        if settings.webhook is not None:
            secret = os.environ.get(settings.secret_variable, "")
            if not secret:
                raise SettingsError(
                    f"[notify]: the variable {settings.secret_variable} holds no key to sign with.",
                    "Set it in the environment of labcrew, or leave out webhook.",
                )

            def by_webhook(message: Message) -> tuple[Outcome, str]:
                return post(message, settings, secret, str(int(self._clock.now().timestamp())))

            found["webhook"] = by_webhook
        if settings.mail_host:
            password = os.environ.get(settings.mail_password_variable, "")
            found["mail"] = lambda message: mail(message, settings, password)
        return found

    def send_new(self) -> None:
        """One round; blocks while it sends."""
        if not self._channels or self._quiet.holds(self._clock.now()):
            return
        with one_at_a_time(self._home, _LOCK):
            after = self._start() if self._after is None else self._after
            while batch := self._ledger.events.of(None, after, _BATCH):
                for event in batch:
                    message = message_of(event, self._ledger)
                    if message is not None and message.kind in self._settings.kinds:
                        settled = [self._once(name, message) for name in self._channels]
                        if not all(settled):
                            self._after = after
                            return  # later ones wait, so that they come in order
                    after = event.sequence
            self._after = after

    def _start(self) -> int:
        """The line after which to begin: the newest that was dealt with."""
        known = self._ledger.events.find(_FROM)
        if known is None:
            known = self._ledger.events.append(
                ticket="", actor="rule", kind="notify.begun", key=_FROM, data={}
            )
        told = self._ledger.effects.of(HOME)
        return max([known.sequence, *(int(effect.payload["line"]) - 1 for effect in told)])

    def _once(self, channel: str, message: Message) -> bool:
        """Whether a message is settled on a channel: sent, given up, or perhaps sent before."""
        key = f"notify/{channel}/{message.id}"
        if self._clock.monotonic() < self._not_before.get(key, -math.inf):
            return False
        known, tries = self._ledger.effect(key), 0
        if known is not None:
            tries = self._refused(key)
            if known.result is not None or not tries:
                return True
            self._note("again", key, tries + 1)
        line = int(message.id.partition("-")[0])
        self._ledger.intend(key, HOME, {"channel": channel, "line": line})
        outcome, because = self._channels[channel](message)
        tries += 1
        if outcome == "refused" and tries < self._settings.attempts:
            self._note("refused", key, tries)
            wait = min(_FIRST_WAIT_S * 2 ** (tries - 1), _LONGEST_WAIT_S)
            self._not_before[key] = self._clock.monotonic() + wait
            return False
        self._not_before.pop(key, None)
        self._ledger.done(key, {"state": outcome, "because": because, "tries": tries})
        return True

    def _refused(self, key: str) -> int:
        """How many tries there were, all refused; 0: how the newest ended is not known."""
        tries = 1
        while self._ledger.events.find(f"{key}/refused/{tries}") is not None:
            if self._ledger.events.find(f"{key}/again/{tries + 1}") is None:
                return tries
            tries += 1
        return 0

    def _note(self, what: str, key: str, number: int) -> None:
        self._ledger.events.append(
            ticket="", actor="rule", kind=f"notify.{what}", key=f"{key}/{what}/{number}", data={}
        )
