"""Parameter search: constants in code and values of settings files, chosen by Optuna.

The tree-structured Parzen estimator (Bergstra et al. 2011) learns from what earlier settings scored
on the gate. A few parameters change at a time, so that a gain has a cause.
"""

import math
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from agents.evolution.bandit import reward
from agents.evolution.notes import loop_warning
from agents.evolution.programs import Known, changed, python_files
from agents.evolution.proposing import Situation
from agents.evolution.settings_files import is_settings, settings, with_setting
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import CodeFile, Proposal, code_hash
from labcrew.domain.search_space import ChoiceParameter, Parameter, Value, Values, legal, nearest
from labcrew.evolution_file import may_edit

if TYPE_CHECKING:
    from agents.evolution.constants import Constant

_CHANGED = (8, 2, 1)  # how often one, two or three change at a time
_STATED = 4.0
_TRIES = 30
_STARTUP = 8


class Parameters:
    """Sets constants and settings."""

    name = "parameters"

    def can(self, situation: Situation) -> bool:
        return bool(space_of(situation)[0])

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        from agents.sampler import asked, rebuilt

        space, now = space_of(situation)
        if not space:
            return None
        known = Known(situation)
        study = rebuilt(
            space,
            _history(situation, now),
            direction=situation.spec.metric.direction,
            seed=random.getrandbits(31),
            startup=_STARTUP,
        )
        weights = _weights(situation, space)
        resting = loop_warning(situation.rounds).resting
        for number in range(_TRIES):
            count = min(len(weights), random.choices(range(1, 4), _CHANGED)[0])
            chosen = _sampled(weights, count, random)
            some = {name: space[name] for name in chosen}
            # What was asked often without anything new is drawn at random instead.
            values = asked(study, some) if number < _TRIES // 2 else _drawn(some, random)
            moved = {name: value for name, value in values.items() if value != now[name]}
            files = with_values(situation.champion, moved) if moved else None
            if files is None or files in known:
                continue
            if number < _TRIES // 2 and f"{self.name}:{'+'.join(sorted(moved))}" in resting:
                continue
            told = [f"{_short(n)} {now[n]!r} → {v!r}" for n, v in sorted(moved.items())]
            return Proposal(
                proposer=self.name,
                title=f"Set {', '.join(told)}"[:200],
                rationale=_rationale(situation, len(space)),
                files=files,
                values={**now, **moved, "changed": sorted(moved)},
                parents=(code_hash(situation.champion),),
            )
        return None


def make(chat: ChatModel | None) -> Parameters:
    return Parameters()


def space_of(situation: Situation) -> tuple[dict[str, Parameter], Values]:
    """`path:address` → what it may be, and what it is in the champion.

    Ranges are guessed round the baseline's values, so that they stand still while the champion's
    move.
    """
    space: dict[str, Parameter] = {}
    now: Values = {}
    first = {
        name: parameter
        for file in situation.baseline
        if may_edit(situation.spec, file.path)
        for name, _, parameter in _parameters(file)
    }
    for file in sorted(situation.champion, key=lambda f: f.path):
        if not may_edit(situation.spec, file.path):
            continue
        for name, value, parameter in _parameters(file):
            before = first.get(name)
            chosen = before if before is not None and legal(before, value) else parameter
            if chosen is not None:
                space[name], now[name] = chosen, value
    return space, now


def _weights(situation: Situation, space: dict[str, Parameter]) -> dict[str, float]:
    """How likely each parameter is changed.

    More for what the program or a settings file names as a setting than for a number in the midst
    of a function; more for what brought a gain.
    """
    stated = {
        f"{file.path}:{constant.address}": constant.stated or constant.address.isupper()
        for file in python_files(situation)
        for constant in _constants(file)
    }
    brought, times = dict.fromkeys(space, 0.0), dict.fromkeys(space, 0)
    for round in situation.rounds:
        moved = round.proposal.values.get("changed") if round.proposal is not None else None
        for name in moved if isinstance(moved, list) and round.verdict is not None else ():
            if name in times:
                brought[str(name)] += reward(round)
                times[str(name)] += 1
    return {
        name: (_STATED if stated.get(name, True) else 1) * (1 + brought[name]) / (3 + times[name])
        for name in sorted(space)
    }


def _sampled(weights: dict[str, float], count: int, random: Random) -> list[str]:
    """Different names, by weight."""
    left, chosen = dict(weights), list[str]()
    for _ in range(count):
        name = random.choices(list(left), list(left.values()))[0]
        chosen.append(name)
        del left[name]
    return chosen


def _constants(file: CodeFile) -> "tuple[Constant, ...]":
    from agents.evolution.constants import constants

    return constants(file.text)


@lru_cache(maxsize=4096)
def _parameters(file: CodeFile) -> tuple[tuple[str, Value, Parameter | None], ...]:
    if file.path.endswith(".py"):
        found = [(c.address, c.value, c.parameter) for c in _constants(file)]
    elif is_settings(file.path):
        found = list(settings(file.path, file.text))
    else:
        found = []
    return tuple((f"{file.path}:{address}", value, told) for address, value, told in found)


def _history(situation: Situation, now: Values) -> list[tuple[Values, float | None]]:
    """What settings scored; a program that lacked some of today's had them as they are now."""
    history: list[tuple[Values, float | None]] = []
    champion = code_hash(situation.champion)
    for tried in situation.tried:
        if tried.code == champion:
            history.append((now, _finite(tried.score)))
    for round in situation.rounds:
        proposal = round.proposal
        if proposal is None or proposal.proposer != Parameters.name or round.verdict is None:
            continue
        if round.score is None and round.verdict == "refused":
            continue
        set_then = {n: v for n, v in proposal.values.items() if n in now and _plain(v)}
        history.append(({**now, **set_then}, _finite(round.score)))  # type: ignore[dict-item]
    return history


def _finite(score: float | None) -> float | None:
    return score if score is not None and math.isfinite(score) else None


def _plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _drawn(space: dict[str, Parameter], random: Random) -> Values:
    """Settings at random, on each parameter's own scale."""
    values: Values = {}
    for name, parameter in space.items():
        if isinstance(parameter, ChoiceParameter):
            values[name] = random.choice(parameter.choices)
        elif parameter.log:
            at = random.uniform(math.log(parameter.low), math.log(parameter.high))
            values[name] = nearest(parameter, math.exp(at))
        else:
            values[name] = nearest(parameter, random.uniform(parameter.low, parameter.high))
    return values


def with_values(files: tuple[CodeFile, ...], values: Values) -> tuple[CodeFile, ...] | None:
    """The program with values set; None where one has no place."""
    texts = {file.path: file.text for file in files}
    by_path: dict[str, Values] = {}
    for name, value in values.items():
        path, _, address = name.partition(":")
        by_path.setdefault(path, {})[address] = value
    after: dict[str, str] = {}
    for path, some in by_path.items():
        text: str | None = texts[path]
        if path.endswith(".py"):
            from agents.evolution.constants import with_constants

            text = with_constants(texts[path], some)
        else:
            for address, value in some.items():
                text = with_setting(path, text, address, value) if text is not None else None
        if text is None:
            return None
        after[path] = text
    return changed(files, after)


def _short(name: str) -> str:
    return name.partition(":")[2]


def _rationale(situation: Situation, size: int) -> str:
    told = sum(
        r.proposal is not None and r.proposal.proposer == Parameters.name and r.score is not None
        for r in situation.rounds
    )
    if told < _STARTUP:
        return f"{size} constants can be set; {told} settings were tried, so this one explores."
    return f"Of {size} constants, the model of {told} earlier settings expects a gain of these."
