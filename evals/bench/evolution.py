"""What a loop costs beside its evaluations: the scaffold target with a model that is canned."""

import asyncio
import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from agents.evolution.proposers import proposers
from desk.evolutions import Evolutions
from evals.bench.evolution_ledger import add_rounds
from evals.bench.figures import Figure
from evals.lab import bare_bench
from evals.scaffold.make import make
from graphs.evolution.evolver import Evolver
from labcrew.domain.evolution import ModelAnswer, ModelRequest
from labcrew.errors import LabcrewError
from labcrew.evolution_file import read_spec

BOUND = 3.0
_ANSWER_S = 2.0
"""Less than half a billion parameters take on two cores: of one such round the share is no less.
Rounds of a real loop ask less than this: many of their answers are in the cache."""
_NOISE = {"noise_seeds": 2, "seeds": 1, "retest_seeds": 1, "sealed_seeds": 1}


class CannedModel:
    """A broker that takes its time and answers the same again and again: right in some cases."""

    def answer(self, request: ModelRequest, seed: int) -> ModelAnswer:
        """The same function for every question, after a while."""
        time.sleep(_ANSWER_S)
        name = request.messages[-1].content.partition("def ")[2].partition("(")[0] or "f"
        text = f"```python\ndef {name}(*given):\n    return {seed % 2}\n```"
        return ModelAnswer(text=text, prompt_tokens=120, completion_tokens=40, seconds=_ANSWER_S)


def evolution_figure(rounds: int, earlier: int = 0) -> Figure:
    """The share of a round that is not evaluation, over rounds that were evaluated.

    Args:
        rounds: how many are run; the first one, with its imports and all that is read once, is not
            counted.
        earlier: rounds that the ledger is given before them; a round is run before these too.

    Raises:
        EngineUnavailable: no Docker engine answers.
        LabcrewError: the loop did not run its rounds.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="labcrew-bench-")))
        bench = replace(stack.enter_context(bare_bench()), broker=CannedModel())
        spec = read_spec(make(folder))
        last = rounds + (earlier + 1 if earlier else 0)
        budget = spec.budget.model_copy(update={"rounds": last})
        keep = spec.keep.model_copy(update=_NOISE)
        evolutions = Evolutions(
            bench.ledger, bench.clock, bench.repositories, nullcontext, proposers=(), has_model=True
        )
        started = evolutions.start(
            spec.model_copy(update={"budget": budget, "keep": keep}),
            beside=folder,
            source="bench",
            by="bench",
            secret="7" * 64,
        )

        def run_until(number: int) -> None:
            def told(said: str) -> None:
                if (
                    said.startswith(f"round {number}:")
                    and bench.ledger.evolutions.get(started.id).rounds == number
                ):
                    evolutions.pause(started.id, "bench")  # what follows is no round

            evolver = Evolver(
                bench, proposers(), holder="bench", lease_s=600, say=told, assume_yes=True
            )
            ended = asyncio.run(evolver.advance(started.id))
            if ended.rounds < number:
                raise LabcrewError(f"The loop ended after {ended.rounds} rounds: {ended.outcome}")

        if earlier:
            run_until(1)
            add_rounds(bench.ledger, started.id, earlier)
            evolutions.resume(started.id, "bench")
        run_until(last)
        ran = bench.ledger.rounds.of(started.id)[-rounds:]
        evaluated = [r for r in ran[1:] if r.seconds > 0]
    share = [100 * r.own_seconds / (r.seconds + r.own_seconds) for r in evaluated]
    whole = median(r.seconds + r.own_seconds for r in evaluated)
    return Figure(
        name="evolution: all but evaluation, of a round"
        + f" after {earlier} others" * bool(earlier),
        value=median(share),
        unit="%",
        bound=BOUND,
        parts={
            "rounds": len(evaluated),
            "ms a round": 1000 * median(r.own_seconds for r in evaluated),
            "s a round": whole,
            "rounds an hour": 3600 / whole,
        },
        note=f"the scaffold target; each answer of the model takes {_ANSWER_S:g} s",
    )
