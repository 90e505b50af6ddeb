"""A ticket's decisions come out again from the records alone, and any change in them is found."""

import asyncio
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.coordinator import NEXT_MOVE, MoveQuestion
from agents.experiment_launcher import SAMPLED
from agents.monitoring.watch import Reading
from desk.cli import main
from desk.replay import _judgements, question_type, replay
from graphs.accounts import accountable
from graphs.crew import Crew
from labcrew.domain.chat import Message, Reply
from labcrew.domain.experiment import Trial
from labcrew.domain.monitoring import Alarm
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.spending import Bounds
from labcrew.errors import ModelFailure, NotFound
from labcrew.judgement import Judge
from labcrew.settings import Settings
from labcrew.taint import tainted, taints
from tests.doubles.bench import make_bench
from tests.doubles.counted_chat import DoubleChat, says
from tests.doubles.embedder import WordEmbedder
from tests.tickets import make_assigned, make_plan, make_trial, scored
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


def test_a_question_asked_anew_in_the_same_words_is_a_decision_of_its_own(
    bench: Workbench,
) -> None:
    moves = iter(("design_trials", "open_merge_request"))
    double = DoubleChat(lambda _: says(json.dumps({"move": next(moves), "because": "now"})))
    ask(bench, double, question(1), question(1))

    def decided() -> list[str]:
        events = bench.ledger.events.of(TICKET, kind="judgement.answered")
        return [event.data["answer"]["move"] for event in events]

    assert decided() == ["design_trials", "open_merge_request"]
    ask(bench, double, question(1), question(1))  # as after a crash: both answers are found
    assert (len(double.asked), len(decided())) == (2, 2)
    done = replay(bench.home, bench.ledger, TICKET)
    assert (done.difference, done.left_out, done.decisions) == (None, (), 2)


def crew_of(bench: Workbench, double: DoubleChat) -> Crew:
    crew = Crew.of(Judge(models={"default": double}), WordEmbedder())
    bounds = Bounds(tokens=1_000_000)
    return accountable(crew, bench, Settings(), TICKET, lambda: bounds, tainting=True)


def test_a_batch_that_was_killed_before_it_was_written_comes_out_the_same(
    bench: Workbench,
) -> None:
    """Whatever the model would say now: what it said before the process was killed stands."""
    assigned = bench.ledger.tickets.get(TICKET)

    def design(rates: Sequence[float]) -> tuple[tuple[Trial, ...], DoubleChat]:
        left = iter(rates)
        said = DoubleChat(
            lambda _: says(
                json.dumps({"values": {"lr": next(left), "batch": 8}, "because": "it is near"})
            )
        )
        launcher = crew_of(bench, said).experiment_launcher
        trials = [scored(t, 0.5) for t in launcher.design(assigned, make_plan(), [])]
        sampled = launcher.design(assigned, make_plan(), trials)
        return asyncio.run(launcher.choose(assigned, trials, sampled)), said

    made, _ = design([0.01 * n for n in range(1, 9)])
    ours = [t.because for t in made if t.because != SAMPLED]
    assert ours == ["model:double: it is near"] * (len(made) // 2)
    again, asked = design([0.5 + 0.01 * n for n in range(1, 9)])
    assert (again, asked.asked) == (made, [])
    done = replay(bench.home, bench.ledger, TICKET)
    assert (done.difference, done.left_out, done.decisions) == (None, (), len(ours))
    assert not tainted(bench.ledger, TICKET)


def test_a_diagnosis_comes_out_again_and_tells_that_a_log_was_read(bench: Workbench) -> None:
    tail = ("AssertionError: loss is nan at step 51",)
    answer = {"kind": "not_finite", "quotes": tail, "because": "it says so"}
    monitor = crew_of(bench, DoubleChat(lambda _: says(json.dumps(answer)))).log_monitor
    crashed = Alarm(kind="crashed", diagnosis="exit code 1", confidence=0.8)
    status = SandboxStatus(name="t", state="exited", exit_code=1)
    reading = Reading(ended=True, tail=tail)
    made = asyncio.run(monitor.diagnose(make_trial(1), [crashed], reading, status, acts="learning"))
    assert made.kind == "not_finite"
    assert [taint.source for taint in taints(bench.ledger, TICKET)] == ["logs"]
    done = replay(bench.home, bench.ledger, TICKET)
    assert (done.difference, done.left_out, done.decisions) == (None, (), 1)


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


def test_a_ticket_whose_records_were_cleaned_away(bench: Workbench) -> None:
    ask(bench, DoubleChat(chooses), question(1))
    shutil.rmtree(bench.home.artefacts(TICKET))
    with pytest.raises(NotFound, match="is gone from") as told:
        replay(bench.home, bench.ledger, TICKET)
    assert "labcrew clean" in told.value.remedy


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
