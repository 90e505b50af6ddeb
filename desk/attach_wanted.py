"""What a person asks to have supervised, checked and spelt in full."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from labcrew.domain.base import Model
from labcrew.domain.supervision import Offer
from labcrew.errors import InputError
from labcrew.given_path import given_path

KINDS = ("log", "container", "pid", "tensorboard")


class Wanted(Model):
    """What a person asked to have supervised, all of it checked.

    Args:
        whats: log:PATH, container:NAME, pid:N or tensorboard:FOLDER, each.
        log: the log file of a process.
        stop: a command of the person's own.
        restart: likewise.
        rescues: most restarts of each run.
        offers: what the restarted program reads.
        from_end: leave out what stands there already.
    """

    whats: tuple[str, ...]
    log: Path | None = None
    stop: str = ""
    restart: str = ""
    rescues: int = 2
    offers: tuple[Offer, ...] = ()
    from_end: bool = False


def meant(what: str) -> str:
    """What a person means, spelt in full: its kind, a colon, and what is followed.

    Raises:
        InputError: nothing, or more than one thing, is meant.
    """
    kind, colon, rest = what.partition(":")
    if colon and kind in KINDS:
        if not rest.strip():
            raise InputError(f"--attach {what} names nothing.", _EXAMPLES)
        return what if kind in ("container", "pid") else f"{kind}:{absolute(rest)}"
    if not what.strip():
        raise InputError("--attach names nothing.", _EXAMPLES)
    path = given_path(what)
    if path.is_dir():
        return f"tensorboard:{absolute(what)}"
    if path.exists() or "/" in what or path.suffix in (".log", ".txt", ".out", ".jsonl", ".err"):
        return f"log:{absolute(what)}"
    if what.isascii() and what.isdigit():
        raise InputError(
            f"{what} may be a process or a container.",
            f"Say which: --attach pid:{what} --log FILE, or --attach container:{what}",
        )
    raise InputError(f"There is nothing called {what!r} here.", _EXAMPLES)


_EXAMPLES = (
    "E.g. --attach log:train.log, --attach container:trainer, --attach tensorboard:runs/7,"
    " --attach pid:4711 --log train.log"
)


def absolute(text: str) -> Path:
    """A person's path from the file system's root; a link in it stays one. Raises InputError."""
    # Not resolved: a link is refused where it is opened, with the name of what it leads to.
    return Path(os.path.abspath(given_path(text)))  # noqa: PTH100


def offers_of(words: Sequence[str]) -> tuple[Offer, ...]:
    """The offers that a person names. Raises InputError."""
    for word in words:
        if word not in get_args(Offer):
            raise InputError(
                f"--offers {word}: there is no such offer.", f"Known: {', '.join(get_args(Offer))}."
            )
    return tuple(words)  # type: ignore[arg-type]


def offered(wanted: Wanted) -> tuple[Offer, ...]:
    """What the restarted program lets its supervisor do."""
    # A command that starts a run again is trusted to go on where it was.
    return tuple(dict.fromkeys((*(("resume",) if wanted.restart else ()), *wanted.offers)))
