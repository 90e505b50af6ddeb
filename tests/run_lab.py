"""A lab with a program that runs at once, on a real engine, real git and a real ledger."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.lab import bare_bench, take
from labcrew.domain.experiment import Trial
from labcrew.domain.research import AgentName
from labcrew.domain.ticket import AssignedTicket
from tests.facts import KnownFacts
from tests.sandboxes.fixtures import UserFolder
from tests.tickets import make_ticket
from tools.toolbox import Toolbox, Workbench

PROGRAM = """\
import argparse, json, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.5)
parser.add_argument("--mode", default="well")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--outputs", type=pathlib.Path, default=pathlib.Path("outputs"))
given = parser.parse_args()
print("hidden:", os.path.exists("judge.py"), flush=True)
print("data:", pathlib.Path("data/train.csv").read_text().strip(), flush=True)
if given.mode == "fail":
    sys.exit("it broke")
if given.mode == "hang":
    time.sleep(600)
(given.outputs / "answer.json").write_text(json.dumps({"lr": given.lr, "seed": given.seed}))
print("quality", given.lr)
"""
JUDGE = """\
import json, pathlib, sys
answer = json.loads((pathlib.Path(sys.argv[1]) / "answer.json").read_text())
kind = pathlib.Path("judge-says.txt").read_text().strip()
if kind == "well":
    print("judging"); print(json.dumps({"quality": answer["lr"], "split": sys.argv[2]}))
elif kind == "refuse":
    sys.exit("no such outputs")
elif kind == "hang":
    import time; time.sleep(600)
else:
    print(kind)
"""


@dataclass
class RunLab:
    """One home and one user's repository with a program and its judge."""

    user: UserFolder
    bench: Workbench

    def assigned(self, **changes: Any) -> AssignedTicket:
        fields: dict[str, Any] = {
            "repository": str(self.user.path),
            "metric": {"name": "quality", "direction": "maximize"},
            "run": {
                "command": "python3 train.py {settings} --seed {seed} --outputs {outputs}",
                "timeout_s": 60,
            },
            "settings": {"file": "train.py"},
            "search_space": {
                "lr": {"type": "float", "low": 0, "high": 1},
                "mode": {"type": "choice", "choices": ["well", "fail", "hang"]},
            },
            "evaluator": {
                "command": "python3 judge.py {outputs} {split}",
                "private": ["judge.py"],
                "timeout_s": 20,
            },
            "data": [{"path": "data/train.csv", "split": "train"}],
            "budget": {"memory_mb": 128},
            "seeds": [0, 3, 4],
            "editable": ["train.py", "experiments/**"],
        }
        return take(self.bench, make_ticket(**(fields | changes)), self.user.path)

    def toolbox(
        self,
        assigned: AssignedTicket,
        agent: AgentName,
        *trials: Trial,
        approved: bool = True,
        change: str = "",
    ) -> Toolbox:
        """An agent's hands; what gates showed is what the ticket's way would have shown."""
        plan = self.bench.environments.plan(
            assigned.ticket.environment, assigned.id, assigned.base_commit
        )
        request = {"target": "main", "commit": change, "merge_request": f"{assigned.id}-MR0"}
        facts = KnownFacts(
            assigned,
            artefacts=self.bench.home.artefacts(assigned.id),
            outputs=self.bench.home.root / "outputs" / assigned.id,
            image=self.bench.base_image,
            change=change or None,
            gates={"plan": {"plan": {"environment_key": plan.key}}, "merge": request}
            if approved
            else {},
            trials=trials,
        )
        return Toolbox(agent, assigned, self.bench, uuid.uuid4().hex, facts)

    def judge_says(self, kind: str) -> None:
        self.user.write("judge-says.txt", kind + "\n")
        self.user.commit()


@contextmanager
def run_lab(folder: Path) -> Iterator[RunLab]:
    """A lab with one commit."""
    user = UserFolder(folder / "lab")
    user.path.mkdir(parents=True)
    user.git("init", "-q", "-b", "main")
    user.write("train.py", PROGRAM)
    user.write("judge.py", JUDGE)
    user.write("judge-says.txt", "well\n")
    user.write("data/train.csv", "x\n1\n")
    user.write("config.yaml", "lr: 0.5  # the old one\n")
    user.commit()
    with bare_bench() as bench:
        yield RunLab(user, bench)
