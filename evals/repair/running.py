"""Runs tasks in arms, one after the other; what has a result is not run again."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from desk.models.answering import chat_of
from evals.lab import bare_bench
from evals.local_models import fetched
from evals.repair.arms import loop, mini_swe, single
from evals.repair.attempt import COMPLETION_TOKENS, Arm, Attempt, Proposal
from evals.repair.catalogue import Task
from evals.repair.judging import judged
from evals.repair.stand import assigned_task, prepare
from labcrew.domain.chat import ChatModel
from labcrew.domain.ticket import AssignedTicket
from labcrew.settings import ModelSettings
from tools.toolbox import Workbench

CONTEXT_TOKENS = 8192
LOOPS: tuple[Arm, ...] = ("loop", "no-feedback", "no-search", "no-critique")


def model_settings(model: str) -> ModelSettings:
    """A local model as all arms ask it: without sampling, unless an arm asks for it."""
    return ModelSettings(
        gguf=fetched(model),
        temperature=0,
        max_tokens=COMPLETION_TOKENS,
        context_tokens=CONTEXT_TOKENS,
        timeout_s=600,
        first_token_s=300,
        between_tokens_s=60,
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
        place: folder of results, a file an attempt.
        model: as in evals.local_models.

    Raises:
        EngineUnavailable: no Docker engine answers.
        LabcrewError: the model can't be fetched or served.
    """
    place.mkdir(parents=True, exist_ok=True)
    missing = [
        (seed, arm, task)
        for seed in seeds
        for arm in arms
        for task in tasks
        if not _file(place, arm, model, task, seed).is_file()
    ]
    if not missing:
        return
    settings = model_settings(model)
    chat = chat_of(settings)
    with bare_bench() as bench, TemporaryDirectory(prefix="labcrew-repair-") as folder:
        for number, (seed, arm, task) in enumerate(missing):
            began = time.monotonic()
            home = Path(folder) / str(number)
            assigned = assigned_task(bench, task, home, id=f"T-{number:04d}")
            proposal = _proposed(bench, assigned, task, arm, chat, settings, seed)
            attempt = judged(bench, assigned, task, proposal, arm=arm, model=model, seed=seed)
            path = _file(place, arm, model, task, seed)
            path.with_suffix(".partial").write_text(attempt.model_dump_json(indent=1) + "\n")
            path.with_suffix(".partial").replace(path)
            say(
                f"[{number + 1}/{len(missing)}] {arm} {model} {task.name}:"
                f" {'solved' if attempt.solved else 'not solved'}"
                f" ({attempt.tokens.completion} tokens, {time.monotonic() - began:.0f} s)"
            )


def _proposed(
    bench: Workbench,
    assigned: AssignedTicket,
    task: Task,
    arm: Arm,
    chat: ChatModel,
    settings: ModelSettings,
    seed: int,
) -> Proposal:
    if arm in LOOPS:
        return asyncio.run(loop.looped(bench, assigned, chat, arm, seed))
    prepare(bench, assigned)
    if arm == "single":
        asked = chat if seed == 0 else chat.sampled(0.7, seed)  # type: ignore[attr-defined]
        return asyncio.run(single.single_shot(task, asked))
    return mini_swe.worked(bench, assigned, task, settings, seed)


def _file(place: Path, arm: Arm, model: str, task: Task, seed: int) -> Path:
    return place / f"{arm}-{model}-{task.name}-{seed}.json"


def load(place: Path) -> Iterator[Attempt]:
    """The results of a folder, by name."""
    for path in sorted(place.glob("*.json")):
        yield Attempt.model_validate_json(path.read_text(encoding="utf-8"))
