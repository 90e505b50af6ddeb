"""Structural mutation: a statement, an operator, a call or a body of the program is changed."""

from random import Random

from agents.evolution.programs import changed, known_codes, python_files
from agents.evolution.proposing import Situation
from agents.evolution.syntax import compile_trouble, read
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import CodeFile, Proposal, code_hash

_TRIES = 40
_SECOND = 0.25  # how often a second change follows the first


class Mutation:
    """Changes the champion's structure at random."""

    name = "mutation"

    def can(self, situation: Situation) -> bool:
        return any("def " in file.text for file in python_files(situation))

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        files = [file for file in python_files(situation) if "def " in file.text]
        if not files:
            return None
        known = known_codes(situation)
        for _ in range(_TRIES):
            file = random.choices(files, [len(f.text) + 1 for f in files])[0]
            made = _mutated(file, random)
            if made is None:
                continue
            text, done = made
            program = changed(situation.champion, {file.path: text})
            if code_hash(program) in known:
                continue
            told = "; ".join(what for _, what in done)
            return Proposal(
                proposer=self.name,
                title=f"In {file.path}: {told}"[:200],
                rationale="A blind change of the structure; what it is good for is to be seen.",
                files=program,
                values={"kinds": [kind for kind, _ in done], "path": file.path},
                parents=(code_hash(situation.champion),),
            )
        return None


def make(chat: ChatModel | None) -> Mutation:
    return Mutation()


def _mutated(file: CodeFile, random: Random) -> tuple[str, list[tuple[str, str]]] | None:
    """The file's text after one or two mutations, with the kind of each and what it did."""
    from agents.evolution.mutations import MUTATIONS

    tree = read(file.text)
    if tree is None:
        return None
    done: list[tuple[str, str]] = []
    text = file.text
    for _ in range(1 + (random.random() < _SECOND)):
        mutation = random.choice(MUTATIONS)
        try:
            made = mutation(tree, random)
            after = made.tree.code if made is not None else text
        except (RecursionError, ValueError, TypeError):
            return None
        if made is None or after == text or compile_trouble(after):
            continue
        tree, text = made.tree, after
        done.append((mutation.__name__, made.what))
    return (text, done) if done else None
