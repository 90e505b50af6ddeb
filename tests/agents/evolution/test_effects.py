"""Choices whose effects add up are found from totals alone."""

import asyncio
import itertools
from collections.abc import Mapping
from random import Random
from statistics import median
from typing import Any

import pytest

from agents.evolution import constants as all_constants
from agents.evolution.constants import constants
from agents.evolution.proposers import proposers
from agents.evolution.proposing import Tried
from evals.evolution.climbing import PATH, climb, situation
from labcrew.domain.evolution import CodeFile, code_hash

NAMES = ("A", "B", "C", "D")
OPTIONS = ("one", "two", "three", "four", "five")


def program(**chosen: str) -> str:
    values = dict.fromkeys(NAMES, "one") | chosen
    listed = ", ".join(OPTIONS)
    return "".join(f'{name} = "{value}"  # one of: {listed}\n' for name, value in values.items())


def total(hidden: dict[str, str], names: Mapping[str, Any]) -> float:
    return sum(bool(names[name] == hidden[name]) for name in NAMES) / len(NAMES)


def rounds_needed(seed: int) -> int:
    hidden = {n: OPTIONS[(seed + 3 * place) % 5] for place, n in enumerate(NAMES)}
    found = climb(
        proposers(("effects",)),
        situation(program()),
        lambda names: total(hidden, names),
        1.0,
        100,
        seed,
    )
    return 101 if found.rounds is None else found.rounds


def test_four_of_625_are_found_in_few_rounds() -> None:
    needed = [rounds_needed(seed) for seed in range(5)]
    assert max(needed) <= 25
    assert median(needed) <= 16


def test_a_program_is_read_once_however_many_rounds_come_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = 0

    def counted(text: str) -> Any:
        nonlocal read
        read += 1
        return constants(text)

    monkeypatch.setattr(all_constants, "constants", counted)
    some = itertools.product(OPTIONS, OPTIONS, OPTIONS)
    programs = [
        (CodeFile(path=PATH, text=f"# once\n{program(A=a, B=b, C=c)}"),) for a, b, c in some
    ]
    tried = tuple(
        Tried(code=code_hash(p), files=p, score=n, seconds=1, kept=False, round=n)
        for n, p in enumerate(programs)
    )
    [proposer] = proposers(("effects",))
    for more in (1, 2):
        now = situation(program()).model_copy(update={"tried": tried[:-more]})
        before = read
        assert asyncio.run(proposer.propose(now, Random(more))) is not None
        # What it proposes is new, and may be read too.
        assert read - before <= (len(tried) if more == 1 else 5)
    assert read >= len(tried) - 1


def test_it_learns_from_programs_that_others_proposed() -> None:
    hidden = {"A": "four", "B": "two", "C": "five", "D": "two"}
    random, tried = Random(5), []
    for number in range(40):
        chosen = {name: random.choice(OPTIONS) for name in NAMES}
        files = (CodeFile(path=PATH, text=program(**chosen)),)
        tried.append(
            Tried(
                code=code_hash(files),
                files=files,
                score=total(hidden, chosen),
                seconds=1,
                kept=False,
                round=number,
            )
        )
    now = situation(program()).model_copy(update={"tried": tuple(tried)})
    [proposer] = proposers(("effects",))
    proposal = asyncio.run(proposer.propose(now, Random(1)))
    assert proposal is not None
    # Forty totals leave no doubt, and the hidden one was not among them.
    names: dict[str, Any] = {}
    exec(proposal.files[0].text, names)
    assert {name: names[name] for name in NAMES} == hidden


def test_one_choice_alone_is_left_to_others() -> None:
    [proposer] = proposers(("effects",))
    assert not proposer.can(situation('A = "one"  # one of: one, two\nRATE = 0.5\n'))
    assert not proposer.can(situation("x = 1\n"))
    assert proposer.can(situation(program()))
