"""Plain sentences become rules, or stay advice; never half a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.skill_rules import (
    BudgetAtMost,
    ForbidImport,
    ForbidPaths,
    ForbidText,
    MaxFileLines,
    MetricOverSeeds,
    RequireArgument,
    RequireTest,
    RuleBase,
)
from labcrew.skills.sentences import compiled

PYTHON = ("**/*.py",)


@pytest.mark.parametrize(
    ("sentence", "rule"),
    [
        ("Never edit data/.", ForbidPaths(paths=("data/",))),
        ("do not touch files in `configs/prod/**`", ForbidPaths(paths=("configs/prod/**",))),
        ("Don't change the file setup.py", ForbidPaths(paths=("setup.py",))),
        ("Never import torch.distributed", ForbidImport(modules=("torch.distributed",))),
        (
            "Do not use print in src/.",
            ForbidText(pattern=r"(?<![\w.])print\s*\(", paths=("src/",)),
        ),
        ("Do not call `np.random.seed()`", ForbidText(
            pattern=r"(?<![\w.])np\.random\.seed\s*\(", paths=PYTHON)),
        ("Always add a test.", RequireTest()),
        ("Please add tests for every change", RequireTest()),
        ("Every change needs a test", RequireTest()),
        ("Keep files at most 300 lines", MaxFileLines(lines=300, paths=PYTHON)),
        ("No file longer than 80 lines in src/", MaxFileLines(lines=80, paths=("src/",))),
        (
            "Always pass train_test_split a random_state.",
            RequireArgument(calls=("train_test_split",), argument="random_state"),
        ),
        ("Give `fit` a seed", RequireArgument(calls=("fit",), argument="seed")),
        ("Pass KFold() the_seed", RequireArgument(calls=("KFold",), argument="the_seed")),
        ("Never import `any`", ForbidImport(modules=("any",))),
        ("Report results over 3 seeds", MetricOverSeeds(seeds=3)),
        ("Report the accuracy over at least 5 seeds", MetricOverSeeds(seeds=5, metric="accuracy")),
        ("Report the metric over 3 seeds or more", MetricOverSeeds(seeds=3)),
        ("Spend at most 20 trials", BudgetAtMost(trials=20)),
        ("Never spend more than 4 hours.", BudgetAtMost(hours=4)),
    ],
)  # fmt: skip
def test_sentences_that_are_rules(sentence: str, rule: RuleBase) -> None:
    assert compiled(sentence) == rule
    assert compiled(sentence.upper().replace(".", ".")) is not None or "`" in sentence
    assert compiled(sentence, must=True) == rule.model_copy(update={"must": True})


@pytest.mark.parametrize(
    "sentence",
    [
        "Never edit data/ unless a person asks for it",
        "Do not use print in src/ except in scripts/",
        "Never edit the tests",
        "Do not use pandas",
        "Spend more than 20 trials",
        "Add a test if there is time",
        "Report the accuracy over many seeds",
        "Use at most 0 trials",
        "Always pass a seed.",
        "Give the seed",
        "Always pass a random_state in src/",
        "Always pass seed argument.",
        "Always pass everything a logger",
        "Give reviewers a summary",
        "Always pass train_test_split an argument",
        "Report it over 3 seeds",
        "Report everything over 3 seeds",
        "Never import anything in src/",
        "Never call it",
        "Be kind to reviewers.",
        "",
    ],
)
def test_what_is_no_whole_rule_is_advice(sentence: str) -> None:
    assert compiled(sentence) is None


@given(st.text(max_size=400))
def test_any_text_is_a_rule_or_none(text: str) -> None:
    rule = compiled(text)
    assert rule is None or isinstance(rule, RuleBase)
