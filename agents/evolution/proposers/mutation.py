"""Structural mutation: a statement, an operator, a call or a body of the program is changed.

An operator that brought a gain is taken more often; one that brought none again and again rests.
Now and then another good program of the archive is changed instead of the champion, so that what
needs two steps can be reached over one that brings nothing.
"""

import difflib
from collections.abc import Sequence
from random import Random

from agents.evolution.archive import elites
from agents.evolution.bandit import reward
from agents.evolution.notes import loop_warning
from agents.evolution.programs import Known, changed, python_files
from agents.evolution.proposing import Situation
from agents.evolution.syntax import NO_TREE, compile_trouble, read
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import Proposal, Round, code_hash

_TRIES = 40
_SECOND = 0.25  # how often a second change follows the first
_OTHER = 0.15  # how often another program than the champion is changed
_SHOWN = 60
_EACH = 4  # edits of one operator that are tried before another operator


class Mutation:
    """Changes the champion's structure at random."""

    name = "mutation"

    def can(self, situation: Situation) -> bool:
        return any("def " in file.text for file in python_files(situation))

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        if not self.can(situation):
            return None
        known = Known(situation)
        weights = operators(situation.rounds)
        others = elites(situation)
        for number in range(_TRIES):
            late = number >= _TRIES // 2  # near the champion all was tried
            parent = situation.champion
            if others and random.random() < (_SECOND if late else _OTHER):
                parent = random.choice(others).files
            files = [f for f in python_files(situation, parent) if "def " in f.text]
            if not files:
                continue
            file = random.choices(files, [len(f.text) for f in files])[0]
            text, done = file.text, list[tuple[str, str]]()
            for _ in range(1 + late + (random.random() < _SECOND)):
                after = _mutated(text, weights, random)
                if after is not None:
                    text = after[0]
                    done.append(after[1:])
            program = changed(parent, {file.path: text})
            if not done or program in known:
                continue
            told = "; ".join(f"{kind.replace('_', ' ')}: {what}" for kind, what in done)
            return Proposal(
                proposer=self.name,
                title=f"{file.path}: {told}"[:200],
                rationale="A blind change of the structure; what it is good for is to be seen.",
                files=program,
                values={"kinds": [kind for kind, _ in done], "path": file.path},
                parents=(code_hash(parent),),
            )
        return None


def make(chat: ChatModel | None) -> Mutation:
    return Mutation()


def operators(rounds: Sequence[Round]) -> dict[str, float]:
    """How likely each operator is taken: (1 + what it brought) of (3 + rounds), none that rests."""
    from agents.evolution.mutations import MUTATIONS

    brought, times = dict.fromkeys(MUTATIONS, 0.0), dict.fromkeys(MUTATIONS, 0)
    for round in rounds:
        kinds = round.proposal.values.get("kinds") if round.proposal is not None else None
        if round.verdict is None or not isinstance(kinds, list):
            continue
        for kind in kinds:
            if kind in times:
                brought[str(kind)] += reward(round)
                times[str(kind)] += 1
    resting = loop_warning(rounds).resting
    awake = [name for name in MUTATIONS if f"mutation:{name}" not in resting]
    return {name: (1 + brought[name]) / (3 + times[name]) for name in awake or MUTATIONS}


def _mutated(text: str, weights: dict[str, float], random: Random) -> tuple[str, str, str] | None:
    """A text after one edit, the operator and what it did; None where it had no place."""
    from agents.evolution.mutations import MUTATIONS

    tree = read(text)
    if tree is None:
        return None
    name = random.choices(list(weights), list(weights.values()))[0]
    try:
        edits = MUTATIONS[name](tree)
    except NO_TREE:
        return None
    for edit in random.sample(edits, min(_EACH, len(edits))):
        try:
            after = edit.made(tree)
        except NO_TREE:
            continue
        if after != text and not compile_trouble(after):
            return after, name, _told(text, after)
    return None


def _told(before: str, after: str) -> str:
    """The first lines that differ, in short."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    moved = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    gone = next((" ".join(line[1:].split()) for line in moved if line[0] == "-"), "")
    came = next((" ".join(line[1:].split()) for line in moved if line[0] == "+"), "")
    return f"{gone[:_SHOWN] or 'nothing'} → {came[:_SHOWN] or 'nothing'}"
