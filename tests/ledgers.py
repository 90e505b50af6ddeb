"""New homes with a ledger that stands already: making its tables takes longer than most tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock


def new_home(root: Path) -> Home:
    """The home at `root`, made with an empty ledger if there is none."""
    home = Home(root)
    if home.create():
        for name, content in _files().items():
            (root / name).write_bytes(content)
    return home


@cache
def _files() -> dict[str, bytes]:
    """What a ledger adds to a new home."""
    with TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        before = set(home.root.iterdir())
        Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()).close()
        return {file.name: file.read_bytes() for file in {*home.root.iterdir()} - before}
