"""Runs tasks in arms, one after the other; what has a result is not run again."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.incidents.results import append, read
from evals.lab import bare_bench
from evals.local_models import fetched
from evals.repair.arms import loop, mini_swe, samples, single
from evals.repair.attempt import COMPLETION_TOKENS, Arm, Attempt, Proposal, attempt_id
from evals.repair.catalogue import Task
from evals.repair.judging import failing, judged
from evals.repair.metered import Account, MeteredChat
from evals.repair.stand import assigned_task, prepare
from labcrew.domain.chat import Manner
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineUnavailable, LabcrewError
from labcrew.settings import ModelSettings
from tools.toolbox import Workbench

CONTEXT_TOKENS = 8192


def model_settings(model: str) -> ModelSettings:
    """A local model as all arms ask it: without sampling, unless an arm asks for it."""
    return ModelSettings(
        gguf=fetched(model),
        temperature=0,
        max_tokens=COMPLETION_TOKENS,
        context_tokens=CONTEXT_TOKENS,
        timeout_s=1800,
        first_token_s=900,
        between_tokens_s=120,
        tools="schema",
    )


def run_all(
    tasks: Sequence[Task],
    place: Path,
    *,
    arms: Sequence[Arm],
    model: str,
    seeds: Sequence[int],
    say: Callable[[str], None],
) -> None:
    """Runs what has no result yet, and keeps each result as it comes.

    Args:
        place: folder of results, a file an arm and model, a line an attempt.
        model: as in evals.local_models.

    Raises:
        EngineUnavailable: no Docker engine answers.
        LabcrewError: the model can't be fetched or served; or some attempts failed for reasons of
            ours, which are said, not kept, and made again the next time.
    """
    place.mkdir(parents=True, exist_ok=True)
    kept = {attempt.id for attempt in load(place)}
    missing = [
        (seed, arm, task)
        for seed in seeds
        for arm in arms
        for task in tasks
        if attempt_id(arm, model, task.name, seed) not in kept
    ]
    if not missing:
        return
    settings = model_settings(model)
    failed = 0
    with bare_bench() as bench, TemporaryDirectory(prefix="labcrew-repair-") as folder:
        for number, (seed, arm, task) in enumerate(missing):
            began = time.monotonic()
            home = Path(folder) / str(number)
            told = f"[{number + 1}/{len(missing)}] {arm} {model} {task.name}:"
            try:
                assigned = assigned_task(bench, task, home, id=f"T-{number:04d}")
                proposal = _proposed(bench, assigned, task, arm, settings, seed)
                attempt = judged(bench, assigned, task, proposal, arm=arm, model=model, seed=seed)
            except EngineUnavailable:
                raise
            except LabcrewError as error:
                failed += 1
                say(f"{told} failed: {error.message[:500]}")
                continue
            append(place / f"{arm}-{model}.jsonl", attempt)
            say(
                f"{told} {'solved' if attempt.solved else 'not solved'}"
                f" ({attempt.tokens.completion} tokens, {time.monotonic() - began:.0f} s)"
            )
    if failed:
        raise LabcrewError(
            f"{failed} of {len(missing)} attempts could not be made; why is said above.",
            "The same command makes them again.",
        )


def _proposed(
    bench: Workbench,
    assigned: AssignedTicket,
    task: Task,
    arm: Arm,
    settings: ModelSettings,
    seed: int,
) -> Proposal:
    """What an arm makes of a task. Raises LabcrewError: the endpoint failed, not the model."""
    if arm == "mini-swe-agent":
        prepare(bench, assigned)
        return mini_swe.worked(bench, assigned, task, settings, seed)
    account = Account()
    chat = MeteredChat(settings, account)
    if arm == "single":
        asked = chat.in_manner(Manner(temperature=single.SAMPLED, seed=seed)) if seed else chat
        prepare(bench, assigned)
        proposal = asyncio.run(single.single_shot(task, asked))
    elif arm == "samples":
        prepare(bench, assigned)

        def passes(files: Mapping[str, str]) -> bool:
            return not failing(bench, assigned, task, files)

        proposal = asyncio.run(samples.sampled(task, chat, passes, seed))
    else:
        proposal = asyncio.run(loop.looped(bench, assigned, chat, arm, seed))
    if account.lost is not None:
        raise LabcrewError(f"The model could not be used: {account.lost.message}")
    return proposal.model_copy(update={"tokens": account.tokens, "steps": account.calls})


def load(place: Path) -> Iterator[Attempt]:
    """The results of a folder, by file, in the order in which they came."""
    for path in sorted(place.glob("*.jsonl")):
        yield from read(path, Attempt)
