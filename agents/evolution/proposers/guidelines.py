"""Components and guidelines: a ready-made change, chosen by what fails and by what was tried.

Most often one component is put in; now and then two, as some need each other, or one takes the
place of another that is there.
"""

from collections.abc import Sequence
from random import Random

from agents.evolution.bandit import reward
from agents.evolution.components import Component, applied, inside, read_component, without
from agents.evolution.library import built_in
from agents.evolution.notes import loop_warning
from agents.evolution.programs import Known, changed, python_files
from agents.evolution.proposing import Situation
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import CodeFile, Proposal, code_hash

_FITTING = 4.0
_AGAIN = 0.4
_SECOND = 0.2  # how often a second component goes in with the first
_EXCHANGE = 0.2  # how often one is taken out for it
_TRIES = 30


class Guidelines:
    """Puts a component into the champion."""

    name = "guidelines"

    def can(self, situation: Situation) -> bool:
        files = python_files(situation)
        return any(_put(files, component) for component in components(situation))

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        known = Known(situation)
        files = python_files(situation)
        fitting = [c for c in components(situation) if _put(files, c)]
        resting = loop_warning(situation.rounds).resting
        weights = {c.name: _weight(situation, c) for c in fitting}
        left = list(fitting)
        for number in range(_TRIES):
            if not left:
                left = list(fitting)  # each was tried alone: now in company
            if not left:
                return None
            first = random.choices(left, [weights[c.name] for c in left])[0]
            left.remove(first)
            done = _made(files, first, fitting, weights, random)
            if done is None or (number < _TRIES // 2 and f"{self.name}:{first.name}" in resting):
                continue
            texts, names, gone = done
            program = changed(situation.champion, texts)
            if program not in known:
                return self._proposal(situation, program, names, gone)
        return None

    def _proposal(
        self,
        situation: Situation,
        program: tuple[CodeFile, ...],
        put: Sequence[Component],
        gone: str,
    ) -> Proposal:
        fits = [kind for component in put for kind in _kinds(situation, component)]
        because = f" It answers failures of the kind {fits[0]!r}." if fits else ""
        instead = f" in the place of {gone}" if gone else ""
        names = [component.name for component in put]
        return Proposal(
            proposer=self.name,
            title=f"Put in {' and '.join(names)}{instead}"[:200],
            rationale=" ".join(component.purpose for component in put)[:3_000] + because,
            files=program,
            values={"kinds": names, "gone": gone},
            parents=(code_hash(situation.champion),),
        )


def make(chat: ChatModel | None) -> Guidelines:
    return Guidelines()


def components(situation: Situation) -> tuple[Component, ...]:
    """The spec's own components and the built-in ones; of two with one name the spec's own."""
    own = [read_component(file) for file in situation.components]
    by_name = {component.name: component for component in built_in()}
    by_name |= {component.name: component for component in own if component is not None}
    return tuple(by_name[name] for name in sorted(by_name))


def _made(
    files: Sequence[CodeFile],
    first: Component,
    fitting: Sequence[Component],
    weights: dict[str, float],
    random: Random,
) -> tuple[dict[str, str], list[Component], str] | None:
    """The changed texts with what was put in, and what was taken out for it."""
    texts: dict[str, str] = {}
    gone = ""
    there = sorted({name for file in files for name in inside(file.text)})
    if there and random.random() < _EXCHANGE:
        gone = random.choice(there)
        for file in files:
            rest = without(gone, file.text)
            if rest is not None:
                texts[file.path] = rest
        gone = gone if texts else ""
    put = [first]
    others = [c for c in fitting if c is not first]
    if others and random.random() < _SECOND:
        put += random.choices(others, [weights[c.name] for c in others])
    for component in put:
        now = [CodeFile(path=f.path, text=texts.get(f.path, f.text)) for f in files]
        placed = _put(now, component)
        if placed is None:
            return None
        texts[placed.path] = placed.text
    return texts, put, gone


def _put(files: Sequence[CodeFile], component: Component) -> CodeFile | None:
    """The first file that has a place for a component, with it."""
    for file in files:
        text = applied(component, file.text)
        if text is not None:
            return CodeFile(path=file.path, text=text)
    return None


def _kinds(situation: Situation, component: Component) -> list[str]:
    """The kinds of failure that a component says it answers, the commonest first."""
    kinds = sorted(situation.analysis.kinds.items(), key=lambda kind: -len(kind[1]))
    words = [word.lower() for word in component.answers]
    return [kind for kind, _ in kinds if any(word in kind.lower() for word in words)]


def _weight(situation: Situation, component: Component) -> float:
    """More for what answers today's failures, less for what was tried without a gain."""
    weight = _FITTING if _kinds(situation, component) else 1.0
    for round in situation.rounds:
        names = round.proposal.values.get("kinds") if round.proposal is not None else None
        if isinstance(names, list) and component.name in names and round.verdict is not None:
            weight *= _AGAIN if reward(round) == 0 else 1.0
    return max(weight, 1e-6)
