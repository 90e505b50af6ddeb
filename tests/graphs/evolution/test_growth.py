"""A round late in a loop reads no more of the ledger than an early one."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labcrew.ledger.records import Records
from tests.graphs.evolution.lab import Scripted, lab_at, make_spec, program


def test_a_late_round_reads_no_more_of_the_ledger_than_an_early_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions count, and every record that is read for an answer."""
    asked = 0

    def counted(ask: Any) -> Any:
        def asking(*given: Any) -> Any:
            nonlocal asked
            asked += 1
            return ask(*given)

        return asking

    for name in ("find", "some", "of", "_record"):
        monkeypatch.setattr(Records, name, counted(getattr(Records, name)))
    lab = lab_at(tmp_path, monkeypatch)
    rounds = 24
    started = lab.start(make_spec(lab.target, budget={"rounds": rounds, "parallel": 1}))
    at: list[int] = []

    class Told(list[str]):
        def append(self, said: str, /) -> None:
            if said.partition(": ")[2].startswith(("kept", "reverted", "dropped")):
                at.append(asked)

    tried = Scripted(*(program(0.4 + n / 1000) for n in range(rounds)))
    lab.advance(started.id, [tried], said=Told())
    each = [after - before for before, after in pairwise(at)]
    early, late = sorted(each[4:12]), sorted(each[-8:])
    assert len(each) == rounds - 1
    assert late[len(late) // 2] <= early[len(early) // 2] + 2, each
