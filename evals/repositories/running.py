"""Runs the benchmark: a draft of each repository, a ticket of 12 trials, plain Optuna beside it.

One JSON file a repository, written when it has ended: a run that was cut off goes on with those
that are missing.
"""

import asyncio
import shutil
import statistics
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import Field

from evals.lab import bare_bench, take
from evals.optuna_control import Runner, control
from evals.repositories.catalogue import Entry
from evals.repositories.fetch import make_repository
from evals.repositories.judging import Judged, judge
from graphs import verification
from graphs.crew import Crew
from graphs.drafting.drafter import Drafter
from graphs.work import Work
from graphs.worker import Worker
from labcrew.domain.base import Model
from labcrew.domain.draft import Draft
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import LabcrewError
from labcrew.judgement import Judge
from labcrew.settings import Settings
from memory.embedding import OnnxEmbedder
from tools.toolbox import Workbench

TRIALS = 12
_HOLDER = "benchmark"
Say = Callable[[str], None]


class Result(Model):
    """What became of one repository."""

    name: str
    half: str
    judged: Judged
    asked: tuple[str, ...] = Field(description="fields that a person would have been asked")
    draft_status: str
    trouble: str = ""
    draft_s: float = 0.0
    draft_own_s: float = Field(default=0.0, description="its installs and first runs, in seconds")
    outcome: str = Field(default="", description="of the ticket, in its own words")
    ended: str = Field(
        default="not run",
        description="merge request, no gain, refused as it should, or what went wrong",
    )
    well: bool = False
    numbers_checked: int = 0
    baseline: float | None = None
    best: float | None = None
    optuna: float | None = None
    reproduced: bool | None = Field(
        default=None, description="the baseline is what the program gave when it was drafted"
    )
    minutes: float = 0.0
    error: str = ""


def run_all(
    entries: Sequence[Entry], results: Path, work: Path, *, say: Say, draft_only: bool = False
) -> None:
    """Runs what has no result yet.

    Args:
        results: a folder of one JSON file an entry.
        work: where repositories are made; emptied for each.
        draft_only: no tickets; their results are told apart and made again later.
    """
    results.mkdir(parents=True, exist_ok=True)
    for number, entry in enumerate(entries, 1):
        file = results / f"{entry.name}.json"
        if file.exists():
            continue
        say(f"[{number}/{len(entries)}] {entry.name}")
        result = run_one(entry, work / entry.name, say=say, draft_only=draft_only)
        partial = file.with_suffix(".partial")
        partial.write_text(result.model_dump_json(indent=1) + "\n")
        partial.replace(file)
        say(f"  {result.ended}; {result.minutes:.1f} min; {result.judged.line()}")


def run_one(entry: Entry, folder: Path, *, say: Say, draft_only: bool = False) -> Result:
    """One repository, from nothing to the end of its ticket; a fault of ours is a result too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.monotonic()
    repository = make_repository(entry, folder / "repository")
    crew = Crew.of(Judge(models={}), OnnxEmbedder())
    with bare_bench() as bench:
        draft, error = None, ""
        try:
            draft = _drafted(entry, repository, bench, crew, say)
        except Exception:
            error = traceback.format_exc()[-4000:]
        drafted_s = time.monotonic() - begun
        result = Result(
            name=entry.name,
            half=entry.half,
            judged=judge(draft, entry),
            asked=tuple(options.field for options in draft.questions) if draft else (),
            draft_status=draft.status if draft else "error",
            trouble=f"{draft.trouble.kind}: {draft.trouble.message}"[:600]
            if draft and draft.trouble
            else "",
            draft_s=round(drafted_s, 1),
            draft_own_s=round(_own_seconds(bench, "D-001"), 1),
            error=error,
        )
        if draft is None:
            result = result.model_copy(update={"ended": "an error of labcrew's own"})
        elif draft.ticket is None:
            result = result.model_copy(update=_refused(entry, draft))
        elif not draft_only:
            try:
                result = result.model_copy(update=_ticket(entry, draft, bench, crew))
            except Exception as failure:
                told = f"an error of labcrew's own: {type(failure).__name__}"
                trace = traceback.format_exc()[-4000:]
                result = result.model_copy(update={"ended": told, "error": trace})
    minutes = round((time.monotonic() - begun) / 60, 2)
    shutil.rmtree(folder, ignore_errors=True)
    return result.model_copy(update={"minutes": minutes})


def _drafted(entry: Entry, repository: Path, bench: Workbench, crew: Crew, say: Say) -> Draft:
    commit = bench.repositories.take("D-001", repository, "HEAD", snapshot=False)
    draft = Draft(
        id="D-001",
        repository=str(repository),
        base_commit=commit,
        sentence=entry.sentence,
        asked_by="benchmark",
        asked_at=bench.clock.now().isoformat(timespec="seconds"),
        assume_yes=True,
        trials=TRIALS,
    )
    bench.ledger.drafts.put(draft, actor="person:benchmark", kind="draft.asked")
    drafter = Drafter(crew, bench, Settings(), holder=_HOLDER, say=lambda text: say(f"    {text}"))
    return asyncio.run(drafter.advance("D-001"))


def _own_seconds(bench: Workbench, draft: str) -> float:
    """The seconds of a draft's installs and first runs."""
    total = 0.0
    for effect in bench.ledger.effects.of(draft):
        if effect.result and f"{draft}/install/" in effect.key:
            total += float(effect.result.get("seconds") or 0)
        elif effect.result and f"{draft}/run/" in effect.key:
            total += float(effect.result.get("duration_s") or 0)
    return total


def _refused(entry: Entry, draft: Draft) -> dict[str, object]:
    right = draft.trouble is not None and draft.trouble.kind in entry.refusals
    return {"ended": "refused, as it should" if right else "refused", "well": right}


def _ticket(entry: Entry, draft: Draft, bench: Workbench, crew: Crew) -> dict[str, object]:
    assert draft.ticket is not None
    # The literature's sources are of no concern here, and no request leaves this machine.
    literature = draft.ticket.literature.model_copy(update={"online": False})
    ticket = draft.ticket.model_copy(update={"literature": literature})
    assigned = take(bench, ticket, Path(draft.repository), "T-001")
    bench.ledger.tickets.put(assigned, actor="person:benchmark", kind="ticket.assigned")
    ended = asyncio.run(_worked(bench, crew))
    requests = bench.ledger.merge_requests.of("T-001")
    checked = 0
    problems: tuple[str, ...] = ()
    if requests:
        work = Work(bench=bench, crew=crew, rules=crew)
        verified = asyncio.run(verification.verify(work, requests[-1]))
        checked, problems = verified.checked, verified.problems
    told: dict[str, object] = {"outcome": ended.outcome, "numbers_checked": checked}
    if requests and checked and not problems:
        told |= {"ended": "verified merge request", "well": True}
    elif requests:
        told |= {"ended": "merge request that does not hold", "error": "; ".join(problems)[:2000]}
    elif ended.status == "done" and "no gain" in ended.outcome:
        told |= {"ended": "no gain beyond noise", "well": True}
    else:
        told |= {"ended": f"{ended.status}: {ended.outcome}"[:300]}
    if entry.refusals:
        told["well"] = False
    return told | _numbers(bench, draft, ticket) | _optuna(bench, assigned)


async def _worked(bench: Workbench, crew: Crew) -> AssignedTicket:
    async with Worker(crew, bench, Settings(), holder=_HOLDER, assume_yes=True) as worker:
        return await worker.advance("T-001")


def _numbers(bench: Workbench, draft: Draft, ticket: Ticket) -> dict[str, object]:
    trials = [t for t in bench.ledger.trials.of("T-001") if t.score is not None]
    values: dict[str, list[float]] = {}
    for trial in trials:
        if trial.kind != "confirmation" and trial.score is not None:
            key = trial.kind if trial.kind == "baseline" else repr(sorted(trial.values.items()))
            values.setdefault(key, []).append(trial.score.value)
    own = values.pop("baseline", [])
    full = [statistics.fmean(v) for v in values.values() if len(v) >= len(ticket.seeds)]
    pick = max if ticket.metric.direction == "maximize" else min
    first = [t.score.value for t in trials if t.kind == "baseline" and t.score and t.seed == 0]
    seen = next((g.evidence for g in draft.guesses if g.field == "seeds"), ())
    return {
        "baseline": statistics.fmean(own) if own else None,
        "best": pick(full) if full else None,
        "reproduced": _again(first[0], seen[0].text) if first and seen else None,
    }


def _again(value: float, text: str) -> bool:
    """Whether a value is among the numbers that the first runs gave, within their spread."""
    shown = [float(part) for part in text.rpartition(":")[2].replace("…", "").split(",") if part]
    spread = statistics.stdev(shown) if len(shown) > 1 else 0.0
    near = max(3 * spread, 1e-4 * max(1.0, abs(value)))
    return any(abs(value - one) <= near for one in shown)


def _optuna(bench: Workbench, assigned: AssignedTicket) -> dict[str, object]:
    """Plain Optuna with as many runs, on the very ticket."""
    from tools.trial_spec import environment_plan

    own = assigned.model_copy(update={"id": "T-002"})
    try:
        bench.repositories.take(
            "T-002", Path(assigned.repository), assigned.base_commit, snapshot=False
        )
        plan = environment_plan(bench.environments, own)
        image = bench.environments.ensure(plan, approved=False)
        made = control(Runner(bench, own, image), own, TRIALS, 0)
    except LabcrewError:
        return {}
    return {"optuna": made.validation_mean}
