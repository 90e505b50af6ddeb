"""A run that comes to its end while it is being decided what to do about it."""

from pathlib import Path

import pytest

from agents.monitoring.watch import Watch
from graphs.crew import Crew
from graphs.nodes.monitoring import _look
from graphs.work import Work
from labcrew.domain.sandbox import SandboxStatus
from labcrew.judgement import Judge
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder
from tests.doubles.faulty import Around
from tests.tickets import make_assigned, make_trial

HEALTHY = "".join(f"step {n} loss {1 / (n + 1):.4f} grad_norm 1.{n % 9}\n" for n in range(80))
EXPLODES = HEALTHY + "".join(f"step {n} loss 0.01 grad_norm 1e7\n" for n in range(80, 99))
NAN = HEALTHY + "step 80 loss nan\n" * 9


@pytest.mark.parametrize(("said", "stopped"), [(EXPLODES, ""), (NAN, "not_finite")])
async def test_an_advice_that_comes_too_late_stops_nothing(
    tmp_path: Path, said: str, stopped: str
) -> None:
    ended = SandboxStatus(name="t", state="exited", exit_code=0)
    looks = iter([SandboxStatus(name="t", state="running"), ended, ended])
    sandboxes = Around(None, status=lambda name: next(looks), stop=lambda name: None)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    bench = make_bench(tmp_path, sandboxes=sandboxes)
    work = Work(bench=bench, crew=crew, rules=crew, supervising="rules")
    assigned = make_assigned(supervision={"offers": ["gradient_clip"]})
    trial = make_trial(0, status="running")
    with bench.ledger:
        bench.ledger.tickets.put(assigned, actor="person:ada")
        bench.ledger.trials.put(trial, actor="experiment_launcher")
        watch = work.watches[trial.id] = Watch(iter([said]), assigned, lambda: None)
        watch.join(60)
        ending = await _look(work, assigned, trial)
        assert ending is not None
        assert (ending.decided.alarm.kind if ending.decided else "") == stopped
        assert ending.status.exit_code == 0
        assert (bench.ledger.effect(f"{trial.id}/stop") is not None) == bool(stopped)
