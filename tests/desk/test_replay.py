"""A ticket's decisions come out again from the records alone, and any change in them is found."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.coordinator import NEXT_MOVE, MoveQuestion
from desk.cli import main
from desk.replay import _judgements, question_type, replay
from graphs.accounts import accountable
from graphs.crew import Crew
from labcrew.domain.chat import Message, Reply
from labcrew.domain.spending import Bounds
from labcrew.errors import ModelFailure, NotFound
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.bench import make_bench
from tests.doubles.counted_chat import DoubleChat, says
from tests.doubles.embedder import WordEmbedder
from tests.tickets import make_assigned
from tools.toolbox import Workbench

TICKET = "T-0001"
HOUSE = "Runs of this lab log to metrics.jsonl."


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = make_bench(tmp_path)
    made.ledger.tickets.put(make_assigned(), actor="person:ada")
    yield made
    made.ledger.close()


def question(left: int) -> MoveQuestion:
    return MoveQuestion(
        legal=("open_merge_request", "design_trials"),
        trials_left=left,
        hours_left=1.0,
        target_met=False,
        gain=0.1,
        budget_asked=0,
        untried=0,
    )


def ask(bench: Workbench, double: DoubleChat, *questions: MoveQuestion) -> list[Any]:
    judge = Judge(models={"default": double}, timeout_s=0.5, told=lambda _: HOUSE)
    crew = Crew.of(judge, WordEmbedder())
    mine = accountable(crew, bench, Settings(), TICKET, lambda: Bounds(tokens=1_000_000))

    async def all_of_them() -> list[Any]:
        return [await mine.judge.ask(NEXT_MOVE, q) for q in questions]

    return asyncio.run(all_of_them())


def chooses(messages: Sequence[Message]) -> Reply:
    """A model that is wrong at first, then right; sometimes it fails, sometimes it hangs."""
    left = json.loads(messages[1].content)["trials_left"]
    if left == 3:
        raise ModelFailure("the endpoint answered 503: it failed", kind="unavailable")
    if len(messages) == 2:
        return says('{"move": "ask_budget", "because": "more"}')
    if left == 2:
        return says("no JSON at all")
    return says('{"move": "open_merge_request", "because": "enough"}')


def head(bench: Workbench) -> tuple[int, list[str]]:
    return bench.ledger.events.count(), [e.hash for e in bench.ledger.events.of()]


def test_every_decision_comes_out_again(bench: Workbench) -> None:
    verdicts = ask(bench, DoubleChat(chooses), *map(question, range(1, 6)))
    assert [v.by for v in verdicts] == ["model:double", "rule", "rule", *["model:double"] * 2]
    before = head(bench)
    done = replay(bench.home, bench.ledger, TICKET)
    assert done.difference is None
    assert done.left_out == ()
    assert (done.decisions, done.calls) == (5, 9)
    assert head(bench) == before
    assert bench.ledger.verify() == []


def test_a_timed_out_question_comes_out_again(bench: Workbench) -> None:
    (verdict,) = ask(bench, DoubleChat(chooses, rounds=10**9), question(1))
    assert verdict.by == "rule"
    assert replay(bench.home, bench.ledger, TICKET).difference is None


def test_a_changed_answer_is_the_first_difference(bench: Workbench) -> None:
    ask(bench, DoubleChat(chooses), question(1), question(4))
    call = bench.ledger.model_calls.of(TICKET)[-1]
    kept = bench.home.model_calls(TICKET) / "kept" / call.answer[:2] / f"{call.answer}.json"
    kept.write_text(kept.read_text().replace("open_merge_request", "design_trials"))
    done = replay(bench.home, bench.ledger, TICKET)
    assert done.difference is not None
    assert "changed" in done.difference.replayed


def test_a_changed_prompt_is_found(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A labcrew whose judgement asks with other words does not take the old answers for its own."""
    ask(bench, DoubleChat(chooses), question(1))
    monkeypatch.setattr("labcrew.judgement.UNTRUSTED", "Do as the question says.")
    done = replay(bench.home, bench.ledger, TICKET)
    assert done.difference is not None
    assert "never asked" in done.difference.replayed
    assert done.decisions == 0


def test_a_changed_check_is_found(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(bench, DoubleChat(chooses), question(1))
    monkeypatch.setattr("labcrew.judgement._SHOWN_AGAIN", 3)
    assert replay(bench.home, bench.ledger, TICKET).difference is not None


def test_an_answer_from_before_a_crash_is_replayed_once(bench: Workbench) -> None:
    ask(bench, DoubleChat(chooses), question(1))
    second = DoubleChat(chooses)
    ask(bench, second, question(1))
    assert second.asked == []  # the process that came up found the answers
    done = replay(bench.home, bench.ledger, TICKET)
    assert (done.difference, done.decisions, done.calls) == (None, 1, 2)


def test_what_held_a_secret_is_left_out_and_said_to_be(bench: Workbench) -> None:
    def leaks(_: object) -> Reply:
        key = "sk-" + "a1b2c3d4e5f6g7h8i9"
        return says(json.dumps({"move": "design_trials", "because": key}))

    ask(bench, DoubleChat(leaks), question(1))
    done = replay(bench.home, bench.ledger, TICKET)
    assert done.difference is None
    assert "a secret was taken out" in done.left_out[0]


def test_a_ticket_nobody_knows(bench: Workbench) -> None:
    with pytest.raises(NotFound):
        replay(bench.home, bench.ledger, "T-9")


def test_each_judgement_says_what_it_is_asked() -> None:
    for judgement in _judgements().values():
        assert question_type(judgement).model_fields


def test_the_command_says_what_came_out_and_ends_by_it(
    bench: Workbench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(bench, DoubleChat(chooses), question(1))

    def labcrew(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["labcrew", *words, "--home", str(bench.home.root)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    assert labcrew("replay", TICKET) == (
        0,
        f"{TICKET}: 1 decisions, 2 calls to models: all came out as recorded.\n",
    )
    code, told = labcrew("replay", TICKET, "--json")
    assert (code, json.loads(told)["difference"]) == (0, None)
    call = bench.ledger.model_calls.of(TICKET)[0]
    (bench.home.model_calls(TICKET) / "kept" / call.answer[:2] / f"{call.answer}.json").unlink()
    code, told = labcrew("replay", TICKET)
    assert code == 4
    assert f"the first difference, after 0 decisions, is {call.id}" in told
    assert "gone" in told
