"""Choices whose effects add up are found from totals alone."""

from statistics import median

from agents.evolution.proposers import proposers
from tests.agents.evolution.situations import climb, files, situation

NAMES = ("A", "B", "C", "D")
OPTIONS = ("one", "two", "three", "four", "five")
PROGRAM = "".join(f'{name} = "one"  # one of: {", ".join(OPTIONS)}\n' for name in NAMES)


def total(hidden: dict[str, str], texts: dict[str, str]) -> float:
    names: dict[str, object] = {}
    exec(texts["program/main.py"], names)
    return sum(names[name] == hidden[name] for name in NAMES) / len(NAMES)


def rounds_needed(name: str, seed: int) -> int:
    hidden = {n: OPTIONS[(seed + 3 * place) % 5] for place, n in enumerate(NAMES)}
    [proposer] = proposers((name,))
    needed, _ = climb(
        proposer, situation(files(PROGRAM)), lambda texts: total(hidden, texts), 1.0, 100, seed
    )
    return 101 if needed is None else needed


def test_four_of_625_are_found_in_few_rounds() -> None:
    needed = [rounds_needed("effects", seed) for seed in range(5)]
    assert max(needed) <= 25
    assert median(needed) <= 16


def test_it_learns_from_what_others_tried() -> None:
    hidden = dict.fromkeys(NAMES, "four")
    [proposer] = proposers(("effects",))
    _, told = climb(
        proposer, situation(files(PROGRAM)), lambda texts: total(hidden, texts), 1.0, 12, 3
    )
    # Another loop that has the same programs but no rounds of its own.
    fresh = told.model_copy(update={"rounds": ()})
    assert fresh.tried
    needed, _ = climb(proposer, fresh, lambda texts: total(hidden, texts), 1.0, 25, 4)
    assert needed is not None


def test_one_choice_alone_is_left_to_others() -> None:
    [proposer] = proposers(("effects",))
    assert not proposer.can(situation(files('A = "one"  # one of: one, two\nRATE = 0.5\n')))
    assert not proposer.can(situation(files("x = 1\n")))
    assert proposer.can(situation(files(PROGRAM)))
