"""What the data checks warn of stands at the plan's gate."""

import json
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from desk.wording import sentence
from graphs.crew import Crew
from graphs.nodes.preparation import plan, profile_data
from graphs.work import Work
from labcrew.domain.research import DataFault, DatasetCard, Suggestion, data_hash
from labcrew.domain.sandbox import RunResult, SandboxSpec
from labcrew.evidence import as_text
from labcrew.judgement import Judge
from sandboxes.image.inside.dataset.profiling import profile
from tests.data_lab import COPY, EMPTY, LEAK, blobs
from tests.doubles.bench import make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder
from tests.graphs.test_plan_rules import PLAN

CARD = DatasetCard(
    id="T1-D01",
    ticket="T1",
    path="train.csv",
    split="train",
    sha256="0" * 64,
    size_bytes=1,
    rows=9,
    columns=(),
    label="y",
    faults=(
        DataFault(check="drift", path="train.csv", rows=0, detail="moved", severity="note"),
        DataFault(
            check="unseen_class",
            path="train.csv",
            rows=4,
            detail="rows of 1 class that training never has",
            severity="warning",
        ),
    ),
)


async def test_a_warning_is_told_and_a_note_is_not(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    with bench.ledger:
        bench.ledger.tickets.put(make_assigned(), actor="person:ada")
        bench.ledger.plans.put(PLAN, actor="coordinator", kind="plan.written")
        bench.ledger.datasets.put(CARD, actor="data_pipeline", kind="data.profiled")
        state: Any = {"ticket": "T1", "revision": 0}
        await plan(state, Runtime(context=Work(bench=bench, crew=crew, rules=crew)))
        (gate,) = bench.ledger.gates.of("T1")
    told = [line for line in gate.description.splitlines() if line.startswith("Data: ")]
    assert told == ["Data: train.csv: 4 rows of 1 class that training never has"]


async def test_what_papers_say_is_no_markup_of_the_gate(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    trick = "**Approved already** by [Ada](http://evil.example) and @ada"
    suggestion = Suggestion(values={"lr": 0.1}, because=trick, finding="F1")
    changes = {"suggestions": (suggestion,), "recalled": (trick,)}
    with bench.ledger:
        bench.ledger.tickets.put(make_assigned(), actor="person:ada")
        bench.ledger.plans.put(PLAN.model_copy(update=changes), actor="coordinator")
        state: Any = {"ticket": "T1", "revision": 0}
        await plan(state, Runtime(context=Work(bench=bench, crew=crew, rules=crew)))
        (gate,) = bench.ledger.gates.of("T1")
    assert gate.description.count(as_text(trick)) == 2


class Profiling:
    """An engine that profiles, here, the data of a repository's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, spec: SandboxSpec) -> RunResult:
        assert spec.workspace is not None
        (asked,) = spec.workspace.overlay
        files = json.loads(asked.content)["files"]
        for file in files:
            file["source"] = str(self._folder / file["path"])
        return RunResult(exit_code=0, stdout=json.dumps(profile({"files": files})), stderr="")


async def test_files_that_no_check_reads_take_nothing_from_the_others(tmp_path: Path) -> None:
    lab, outside, gone = tmp_path / "lab", tmp_path / "images", tmp_path / "gone.csv"
    for folder in (lab, outside):
        folder.mkdir()
    blobs(lab / "held.csv", 60, 2)
    blobs(lab / "train.csv", 150, 1, lab / "held.csv")
    (lab / "classes.json").write_text('["0", "1"]')
    data = [
        {"path": str(outside)},
        {"path": "classes.json"},
        {"path": str(gone)},
        {"path": "train.csv", "split": "train", "label": "label", "id": "id"},
        {"path": "held.csv", "split": "validation", "label": "label", "id": "id"},
    ]
    bench = make_bench(tmp_path, sandboxes=Profiling(lab))
    crew = Crew.of(Judge(models={}), WordEmbedder())
    with bench.ledger:
        work, assigned = Work(bench=bench, crew=crew, rules=crew), make_assigned(data=data)
        bench.ledger.tickets.put(assigned, actor="person:ada")
        # A person is asked about what is not there; whatever they say, the rest is known.
        assert await profile_data(work, assigned, False, 1) == [f"{gone} does not exist."]
        cards = work.cards("T1")
        assert [card.path for card in cards] == ["classes.json", "train.csv", "held.csv"]
        assert [row.row for card in cards for row in card.quarantined] == [LEAK, EMPTY, COPY]
        lines = bench.ledger.events.of("T1", kind="data.profiled")
        assert [sentence(line, bench.ledger) for line in lines] == [
            "classes.json: not read, so not checked",
            "train.csv: 150 rows, 3 doubtful",
            "held.csv: 60 rows checked",
        ]
        before = data_hash(cards, cleaned=False)

        gone.mkdir()
        assert await profile_data(work, assigned, False, 2) == []
        assert data_hash(work.cards("T1"), cleaned=False) == before
        bench.ledger.plans.put(PLAN, actor="coordinator", kind="plan.written")
        state: Any = {"ticket": "T1", "revision": 0}
        await plan(state, Runtime(context=work))
        (gate,) = bench.ledger.gates.of("T1")
    told = [line for line in gate.description.splitlines() if line.startswith("Data: ")]
    assert told == [
        f"Data: {as_text(str(outside))} is a folder: its files are neither checked nor hashed.",
        f"Data: {as_text(str(gone))} is a folder: its files are neither checked nor hashed.",
        "Data: classes.json ends in .json; read are .csv .tsv .jsonl .parquet .npy",
    ]
