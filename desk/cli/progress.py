"""Progress of one piece of work, told on standard error."""

from typing import TYPE_CHECKING

from desk.cli.common import console, plain, say

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """What is being done: a live line on a terminal, plain lines elsewhere; on standard error."""

    def __init__(self) -> None:
        self._console = console(err=True)
        self._status: Status | None = None
        self._doing = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_ended: object) -> None:
        self.rest()

    def say(self, text: str) -> None:
        """Tells what begins now."""
        if not self._console.is_terminal:
            say(text)
            return
        self._done()
        self._doing = text
        if self._status is None:
            self._status = self._console.status(plain(text))
            self._status.start()
        else:
            self._status.update(plain(text))

    def rest(self) -> None:
        """Leaves the terminal to others."""
        self._done()
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _done(self) -> None:
        if self._doing:
            self._console.print(plain(self._doing, "dim"))
            self._doing = ""
