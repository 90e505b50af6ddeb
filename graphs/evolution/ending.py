"""How a loop ends: the sealed split is opened, each kept change left out, and people decide."""

import asyncio
from contextlib import suppress
from typing import Any

from langgraph.runtime import Runtime

from agents.evolution.description import PLOT
from graphs.evolution.comparing import (
    kept_rounds,
    left_out_gain,
    left_out_seeds,
    others_tried,
    sealed_of,
    without_each,
)
from graphs.evolution.evaluating import Wanted, evaluate, every
from graphs.evolution.gates import decision, open_gate, void_open
from graphs.evolution.loop import Halted, Loop
from graphs.evolution.moving import finished
from graphs.evolution.state import EvolutionState, goes
from graphs.evolution.verification import composed, verify
from labcrew.domain.evolution import HALTED, CodeFile, Kept, ScoredRun, code_hash
from labcrew.domain.review import MergeRequest
from labcrew.errors import EvidenceError
from tools.evolution.deliver import MergeKept, PublishKept, merge_kept, publish_kept
from tools.evolution.plots import progress_svg
from tools.evolution.scoring import ScorerFailed


async def open_sealed(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Scores baseline and champion on the sealed split, once; others only to tell of hindsight."""
    loop = runtime.context
    evolution = loop.evolution
    void_open(loop, "escalation")  # there is no next round that could try what they ask for
    loop.say("opening the sealed split")
    cases, seeds = loop.cases("sealed"), loop.seeds("sealed", evolution.spec.keep.sealed_seeds)
    wanted = every(cases, seeds)
    for files in (evolution.baseline, evolution.champion):
        step, kept = f"sealed/{code_hash(files)[:12]}", files != evolution.baseline
        await evaluate(loop, files, wanted, step, or_worst=kept)
    for files in others_tried(loop):
        with suppress(EvidenceError):  # no result rests on it, and it may have broken the scorer
            await evaluate(loop, files, wanted, f"sealed/{code_hash(files)[:12]}")
    loop.update("evolution.sealed_opened", sealed=sealed_of(loop))
    return goes("leave_out")


async def leave_out(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Tells what each kept change brings: the champion against the champion without it."""
    loop = runtime.context
    evolution = loop.evolution
    wanted = every(loop.held(), left_out_seeds(loop))
    final: tuple[ScoredRun, ...] = ()
    lacks = ""
    if kept_rounds(loop) and not evolution.control:
        final, lacks = await _runs_or_why(loop, evolution.champion, wanted, "left-out/none")
    told = []
    for round_, rest in without_each(loop):
        title = round_.proposal.title if round_.proposal else ""
        kept = Kept(round=round_.number, title=title, own_seeds=True)
        if rest is not None and not evolution.control:  # whose merge request nobody will read
            runs, why = await _runs_or_why(loop, rest, wanted, f"left-out/{round_.number}")
            why = lacks or why or next((run.why for run in runs if run.status == "unscored"), "")
            compared = None if why else left_out_gain(evolution, runs, final)
            kept = kept.model_copy(update={"left_out": compared, "unscored": why})
        told.append(kept)
    loop.update("evolution.left_out", kept=tuple(told))
    return goes("open_merge_request")


async def _runs_or_why(
    loop: Loop, files: tuple[CodeFile, ...], wanted: Wanted, step: str
) -> tuple[tuple[ScoredRun, ...], str]:
    """Runs that only tell what a change brings, and must not end the loop; or why none count."""
    try:
        return await evaluate(loop, files, wanted, step), ""
    except (EvidenceError, ScorerFailed) as error:
        return (), error.message


async def open_merge_request(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Makes the branches and writes the merge request; a control's loop ends here instead."""
    loop = runtime.context
    evolution = loop.evolution
    rounds, kept = loop.rounds(), kept_rounds(loop)
    folder = loop.bench.home.artefacts(loop.id)
    folder.mkdir(parents=True, exist_ok=True)
    plot = await asyncio.to_thread(progress_svg, evolution, rounds)
    (folder / PLOT).write_bytes(plot)
    effect = loop.ledger.effect(finished(loop.id))
    why = str(effect.result["why"]) if effect is not None and effect.result else ""
    if evolution.control:
        return goes("close", f"done: a control; {why}")
    if not kept:
        return goes("close", f"done: nothing was kept; {why}")
    tools = loop.tools("merge_request", "publish")
    tips = [r.tip for r in rounds if r.tip]

    async def publish() -> dict[str, Any]:
        call = PublishKept(kept=kept, tip=tips[-1] if tips else "")
        return (await tools.use(publish_kept, call)).model_dump(mode="json")

    async def find() -> dict[str, Any] | None:
        return None  # publishing again does nothing: the branches are made by compare-and-swap

    made = await loop.ledger.once_async(f"{loop.id}/publish", loop.id, {}, publish, find)
    request = composed(loop, branch=made["branch"], commit=made["commit"])
    if loop.ledger.merge_requests.find(request.id) is None:
        loop.ledger.merge_requests.put(request, actor="merge_request", kind="merge_request.opened")
    return goes("gate_merge")


async def gate_merge(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Waits for a person's word on the merge request."""
    loop = runtime.context
    request = loop.ledger.merge_requests.of(loop.id)[-1]
    evolution = loop.evolution
    assert evolution.sealed is not None
    gate = open_gate(
        loop,
        "merge",
        title=f"Merge {request.id}: {request.title}?",
        description=request.description,
        shown={
            "merge_request": request.id,
            "commit": request.commit,
            "target": request.target,
            "description": request.description,
        },
    )
    # What is no proven gain is merged by a person alone.
    found = decision(loop, gate, by_yes=evolution.sealed.comparison.low > 0)
    if found is None:
        return goes("wait", f"waits for you at {gate.id}: {gate.title}")
    if found.kind != "accept":
        _settle(loop, request, "closed", f"declined by {found.by}")
        return goes("close", f"done: {found.by} declined the merge request")
    return goes("merge")


async def merge(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Verifies the evidence once more, and fast-forwards the target branch."""
    loop = runtime.context
    request = loop.ledger.merge_requests.of(loop.id)[-1]
    if request.status == "merged":
        return goes("close", f"done: {request.merge_note}")
    if request.target is None:
        note = f"approved: no branch was checked out; merge {request.branch} yourself"
        _settle(loop, request, "open", note)
        return goes("close", f"done: {note}")
    verified = await asyncio.to_thread(verify, loop, request)
    if not verified.holds:
        said = "; ".join(verified.problems)
        return goes("close", f"failed: the evidence does not hold: {said}")
    if loop.evolution.status in HALTED:  # said while the evidence was looked at
        raise Halted
    tools = loop.tools("merge_request", "merge")
    outcome = await tools.use(merge_kept, MergeKept(target=request.target, commit=request.commit))
    if outcome.state in ("merged", "already"):
        note = f"merged: {request.target} holds {request.commit[:12]}"
        _settle(loop, request, "merged", note)
    else:
        note = f"approved: {outcome.message}"
        _settle(loop, request, "open", note)
    return goes("close", f"done: {note}")


def _settle(loop: Loop, request: MergeRequest, status: str, note: str) -> None:
    loop.ledger.merge_requests.put(
        request.model_copy(update={"status": status, "merge_note": note}),
        actor="merge_request",
        kind=f"merge_request.{status}",
    )


async def close(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Ends the loop, with a sentence on how."""
    loop = runtime.context
    said = state["said"]
    loop.move("failed" if said.startswith("failed") else "done", said, "evolution.ended")
    loop.say(said)
    return {}
