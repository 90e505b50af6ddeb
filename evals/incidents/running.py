"""Makes the runs of the benchmark, two at a time, and keeps each result as its run ends.

One file of JSON lines an arm and seed, one for the runs without a fault that the others are held
against, and one for the clean runs: what was cut off goes on with those that are missing.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from evals.incidents.clean import Clean, clean_runs
from evals.incidents.faults import PROGRAMS, Fault, Injection, injection
from evals.incidents.lab import Arm, Asked, Ended, Lab, lab
from evals.incidents.results import CleanResult, Result, Seen, Twin, append, read
from labcrew.errors import InputError

ARMS: tuple[Arm, ...] = ("alert", "rules", "learning")
AT_ONCE = 2
Say = Callable[[str], None]


def run_seed(seed: int, round_: int) -> int:
    """The seed of the runs of a round; its parity is the round's, which decides the half."""
    return 100 * seed + round_


def chosen_arms(words: str) -> tuple[Arm, ...]:
    """The arms that a comma-separated list names.

    Raises:
        InputError: it names another, or none.
    """
    names = {word.strip() for word in words.split(",")} - {""}
    if not names or names - set(ARMS):
        raise InputError(f"There is no arm {words!r}.", f"Choose from: {', '.join(ARMS)}.")
    return tuple(arm for arm in ARMS if arm in names)


def run_all(
    faults: Sequence[Fault],
    results: Path,
    *,
    seeds: int,
    rounds: int,
    arms: Sequence[Arm],
    clean: int,
    say: Say,
) -> None:
    """Makes the runs that have no result yet.

    Args:
        results: a folder; made where it is missing.
        seeds: how many benchmark seeds, each with a ledger of its own for each arm.
        rounds: runs of a class with each seed.
        clean: how many clean runs; they have the arm "rules", which acts on any alarm.
    """
    results.mkdir(parents=True, exist_ok=True)
    drawn = {
        (seed, round_): [injection(fault, run_seed(seed, round_)) for fault in faults]
        for seed in range(seeds)
        for round_ in range(rounds)
    }
    _twins(drawn, results / "twins.jsonl", say)
    for seed in range(seeds):
        for arm in arms:
            _faults(list(faults), drawn, results, arm, seed, rounds, say)
    if clean:
        _clean(clean_runs(clean), results / "clean.jsonl", say)


def _twins(drawn: dict[tuple[int, int], list[Injection]], file: Path, say: Say) -> None:
    known = {(twin.program, twin.seed) for twin in read(file, Twin)}
    wanted = {(i.program, i.seed) for injections in drawn.values() for i in injections} - known
    if not wanted:
        return
    say(f"{len(wanted)} runs without a fault")
    with lab("alert", []) as made:

        async def one(place: int, program: str, seed: int) -> None:
            ended = await made.run(
                Asked(id=f"T-{place:04d}", program=program, seed=seed, dataset=PROGRAMS[program][0])
            )
            score = ended.trials[-1].score
            append(
                file,
                Twin(
                    program=program,
                    seed=seed,
                    value=score.value if score else None,
                    incidents=tuple(i.kind for i in ended.incidents),
                    seconds=round(ended.seconds, 2),
                ),
            )

        jobs = [one(n, program, seed) for n, (program, seed) in enumerate(sorted(wanted))]
        asyncio.run(_two_at_a_time(jobs, say))


def _faults(
    faults: list[Fault],
    drawn: dict[tuple[int, int], list[Injection]],
    results: Path,
    arm: Arm,
    seed: int,
    rounds: int,
    say: Say,
) -> None:
    file = results / f"{arm}-{seed}.jsonl"
    there = read(file, Result)
    known = {(result.fault, result.round) for result in there}
    wanted = [
        (round_, fault, given)
        for round_ in range(rounds)
        for fault, given in zip(faults, drawn[seed, round_], strict=True)
        if (fault.name, round_) not in known
    ]
    if not wanted:
        return
    say(f"{arm}, seed {seed}: {len(wanted)} runs")
    with lab(arm, faults) as made:
        made.remember(
            (s.kind, s.action, s.score)
            for result in there
            for s in result.incidents
            if s.action is not None and s.score is not None and not s.part
        )

        async def one(place: int, round_: int, fault: Fault, given: Injection) -> None:
            result = await _fault(made, f"T-{place:04d}", arm, seed, round_, fault, given)
            append(file, result)
            say(f"  {result.line()}")

        jobs = [one(n, *each) for n, each in enumerate(wanted, len(there))]
        asyncio.run(_two_at_a_time(jobs, say))


async def _fault(
    made: Lab, id: str, arm: Arm, seed: int, round_: int, fault: Fault, given: Injection
) -> Result:
    asked = Asked(
        id=id,
        program=given.program,
        seed=given.seed,
        dataset=PROGRAMS[given.program][0],
        options=f"--save-every {fault.save_every} {fault.options}",
        fault=fault,
        injection=given,
    )
    told: dict[str, Any] = {
        "arm": arm,
        "seed": seed,
        "round": round_,
        **given.model_dump(exclude={"seed"}),
        "run_seed": given.seed,
    }
    try:
        ended = await made.run(asked)
    except Exception:
        await made.abandon(id)
        return Result(**told, error=traceback.format_exc()[-3000:])
    score = ended.trials[-1].score
    return Result(
        **told,
        onset=ended.onset is not None,
        incidents=seen(ended),
        trials=tuple(trial.status for trial in ended.trials),
        ended=ended.trials[-1].result.reason[:300] if ended.trials[-1].result else "",
        value=score.value if score else None,
        seconds=round(ended.seconds, 2),
    )


def seen(ended: Ended) -> tuple[Seen, ...]:
    """The incidents in the order in which they were written down."""
    numbers = {trial.id: trial.number for trial in ended.trials}
    return tuple(
        Seen(
            kind=incident.kind,
            run=numbers[incident.trial],
            after_s=round(ended.opened[incident.id] - ended.onset, 3) if ended.onset else None,
            after_steps=_steps(ended, ended.opened[incident.id], numbers[incident.trial]),
            step=incident.step,
            action=incident.intervention.action if incident.intervention else None,
            explored=bool(incident.intervention and incident.intervention.explored),
            part=bool(incident.intervention and incident.intervention.part_of),
            score=incident.intervention.score if incident.intervention else None,
            confidence=incident.confidence,
            diagnosis=incident.diagnosis[:300],
        )
        for incident in sorted(ended.incidents, key=lambda i: ended.opened[i.id])
    )


def _steps(ended: Ended, at: float, run: int) -> int | None:
    """Steps of the first run that began between the fault's onset and a moment."""
    return (
        sum(ended.begun[0] < begun <= at for begun in ended.begun)
        if ended.begun and run == 0
        else None
    )


def _clean(wanted: Sequence[Clean], file: Path, say: Say) -> None:
    known = {result.name for result in read(file, CleanResult)}
    missing = [clean for clean in wanted if clean.name not in known]
    if not missing:
        return
    say(f"{len(missing)} clean runs")
    with lab("rules", []) as made:

        async def one(place: int, clean: Clean) -> None:
            ended = await made.run(
                Asked(
                    id=f"T-{place:04d}",
                    program=clean.program,
                    seed=clean.seed,
                    dataset=clean.dataset,
                    options=clean.options,
                )
            )
            score = ended.trials[-1].score
            result = CleanResult(
                name=clean.name,
                sort=clean.sort,
                incidents=seen(ended),
                trials=tuple(trial.status for trial in ended.trials),
                value=score.value if score else None,
                seconds=round(ended.seconds, 2),
            )
            append(file, result)
            if result.incidents:
                say(f"  false alarm: {result.name}: {result.incidents[0].diagnosis}")

        jobs = [one(n, clean) for n, clean in enumerate(missing)]
        asyncio.run(_two_at_a_time(jobs, say))


async def _two_at_a_time(jobs: Sequence[Awaitable[None]], say: Say) -> None:
    """Begins the jobs in their order, so many of them at once; one that fails costs itself."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def held(job: Awaitable[None]) -> None:
        async with slots:
            try:
                await job
            except Exception:
                say(traceback.format_exc())

    await asyncio.gather(*(held(job) for job in jobs))
