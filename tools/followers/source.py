"""What a source of a run's output is, whoever started the run."""

from collections.abc import Iterator
from typing import Protocol

from labcrew.domain.base import Model
from labcrew.domain.monitoring import Usage


class Ended(Model):
    """How a run ended, as far as it can be seen from outside.

    Args:
        exit_code: None where nobody but the run's parent knows it.
        reason: in words.
        out_of_memory: whether the kernel ended it for its memory.
    """

    exit_code: int | None = None
    reason: str
    out_of_memory: bool = False


class Place(Model):
    """Where the output of the present run began, so that a watch that was killed can go on.

    Args:
        file: the file's inode, 0 for other sources.
        offset: bytes of it that belong to an earlier run.
        opaque: it can't be told; what is there already is left out.
    """

    file: int = 0
    offset: int = 0
    opaque: bool = False


class Source(Protocol):
    """A run's output as it comes. One thread uses it; opening it changes nothing in the run."""

    @property
    def name(self) -> str:
        """What is followed, as people named it."""

    @property
    def announced(self) -> bool:
        """Whether the system tells of new output, so that it need not be polled."""

    @property
    def whole(self) -> bool:
        """Whether one `read` takes all that there is; else it comes bit by bit."""

    def unannounced(self) -> None:
        """Is told that output came of which the system had not told: it is polled from now on."""

    @property
    def place(self) -> Place:
        """How far it has been read."""

    def read(self) -> Iterator[str]:
        """What came since the last time, in pieces cut anywhere; nothing where nothing came."""

    def usage(self) -> Usage | None:
        """What the run uses now; None where that can't be seen."""

    def ended(self, silent_s: float) -> Ended | None:
        """Whether the run is over.

        Args:
            silent_s: seconds since output came.
        """

    def again(self) -> None:
        """Prepares for the run having been started again."""

    def close(self) -> None:
        """Gives back what following took."""
