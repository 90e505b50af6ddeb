"""A shift in a thread of its own, beside whatever else the process does."""

import asyncio
import logging
import threading
from contextlib import suppress
from typing import Literal

from desk.background import following, shift_of
from desk.wiring import AtWork, Opened, Say, at_work
from labcrew.errors import LabcrewError

State = Literal["beginning", "at work", "waiting", "over"]
_AGAIN_S = 30.0
_LOG = logging.getLogger(__name__)


class Working:
    """Works on a home's tickets as `labcrew up` does, as soon and as long as it can.

    While another process owns the home, or no engine answers, it says so once and tries again.

    Args:
        opened: the home.
        say: is told in plain words what happens.
        at_once: most tickets at a time.
        again_s: how long it waits before it tries again, in seconds.
    """

    def __init__(
        self, opened: Opened, say: Say, *, at_once: int = 4, again_s: float = _AGAIN_S
    ) -> None:
        self._opened = opened
        self._say = say
        self._at_once = at_once
        self._again_s = again_s
        self._told = threading.Event()
        self._ending: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None
        self._lock = threading.Lock()
        # Whatever holds it up, the process may end: a kill loses nothing.
        self._thread = threading.Thread(target=self._run, name="shift", daemon=True)
        self.state: State = "beginning"
        self.trouble = ""

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self, wait_s: float) -> bool:
        """Ends it; running trials go on. False: it has not ended within `wait_s` seconds."""
        self._told.set()
        with self._lock:
            if self._ending is not None:
                loop, task = self._ending
                loop.call_soon_threadsafe(task.cancel)
        if self._thread.is_alive():
            self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._told.is_set():
            try:
                with at_work(self._opened, self._say, many=True) as working:
                    if self._told.is_set():
                        break
                    self.state, self.trouble = "at work", ""
                    self._say("At work on the tickets.")
                    with suppress(asyncio.CancelledError):
                        asyncio.run(self._shift(working))
            except LabcrewError as error:
                self._note(error)
            except Exception as error:
                _LOG.exception("The shift ended unexpectedly")
                self._note(LabcrewError(f"The shift ended unexpectedly: {error}"))
            self._told.wait(self._again_s)
        self.state = "over"

    async def _shift(self, working: AtWork) -> None:
        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            self._ending = asyncio.get_running_loop(), task
        try:
            if self._told.is_set():
                return
            async with working.worker(False) as worker:
                loops = working.evolver(False, self._say)
                shift = shift_of(self._opened, worker, loops, at_once=self._at_once, say=self._say)
                async with following(self._opened, working, self._say):
                    await shift.run()
        finally:
            with self._lock:
                self._ending = None

    def _note(self, error: LabcrewError) -> None:
        if error.message != self.trouble:
            self._say(
                f"Not at work on the tickets: {error}\n  It is tried again from time to time."
            )
        self.state, self.trouble = "waiting", error.message
