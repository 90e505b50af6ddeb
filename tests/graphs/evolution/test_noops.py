"""Changes that do nothing, put through the whole loop with an evaluation that is noisy."""

from pathlib import Path

import pytest

from tests.graphs.evolution.lab import Scripted, lab_at, make_spec, program


def test_of_many_changes_that_do_nothing_none_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_at(tmp_path, monkeypatch, noise=0.15)
    rounds = 60
    spec = make_spec(lab.target, budget={"rounds": rounds, "parallel": 1})
    started = lab.start(spec)
    same = [program(0.5, f"\ndef unused():\n    return {n}\n") for n in range(rounds)]
    ended = lab.advance(started.id, [Scripted(*same)])
    tried = lab.bench.ledger.rounds.of(started.id)
    assert ended.rounds == rounds
    assert ended.noise is not None
    assert not ended.noise.deterministic
    assert sum(round.first is not None and round.first.gain > 0 for round in tried) > rounds / 5
    retests = [round.retest for round in tried if round.retest is not None]
    assert len(retests) > 3, "luck comes to a re-test"
    assert any(retest.gain > 0 for retest in retests), "and holds there, if nobody asks how surely"
    assert [round.number for round in tried if round.verdict == "kept"] == []
