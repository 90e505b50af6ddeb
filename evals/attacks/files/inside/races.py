"""Races: a link takes the place of a file or a folder, and gives it back, as fast as it can."""

import ctypes
import threading
from dataclasses import dataclass
from pathlib import Path

KINDS = ("last component", "middle component", "first component", "file comes and goes")
_EXCHANGE = 2


@dataclass(frozen=True)
class Scene:
    """A tree with a file to be read, and a decoy of the same shape beside it.

    Args:
        folder: holds `tree`, which is read, and what is swapped in.
    """

    folder: Path

    @property
    def tree(self) -> Path:
        """What the reader is given."""
        return self.folder / "tree"

    @property
    def target(self) -> Path:
        """The file that is read."""
        return self.tree / "a" / "b" / "file"

    def build(self, secret: str) -> None:
        """Makes the tree, the decoy and the links that take a component's place."""
        self.target.parent.mkdir(parents=True)
        self.target.write_text("honest")
        decoy = self.folder / "decoy" / "b"
        decoy.mkdir(parents=True)
        (decoy / "file").write_text(secret)
        (self.folder / "last component").symlink_to(decoy / "file")
        (self.folder / "middle component").symlink_to(decoy)
        (self.folder / "first component").symlink_to(decoy.parent)
        (self.folder / "file comes and goes").symlink_to(decoy / "file")

    def swapped(self, kind: str) -> Path:
        """The component whose place is taken."""
        return {
            "last component": self.target,
            "middle component": self.target.parent,
            "first component": self.target.parent.parent,
            "file comes and goes": self.target,
        }[kind]


def swap(scene: Scene, kind: str, over: threading.Event) -> None:
    """Swaps until it is told that it is over."""
    libc = ctypes.CDLL(None, use_errno=True)
    place, link, aside = scene.swapped(kind), scene.folder / kind, scene.folder / "aside"
    while not over.is_set():
        for _ in range(20):
            if kind == "file comes and goes":
                place.rename(aside)
                link.rename(place)
                place.rename(link)
                aside.rename(place)
            elif libc.renameat2(-100, bytes(place), -100, bytes(link), _EXCHANGE) != 0:
                raise OSError(ctypes.get_errno(), "renameat2")
