"""What the coordinator understands of messages that it never saw, and that it invents nothing."""

from pathlib import Path

import pytest

from desk.chat.building import recogniser
from desk.wiring import open_home
from evals.chat.cases import SPLITS, cases
from evals.chat.home import fill
from evals.chat.measuring import ChatResult, measure

RESULT = Path(__file__).parents[2] / "evals" / "results" / "chat.json"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> ChatResult:
    with open_home(tmp_path_factory.mktemp("chat") / "home", create=True) as opened:
        fill(opened)
        return measure(opened, recogniser())


def test_there_are_enough_messages_in_splits_that_share_none() -> None:
    said = [case.say.lower() for split in SPLITS for case in cases(split)]
    assert len(said) >= 150
    assert len(cases("unseen")) >= 60
    by_split = [{case.say.lower() for case in cases(split)} for split in SPLITS]
    assert sum(len(split) for split in by_split) - len(set.union(*by_split)) <= 1


@pytest.mark.parametrize("split", ["unseen", "fresh"])
def test_intent_and_slots_are_right(result: ChatResult, split: str) -> None:
    (mine,) = [m for m in result.splits if m.split == split and m.way == "coordinator"]
    (control,) = [m for m in result.splits if m.split == split and m.way != "coordinator"]
    assert mine.both.hits >= 0.9 * mine.both.of
    assert mine.both.hits > control.both.hits


def test_nothing_is_done_without_a_yes_and_nothing_is_invented(result: ChatResult) -> None:
    assert result.said.done_without_yes == 0
    assert result.said.numbers_or_ids_wrong == 0, result.said.wrong_statements
    assert result.said.proposals > 20
    assert result.said.statements > 300


def test_the_kept_result_is_this_one(result: ChatResult) -> None:
    kept = ChatResult.model_validate_json(RESULT.read_text())
    assert [(m.split, m.way, m.both.hits) for m in kept.splits] == [
        (m.split, m.way, m.both.hits) for m in result.splits
    ]
