"""How a loop begins: a person reads its spec, the environment is made, the noise is measured."""

import asyncio
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from langgraph.runtime import Runtime

from agents.evolution.keeping.noise import at_first_looks, hopeless, noise_floor, room
from agents.evolution.keeping.provable import unkeepable, unprovable
from agents.evolution.proposers import load_libraries
from graphs.evolution.evaluating import evaluate, every
from graphs.evolution.gates import decision, open_gate
from graphs.evolution.loop import Loop
from graphs.evolution.state import EvolutionState, goes
from graphs.evolution.stopping import at_target
from labcrew.domain.evolution import CodeFile, Evolution, ScoredRun
from labcrew.domain.evolution_spec import Case
from labcrew.domain.sandbox import EnvironmentPlan
from labcrew.errors import LabcrewError, NotFound
from labcrew.evolution_file import editable_files, private_paths, read_program
from tools.evolution.run_candidate import at_once
from tools.evolution.scorer_files import scorer_hash

_LIST = 20


def planned(loop: Loop, evolution: Evolution) -> EnvironmentPlan:
    """The environment that candidates and scorer run in."""
    return loop.bench.environments.plan(
        evolution.spec.environment, evolution.id, evolution.base_commit,
        private_paths(evolution.spec),
    )  # fmt: skip


async def gate_spec(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Shows what may be changed, how it is judged and what it may cost; waits for a person."""
    loop = runtime.context
    evolution = loop.evolution
    spec = evolution.spec
    files = loop.bench.repositories.files(evolution.id, evolution.base_commit)
    editable = editable_files(spec, files)
    plan = await asyncio.to_thread(planned, loop, evolution)
    counts = {split: len(loop.cases(split)) for split in ("analysis", "gate", "sealed", "canary")}
    most_usd = spec.budget.model_usd
    money = "" if most_usd is None else f", {most_usd:g} USD for them"
    listed = "\n".join(f"- `{path}`" for path in editable[:_LIST])
    more = f"\n- … {len(editable) - _LIST} more" if len(editable) > _LIST else ""
    gate = open_gate(
        loop,
        "plan",
        title=f"Let “{spec.title}” change itself?",
        description=(
            f"{spec.question}\n\n**May change**\n\n{listed}{more}\n\n"
            f"**Is run** `{spec.program.command}` and **is judged by** `{spec.scorer.command}`,"
            f" which no candidate sees, on {counts['gate']} cases"
            f" ({counts['analysis']} are looked at, {counts['sealed']} stay sealed,"
            f" {counts['canary']} are impossible).\n\n"
            f"**May cost** {spec.budget.rounds} rounds, {spec.budget.hours:g} hours,"
            f" {spec.budget.model_tokens:,} tokens of models{money}.\n\n"
            f"**Environment**: {plan.description}."
        ),
        shown={
            "spec": spec.model_dump(mode="json"),
            "editable": list(editable),
            "environment_key": plan.key,
            "control": evolution.control,
        },
    )
    found = decision(loop, gate, by_yes=not plan.needs_gate)
    if found is None:
        return goes("wait", f"waits for you at {gate.id}: {gate.title}")
    if found.kind != "accept":
        return goes("close", f"not begun: {found.by} declined it")
    return goes("prepare")


async def prepare(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Makes the image, reads the program as it is, and remembers what the judge is."""
    loop = runtime.context
    evolution = loop.evolution
    loop.say("making the environment")
    plan = await asyncio.to_thread(planned, loop, evolution)
    image = await asyncio.to_thread(loop.bench.environments.ensure, plan, approved=True)
    files = await asyncio.to_thread(_program, loop, evolution)
    loop.update(
        "evolution.prepared",
        image=image,
        baseline=files,
        champion=files,
        scorer_sha256=scorer_hash(evolution),
    )
    return goes("measure_noise")


def bring_back_environment(loop: Loop) -> None:
    """Makes the image again where the engine has lost it, as after `docker system prune`.

    Raises LabcrewError where what would be made now is another environment.
    """
    evolution = loop.evolution
    try:
        loop.bench.sandboxes.image_digest(evolution.image)
    except NotFound:
        loop.say("the engine has lost the environment: making it again")
        plan = planned(loop, evolution)
        if (made := loop.bench.environments.ensure(plan, approved=True)) != evolution.image:
            raise LabcrewError(
                f"The image {evolution.image}, in which {evolution.id} has run so far, is gone, and"
                f" today its environment would be another ({made}): what runs in the one can't be"
                " held against what ran in the other.",
                "Bring that image back, or start a new loop on the champion's branch.",
            ) from None


def _program(loop: Loop, evolution: Evolution) -> tuple[CodeFile, ...]:
    repositories, at = loop.bench.repositories, (evolution.id, evolution.base_commit)
    return read_program(
        evolution.spec, repositories.files(*at), lambda path: repositories.read(*at, path)
    )


async def measure_noise(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Runs the program against itself: what differs is chance, and no gain below it can be seen."""
    loop = runtime.context
    evolution = loop.evolution
    spec = evolution.spec
    cases, rule = loop.cases("gate"), spec.keep
    loop.say("measuring the noise: the program against itself")
    gate, seeds = loop.first_seeds(), loop.seeds("noise", 2 * rule.noise_seeds)
    a_seeds, b_seeds = seeds[: rule.noise_seeds], seeds[rule.noise_seeds :]
    loading = asyncio.create_task(asyncio.to_thread(load_libraries))  # so that no round waits
    a = await evaluate(loop, evolution.baseline, every(cases, a_seeds), "noise/a", twice=True)
    await loading
    if all(run.status != "ok" for run in a):
        said = a[0].why[:300] or a[0].status
        return goes("close", f"failed: the program itself fails on every gate case: {said}")
    b = await evaluate(loop, evolution.baseline, every(cases, b_seeds), "noise/b")
    first = [*every(cases, gate), *canaries(loop, gate)]
    runs = await evaluate(loop, evolution.baseline, first, "gate/baseline")
    if (passed := passed_canary(loop, runs)) is not None:
        return goes(
            "close",
            f"failed: the program as it is passes {passed.case}, which nobody can: the scorer is"
            " wrong, or knows too little",
        )
    mean = fmean(run.score for run in runs if run.split == "gate")
    if at_target(spec.metric, mean):
        return goes(
            "close",
            f"failed: the program as it is has reached the target {spec.metric.target:g} already:"
            f" its gate mean is {mean:.4g}",
        )
    floor = noise_floor(spec.metric, a, b, rule, spec.budget.rounds)
    run_s = sum(run.seconds for run in (*a, *b)) / len((*a, *b))
    machine = await asyncio.to_thread(loop.bench.sandboxes.capacity)
    parallel = at_once(spec.budget.parallel, spec.program, machine)
    why = hopeless(spec.metric, floor, rule, run_s, len(cases), parallel)
    if not why and floor.deterministic:
        why = unkeepable(rule, len(cases), spec.budget.rounds)
    shown = {case.id for case in loop.parts(parted=True)[0]}
    looked_at = at_first_looks(floor, (*a, *b), shown)
    if not why and room(spec.metric, looked_at.mean) == 0:
        why = (
            f"on each of the {len(shown)} gate cases that first looks see the program has the best"
            " score there is already, so that no change could look better: add gate cases"
        )
    if not why:
        sealed = len(loop.cases("sealed"))
        why = unprovable(rule, sealed, deterministic=floor.deterministic)
    if why:
        # Nothing is written down: taken up again, it must stop here again.
        return goes("close", f"failed: {why}")
    with loop.ledger.transaction():
        loop.update("evolution.measured", noise=looked_at, before_round=loop.spend().spent)
    return goes("analyse")


def canaries(loop: Loop, seeds: Sequence[int]) -> list[tuple[Case, int]]:
    """The impossible cases, with the first of the seeds: mixed in with every gate evaluation."""
    return every(loop.cases("canary"), seeds[:1])


def passed_canary(loop: Loop, runs: Sequence[ScoredRun]) -> ScoredRun | None:
    """The first run that passed what nobody can; None as it should be."""
    scale = loop.evolution.scale
    caught = (r for r in runs if r.split == "canary" and scale.gain(r.score, scale.worst) > 0)
    return next(caught, None)
