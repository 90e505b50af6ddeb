"""Crossover: functions and constants of an earlier program go into the champion, by their names.

The other parent comes from the archive's island whose turn it is, a better one more likely.
"""

from random import Random

from agents.evolution.archive import differing, elites, ranked
from agents.evolution.programs import Known, changed
from agents.evolution.proposing import Situation, Tried
from agents.evolution.syntax import compile_trouble
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import CodeFile, Proposal, code_hash
from labcrew.evolution_file import may_edit

_TRIES = 20


class Crossover:
    """Combines the champion, or another good program, with one of the archive."""

    name = "crossover"

    def can(self, situation: Situation) -> bool:
        return len({tried.code for tried in situation.tried}) > 1

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        scale = situation.spec.metric
        pool = elites(situation) or ranked(differing(situation.tried, situation), scale)
        if not pool:
            return None
        known = Known(situation)
        for number in range(_TRIES):
            if number == _TRIES // 2:  # this island has nothing left
                pool = ranked(differing(situation.tried, situation), scale)
            other = _drawn(pool, random)
            try:
                made = _crossed(situation, other, random)
            except RecursionError:  # an expression of as many parts as may be read
                continue
            if made is None or made[0] in known:
                continue
            files, names = made
            return Proposal(
                proposer=self.name,
                title=f"Take {', '.join(names)} from round {other.round}"[:200],
                rationale=f"That program scored {other.score:.4g} on the gate; what it did better"
                " may go together with what was kept since.",
                files=files,
                values={"names": list(names), "from_round": other.round},
                parents=(code_hash(situation.champion), other.code),
            )
        return None


def make(chat: ChatModel | None) -> Crossover:
    return Crossover()


def _drawn(pool: list[Tried], random: Random) -> Tried:
    """One of a ranked list: the n-th with a weight of 1/n."""
    return random.choices(pool, [1 / (n + 1) for n in range(len(pool))])[0]


def _crossed(
    situation: Situation, other: Tried, random: Random
) -> tuple[tuple[CodeFile, ...], list[str]] | None:
    """The champion with some of what the other has otherwise, and the names of that."""
    from agents.evolution.crossing import constants_that_differ, parts_that_differ, taken

    theirs = {file.path: file.text for file in other.files}
    choices: list[tuple[CodeFile, str, str]] = []
    for file in sorted(situation.champion, key=lambda f: f.path):
        text = theirs.get(file.path)
        if text is None or text == file.text or not may_edit(situation.spec, file.path):
            continue
        if not file.path.endswith(".py"):
            choices.append((file, "file", file.path))
            continue
        choices += [(file, "part", name) for name in parts_that_differ(file.text, text)]
        choices += [(file, "constant", name) for name in constants_that_differ(file.text, text)]
    if not choices:
        return None
    count = random.randint(1, min(3, len(choices)))
    chosen = random.sample(choices, count)
    texts: dict[str, str] = {}
    names: list[str] = []
    for file, kind, name in chosen:
        mine = texts.get(file.path, file.text)
        after = theirs[file.path] if kind == "file" else taken(mine, theirs[file.path], kind, name)
        if after is None or (file.path.endswith(".py") and compile_trouble(after)):
            continue
        texts[file.path] = after
        names.append(name)
    return (changed(situation.champion, texts), names) if names else None
