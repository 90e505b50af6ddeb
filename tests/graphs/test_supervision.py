"""Runs that go wrong are rescued, in real sandboxes, from their last good checkpoint."""

from typing import Any

import pytest

from labcrew.domain.experiment import Incident, Trial
from tests.graphs.tiny import Lab, run

pytestmark = pytest.mark.engine

PROGRAM = '''\
"""Minimises a parabola by gradient descent, and lets its supervisor help; `--fault` goes wrong."""
import argparse, json, os, pathlib, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--start", type=float, default=4.0)
parser.add_argument("--fault", default="none")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--outputs", type=pathlib.Path, default=pathlib.Path("outputs"))
given = parser.parse_args()
resume = os.environ.get("LABCREW_RESUME")
scale = float(os.environ.get("LABCREW_LEARNING_RATE_SCALE", 1))
quarantine = os.environ.get("LABCREW_QUARANTINE")
without = pathlib.Path(quarantine).read_text().split() if quarantine else []
folder = pathlib.Path(os.environ["LABCREW_CHECKPOINTS"])
folder.mkdir(parents=True, exist_ok=True)
state = json.loads(pathlib.Path(resume).read_text()) if resume else {"step": 0, "w": given.start}
w = state["w"]
for step in range(state["step"] + 1, 81):
    shard = f"shard-{step % 8}"
    if shard in without:
        continue
    rate = 0.02 * scale * (60 if given.fault == "rate" and step > 40 else 1)
    slope = 2 * w
    if given.fault == "shard" and shard == "shard-5" and step > 40:
        slope = float("nan")
    w -= rate * slope
    if given.fault == "crash" and step == 50 and not resume:
        sys.exit("a cosmic ray")
    loss = w * w if abs(w) < 1e150 else float("inf")
    print(f"step={step} {shard} loss={loss:.6g} grad_norm={abs(slope):.4g}", flush=True)
    if step % 5 == 0:
        (folder / f"step-{step:04d}.json").write_text(json.dumps({"step": step, "w": w}))
    time.sleep(0.02)
(given.outputs / "predictions.json").write_text(json.dumps({"w": w}))
'''

JUDGE = """\
import json, sys
w = json.load(open(sys.argv[1] + "/predictions.json"))["w"]
print(json.dumps({"score": 1 / (1 + w * w)}))
"""


def supervised(lab: Lab, fault: str, **changes: Any) -> tuple[list[Trial], list[Incident]]:
    """Runs a ticket whose program has a fault, and answers its trials and incidents."""
    lab.user.git("switch", "-q", "main")
    lab.user.write("descend.py", PROGRAM)
    lab.user.write("judge.py", JUDGE)
    lab.user.commit("a program that can be helped")
    command = (
        f"python3 descend.py --fault {fault} {{settings}} --seed {{seed}} --outputs {{outputs}}"
    )
    fields: dict[str, Any] = {
        "run": {"command": command, "timeout_s": 60, "stall_s": 10},
        "search_space": {"start": {"type": "float", "low": 3, "high": 5}},
        "settings": {"style": "arguments"},
        "evaluator": {"command": "python3 judge.py {outputs} {split}", "private": ["judge.py"]},
        "seeds": [0],
        "budget": {"trials": 3, "parallel": 1},
        "editable": ["experiments/**"],
        "supervision": {"critical": True},
    }
    assigned = lab.assign(**(fields | changes))
    run(lab, assigned.id)
    return lab.ledger.trials.of(assigned.id), lab.ledger.incidents.of(assigned.id)


@pytest.mark.parametrize(
    ("fault", "kinds", "action"),
    [
        ("rate", {"diverged", "gradient_explosion", "not_finite"}, "restart_lower_rate"),
        ("shard", {"corrupt_batch"}, "restart_without_batch"),
        ("crash", {"crashed"}, "restart_same"),
    ],
)
def test_a_run_goes_on_from_its_last_good_checkpoint(
    lab: Lab, fault: str, kinds: set[str], action: str
) -> None:
    trials, incidents = supervised(lab, fault)
    first, again = trials[0], trials[1]
    assert first.status in ("stopped", "failed")
    met = [i for i in incidents if i.trial == first.id]
    assert all(i.intervention for i in met)
    acted = [i for i in met if i.intervention and i.intervention.new_trial]
    assert len(acted) == 1
    assert acted[0].kind in kinds
    done = acted[0].intervention
    assert done is not None
    assert (done.action, done.new_trial) == (action, again.id)
    assert again.restarts == first.id
    assert again.status == "scored"
    # The fault came after step 40: what was trained before is kept.
    assert again.rescue.checkpoint == f"checkpoints/step-{again.rescue.step:04d}.json"
    assert again.rescue.step in {"crash": (45, 50), "shard": (35, 40), "rate": (35, 40, 45)}[fault]
    assert done.helped
    assert done.score is not None
    assert done.score > 0.7


def test_a_program_that_offers_nothing_is_started_anew(lab: Lab) -> None:
    trials, incidents = supervised(lab, "crash", supervision={"offers": [], "critical": True})
    assert [t.rescue.checkpoint for t in trials] == ["", ""]
    assert [i.kind for i in incidents] == ["crashed", "crashed"]
    assert incidents[0].intervention is not None
    assert incidents[0].intervention.helped is False
