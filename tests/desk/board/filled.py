"""A home in which one ticket has every kind of record, each with a text of the test's choice."""

from datetime import timedelta
from pathlib import Path

from desk.wiring import Opened
from labcrew.domain.chat import Tokens
from labcrew.domain.experiment import Forecast, Incident, Intervention, Plan, TrialResult
from labcrew.domain.programming import ModelCall, Patch
from labcrew.domain.research import (
    Brief,
    Citation,
    ColumnProfile,
    DataFault,
    DatasetCard,
    Finding,
    QuarantinedRow,
    SourceReport,
    Suggestion,
)
from labcrew.domain.review import Decision
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.testing import TestReport
from labcrew.domain.ticket import AssignedTicket
from labcrew.ticket_file import read_ticket
from tests.desk.records import HASH, merge_request, plan_gate, score, trial


def assigned_toy(
    opened: Opened, toy: Path, title: str = "A better learning rate"
) -> AssignedTicket:
    """The toy ticket, taken."""
    ticket = read_ticket(toy / "ticket.md").model_copy(update={"title": title})
    return opened.office().assign(ticket, source="ticket.md", by="ada", beside=toy)


def fill(
    opened: Opened, toy: Path, text: str = "as one would expect", path: str = "data/train.csv"
) -> AssignedTicket:
    """A ticket whose every free text is `text`, with two trials, an incident and open gates."""
    ledger, taken = opened.ledger, assigned_toy(opened, toy)
    id = taken.id
    metric = taken.ticket.metric.model_copy(update={"name": text[:60] or "m"})
    changed = taken.model_copy(
        update={
            "ticket": taken.ticket.model_copy(
                update={"question": text[:200_000], "metric": metric}
            ),
            "status": "running",
            "outcome": text,
            "assigned_by": text[:60] or "ada",
            "source": text,
            "warnings": (text,),
        }
    )
    ledger.tickets.put(changed, actor="worker")
    row = QuarantinedRow(
        path=path, row=7, id=text[:100], check="duplicate", reason=text, confidence=0.9
    )
    suggestion = Suggestion(values={"lr": 0.1}, because=text, finding=f"{id}-F01")
    _research(opened, id, text, suggestion, row)
    plan = Plan(
        id=f"{id}-P0.0",
        ticket=id,
        revision=0,
        summary=text,
        steps=(text, "Run it."),
        suggestions=(suggestion,),
        quarantine=(row,),
        environment=text,
        environment_key=HASH,
        hosts=("data.example.org",),
        forecast=Forecast(trials=10, hours=0.5, cost_usd=1.5, basis=text),
        recalled=(text,),
        by="rule",
    )
    ledger.plans.put(plan, actor="coordinator", kind="plan.written")
    _runs(opened, id, text)
    _code(opened, id, text)
    best = ledger.trials.of(id)[1]
    merge_request(opened, changed, best)
    plan_gate(
        opened,
        id,
        title=text[:200] or "A plan",
        description=text,
        shown={
            "plan": plan.model_dump(mode="json"),
            "budget": taken.budget.model_dump(mode="json"),
            "base_commit": taken.base_commit,
            text[:60] or "k": [text, None, True, 1.5, [], {}, [[1, 2], {"deep": text}]],
        },
    )
    return changed


def _research(
    opened: Opened, id: str, text: str, suggestion: Suggestion, row: QuarantinedRow
) -> None:
    ledger = opened.ledger
    for number, seen in enumerate(("local_file", "looked_up", "crew_record", "unverified"), 1):
        citation = Citation(
            key=text[:40] or "k",
            title=text,
            authors=(text[:80], "B"),
            year=2020,
            venue=text[:80],
            locator=text[:200],
            verification=seen,
        )
        ledger.findings.put(
            Finding(
                id=f"{id}-F0{number}",
                ticket=id,
                claim=text,
                citation=citation,
                relevance=0.5,
                confidence=0.8,
                suggests={"lr": 0.1},
            ),
            actor="literature_review",
        )
    ledger.briefs.put(
        Brief(
            ticket=id,
            findings=(f"{id}-F01", f"{id}-F02"),
            suggestions=(suggestion,),
            searched=(SourceReport(source=text[:80], state="unreachable", detail=text),),
        ),
        actor="literature_review",
        kind="literature.reviewed",
    )
    ledger.datasets.put(
        DatasetCard(
            id=f"{id}-D01",
            ticket=id,
            path=text[:200] or "data.csv",
            split="train",
            sha256=HASH,
            size_bytes=120,
            rows=10,
            columns=(ColumnProfile(name=text[:80], type="text", missing=0, distinct=3),),
            label=text[:80] or "y",
            label_counts={text[:80]: 4},
            faults=(
                DataFault(
                    check="duplicate", path="data/train.csv", rows=1, detail=text, severity="error"
                ),
            ),
            quarantined=(row,),
            readmitted=(7,),
        ),
        actor="data_pipeline",
        kind="data.profiled",
    )


def _runs(opened: Opened, id: str, text: str) -> None:
    trial(opened, id, 0, kind="baseline", values={}, because=text, score=score(f"{id}-000", 0.8))
    trial(opened, id, 1, because=text)
    ended = TrialResult(
        exit_code=1,
        reason=text,
        duration_s=5,
        outputs_sha256=HASH,
        output_files=0,
        log_bytes=3,
        reported=0.25,
        unread=2,
    )
    trial(opened, id, 2, status="failed", score=None, result=ended)
    trial(opened, id, 3, status="running", score=None, result=None)
    opened.ledger.incidents.put(
        Incident(
            id=f"{id}-002-crashed",
            ticket=id,
            trial=f"{id}-002",
            kind="crashed",
            evidence=(text,),
            diagnosis=text,
            subject=text[:200],
            at_s=4,
            step=3,
            intervention=Intervention(
                action="restart_same",
                because=text,
                by="rule",
                new_trial=f"{id}-003",
                helped=False,
            ),
        ),
        actor="log_monitor",
        kind="incident.opened",
    )
    log = opened.home.artefacts(id) / "logs" / f"{id}-001.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'{{"step": {n}, "accuracy": {0.5 + n / 100}}}' for n in range(30)]
    log.write_text("\n".join([*lines, f"{text[:500]}=3", ""]), errors="replace")


def _code(opened: Opened, id: str, text: str) -> None:
    name = f"tests/test_a.py::test_{text[:60]}"
    opened.ledger.patches.put(
        Patch(
            id=f"{id}-patch-0",
            ticket=id,
            revision=0,
            status="ready",
            files=(OverlayFile(path=text[:100] or "a.py", content=b"x = 1\n"),),
            summary=text,
            because=text,
            notes=(text,),
            before=TestReport(outcomes={name: "failed"}, exit_code=1, tail=text),
            after=TestReport(outcomes={name: "passed"}, exit_code=0, tail=text),
            fail_to_pass=(name,),
            alike=(text,),
            steps=3,
            by="model:m",
        ),
        actor="programming",
        kind="code.written",
    )
    opened.ledger.model_calls.put(
        ModelCall(
            id=f"{id}-call-1",
            ticket=id,
            agent="programming",
            purpose=text[:80],
            model=text[:80] or "m",
            prompt_sha256=HASH,
            tokens=Tokens(prompt=1000, completion=50),
            usd=0.25,
            duration_s=2,
            outcome=text,
        ),
        actor="programming",
    )
    gate = plan_gate(opened, id, id=f"{id}-escalation-r0.0", kind="escalation", status="decided")
    opened.ledger.decisions.put(
        Decision(
            gate=gate.id,
            ticket=id,
            kind="respond",
            by=text[:60] or "bo",
            at=opened.clock.now() + timedelta(minutes=1),
            payload_hash=gate.payload_hash,
            comment=text[:20_000],
        ),
        actor="person:bo",
        kind="gate.decided",
    )
