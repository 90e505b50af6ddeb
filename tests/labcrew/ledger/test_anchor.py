"""The head anchor: one line, written over the one before, whole for whoever reads it."""

import json
import os
import threading
from pathlib import Path

from labcrew.ledger.anchor import Anchor, Head


def head(number: int) -> Head:
    return Head(number, f"{number:064x}")


def test_the_newest_line_stays_whoever_comes_late(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "head.json")
    assert anchor.read() is None
    for number in (1, 3, 2, 3, 10**9):
        anchor.write(head(number))
    assert anchor.read() == head(10**9)
    assert json.loads(anchor.path.read_text())["sequence"] == 10**9


def test_a_reader_never_sees_half_of_two_lines(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "head.json")
    anchor.write(head(1))
    seen: list[list[Head | None]] = [[], []]
    over = threading.Event()

    def read(into: list[Head | None]) -> None:
        while not over.is_set():
            into.append(Anchor(anchor.path).read())

    readers = [threading.Thread(target=read, args=(into,)) for into in seen]
    for reader in readers:
        reader.start()
    number = 1
    while min(map(len, seen)) < 300:
        number += 1
        anchor.write(head(number))
    over.set()
    for reader in readers:
        reader.join()
    assert {h for into in seen for h in into} <= {head(n) for n in range(1, number + 1)}


def test_the_line_of_an_older_version_is_replaced(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "head.json")
    anchor.path.write_text(json.dumps({"sequence": 7, "hash": "a" * 64}) + "\n")
    assert anchor.read() == Head(7, "a" * 64)
    anchor.write(head(8))
    assert anchor.read() == head(8)
    inode = anchor.path.stat().st_ino
    anchor.write(head(9))
    assert (anchor.read(), anchor.path.stat().st_ino) == (head(9), inode)


def test_a_backup_by_links_keeps_what_it_held(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "head.json")
    anchor.write(head(1))
    os.link(anchor.path, tmp_path / "backup.json")
    anchor.write(head(2))
    assert Anchor(tmp_path / "backup.json").read() == head(1)
    anchor.path.rename(tmp_path / "moved.json")
    anchor.path.symlink_to("moved.json")
    anchor.write(head(3))
    assert Anchor(tmp_path / "moved.json").read() == head(2)
    assert anchor.read() == head(3)
