"""Components and guidelines: a ready-made change, chosen by what fails and by what was tried."""

from random import Random

from agents.evolution.components import Component, applied, read_component
from agents.evolution.library import built_in
from agents.evolution.notes import loop_warning
from agents.evolution.programs import changed, known_codes, python_files
from agents.evolution.proposing import Situation
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import CodeFile, Proposal, code_hash

_FITTING = 4.0
_AGAIN = 0.3


class Guidelines:
    """Puts a component into the champion."""

    name = "guidelines"

    def can(self, situation: Situation) -> bool:
        return any(True for _ in _placed(situation, components(situation)))

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        known = known_codes(situation)
        resting = loop_warning(situation.rounds).resting
        every = components(situation)
        left = [c for c in every if f"{self.name}:{c.name}" not in resting] or list(every)
        while left:
            weights = [_weight(situation, component) for component in left]
            chosen = random.choices(left, weights)[0]
            left.remove(chosen)
            for file, text in _placed(situation, (chosen,)):
                files = changed(situation.champion, {file.path: text})
                if code_hash(files) in known:
                    continue
                fits = _kinds(situation, chosen)
                because = f" It answers failures of the kind {fits[0]!r}." if fits else ""
                return Proposal(
                    proposer=self.name,
                    title=f"Put in the component {chosen.name}",
                    rationale=f"{chosen.purpose}{because}",
                    files=files,
                    values={"component": chosen.name},
                    parents=(code_hash(situation.champion),),
                )
        return None


def make(chat: ChatModel | None) -> Guidelines:
    return Guidelines()


def components(situation: Situation) -> tuple[Component, ...]:
    """The spec's own components and the built-in ones; of two with one name the spec's own."""
    own = [read_component(file) for file in situation.components]
    by_name = {component.name: component for component in built_in()}
    by_name |= {component.name: component for component in own if component is not None}
    return tuple(by_name[name] for name in sorted(by_name))


def _placed(situation: Situation, choice: tuple[Component, ...]) -> list[tuple[CodeFile, str]]:
    placed = []
    for component in choice:
        for file in python_files(situation):
            text = applied(component, file.text)
            if text is not None:
                placed.append((file, text))
                break
    return placed


def _kinds(situation: Situation, component: Component) -> list[str]:
    """The kinds of failure that a component says it answers, the commonest first."""
    kinds = sorted(situation.analysis.kinds.items(), key=lambda kind: -len(kind[1]))
    return [
        kind for kind, _ in kinds if any(word.lower() in kind.lower() for word in component.answers)
    ]


def _weight(situation: Situation, component: Component) -> float:
    """More for what answers today's failures, less for what was tried without a gain."""
    times = sum(
        round.proposal is not None
        and round.proposal.values.get("component") == component.name
        and round.verdict is not None
        for round in situation.rounds
    )
    fits = _FITTING if _kinds(situation, component) else 1.0
    return fits * float(_AGAIN**times)
