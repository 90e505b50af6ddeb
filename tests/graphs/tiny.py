"""A tiny research repository whose runs take a moment, and a lab around it with all real parts."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from desk.office import Office
from desk.wiring import AtWork, at_work, open_home
from graphs.worker import Worker
from labcrew.domain.review import Gate
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from tests.sandboxes.fixtures import UserFolder
from tools.track_run import MlflowTracker

TRAIN = '''\
"""Predicts y = 2a, the better the nearer x is to 0.7; `--variant` makes it go wrong."""
import argparse, csv, json, os, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float, default=0.2)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--outputs", default="outputs")
parser.add_argument("--variant", default="good")
parser.add_argument("--config")
parser.add_argument("--data", default="data")
given = parser.parse_args()
x, variant = given.x, given.variant
if given.config:
    text = open(given.config).read()
    x = float(text.split("x:")[1].split()[0])
x = float(os.environ.get("TINY_X", x))
if variant == "crash" or (variant == "crash-above" and x > 0.8):
    sys.exit("no such layer: attention")
if variant == "stall":
    print("loading", flush=True)
    time.sleep(600)
if variant == "memory":
    hoard = [bytes(range(256)) * 4096 for _ in range(400)]
if variant == "diverge" and x > 0.5:
    for step in range(1200):
        print(json.dumps({"step": step, "loss": float("nan")}), flush=True)
        time.sleep(0.5)
wrong = (x - 0.7) ** 2 + 0.004 * ((given.seed * 7) % 5)
print(json.dumps({"step": 0, "loss": wrong}), flush=True)
if variant != "silent" and not (variant == "sometimes" and given.seed):
    print(json.dumps({"step": 1, "score": 1 - wrong}), flush=True)
os.makedirs(given.outputs, exist_ok=True)
made = {}
for split in ("validation", "holdout"):
    with open(f"{given.data}/{split}.csv") as lines:
        made[split] = [2 * float(row["a"]) + wrong for row in csv.DictReader(lines)]
if variant != "silent":
    with open(given.outputs + "/predictions.json", "w") as file:
        json.dump(made, file)
if variant == "links":
    os.symlink("/etc/passwd", given.outputs + "/link.json")
    os.mkfifo(given.outputs + "/pipe.json")
'''

EVALUATE = '''\
"""One minus the mean absolute error of the predictions that a run left."""
import csv, json, sys

outputs, split = sys.argv[1:]
with open(f"data/{split}.csv") as lines:
    wanted = [float(row["y"]) for row in csv.DictReader(lines)]
found = json.load(open(outputs + "/predictions.json"))[split]
assert len(found) == len(wanted)
print(json.dumps({"score": 1 - sum(abs(a - b) for a, b in zip(found, wanted)) / len(wanted)}))
'''

PAPER = """\
# Choosing x

We trained the tiny model with many settings. In our experiments x = 0.65 gave the best score.
Larger values of x made the training unstable.
"""


def make_tiny(path: Path) -> UserFolder:
    """A real repository with a branch `main` and another, `work`, that is checked out."""
    path.mkdir(parents=True)
    folder = UserFolder(path)
    folder.git("init", "-q", "-b", "main")
    folder.write("train.py", TRAIN)
    folder.write("evaluate.py", EVALUATE)
    folder.write("config.yaml", "# how to train\nmodel:\n  x: 0.2  # not tuned\n  name: tiny\n")
    folder.write("papers/choosing.md", PAPER)
    for number, split in enumerate(("train", "validation", "holdout")):
        rows = [f"{number * 100 + row},{(number * 100 + row) * 2}" for row in range(12)]
        folder.write(f"data/{split}.csv", "\n".join(["a,y", *rows]) + "\n")
    folder.commit("start")
    folder.git("switch", "-q", "-c", "work")
    return folder


def ticket(repository: Path, **changes: Any) -> Ticket:
    """A ticket on the tiny repository; `variant` says how its runs go."""
    variant = changes.pop("variant", "good")
    budget = {"trials": 5, "parallel": 2, "memory_mb": 64, "hours": 1} | changes.pop("budget", {})
    fields: dict[str, Any] = {
        "title": "A better x",
        "question": "Which x gives the best score?",
        "repository": str(repository),
        "branch": "main",
        "metric": {"name": "score", "direction": "maximize"},
        "run": {
            "command": f"python3 train.py --variant {variant}"
            " {settings} --seed {seed} --outputs {outputs}",
            "timeout_s": 60,
        },
        "settings": {"style": "arguments", "file": "train.py"},
        "search_space": {"x": {"type": "float", "low": 0, "high": 1}},
        "seeds": [0, 1],
        "evaluator": {"command": "python3 evaluate.py {outputs} {split}"},
        "literature": {"online": False},
        "budget": budget,
        "editable": ["train.py", "config.yaml"],
    }
    return Ticket.model_validate(fields | changes)


REPORTED: dict[str, Any] = {
    "evaluator": None,
    "metric": {"name": "score", "direction": "maximize", "pattern": r'"score": ([-+.\deE]+)'},
}
"""Changes that make a ticket without an evaluator, whose number is what a run prints."""

DATA: tuple[dict[str, Any], ...] = (
    {"path": "data/train.csv", "split": "train", "label": "y"},
    {"path": "data/validation.csv", "split": "validation", "label": "y"},
    {"path": "data/holdout.csv", "split": "holdout", "label": "y"},
)


@dataclass
class MovedClock(SystemClock):
    """The machine's clock, moved on by as much as a test says."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Lab:
    """A home at work on one repository."""

    user: UserFolder
    folder: Path
    office: Office
    ledger: Ledger
    parts: AtWork
    clock: MovedClock

    def assign(self, **changes: Any) -> AssignedTicket:
        return self.office.assign(
            ticket(self.user.path, **changes), source="test", by="ada", beside=self.folder
        )

    async def advance(self, id: str, *, yes: bool = False) -> AssignedTicket:
        """Lets a worker of its own work until the ticket waits or ends."""
        async with self.parts.worker(yes) as worker:
            return await worker.advance(id)

    def worker(self, *, yes: bool = False) -> Worker:
        return self.parts.worker(yes)

    def open_gates(self, id: str) -> dict[str, Gate]:
        """A ticket's open gates by kind."""
        return {gate.kind: gate for gate in self.office.inbox() if gate.ticket == id}

    def kinds(self, id: str) -> list[str]:
        return [event.kind for event in self.ledger.events.of(id)]

    def containers(self) -> set[str]:
        """Names of this home's containers and volumes."""
        sandboxes: Any = self.parts.bench.sandboxes
        return engine_names(sandboxes.client, sandboxes.home_id)


def engine_names(client: Any, home_id: str) -> set[str]:
    """Everything on the engine that carries a home's label."""
    marks = {"label": [f"labcrew.home={home_id}"]}
    containers = client.containers(all=True, filters=marks)
    volumes = client.volumes(filters=marks)["Volumes"] or []
    return {c["Names"][0] for c in containers} | {v["Name"] for v in volumes}


@contextmanager
def lab_at(folder: Path, user: UserFolder, tracking: Path, *, many: bool = False) -> Iterator[Lab]:
    """Opens the home in `folder`, with a tracking store that was set up before."""
    home = folder / "home"
    if not home.exists():
        home.mkdir()
        shutil.copy(tracking, folder / "mlflow.db")
    clock = MovedClock()
    with open_home(home, create=True, clock=clock) as opened:
        settings = opened.settings.model_copy(
            update={"tracking_uri": f"sqlite:///{folder / 'mlflow.db'}", "tick_s": 0.5}
        )
        opened = type(opened)(opened.home, settings, opened.ledger, clock)
        with at_work(opened, many=many) as parts:
            yield Lab(user, folder, opened.office(), opened.ledger, parts, clock)


def make_tracking(path: Path) -> Path:
    """An empty MLflow store: making one takes seconds, copying it none."""
    tracker = MlflowTracker(f"sqlite:///{path}")
    tracker._connected().search_experiments()
    return path


def run(lab: Lab, id: str, *, yes: bool = True) -> AssignedTicket:
    """Advances a ticket from outside an event loop."""
    return asyncio.run(lab.advance(id, yes=yes))
