"""Which skills a question is about: conditions first, then nearness, with a floor and caps."""

import itertools
from typing import Any

import pytest

from labcrew.domain.skills import Asking, Skill, When
from labcrew.judgement import Judge, Judgement
from labcrew.skills.choosing import choose, system_text
from labcrew.skills.house import House, asking_of
from tests.doubles.bench import make_assigned
from tests.doubles.chat import ScriptedChat
from tests.doubles.embedder import WordEmbedder

EMBEDDER = WordEmbedder()


def skill(name: str, text: str = "Be kind.", **when: Any) -> Skill:
    return Skill(name=name, file=f"{name}.md", when=When(**when), text=text)


SPLIT = skill("splits", about="how data is split into train and validation parts")
CLUSTER = skill("cluster", about="launching jobs on slurm nodes")
HOUSE = skill("house")
FIXES = skill("fixes", kinds=("fix",))
WRITERS = skill("writers", agents=("merge_request",))
SOURCES = skill("sources", paths=("src/**",))
ALL = (SPLIT, CLUSTER, HOUSE, FIXES, WRITERS, SOURCES)


def names(asking: Asking, **options: Any) -> list[str]:
    return [one.name for one in choose(ALL, asking, EMBEDDER, **options).shown]


def test_conditions_and_words_decide() -> None:
    about_data = Asking(
        agent="merge_request",
        kind="fix",
        text="the data is split wrong: train and validation parts",
        paths=("src/data.py",),
    )
    assert names(about_data) == ["fixes", "house", "sources", "splits", "writers"]
    elsewhere = about_data.model_copy(
        update={"agent": "coordinator", "kind": "search", "paths": ("train.py",)}
    )
    assert names(elsewhere) == ["house", "splits"]
    assert names(about_data.model_copy(update={"paths": ("**",)}))[2] == "sources"


def test_the_floor_keeps_far_skills_out() -> None:
    asking = Asking(text="how data is split into train and validation parts")
    assert "splits" in names(asking, floor=0.5)
    assert "splits" not in names(asking, floor=1.0)
    assert "cluster" not in names(asking, floor=0.7)


def test_caps_leave_whole_skills_out_and_their_rules_stay() -> None:
    asking = Asking(text="how data is split", kind="fix", agent="merge_request", paths=("src/a",))
    chosen = choose(ALL, asking, EMBEDDER, most=2, floor=-1)
    assert [one.name for one in chosen.shown] == ["fixes", "house"]
    assert {one.name for one in chosen.relevant} == {one.name for one in ALL}
    long = skill("long", "x" * 5000)
    chosen = choose((long, HOUSE), asking, EMBEDDER, longest=1000)
    assert (chosen.shown, chosen.left_out) == ((HOUSE,), (long,))


def test_the_order_of_files_changes_nothing() -> None:
    asking = Asking(text="data split on slurm nodes", kind="fix", paths=("src/a.py",))
    told = {
        system_text(choose(order, asking, EMBEDDER, floor=0, most=4).shown)
        for order in itertools.permutations(ALL)
    }
    assert len(told) == 1


def test_no_skills_no_text() -> None:
    assert system_text(()) == ""
    assert House((), EMBEDDER).told(make_assigned().ticket, "coordinator") == ""


class Question(Asking):
    """What a judgement asks here."""


async def test_a_model_is_told_and_a_rule_is_not() -> None:
    ticket = make_assigned().ticket
    house = House((HOUSE, WRITERS), EMBEDDER)
    model = ScriptedChat({"text": "yes"})
    judgement: Judgement[Any, Any] = Judgement(
        name="coordinator.test",
        agent="coordinator",
        answer=Question,
        rule=lambda question: question,
        prompt="Answer.",
    )
    judge = Judge(models={"default": model}, told=lambda agent: house.told(ticket, agent))
    await judge.ask(judgement, asking_of(ticket))
    system = model.asked[0][0].content
    assert system.startswith("Answer.")
    assert "## house" in system
    assert "## writers" not in system
    plain = ScriptedChat({"text": "yes"})
    await Judge(models={"default": plain}).ask(judgement, asking_of(ticket))
    assert system.startswith(plain.asked[0][0].content)
    assert (await Judge(models={}, told=lambda agent: pytest.fail("asked")).ask(
        judgement, asking_of(ticket))).by == "rule"  # fmt: skip
