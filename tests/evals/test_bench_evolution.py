"""The bench of a late round: a ledger that holds the rounds before it."""

from pathlib import Path

import pytest

from evals.bench.evolution_ledger import add_rounds
from tests.graphs.evolution.lab import Scripted, lab_at, make_spec, program


def test_a_loop_goes_on_after_rounds_that_were_put_into_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_at(tmp_path, monkeypatch)
    started = lab.start(make_spec(lab.target, budget={"rounds": 92, "parallel": 1}))

    class Told(list[str]):
        def append(self, said: str, /) -> None:
            if lab.bench.ledger.evolutions.get(started.id).rounds == 1:
                lab.evolutions.pause(started.id, "ada")

    scripted = Scripted(program(0.4), program(0.6))
    lab.advance(started.id, [scripted], said=Told())
    add_rounds(lab.bench.ledger, started.id, 90)
    lab.evolutions.resume(started.id, "ada")
    ended = lab.advance(started.id, [scripted])
    assert (ended.status, ended.rounds) == ("done", 92)
    situation = scripted.told[-1]
    assert [round.number for round in situation.rounds] == list(range(1, 92))
    assert len({tried.code for tried in situation.tried}) >= 91
    last = lab.bench.ledger.rounds.of(started.id)[-1]
    assert last.score is not None, "it ran"
