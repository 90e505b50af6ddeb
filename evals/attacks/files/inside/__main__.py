"""`python -m evals.attacks.files.inside plant|tars|naive|race …`, in the battery's containers."""

import json
import sys
import threading
from pathlib import Path

from evals.attacks.files.inside import naive, plants, races, tars


def main(word: str, folder: Path, *rest: str) -> None:
    """Does one thing beneath a folder; says what came of it as JSON lines."""
    if word == "plant":
        plants.plant(folder, Path(rest[0]))
    elif word == "tars":
        folder.mkdir()
        for name in tars.TARS:
            (folder / f"{plants.folder_of(name)}.tar").write_bytes(
                tars.archive(name, Path(rest[0]))
            )
    elif word == "naive":
        folder.mkdir()
        for probe, harm in naive.read_all(folder):
            print(json.dumps([probe, harm]), flush=True)
    elif word == "race":
        scene = races.Scene(folder)
        (folder / "ready").touch()
        races.swap(scene, rest[0], threading.Event())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
