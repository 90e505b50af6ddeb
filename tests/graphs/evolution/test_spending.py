"""What a loop may spend: tokens, money and hours, whatever they go into and whoever is killed."""

import asyncio
from collections.abc import Generator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.evolution.proposing import Situation
from graphs.evolution import evaluating
from graphs.evolution import rounds as ending_rounds
from graphs.evolution.evolver import Evolver
from labcrew.counted import CountedChat
from labcrew.domain.chat import FailureKind, Message, Reply, Tokens
from labcrew.domain.evolution import Evolution, Proposal, RawRun
from labcrew.domain.spending import Price
from labcrew.errors import EngineError, InputError, ModelFailure
from tests.graphs.evolution.lab import Lab, Scripted, lab_at, make_spec, program
from tests.graphs.evolution.test_loop import rounds
from tools.evolution.run_candidate import RunCandidate
from tools.toolbox import Tool, Workbench

BETTER = program(0.8)
CENT = Price(prompt=0.0, completion=10_000.0)
"""A token of an answer costs a cent."""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return lab_at(tmp_path, monkeypatch)


class Chat:
    """A model whose answers have ten tokens, or that fails after as many."""

    name = "m"

    max_tokens = 1000

    def __init__(self, *, fails: bool = False, failure: ModelFailure | None = None) -> None:
        self._fails, self._failure = fails, failure

    async def reply(self, messages: Sequence[Message], **_: Any) -> Reply:
        used = Tokens(prompt=5, completion=10)
        if self._failure is not None:
            raise self._failure
        if self._fails:
            raise ModelFailure("cut off", kind="cut_off", tokens=used)
        said = Message(role="assistant", content="nothing that can be used")
        return Reply(message=said, model="m", tokens=used)


class Asking(Scripted):
    """Asks the model first, and may have nothing to propose after all."""

    def __init__(self, chat: CountedChat, *programs: Any) -> None:
        super().__init__(*programs)
        self._chat = chat

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        await self._chat.reply((Message(role="user", content="?"),))
        return await super().propose(situation, random) if self.programs else None


def moved(lab: Lab, id: str, proposer: Scripted, chat: CountedChat | None) -> Evolution:
    evolver = Evolver(
        lab.bench, (proposer,), holder="test", lease_s=60, assume_yes=True, asked=chat
    )
    return asyncio.run(evolver.advance(id))


def why(lab: Lab, id: str) -> str:
    effect = lab.bench.ledger.effect(f"{id}/finished")
    assert effect is not None
    assert effect.result is not None
    return str(effect.result["why"])


def test_money_bounds_a_loop(lab: Lab) -> None:
    budget = {"rounds": 9, "parallel": 1, "model_usd": 0.15}
    started = lab.start(make_spec(lab.target, budget=budget))
    chat = CountedChat(Chat(), {"m": CENT})
    proposer = Asking(chat, *(program(0.5 - n / 100) for n in range(9)))
    ended = moved(lab, started.id, proposer, chat)
    assert why(lab, started.id) == "its 0.15 USD for models are spent"
    assert ended.rounds == 2
    assert ended.model_usd == pytest.approx(0.2)


def test_money_of_candidates_counts_too(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    run = lab.runs.run

    def dear(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        runs = run(call, evolution, bench)
        return (raw.model_copy(update={"model_usd": 0.01}) for raw in runs)

    monkeypatch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, dear))
    budget = {"rounds": 9, "parallel": 1, "model_usd": 0.3}
    started = lab.start(make_spec(lab.target, budget=budget))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert why(lab, started.id) == "its 0.3 USD for models are spent"
    assert ended.rounds == 0, "the noise alone cost as much"


def test_questions_of_candidates_that_went_unanswered_count_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = lab.runs.run

    def unlucky(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        runs = run(call, evolution, bench)
        return (raw.model_copy(update={"model_lost_tokens": 100}) for raw in runs)

    monkeypatch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, unlucky))
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    runs = lab.bench.ledger.scored_runs.of(started.id)
    assert ended.model_tokens == sum(run.model_tokens + 100 for run in runs)


def test_a_bound_in_money_needs_prices(lab: Lab) -> None:
    lab.evolutions._unpriced = ("m",)
    with pytest.raises(InputError, match="m has no price"):
        lab.start(make_spec(lab.target, budget={"rounds": 1, "model_usd": 1}))


def test_what_is_asked_for_nothing_counts(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target))
    chat = CountedChat(Chat(), {})
    ended = moved(lab, started.id, Asking(chat), chat)
    runs = lab.bench.ledger.scored_runs.of(started.id)
    assert ended.rounds == 0
    assert ended.model_tokens == sum(run.model_tokens for run in runs) + 3 * 15


def test_a_failed_answer_counts() -> None:
    chat = CountedChat(Chat(fails=True), {"m": CENT})
    with pytest.raises(ModelFailure):
        asyncio.run(chat.reply((Message(role="user", content="?"),)))
    assert (chat.used.tokens.total, chat.used.usd) == pytest.approx((15, 0.1))


@pytest.mark.parametrize(
    ("kind", "completion"), [("timed_out", 1000), ("invalid", 1000), ("unavailable", 0)]
)
def test_a_failure_that_tells_no_tokens_counts_in_full_unless_it_was_turned_away(
    kind: FailureKind, completion: int
) -> None:
    chat = CountedChat(Chat(failure=ModelFailure("gone", kind=kind)), {})
    with pytest.raises(ModelFailure):
        asyncio.run(chat.reply((Message(role="user", content="?"),)))
    assert chat.used.tokens.completion == completion


def test_a_kill_makes_nothing_cheaper(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = make_spec(lab.target, budget={"rounds": 1, "parallel": 1})
    started, unharmed = lab.start(spec), lab.start(spec)

    def killed(*_: object, **__: object) -> None:
        raise EngineError("the process was killed")

    with monkeypatch.context() as patches:
        patches.setattr(ending_rounds, "note_of", killed)
        with pytest.raises(EngineError):
            lab.advance(started.id, [Scripted(BETTER)])
    ended = lab.advance(started.id, [Scripted(BETTER)])
    runs = lab.bench.ledger.scored_runs.of(started.id)
    (round_,) = rounds(lab, started.id)
    assert round_.verdict == "kept"
    assert ended.model_tokens == sum(run.model_tokens for run in runs)
    lab.advance(unharmed.id, [Scripted(BETTER)])
    assert [r.model_tokens for r in rounds(lab, unharmed.id)] == [round_.model_tokens]


def test_what_no_score_comes_of_was_spent_all_the_same(lab: Lab) -> None:
    started = lab.start(make_spec(lab.target, budget={"rounds": 1, "parallel": 1}))
    ended = lab.advance(started.id, [Scripted(program(0.9, "# BEND\n"))])
    runs = lab.bench.ledger.scored_runs.of(started.id)
    assert ended.model_tokens == 3 * len(lab.runs.ran) > sum(run.model_tokens for run in runs)


def test_a_baseline_that_is_at_the_target_has_nothing_to_look_for(lab: Lab) -> None:
    metric = {"name": "skill", "low": 0, "high": 1, "target": 0.3}
    started = lab.start(make_spec(lab.target, metric=metric))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert (ended.status, ended.rounds, ended.sealed) == ("failed", 0, None)
    assert "has reached the target 0.3 already: its gate mean is 0." in ended.outcome
    assert {run.split for run in lab.bench.ledger.scored_runs.of(started.id)} == {"gate", "canary"}


def test_a_loop_ends_where_its_champion_reaches_the_target(lab: Lab) -> None:
    metric = {"name": "skill", "low": 0, "high": 1, "target": 0.7}
    started = lab.start(make_spec(lab.target, metric=metric))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert (why(lab, started.id), ended.rounds) == ("the gate mean reached the target 0.7", 1)
