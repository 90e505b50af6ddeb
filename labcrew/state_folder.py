"""The folder for what labcrew notes about this person's machine, outside any home."""

import os
from pathlib import Path


def state_folder() -> Path:
    """Beneath $XDG_STATE_HOME; beneath ~/.local/state where that is not set or not absolute."""
    # A relative one would lie in whatever folder labcrew is started in; the standard ignores it.
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "labcrew"
