"""Checks a merge request: numbers again from the stored outputs, words from the ledger."""

import asyncio
import fcntl
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TextIO

from agents.merge_request import wording
from agents.trial_groups import no_score_before
from graphs import tests_again
from graphs.nodes.ending import reported_value
from graphs.packet import make_packet
from graphs.work import Work
from labcrew.domain.experiment import Score, Trial
from labcrew.domain.review import Evidence, MergeRequest, Verification
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineError, LabcrewError, StorageFull
from labcrew.evidence import agrees, compute, fill
from labcrew.home import Home
from tools.evaluate import EvaluateOutputs, evaluate_outputs
from tools.run_trial import log_path
from tools.smoke_test import rerun_trial

_LOCK = "verify.lock"
_LOOK_S = 0.2  # between looks at whether another check is through


async def verify(work: Work, request: MergeRequest) -> Verification:
    """Recomputes a merge request: scores by the evaluator on the stored outputs, statistics from
    scores, the description from the ledger, and the ledger's own chain.

    A number that can't be recomputed is a problem: missing evidence never counts as success. That
    nothing could be looked at now is none: it says nothing of the evidence.

    Raises:
        EngineError: the engine is lost or refuses.
        StorageFull: a disk is full.
    """
    async with _turn(work.bench.home):
        return await _verified(work, request)


@asynccontextmanager
async def _turn(home: Home) -> AsyncIterator[None]:
    """One check of a home at a time, whichever process asks: two of one request would remove each
    other's containers, whose names are alike.
    """
    with (home.root / _LOCK).open("a") as lock:
        while not _taken(lock):  # noqa: ASYNC110 (maybe another process holds it)
            await asyncio.sleep(_LOOK_S)
        yield


def _taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _verified(work: Work, request: MergeRequest) -> Verification:
    assigned = work.assigned(request.ticket).model_copy(update={"revision": request.revision})
    problems = [f"ledger: {trouble}" for trouble in await asyncio.to_thread(work.ledger.verify)]
    values: dict[str, float] = {}
    for score in {s.model_dump_json(): s for e in request.evidence for s in _scores(e)}.values():
        try:
            values[score.model_dump_json()] = await asyncio.to_thread(_again, work, assigned, score)
        except (EngineError, StorageFull):
            raise
        except LabcrewError as error:
            problems.append(f"{score.trial} on {score.split}: {error.message}")
    for item in request.evidence:
        problems += _number_problems(assigned, item, values)
    problems += await _description_problems(work, assigned, request)
    tested = tests_again.count(work, assigned)
    if tested:
        problems += await _test_problems(work, assigned, request)
    if not request.evidence and not tested:
        problems.append("there is no evidence at all")
    before = no_score_before(work.trials(assigned.id)) if assigned.ticket.measured else ""
    if bool(before) != (request.verdict == "no_score_before"):
        has = "none" if before else "one"
        problems.append(f"its verdict is {request.verdict}; of a score before the ledger has {has}")
    return Verification(
        merge_request=request.id,
        checked=len(request.evidence),
        tests=tested,
        problems=tuple(problems),
        no_score_before=before,
    )


async def _test_problems(work: Work, assigned: AssignedTicket, request: MergeRequest) -> list[str]:
    try:
        return await tests_again.problems(work, assigned, request)
    except (EngineError, StorageFull):
        raise
    except LabcrewError as error:
        return [f"the tests could not be run again: {error.message}"]


async def _description_problems(
    work: Work, assigned: AssignedTicket, request: MergeRequest
) -> list[str]:
    expected = [("its own evidence", fill(request.template, request.evidence))]
    # The records that an older revision rested on have moved on, and an older labcrew chose other
    # words; the numbers are checked all the same, and the ledger knows the text's hash.
    newest = request.id == work.ledger.merge_requests.of(request.ticket)[-1].id
    if newest and request.wording == wording():
        expected.append(("the ledger", await description_of(work, assigned, request)))
    return [
        f"the description differs from {source}: {_difference(text, request.description)}"
        for source, text in expected
        if text != request.description
    ]


async def description_of(work: Work, assigned: AssignedTicket, request: MergeRequest) -> str:
    """The description as it follows from the ledger now."""
    packet, landed = await make_packet(work, assigned, smoke=request.smoke)
    return work.crew.merge_request.compose(
        packet, revision=request.revision, branch=request.branch, commit=landed
    ).description


def _scores(item: Evidence) -> tuple[Score, ...]:
    return (*item.scores, *item.against)


def _again(work: Work, assigned: AssignedTicket, score: Score) -> float:
    """One score anew: the evaluator on stored outputs, or the reported value from file or log."""
    folder = work.bench.home.outputs(assigned.id, score.trial)
    if score.source == "reported":
        log = log_path(work.bench, assigned.id, score.trial)
        if not log.is_file():
            raise LabcrewError(f"its log is gone ({log})")
        number = assigned.ticket.metric.holdout if score.split == "holdout" else None
        if score.split == "holdout" and number is None:
            raise LabcrewError("the ticket names no holdout that runs report")
        return reported_value(assigned, folder, log, score.trial, number)
    call = EvaluateOutputs(
        subject=score.trial,
        folder=folder,
        expected_sha256=score.outputs_sha256,
        split="holdout" if score.split == "holdout" else "validation",
        seed=score.seed,
        commit=score.commit,
        image=work.image(assigned.id),
        data_sha256=score.data_sha256,
        container=f"{score.trial}-verify-{score.split}".lower(),
    )
    again = evaluate_outputs.run(call, assigned, work.bench)
    if again.evaluator_sha256 != score.evaluator_sha256:
        raise LabcrewError("the evaluator is not the one that made the score")
    return again.value


def _number_problems(
    assigned: AssignedTicket, item: Evidence, values: dict[str, float]
) -> list[str]:
    keys = [s.model_dump_json() for s in _scores(item)]
    if any(key not in values for key in keys):
        return [f"{item.key}: a score it rests on could not be computed again"]
    new = [values[s.model_dump_json()] for s in item.scores]
    old = [values[s.model_dump_json()] for s in item.against]
    found = compute(assigned.ticket.metric, item.statistic, new, old)
    if not agrees(found, item.value, [*new, *old]):
        return [f"{item.key}: it says {item.value!r}, the stored outputs give {found!r}"]
    return []


def _difference(expected: str, found: str) -> str:
    for number, (a, b) in enumerate(
        zip(expected.splitlines(), found.splitlines(), strict=False), start=1
    ):
        if a != b:
            return f"line {number} reads {b[:120]!r}, the ledger gives {a[:120]!r}"
    return "it is longer or shorter"


async def rerun(work: Work, request: MergeRequest) -> str:
    """Runs a request's winning trials again and compares, within the spread of their seeds.

    Returns:
        One sentence for each seed that was run again.

    Raises:
        LabcrewError: a rerun fails, or lies outside three standard deviations of the seeds.
    """
    assigned = work.assigned(request.ticket).model_copy(update={"revision": request.revision})
    # What the request rests on: the ticket may have another winner by now.
    known = {trial.id: trial for trial in work.trials(assigned.id)}
    chosen = next((e.scores for e in request.evidence if e.key == "validation_best_mean"), ())
    scores = [score for score in chosen if score.trial in known]
    if not scores and work.patch(assigned) is not None:
        return "there are no trials to run again; the tests of the change were"
    if not scores:
        raise LabcrewError(f"{request.id} has no winner to run again.")
    spread = statistics.stdev(s.value for s in scores) if len(scores) > 1 else 0.0
    told = []
    for score in scores:
        value = await _rerun_one(work, assigned, known[score.trial])
        near = abs(value - score.value) <= 3 * spread
        if not near and not agrees(value, score.value, [value, score.value]):
            raise LabcrewError(
                f"{score.trial} run again gives {value:.6g}, it had {score.value:.6g}; the"
                f" seeds spread by {spread:.3g}."
            )
        told.append(f"{score.trial} (seed {score.seed}): {value:.6g}, was {score.value:.6g}")
    return "; ".join(told)


async def _rerun_one(work: Work, assigned: AssignedTicket, trial: Trial) -> float:
    tools = work.toolbox("experiment_launcher", assigned, f"rerun/{trial.id}")
    hosts = work.hosts(assigned)
    subject = f"{trial.id}-rerun-{work.bench.clock.now():%Y%m%d%H%M%S}"
    done = await asyncio.to_thread(
        rerun_trial,
        work.bench,
        assigned,
        trial,
        work.image(assigned.id),
        work.cleaned(assigned.id),
        await work.overlay(assigned, trial, tools),
        hosts,
        subject,
    )
    if done.exit_code != 0:
        alone = assigned.ticket.hosts and not hosts
        raise LabcrewError(
            f"{trial.id} run again ended with exit code {done.exit_code}.",
            "It had no network: untrusted text has reached the ticket since." if alone else "",
        )
    kept: Any = done.kept
    if assigned.ticket.evaluator is None:
        return reported_value(assigned, kept.folder, kept.log, subject)
    call = EvaluateOutputs(
        subject=subject,
        folder=kept.folder,
        expected_sha256=kept.sha256,
        split="validation",
        seed=trial.seed,
        commit=assigned.base_commit,
        image=work.image(assigned.id),
        data_sha256="",
        container=f"{subject}-score".lower(),
    )
    return (await asyncio.to_thread(evaluate_outputs.run, call, assigned, work.bench)).value
