"""Paths as people write them: `~` stands for a home folder."""

from pathlib import Path

from labcrew.errors import InputError


def given_path(given: str | Path, beside: Path | None = None) -> Path:
    """The path that a person means; nothing need be there.

    Args:
        given: `~` and `~name` at its start stand for a home folder.
        beside: the folder that a relative path starts from; None: it stays relative.

    Raises:
        InputError: nobody is called so, or no file of this machine can be, or may be looked at.
    """
    try:
        path = Path(given).expanduser()
        path = path if beside is None else beside / path
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError, ValueError) as error:
        told = ascii(str(given))[1:-1]
        shown = told if len(told) <= 200 else f"{told[:200]}…"
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{shown} is no path that can be used here: {reason}.") from None
    return path
