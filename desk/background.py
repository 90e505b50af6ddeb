"""What runs beside `labcrew up` and `labcrew board`: due schedules, and notifications."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING

from desk.shift import Loops, Mover, Shift, beside
from labcrew.errors import LabcrewError

if TYPE_CHECKING:
    from desk.wiring import AtWork, Opened

_LOG = logging.getLogger(__name__)
_EVERY_S = 5.0


@contextmanager
def background(
    opened: "Opened", say: Callable[[str], None], every_s: float = _EVERY_S
) -> Iterator[None]:
    """Looks for what is due and what is to be told, in a thread, until it is left.

    Args:
        opened: the home; several processes may do this for one home at a time.
        say: is told of troubles, of each once.
        every_s: seconds between two looks.

    Raises:
        SettingsError: something that notifications need is missing.
    """
    from desk.notifying.notifier import Notifier
    from desk.schedules import Schedules

    settings = opened.settings
    schedules = Schedules(opened.office(), settings.quiet_hours)
    notifier = Notifier(
        opened.home, opened.ledger, opened.clock, settings.notify, settings.quiet_hours
    )
    steps: tuple[Callable[[], object], ...] = (schedules.run_due, notifier.send_new)
    ended, told = threading.Event(), set[str]()

    def tell(trouble: str) -> bool:
        new = trouble not in told
        if new:
            told.add(trouble)
            say(trouble)
        return new

    def work() -> None:
        while not ended.is_set():
            for step in steps:
                try:
                    step()
                except LabcrewError as error:
                    tell(str(error))
                except Exception as error:  # what else is due must not end with it
                    if tell(f"In the background: {type(error).__name__}: {error}"):
                        _LOG.exception("a step of the background failed")
            ended.wait(every_s)

    thread = threading.Thread(target=work, name="background")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def shift_of(
    opened: "Opened", worker: Mover, loops: Loops, *, at_once: int, say: Callable[[str], None]
) -> Shift:
    """A home's shift, which begins nothing new in its quiet hours."""
    quiet = opened.settings.quiet_hours
    return Shift(
        opened.office(),
        worker,
        loops=loops,
        at_once=at_once,
        say=say,
        quiet=lambda: quiet.holds(opened.clock.now()),
    )


def following(
    opened: "Opened", working: "AtWork", say: Callable[[str], None]
) -> AbstractAsyncContextManager[None]:
    """Looks at the lab's forge from time to time while tickets are worked on."""
    from graphs.following import Following

    settings = opened.settings.forge
    return beside(Following(working.work, settings).look, every_s=settings.poll_s, say=say)
