"""A program that only writes predictions: from a sentence to a verified merge request."""

from pathlib import Path

import pytest

from evals.lab import bare_bench, take
from graphs.crew import Crew
from graphs.verification import verify
from graphs.work import Work
from graphs.worker import Worker
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.embedder import WordEmbedder
from tests.graphs.test_drafting import begun, drafter

pytestmark = pytest.mark.engine
PROGRAM = """
import argparse
import csv
import math
import random

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.002, help="how far a step goes")
parser.add_argument("--weight-decay", type=float, default=0.01, help="pull towards nothing")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--output", default="predictions.csv", help="where predictions go")
options = parser.parse_args()
rng = random.Random(7)
rows = [(x, int(x > 0.6)) for x in (rng.random() for _ in range(400))]
a = b = 0.0
for x, y in rows[:200] * 5:
    gap = y - 1 / (1 + math.exp(-a * x - b))
    a += options.learning_rate * (gap * x - options.weight_decay * a)
    b += options.learning_rate * gap
with open(options.output, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["row", "y_true", "y_pred"])
    for row, (x, y) in enumerate(rows[200:]):
        writer.writerow([row, y, int(a * x + b > 0)])
print("wrote", options.output)
"""


async def test_predictions_alone_end_in_a_merge_request(tmp_path: Path) -> None:
    with bare_bench() as bench:
        begun(bench, tmp_path, "D-001", "get more of the rows right", True, classify__py=PROGRAM)
        draft = await drafter(bench).advance("D-001")
        assert draft.status == "written", draft.trouble and draft.trouble.message
        ticket = draft.ticket
        assert ticket is not None
        assert (ticket.metric.name, ticket.metric.direction) == ("accuracy", "maximize")
        assert (ticket.metric.file, ticket.metric.pattern) == (None, None)
        assert ticket.evaluator is not None
        assert "--truth y_true --prediction y_pred" in ticket.evaluator.command
        assert "evaluator" in {doubt.field for doubt in ticket.doubts}
        assigned = take(bench, ticket, tmp_path, "T-001")
        bench.ledger.tickets.put(assigned, actor="person:ada", kind="ticket.assigned")
        crew = Crew.of(Judge(models={}), WordEmbedder())
        async with Worker(crew, bench, Settings(), holder="test", assume_yes=True) as worker:
            ended = await worker.advance("T-001")
        request = bench.ledger.merge_requests.get("T-001-MR0")
        # Such predictions are of one split: no holdout says that the gain is real.
        assert request.verdict == "unmeasured", ended.outcome
        trials = bench.ledger.trials.of("T-001")
        baseline = [t.score.value for t in trials if t.kind == "baseline" and t.score]
        measured = next(g for g in draft.guesses if g.field == "seeds").evidence[0].text
        assert f"{baseline[0]:g}" in measured
        assert (await verify(Work(bench=bench, crew=crew, rules=crew), request)).problems == ()
