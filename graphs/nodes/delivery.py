"""The merge request: opened with its evidence, smoke-tested, decided, merged or revised."""

import asyncio
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from agents.trial_groups import group_of
from graphs import forging, tests_again
from graphs.gates import gate_id, make_gate, pause_for
from graphs.nodes.ending import reported_value
from graphs.packet import make_packet
from graphs.state import TicketState
from graphs.verification import verify
from graphs.work import Work
from labcrew.domain.experiment import Score, Trial
from labcrew.domain.research import data_hash
from labcrew.domain.review import MergeRequest, SmokeTest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ForgeError, ToolError
from labcrew.evidence import agrees
from tools.evaluate import EvaluateOutputs, evaluate_outputs
from tools.forge_requests import proposed
from tools.make_change import PublishBranch, publish_branch
from tools.run_trial import log_path
from tools.smoke_test import RunSmokeTest, run_smoke_test

_TAIL = 300


async def open_merge_request(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Opens the holdout once, makes the change, and writes the merge request with its evidence."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    await _open_holdout(work, assigned)
    await _read_holdout(work, assigned)
    packet, landed = await make_packet(work, assigned)
    branch = f"labcrew/{assigned.id}" + (f"-r{assigned.revision}" if assigned.revision else "")
    request = work.crew.merge_request.compose(
        packet, revision=assigned.revision, branch=branch, commit=landed
    )
    tools = work.toolbox("merge_request", assigned, "publish")

    async def publish() -> dict[str, Any]:
        await tools.use(publish_branch, PublishBranch(commit=landed, branch=branch))
        return {"branch": branch, "commit": landed}

    async def find() -> dict[str, Any] | None:
        return None  # publishing again does nothing: the branch is made by compare-and-swap

    await work.ledger.once_async(
        f"{request.id}/publish",
        assigned.id,
        {"branch": branch, "commit": landed},
        publish,
        find,
    )
    with work.ledger.transaction():
        for older in work.ledger.merge_requests.of(assigned.id):
            if older.status == "open" and older.id != request.id:
                work.ledger.merge_requests.put(
                    older.model_copy(update={"status": "superseded"}), actor="merge_request"
                )
        if work.ledger.merge_requests.find(request.id) is None:
            work.ledger.merge_requests.put(
                request, actor="merge_request", kind="merge_request.opened"
            )
    return {}


async def _open_holdout(work: Work, assigned: AssignedTicket) -> None:
    """Scores baseline and winner on the holdout; each trial's once, whatever is re-run."""
    if assigned.ticket.evaluator is None or assigned.ticket.data_for("holdout") is None:
        return
    trials = work.trials(assigned.id)
    tools = work.toolbox("merge_request", assigned, "holdout")
    for group in (group_of(trials, "baseline"), work.best(assigned, trials)):
        for trial in group.counted if group else ():
            if trial.result is None:
                continue

            # The default arguments bind the loop's trial to each call.
            async def score(trial: Trial = trial) -> dict[str, Any]:
                assert trial.result is not None
                made = await tools.use(
                    evaluate_outputs,
                    EvaluateOutputs(
                        subject=trial.id,
                        folder=work.bench.home.outputs(assigned.id, trial.id),
                        expected_sha256=trial.result.outputs_sha256,
                        split="holdout",
                        seed=trial.seed,
                        commit=assigned.base_commit,
                        image=work.image(assigned.id),
                        data_sha256=data_hash(
                            work.cards(assigned.id), cleaned=trial.data == "cleaned"
                        ),
                        container=f"{trial.id}-holdout".lower(),
                    ),
                )
                return made.model_dump(mode="json")

            async def find() -> dict[str, Any] | None:
                return None  # an evaluation changes nothing; its first recorded result stands

            await work.ledger.once_async(
                f"{trial.id}/holdout", assigned.id, {"trial": trial.id}, score, find
            )


async def _read_holdout(work: Work, assigned: AssignedTicket) -> None:
    """Keeps the holdout that the baseline's and the winner's runs reported; of all, or of none."""
    if assigned.ticket.metric.holdout is None:
        return
    trials = work.trials(assigned.id)
    chosen = [
        trial
        for group in (group_of(trials, "baseline"), work.best(assigned, trials))
        for trial in (group.counted if group else ())
    ]
    try:
        found = await asyncio.to_thread(_reported_holdouts, work, assigned, chosen)
    except ToolError as error:
        work.ledger.events.append(
            ticket=assigned.id,
            actor="merge_request",
            kind="holdout.unread",
            key=f"{assigned.id}/r{assigned.revision}/holdout",
            data={"because": error.message},
        )
        return
    for score in found:
        key = f"{score.trial}/holdout"
        known = work.ledger.effect(key)
        if known is None or known.result is None:
            work.ledger.intend(key, assigned.id, {"trial": score.trial})
            work.ledger.done(key, score.model_dump(mode="json"))


def _reported_holdouts(work: Work, assigned: AssignedTicket, trials: list[Trial]) -> list[Score]:
    found = []
    for trial in trials:
        folder = work.bench.home.outputs(assigned.id, trial.id)
        log = log_path(work.bench, assigned.id, trial.id)
        number = assigned.ticket.metric.holdout
        value = reported_value(assigned, folder, log, trial.id, number)
        assert trial.score is not None, "only scored runs are asked"
        found.append(trial.score.model_copy(update={"value": value, "split": "holdout"}))
    return found


async def smoke_test(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Runs the merge request's own commit in fresh sandboxes and opens the merge gate.

    A measured ticket's program is run, and the tests wherever code was written.
    """
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    request = work.ledger.merge_requests.get(f"{assigned.id}-MR{assigned.revision}")
    if request.smoke is None:
        if assigned.ticket.measured:
            program = await _smoke(work, assigned, request)
            smoke = await tests_again.beside(work, assigned, request, program)
        else:
            smoke = await tests_again.smoke(work, assigned, request)
        packet, landed = await make_packet(work, assigned, smoke=smoke)
        request = work.crew.merge_request.compose(
            packet, revision=assigned.revision, branch=request.branch, commit=landed
        )
        work.ledger.merge_requests.put(
            request, actor="merge_request", kind="merge_request.smoke_tested"
        )
    await forging.propose(work, assigned, request)
    make_gate(
        work,
        assigned,
        "merge",
        0,
        title=f"Merge {request.branch}?",
        description=request.description,
        shown={
            "merge_request": request.id,
            "branch": request.branch,
            "target": request.target,
            "commit": request.commit,
            "verdict": request.verdict,
            "smoke_passed": bool(request.smoke and request.smoke.passed),
            "description": request.description,
        },
        allowed=("accept", "respond", "ignore"),
    )
    return {"revision": assigned.revision}


def _beside(work: Work, assigned: AssignedTicket) -> dict[str, Path]:
    """The cleaned copies that the change does not hold itself."""
    held = work.delivered(assigned)
    return {path: copy for path, copy in work.cleaned(assigned.id).items() if path not in held}


async def _smoke(work: Work, assigned: AssignedTicket, request: MergeRequest) -> SmokeTest:
    trials = work.trials(assigned.id)
    best = work.best(assigned, trials)
    assert best is not None
    packet, _ = await make_packet(work, assigned)
    # What the change wrote into the program's defaults need not be passed again.
    values = {k: v for k, v in best.values.items() if k in packet.unplaced}
    seed = assigned.ticket.seeds[0]
    template = assigned.ticket.run.smoke or assigned.ticket.run.command
    tools = work.toolbox("merge_request", assigned, "smoke")
    done = await tools.use(
        run_smoke_test,
        RunSmokeTest(
            subject=f"{request.id}-smoke",
            commit=request.commit,
            template=template,
            values=values,
            seed=seed,
            image=work.image(assigned.id),
            cleaned=_beside(work, assigned) if best.data == "cleaned" else {},
        ),
    )
    passed, detail = done.exit_code == 0 and not done.timed_out, f"exit code {done.exit_code}"
    value = None
    if passed:
        try:
            value = await _smoke_score(work, assigned, request, done.kept, seed)
        except ToolError as error:
            passed, detail = False, error.message
    if not passed:
        detail += f"; its last output: {done.tail[-_TAIL:]}"
    elif value is not None:
        same = next((t.score.value for t in best.trials if t.score and t.seed == seed), None)
        alike = same is not None and agrees(value, same, [value, same])
        detail = f"validation {assigned.ticket.metric.name} {value:.6g} with seed {seed}, " + (
            "exactly as in the trial." if alike else f"where the trial had {same:.6g}."
        )
    return SmokeTest(
        command=template,
        exit_code=done.exit_code if done.exit_code is not None else -1,
        passed=passed,
        detail=detail,
        score=value,
        duration_s=done.duration_s,
    )


async def _smoke_score(
    work: Work, assigned: AssignedTicket, request: MergeRequest, kept: Any, seed: int
) -> float | None:
    if assigned.ticket.run.smoke is not None:
        return None  # a shorter command need not yield the metric
    if assigned.ticket.evaluator is None:
        return reported_value(assigned, kept.folder, kept.log, request.id)
    tools = work.toolbox("log_monitor", assigned, "smoke-score")
    score = await tools.use(
        evaluate_outputs,
        EvaluateOutputs(
            subject=f"{request.id}-smoke",
            folder=kept.folder,
            expected_sha256=kept.sha256,
            split="validation",
            seed=seed,
            commit=request.commit,
            image=work.image(assigned.id),
            data_sha256="",
            container=f"{request.id}-smoke-score".lower(),
        ),
    )
    return score.value


async def gate_merge(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Waits for a person's word on the merge request."""
    work = runtime.context
    decision = pause_for(work, gate_id(state["ticket"], "merge", state["revision"], 0))
    if decision.kind == "accept":
        return {"route": "merge"}
    if decision.kind == "respond":
        return {"route": "revise"}
    return {"route": "close", "outcome": f"closed without merging by {decision.by}"}


async def merge(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Merges what was approved, after every number was checked again."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    request = work.ledger.merge_requests.get(f"{assigned.id}-MR{assigned.revision}")
    verification = await verify(work, request)
    if not verification.holds:
        return {
            "route": "close",
            "outcome": "failed: the evidence does not hold: " + "; ".join(verification.problems),
        }
    if request.target is None:
        note = f"no branch was checked out; merge {request.branch} yourself"
        return _merged(work, request, "open", note)
    try:
        outcome = await forging.merge(work, assigned, request)
    except ForgeError as error:
        note = f"the forge has not merged it yet: {error.message} {error.remedy}".rstrip()
        return _merged(work, request, "open", note)
    if outcome.state in ("merged", "already"):
        # The same words for both: after a crash in between, the second try finds it merged.
        there = proposed(work.ledger, request.id)
        note = f"merged: {request.target} holds {request.commit[:12]}"
        if there is not None and work.bench.forge is not None:
            note = f"merged at {there.url}"
        return _merged(work, request, "merged", note)
    return _merged(work, request, "open", outcome.message)


def _merged(work: Work, request: MergeRequest, status: str, note: str) -> dict[str, Any]:
    work.ledger.merge_requests.put(
        request.model_copy(update={"status": status, "merge_note": note}),
        actor="merge_request",
        kind=f"merge_request.{'merged' if status == 'merged' else 'approved'}",
    )
    return {"route": "reflect", "outcome": f"approved: {note}" if status == "open" else note}


async def revise(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Turns comments into work: a new revision with a plan of its own."""
    work = runtime.context
    revision = state["revision"] + 1
    with work.ledger.transaction():
        work.update(state["ticket"], actor="coordinator", revision=revision)
        for comment in work.ledger.comments.of(state["ticket"]):
            if comment.resolved_by_revision is None:
                work.ledger.comments.put(
                    comment.model_copy(update={"resolved_by_revision": revision}),
                    actor="coordinator",
                    kind="comment.taken_up",
                )
    return {"revision": revision, "plan_round": 0, "route": "plan"}
