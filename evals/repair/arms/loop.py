"""labcrew itself: a ticket of kind fix, from assignment to merge request, answered by `--yes`."""

import time

from agents.programming.options import PROGRAMMING, LoopOptions
from evals.repair.attempt import COMPLETION_TOKENS, Arm, Proposal
from graphs.crew import Crew
from graphs.worker import Worker
from labcrew.domain.chat import ChatModel, Tokens
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judge
from labcrew.settings import Settings
from memory.embedding import OnnxEmbedder
from tools.facts import patch_id
from tools.toolbox import Workbench


def options(arm: Arm, seed: int) -> LoopOptions:
    """How the loop is led in an arm: whole, or without one of its parts."""
    return LoopOptions(
        style="direct",
        error_feedback=arm != "no-feedback",
        search=arm != "no-search",
        critique=arm != "no-critique",
        reduce=arm != "no-reduce",
        prompt_characters=16_000,
        completion_tokens=COMPLETION_TOKENS,
        seed=1000 * seed,
    )


async def looped(
    bench: Workbench, assigned: AssignedTicket, model: ChatModel, arm: Arm, seed: int
) -> Proposal:
    """Works on the ticket to its end; a patch that it gave up is proposed all the same."""
    began = time.monotonic()
    crew = Crew.of(Judge(models={PROGRAMMING: model}, timeout_s=1800), OnnxEmbedder())
    async with Worker(
        crew,
        bench,
        Settings(),
        holder="eval",
        assume_yes=True,
        loop=options(arm, seed),
    ) as worker:
        ended = await worker.advance(assigned.id)
    patch = bench.ledger.patches.find(patch_id(assigned))
    return Proposal(
        files={f.path: f.content.decode() for f in patch.files} if patch is not None else {},
        steps=patch.steps if patch is not None else 0,
        tokens=patch.tokens if patch is not None else Tokens(),
        seconds=time.monotonic() - began,
        ended=(patch.because if patch is not None and patch.because else ended.outcome)[:2000],
    )
