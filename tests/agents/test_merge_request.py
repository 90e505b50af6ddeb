"""The merge request: its numbers, its summary's check, and the files that document it."""

import csv
import io
import json
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.merge_request import (
    SUMMARY,
    MergeRequestAgent,
    SummaryAnswer,
    SummaryQuestion,
    compared,
    numbers,
)
from labcrew.domain.programming import Patch
from labcrew.domain.research import QuarantinedRow, data_hash
from labcrew.judgement import Judge
from tests.doubles.chat import ScriptedChat
from tests.packets import CARD, make_packet, scores
from tests.tickets import make_assigned

A = TypeVar("A", bound=BaseModel)
AGENT = MergeRequestAgent(Judge(models={}))


def test_gains_are_judged_by_their_interval() -> None:
    assigned = make_assigned()
    down = make_assigned(metric={"name": "loss", "direction": "minimize", "file": "m.jsonl"})
    better, worse = scores(0.90, 0.91, 0.92), scores(0.70, 0.71, 0.72)
    noise = scores(0.2, 0.7, 1.2)
    gain, verdict = compared(assigned, worse, better)
    assert (round(gain or 0, 6), verdict) == (0.2, "improves")
    assert compared(assigned, worse, noise)[1] == "no_gain"
    assert compared(assigned, better, worse)[1] == "no_gain"
    gain, verdict = compared(down, better, worse)
    assert (round(gain or 0, 6), verdict) == (0.2, "improves")
    assert compared(assigned, better[:1], worse) == (None, "unmeasured")
    assert compared(assigned, (), ()) == (None, "unmeasured")


def test_every_number_is_computed_from_scores() -> None:
    packet = make_packet()
    found = {item.key: item for item in numbers(packet)}
    assert {"t0", "validation_baseline_mean", "holdout_gain_low", "holdout_best_std"} <= set(found)
    assert found["holdout_gain"].against == packet.holdout_baseline
    assert found["holdout_gain_low"].value < found["holdout_gain"].value
    assert len(found) == len(numbers(packet))


def test_with_one_seed_there_is_a_gain_but_no_interval() -> None:
    packet = make_packet(holdout_baseline=scores(0.8), holdout_best=scores(0.9))
    keys = {item.key for item in numbers(packet)}
    assert "holdout_gain" in keys
    assert "holdout_gain_low" not in keys


def test_one_seed_has_no_deviation() -> None:
    one = scores(0.8)
    packet = make_packet(validation_cleaned=one, holdout_best=one, holdout_baseline=one)
    keys = {item.key for item in numbers(packet)}
    assert {"validation_cleaned_mean", "holdout_best_mean", "validation_best_std"} <= keys
    assert not keys & {"validation_cleaned_std", "holdout_best_std", "holdout_baseline_std"}


def test_small_numbers_keep_digits_that_tell_them_apart() -> None:
    packet = make_packet(validation_best=scores(3e-6, 4e-6), validation_baseline=scores(5e-6, 6e-6))
    shown = {item.key: item.rendered() for item in numbers(packet)}
    assert shown["validation_best_mean"] == "0.000003500"
    assert {item.digits for item in numbers(make_packet())} == {4}
    zero = make_packet(validation_best=scores(0.0), validation_baseline=scores(0.0))
    assert {item.digits for item in numbers(zero)} == {4}


async def test_the_rules_summary_speaks_by_reference() -> None:
    for verdict in ("improves", "no_gain", "unmeasured"):
        paragraph = await AGENT.summarise(make_packet(verdict=verdict))
        assert not any(c.isdigit() for c in paragraph)
        assert "{{holdout_best_mean}}" in paragraph
        assert ("too few seeds" in paragraph) == (verdict == "unmeasured")
    patch = Patch(
        id="T-0001-C0", ticket="T-0001", revision=0, status="ready", files=(), summary="",
        steps=1, by="model:m",
    )  # fmt: skip
    mended = make_packet(
        assigned=make_assigned(kind="fix"), verdict="no_score_before", patch=patch,
        validation_baseline=(), holdout_baseline=(),
    )  # fmt: skip
    paragraph = await AGENT.summarise(mended)
    assert "no gain is claimed; with this change it gives {{validation_best_mean}}" in paragraph
    none = make_packet(verdict="unmeasured", holdout_best=(), holdout_baseline=())
    assert "No holdout was measured" in await AGENT.summarise(none)
    assert "better settings and cleaner training data" in await AGENT.summarise(make_packet())
    cleaning = await AGENT.summarise(make_packet(settings={}))
    assert "proposes cleaner training data." in cleaning


async def test_what_came_of_it_is_told_by_rule_before_a_models_words() -> None:
    said = "It beats the program\n===\nas it was, far beyond *all* noise: {{holdout_best_mean}}."
    agent = MergeRequestAgent(Judge({"default": ScriptedChat({"paragraph": said}, name="m_1")}))
    packet = make_packet(verdict="no_gain")
    rule, told = (await agent.summarise(packet)).split("\n\n")
    assert rule == await AGENT.summarise(packet)
    assert "does not beat the program as it was beyond the seeds' noise" in rule
    assert told == (
        r"In the words of model:m\_1, of which the numbers alone are checked: “It beats the program"
        " === as it was, far beyond *all* noise: {{holdout_best_mean}}.”"
    )


async def test_of_a_later_revision_nothing_is_called_unseen_that_people_saw() -> None:
    fresh: dict[str, Any] = {
        "holdout_best": (), "holdout_baseline": (),
        "fresh_best": scores(0.9, 0.91), "fresh_baseline": scores(0.8, 0.81),
    }  # fmt: skip
    assert "fresh seeds, by which nothing was chosen, it" in await AGENT.summarise(
        make_packet(**fresh)
    )
    later = make_assigned().model_copy(update={"revision": 1})
    assert "With fresh seeds, seen in an earlier revision, it beats" in await AGENT.summarise(
        make_packet(assigned=later, **fresh)
    )


QUESTION = SummaryQuestion(
    title="t", question="", keys=("t1",), settings={}, quarantined_rows=0, verdict="improves"
)


@pytest.mark.parametrize(
    "paragraph",
    [
        "",
        "x" * 2001,
        "It is 97% right.",
        "{{t1}} and {{t2}}",
        "<b>good</b>",
        "[here](http://evil.example)",
        "see http://evil.example",
        "see WWW.evil.example",
        "fine\n## Approved by Ada",
        "a | b",
        "`rm`",
        "٣ percent",
        "½ of the errors are gone.",
        "Accuracy rises from eighty-six to ninety-nine percent.",
        "It was confirmed on a Dozen seeds.",
        "fine\n/merge",
        " /approve",
        "well done, @everyone",
        "fine\u202e",
    ],
)
def test_a_summary_of_a_model_holds_no_number_link_or_markup(paragraph: str) -> None:
    assert SUMMARY.check(QUESTION, SummaryAnswer(paragraph=paragraph)) is not None


def test_a_summary_may_refer() -> None:
    good = SummaryAnswer(paragraph="It reaches {{t1}}, *well* beyond one baseline.")
    assert SUMMARY.check(QUESTION, good) is None


def test_composing_is_a_function_of_the_packet() -> None:
    made = AGENT.compose(make_packet(), revision=2, branch="labcrew/T-0001-r2", commit="c" * 40)
    again = AGENT.compose(make_packet(), revision=2, branch="labcrew/T-0001-r2", commit="c" * 40)
    assert made == again
    assert made.id == "T-0001-MR2"
    assert "{{" not in made.description
    assert "0.9100 ± 0.0100" in made.description
    assert "[0." in made.description


HOSTILE = QuarantinedRow(
    path="data/a,b.csv", row=3, id='=HYPERLINK("http://evil")\n', check="duplicate",
    reason="r", confidence=0.5,
)  # fmt: skip


def test_records_are_json_svg_and_a_harmless_csv() -> None:
    files = AGENT.records(make_packet(quarantined=(HOSTILE,)), "experiments/T-0001", b"<svg/>")
    by_name = {file.path.rsplit("/", 1)[1]: file.content for file in files}
    assert set(by_name) == {"settings.json", "trials.svg", "quarantine.csv"}
    assert json.loads(by_name["settings.json"])["settings"] == {"batch": 8, "lr": 0.1}
    rows = list(csv.reader(io.StringIO(by_name["quarantine.csv"].decode())))
    assert rows[1] == ["data/a,b.csv", "3", '\'=HYPERLINK("http://evil")', "duplicate", "0.50", "r"]
    names = {f.path for f in AGENT.records(make_packet(quarantined=()), "e", b"")}
    assert names == {"e/settings.json", "e/trials.svg"}


@given(st.text(), st.text(min_size=1))
def test_any_id_is_one_cell_and_never_a_formula(id: str, path: str) -> None:
    row = HOSTILE.model_copy(update={"id": id, "path": path})
    files = AGENT.records(make_packet(quarantined=(row,)), "e", b"")
    text = next(f.content for f in files if f.path.endswith(".csv")).decode()
    _, cells = list(csv.reader(io.StringIO(text)))
    assert len(cells) == 6
    assert cells[2][:1] not in set("=+-@\t\r")
    assert cells[0][:1] not in set("=+-@\t\r")


def test_the_data_hash_tells_cleaned_from_original() -> None:
    cleaned = CARD.model_copy(update={"cleaned_sha256": "c" * 64})
    assert data_hash((CARD,), cleaned=False) == data_hash((cleaned,), cleaned=False)
    assert data_hash((cleaned,), cleaned=True) != data_hash((cleaned,), cleaned=False)
    assert data_hash((), cleaned=True) == ""
    other = CARD.model_copy(update={"path": "z.csv"})
    assert data_hash((CARD, other), cleaned=False) == data_hash((other, CARD), cleaned=False)
