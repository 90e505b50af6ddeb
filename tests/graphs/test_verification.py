"""What a merge request checked again must not be held against: the engine, and a second check."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphs.crew import Crew
from graphs.verification import verify
from graphs.work import Work
from labcrew.domain.review import Evidence, MergeRequest
from labcrew.domain.sandbox import RunResult, SandboxSpec
from labcrew.errors import EngineError, EngineUnavailable, LabcrewError, OutcomeUnknown, StorageFull
from labcrew.judgement import Judge
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder
from tests.tickets import make_assigned, make_score
from tools.evaluate import evaluator_hash
from tools.stored_outputs import outputs_hash

_EVALUATED = {"evaluator": {"command": "python evaluate.py {outputs} {split}"}}


class Engine:
    """Answers each evaluation with the score that is claimed, or not at all."""

    def __init__(self) -> None:
        self.fault: LabcrewError | None = None
        self.running: set[str] = set()
        self.removed = 0

    def run(self, spec: SandboxSpec) -> RunResult:
        if self.fault is not None:
            raise self.fault
        self.removed += spec.name in self.running
        self.running.add(spec.name)
        # A second check would come in meanwhile, were it let in.
        threading.Event().wait(0.3)
        self.running.discard(spec.name)
        return RunResult(exit_code=0, stdout='{"accuracy": 0.9}', stderr="", duration_s=1)

    def image_digest(self, image: str) -> str:
        return "sha256:1"


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def work(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    monkeypatch.setattr(Work, "image", lambda self, ticket: "an image")
    bench = make_bench(tmp_path, sandboxes=engine)
    bench.ledger.tickets.put(
        make_assigned(**_EVALUATED), actor="person:ada", kind="ticket.assigned"
    )
    crew = Crew.of(Judge(models={}), WordEmbedder())
    with bench.ledger:
        yield Work(bench=bench, crew=crew, rules=crew)


def claimed(work: Work) -> MergeRequest:
    """A merge request that claims one score, of a run that left nothing."""
    score = make_score(
        0.9,
        outputs_sha256=outputs_hash(()),
        evaluator_sha256=evaluator_hash(work.assigned("T-0001")),
    )
    work.bench.home.outputs("T-0001", score.trial).mkdir(parents=True)
    item = Evidence(key="best", value=0.9, digits=2, statistic="mean", scores=(score,))
    request = MergeRequest(
        id="T-0001-MR0",
        ticket="T-0001",
        revision=0,
        title="Better",
        branch="labcrew/T-0001",
        target="main",
        base_commit="b" * 40,
        commit="c" * 40,
        template="It reaches {{best}}.",
        description="It reaches 0.90.",
        evidence=(item,),
        gain=None,
        verdict="improves",
    )
    work.ledger.merge_requests.put(request, actor="merge_request")
    return request


async def test_an_engine_that_does_not_answer_says_nothing_of_the_evidence(
    work: Work, engine: Engine
) -> None:
    request = claimed(work)
    for fault in (EngineUnavailable("gone"), OutcomeUnknown("lost"), StorageFull("full")):
        engine.fault = fault
        with pytest.raises((EngineError, StorageFull), match=fault.message):
            await verify(work, request)
    engine.fault = LabcrewError("the evaluator is broken")
    assert "the evaluator is broken" in (await verify(work, request)).problems[0]


async def test_two_checks_of_one_request_wait_for_each_other(work: Work, engine: Engine) -> None:
    request = claimed(work)
    both = await asyncio.gather(verify(work, request), verify(work, request))
    assert [found.problems for found in both] == [(), ()]
    assert engine.removed == 0
