"""Tickets that have code written, from assignment to a merged and verified change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.programming.options import PROGRAMMING, LoopOptions
from desk.deliverables.document import Table
from desk.deliverables.drafting import document
from desk.models.answering import chat_of
from desk.wording import sentence
from evals.lab import bare_bench, take
from evals.local_models import fetched
from graphs.crew import Crew
from graphs.verification import verify
from graphs.work import Work
from graphs.worker import Worker
from labcrew.deciding import decide
from labcrew.domain.chat import ChatModel
from labcrew.domain.review import Comment, DecisionKind, Verification
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import ModelFailure
from labcrew.judgement import Judge
from labcrew.settings import ModelSettings, Settings
from tests.doubles.chat import ScriptedChat
from tests.doubles.embedder import WordEmbedder
from tests.graphs.faulty_mean import FIELDS, PROGRAM, RIGHT, WRONG, make_faulty_mean
from tools.toolbox import Workbench

pytestmark = pytest.mark.engine


@asynccontextmanager
async def lab(
    folder: Path, chat: ChatModel, *, program: str = PROGRAM, **fields: Any
) -> AsyncIterator[tuple[Workbench, Worker, Path]]:
    root = make_faulty_mean(folder / "lab", program).path
    ticket = Ticket.model_validate(FIELDS | {"repository": "lab"} | fields)
    with bare_bench() as bench:
        assigned = take(bench, ticket, folder, "T-001")
        bench.ledger.tickets.put(assigned, actor="person:ada", kind="ticket.assigned")
        crew = Crew.of(Judge(models={PROGRAMMING: chat}), WordEmbedder())
        async with Worker(
            crew,
            bench,
            Settings(),
            holder="test",
            assume_yes=True,
            loop=LoopOptions(style="direct"),
        ) as worker:
            yield bench, worker, root


async def verified(bench: Workbench) -> Verification:
    crew = Crew.of(Judge(models={}), WordEmbedder())
    request = bench.ledger.merge_requests.of("T-001")[-1]
    return await verify(Work(bench=bench, crew=crew, rules=crew), request)


async def holds(bench: Workbench) -> bool:
    found = await verified(bench)
    assert found.tests == 2
    return found.holds


def waiting(ended: AssignedTicket, gate: str) -> bool:
    return ended.status == "waiting" and gate in ended.outcome


async def test_a_fault_is_mended_proposed_and_merged(tmp_path: Path) -> None:
    async with lab(tmp_path, ScriptedChat(WRONG, RIGHT)) as (bench, worker, root):
        ended = await worker.advance("T-001")
        assert ended.status == "done", ended.outcome
        assert (root / "program.py").read_text() == PROGRAM, "the tree that is checked out stands"
        (request,) = bench.ledger.merge_requests.of("T-001")
        assert request.verdict == "tests_pass"
        assert request.smoke is not None
        assert request.smoke.passed, request.smoke.detail
        assert "`test_program.py::test_all_values_count` | failed | passed" in request.description
        assert "Of 1 tests that passed before, 1 pass" in request.description
        landed = bench.repositories.read("T-001", request.commit, "program.py").decode()
        assert "return sum(values) / len(values)" in landed
        assert 'print("quality"' in landed
        change = bench.repositories.change("T-001", request.base_commit, request.commit)
        assert set(change.files) == {"program.py"}
        assert bench.ledger.trials.of("T-001") == []
        said = [sentence(event, bench.ledger) for event in bench.ledger.events.of("T-001")]
        steps = [told for told in said if told and told.startswith("Code, step")]
        assert len(steps) == 2
        assert steps[0].startswith("Code, step 1: function program.py mean: With it")
        assert "The code is written in 2 steps, its tests pass: program.py" in said
        assert await holds(bench)


async def test_a_model_of_half_a_billion_works_through_a_ticket(tmp_path: Path) -> None:
    """Protocol, not quality: it ends in a merge request that holds, or asks with what was tried."""
    small = ModelSettings(gguf=fetched("0.5b"), temperature=0, max_tokens=160, context_tokens=4096)
    async with lab(tmp_path, chat_of(small), budget={"steps": 4}) as (bench, worker, root):
        ended = await worker.advance("T-001")
        assert (root / "program.py").read_text() == PROGRAM
        (patch,) = bench.ledger.patches.of("T-001")
        assert 1 <= patch.steps <= 4
        assert patch.tokens.prompt > patch.steps * 100
        assert 0 < patch.tokens.completion <= patch.steps * 160
        if patch.status == "ready":
            assert ended.status == "done", ended.outcome
            assert await holds(bench)
        else:
            assert waiting(ended, "code"), ended.outcome
            assert patch.because
            assert bench.ledger.merge_requests.of("T-001") == []


async def test_a_patch_is_measured_where_a_metric_is_asked_for(tmp_path: Path) -> None:
    async with lab(tmp_path, ScriptedChat(RIGHT), **MEASURED) as (bench, worker, _root):
        ended = await worker.advance("T-001")
        (request,) = bench.ledger.merge_requests.of("T-001")
        trials = bench.ledger.trials.of("T-001")
        assert [(t.kind, t.seed) for t in trials] == [
            ("baseline", 0),
            ("baseline", 1),
            ("changed", 0),
            ("changed", 1),
        ]
        assert [t.score.value for t in trials if t.score] == [0.75, 0.75, 1.0, 1.0]
        assert len({t.code for t in trials}) == 2
        # No number was held back, so that nothing is claimed for it.
        assert request.verdict == "unmeasured", ended.outcome
        assert "| validation | 0.7500 ± 0.0000 | 1.0000 ± 0.0000 |" in request.description
        assert request.smoke is not None
        assert request.smoke.passed
        assert request.smoke.detail.startswith("Tests: 2 tests pass. Program: validation quality 1")
        assert await holds(bench)


CRASHES = PROGRAM.replace(
    "sum(values[:-1]) / len(values)", "sum(values) / values.length if any(values) else 0.0"
)
"""The same program, which ends with an error before it prints a number."""
MEASURED: dict[str, Any] = {
    "metric": {"name": "quality", "direction": "maximize", "pattern": r"quality ([\d.]+)"},
    "run": {"command": "python3 program.py", "timeout_s": 60},
    "seeds": [0, 1],
    "budget": {"trials": 6, "memory_mb": 128},
}


async def test_a_crash_is_mended_and_no_gain_is_claimed(tmp_path: Path) -> None:
    chat = ScriptedChat(RIGHT)
    async with lab(tmp_path, chat, program=CRASHES, **MEASURED) as (bench, worker, _root):
        ended = await worker.advance("T-001")
        assert ended.status == "done", ended.outcome
        trials = bench.ledger.trials.of("T-001")
        assert [(t.kind, t.status) for t in trials] == [
            ("baseline", "failed"), ("baseline", "failed"),
            ("changed", "scored"), ("changed", "scored"),
        ]  # fmt: skip
        (request,) = bench.ledger.merge_requests.of("T-001")
        assert (request.verdict, request.gain) == ("no_score_before", None)
        assert not any("gain" in e.statistic or e.against for e in request.evidence)
        assert "| validation | no score | 1.0000 ± 0.0000 | - |" in request.description
        assert "**Before: no score.**" in request.description
        assert "AttributeError: 'list' object has no attribute 'length'" in request.description
        assert "The program as it was gave no score, so no gain is claimed" in request.description
        assert request.smoke is not None
        assert request.smoke.passed, request.smoke.detail
        found = await verified(bench)
        assert found.holds, found.problems
        assert "AttributeError" in found.no_score_before
        told = document(bench.ledger, ended)
        assert "before it gave none, so that no gain is claimed" in told.sections[1].message
        assert ("validation", "no score", "1.0000 ± 0.0000", "", "") in [
            row for block in told.sections[1].blocks if isinstance(block, Table)
            for row in block.rows
        ]  # fmt: skip
        claimed = request.model_copy(update={"verdict": "improves"})
        bench.ledger.merge_requests.put(claimed, actor="merge_request")
        assert not (await verified(bench)).holds


async def test_a_patch_whose_runs_fail_too_is_written_anew_by_what_they_said(
    tmp_path: Path,
) -> None:
    half = RIGHT.replace("len(values)\n", "(len(values) if len(values) < 4 else values.size)\n")
    chat = ScriptedChat(half, half, RIGHT)
    more = MEASURED | {"budget": {"trials": 8, "memory_mb": 128}}
    async with lab(tmp_path, chat, program=CRASHES, **more) as (bench, worker, _root):
        worker._yes = False
        answers: dict[str, DecisionKind] = {
            "plan-r0.0": "accept",
            "escalation-r0.0-code": "accept",
            "escalation-r0.1-code": "ignore",
        }
        for gate, kind in answers.items():
            ended = await worker.advance("T-001")
            assert waiting(ended, gate), ended.outcome
            decide(bench.ledger, bench.clock, f"T-001-{gate}", kind, by="ada")
        shown = bench.ledger.gates.get("T-001-escalation-r0.0-code").description
        assert "object has no attribute 'size'" in shown
        assert "Nor did the program as it is: it ended with exit code 1" in shown
        assert "object has no attribute 'length'" in shown
        assert bench.ledger.merge_requests.of("T-001") == []
        assert "| AttributeError" not in chat.questions[0], "nothing had run yet"
        for question in chat.questions[1:]:
            assert "| AttributeError: 'list' object has no attribute 'size'" in question
            assert "| AttributeError: 'list' object has no attribute 'length'" in question
        ended = await worker.advance("T-001")
        assert ended.status == "failed", ended.outcome
        again = ended.model_copy(update={"status": "assigned"})
        bench.ledger.tickets.put(again, actor="person:ada")
        ended = await worker.advance("T-001")
        assert waiting(ended, "merge-r0.0"), ended.outcome
        assert len(chat.questions) == 3
        (request,) = bench.ledger.merge_requests.of("T-001")
        assert request.verdict == "no_score_before"
        assert "| validation | no score | 1.0000 ± 0.0000 | - |" in request.description
        assert await holds(bench)


async def test_code_that_was_given_up_is_a_persons_to_decide(tmp_path: Path) -> None:
    chat = ScriptedChat(WRONG, WRONG, RIGHT)
    async with lab(tmp_path, chat, budget={"steps": 2}) as (bench, worker, _root):
        worker._yes = False
        answers: dict[str, DecisionKind] = {
            "plan-r0.0": "accept",
            "budget-r0.0-steps-2": "ignore",
            "escalation-r0.0-code": "respond",
            "merge-r0.0": "accept",
        }
        for gate, kind in answers.items():
            ended = await worker.advance("T-001")
            assert waiting(ended, gate), ended.outcome
            said = "the last value is left out" if kind == "respond" else ""
            decide(bench.ledger, bench.clock, f"T-001-{gate}", kind, by="ada", comment=said)
        ended = await worker.advance("T-001")
        assert ended.status == "done", ended.outcome
        assert "the last value is left out" in chat.questions[-1]
        shown = bench.ledger.gates.get("T-001-escalation-r0.0-code").description
        assert "2 steps" in shown
        assert "test_all_values_count" in shown


async def test_steps_that_are_used_up_are_not_raised_by_yes(tmp_path: Path) -> None:
    async with lab(tmp_path, ScriptedChat(WRONG, WRONG), budget={"steps": 2}) as (bench, worker, _):
        ended = await worker.advance("T-001")
        assert ended.outcome.startswith("failed: the code could not be written: Given up: the")
        assert [g.id for g in bench.ledger.gates.of("T-001")] == [
            f"T-001-{gate}" for gate in ("plan-r0.0", "budget-r0.0-steps-2", "escalation-r0.0-code")
        ]
        assert bench.ledger.patches.get("T-001-C0").steps == 2


async def test_a_spent_budget_for_models_is_not_raised_by_yes(tmp_path: Path) -> None:
    spent = ModelFailure("2,000,000 tokens are used up", kind="over_budget")
    async with lab(tmp_path, ScriptedChat(spent, RIGHT)) as (bench, worker, _root):
        ended = await worker.advance("T-001")
        assert ended.outcome == "failed: the budget for models is used up"
        (gate,) = [g for g in bench.ledger.gates.of("T-001") if g.kind == "budget"]
        assert bench.ledger.decisions.get(gate.id).kind == "ignore"
        again = ended.model_copy(update={"status": "assigned"})
        bench.ledger.tickets.put(again, actor="person:ada")
        ended = await worker.advance("T-001")
        assert ended.status == "done", ended.outcome


async def test_an_endpoint_that_fails_parks_the_ticket(tmp_path: Path) -> None:
    down = ModelFailure("the endpoint can't be reached", kind="unavailable")
    async with lab(tmp_path, ScriptedChat(down, RIGHT)) as (bench, worker, _root):
        ended = await worker.advance("T-001")
        assert ended.status == "failed"
        assert "can't be reached" in ended.outcome
        assert "ticket retry" in ended.outcome
        again = ended.model_copy(update={"status": "assigned"})
        bench.ledger.tickets.put(again, actor="person:ada")
        ended = await worker.advance("T-001")
        assert ended.status == "done", ended.outcome


async def test_a_comment_becomes_a_revision_that_builds_on_what_was_ready(tmp_path: Path) -> None:
    told = RIGHT.replace("    return", '    """All count."""\n    return')
    chat = ScriptedChat(RIGHT, WRONG, told)
    async with lab(tmp_path, chat) as (bench, worker, _root):
        worker._yes = False
        for gate in ("plan-r0.0", "merge-r0.0", "plan-r1.0", "merge-r1.0"):
            ended = await worker.advance("T-001")
            assert waiting(ended, gate), ended.outcome
            kind: DecisionKind = "respond" if gate == "merge-r0.0" else "accept"
            said = "say in its docstring that all values count" if kind == "respond" else ""
            if said:
                comment = Comment(
                    id="T-001-MR0-c1",
                    merge_request="T-001-MR0",
                    by="ada",
                    at=bench.clock.now(),
                    text=said,
                )
                bench.ledger.comments.put(comment, actor="person:ada")
            decide(bench.ledger, bench.clock, f"T-001-{gate}", kind, by="ada", comment=said)
        ended = await worker.advance("T-001")
        assert ended.status == "done", ended.outcome
        assert "say in its docstring" in chat.questions[1]
        assert "return sum(values) / len(values)" in chat.questions[1], "it stands as revision 0"
        assert "return sum(values) / len(values)" in chat.questions[2], "nor on what failed"
        first, second = bench.ledger.merge_requests.of("T-001")
        assert (first.status, second.status) == ("superseded", "open")
        landed = bench.repositories.read("T-001", second.commit, "program.py").decode()
        assert '"""All count."""' in landed
        assert await holds(bench)
