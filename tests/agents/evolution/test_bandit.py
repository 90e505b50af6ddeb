"""The choice among proposers."""

from collections import Counter
from random import Random

from agents.evolution.bandit import choose, reward
from tests.agents.evolution.situations import a_proposal, a_round

NAMES = ("parameters", "mutation", "crossover")


def test_the_proposer_that_brings_more_has_more_turns() -> None:
    rounds = [
        a_round(
            n, a_proposal(proposer=NAMES[n % 3]), kept=n % 3 == 1, gain=1.0 if n % 3 == 1 else -1
        )
        for n in range(1, 31)
    ]
    firsts = Counter(choose(NAMES, rounds, Random(seed)).order[0] for seed in range(300))
    assert firsts["mutation"] > 250


def test_without_rounds_everyone_has_a_chance() -> None:
    firsts = Counter(choose(NAMES, (), Random(seed)).order[0] for seed in range(300))
    assert all(firsts[name] > 60 for name in NAMES)


def test_a_turn_says_why_and_is_the_same_again() -> None:
    rounds = [a_round(1, a_proposal(), kept=True, gain=1.0)]
    first = choose(NAMES, rounds, Random(3))
    assert first == choose(NAMES, rounds, Random(3))
    assert sorted(first.order) == sorted(NAMES)
    assert first.why.startswith(f"{first.order[0]} drew ")
    assert first.why.endswith("were kept.")


def test_who_rests_comes_last() -> None:
    for seed in range(20):
        assert choose(NAMES, (), Random(seed), resting={"mutation"}).order[-1] == "mutation"


def test_a_gain_that_was_not_kept_counts_a_little() -> None:
    assert reward(a_round(1, a_proposal(), gain=0.1)) == 0.25
    assert reward(a_round(1, a_proposal(), gain=-0.1)) == 0.0
    assert reward(a_round(1, a_proposal(), gain=0.1, kept=True)) == 1.0
