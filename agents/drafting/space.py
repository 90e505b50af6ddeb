"""Which settings of a program are worth searching, and within which bounds."""

import re
from collections.abc import Sequence

from pydantic import Field

from agents.drafting.parameter_kinds import (
    CATEGORIES,
    KINDS,
    kinds_of,
    numeric,
    plain,
    why_fixed,
)
from agents.drafting.reaching import makes_data, reached
from agents.drafting.unnamed_kinds import by_value, owned_choices
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.draft import FirstRun, Guess, Noise
from labcrew.domain.running import Settings
from labcrew.domain.search_space import ChoiceParameter, Parameter, Value
from labcrew.domain.survey import EntryPoint, Setting, Survey

_ASIDE = re.compile(
    r"Display|Figure|Plot|Fold|Split|Scor|Line|Norm$|Grid|Search|CV$|Anim|Axes|Parser|Logger|Writer"
)
_FEW = 2
_SHORTEST_LIMIT_S = 300.0
"""A busy machine, or other seeds, may make a short run many times as long."""
"""So many parameters are enough to leave out numbers that only calls of functions take."""
Ranked = tuple[float, Setting, Parameter, str]
_ONLY = re.compile(r"(?i)only (?:used |effective |relevant )?(?:when|if|with|for) (.{1,80})")


class SpaceDraft(Model):
    """A search space with its reasons."""

    space: dict[str, Parameter] = Field(default_factory=dict)
    guesses: tuple[Guess, ...] = Field(default=(), description="one a parameter")
    left_out: dict[str, str] = Field(default_factory=dict, description="setting → why")


def search_space(
    survey: Survey,
    entry: EntryPoint,
    settings: Settings,
    sentence: str,
    runs: Sequence[FirstRun] = (),
    trials: int = 20,
) -> SpaceDraft:
    """The parameters to search, at most a third as many as trials, the weightiest first.

    Args:
        settings: how parameters reach the program.
        sentence: what the person wants; what it names comes first.
        runs: first runs; what they had to set stays as it is.
        trials: runs of the budget.
    """
    left_out: dict[str, str] = {}
    found: list[Ranked] = []
    unnamed: list[Setting] = []
    said = set(re.findall(r"\w+", sentence.lower().replace("-", "_")))
    for setting in _reachable(survey, entry, settings):
        named = plain(setting.name) in said
        made = _parameter(setting, settings)
        if isinstance(made, str):
            left_out[setting.name] = made
            unnamed.append(setting)
        else:
            rank, parameter, why = made
            found.append((rank - 100 * named, setting, parameter, why))
    found += _unnamed(unnamed, settings, len(found), said)
    for _, setting, _, _ in found:
        left_out.pop(setting.name, None)
    found.sort(key=lambda one: one[0])
    most = max(2, trials // 3)
    for _, setting, _, _ in found[most:]:
        left_out[setting.name] = f"kept at its default: {trials} trials suffice for {most}"
    kept = _conditioned(found[:most])
    return SpaceDraft(
        space={setting.name: parameter for setting, parameter, _ in kept},
        guesses=tuple(
            Guess(
                field=f"search_space.{setting.name}",
                value=parameter.model_dump(mode="json", exclude_defaults=True)
                | {"type": parameter.type},
                confidence=_confidence(setting, why),
                because=why,
                evidence=(setting.place,),
            )
            for setting, parameter, why in kept
        ),
        left_out=left_out,
    )


def _unnamed(
    settings_left: Sequence[Setting], settings: Settings, known: int, said: set[str]
) -> list[Ranked]:
    """Numbers with a range by their value alone: to fill up, or where nothing else is there."""
    found: list[tuple[int, Ranked]] = []
    for setting in settings_left:
        aside = setting.mechanism == "keyword" and _ASIDE.search(setting.owner)
        if setting.name in settings.seeds or why_fixed(setting.name) or aside:
            continue
        made = by_value(setting)
        if made is not None:
            tier, parameter, why = made
            named = plain(setting.name) in said
            found.append((tier, (50.0 * tier - 100 * named, setting, parameter, why)))
    # What a function is called with counts only where there is next to nothing else.
    enough = known + sum(tier == 1 for tier, _ in found) >= _FEW
    return [ranked for tier, ranked in found if tier == 1 or not enough]


def _by_help(setting: Setting) -> list[int]:
    """The kinds that an option's explanation names, where its own name says nothing."""
    about = re.split(r"[(,;:.\[]", setting.help, maxsplit=1)[0].strip().lower()
    return kinds_of(re.sub(r"^(?:the|a|an)_", "", about.replace(" ", "_"))) if about else []


def _confidence(setting: Setting, why: str) -> float:
    if why.startswith("its name says little"):
        return 0.45
    return 0.8 if kinds_of(setting.name) or _by_help(setting) else 0.6


def _reachable(survey: Survey, entry: EntryPoint, settings: Settings) -> tuple[Setting, ...]:
    """What can be set in that way, each name once."""
    for way in reached(entry, survey, settings.file or ""):
        same_file = settings.style not in ("file", "source") or way.settings.file == settings.file
        if way.settings.style == settings.style and same_file:
            return tuple({setting.name: setting for setting in way.found}.values())
    return ()


def _parameter(setting: Setting, settings: Settings) -> tuple[float, Parameter, str] | str:
    """A setting's rank (less is weightier), range and reason; or why it is left out."""
    if setting.name in settings.seeds:
        return "a seed: another value is luck, no gain"
    if why := why_fixed(setting.name):
        return why
    if owned := owned_choices(setting):
        return 9.0, ChoiceParameter(type="choice", choices=owned), f"what {setting.owner} offers"
    call = setting.mechanism == "keyword"
    if call and makes_data(setting):
        return "it changes the data or how results are judged"
    if call and _ASIDE.search(setting.owner):
        return f"it belongs to {setting.owner}, which is not what learns"
    estimator = not call or setting.owner[:1].isupper()
    category = re.fullmatch(CATEGORIES, plain(setting.name))
    switch = setting.type == "bool" or setting.flag or isinstance(setting.default, bool)
    choices: tuple[Value, ...] = (True, False) if switch else setting.choices
    if choices:
        if not category and (switch or not kinds_of(setting.name)):
            return "its name says nothing of what it does to learning"
        if len(choices) < 2 or not estimator:
            return "there is nothing to choose"
        distinct = tuple({(type(c), c): c for c in choices}.values())
        parameter = ChoiceParameter(type="choice", choices=distinct)
        return 9.5, parameter, "the choices that the program offers"
    default = numeric(setting.default)
    for number in kinds_of(setting.name) or _by_help(setting):
        kind = KINDS[number]
        if not estimator and not kind.plain:
            continue
        if default is None and (
            setting.default is not None or setting.type not in ("int", "float")
        ):
            continue
        made = kind.make(default, setting.type == "int")
        whole = setting.type == "int" and not (setting.mechanism == "help" and default == 0)
        if made is None or (made[0].type == "float" and whole):
            continue
        return float(number), made[0], f"{kind.name}: {made[1]}"
    if call and not estimator:
        return f"it belongs to {setting.owner}(), which is not what learns"
    return "its name and default say nothing of safe bounds"


def _conditioned(
    found: Sequence[tuple[float, Setting, Parameter, str]],
) -> list[tuple[Setting, Parameter, str]]:
    """The parameters with the choices of others that they count with, by names and help."""
    parents = {s.name: p for _, s, p, _ in found if isinstance(p, ChoiceParameter)}
    made = []
    for _, setting, parameter, why in found:
        when: dict[str, tuple[Value, ...]] = {}
        for name, parent in parents.items():
            same_owner = name.rpartition(".")[0] == setting.name.rpartition(".")[0]
            if name == setting.name or not same_owner:
                continue
            fits = tuple(c for c in parent.choices if _counts(setting, plain(name), c))
            if fits and len(fits) < len(parent.choices) and not parent.when:
                when[name] = fits
        if when and not isinstance(parameter, ChoiceParameter):
            parameter = parameter.model_copy(update={"when": when})
            why += f"; counts only with {', '.join(map(str, when))}"
        made.append((setting, parameter, why))
    return made


def _counts(setting: Setting, parent: str, choice: Value) -> bool:
    """Whether a setting is known to need this choice of another."""
    name, told = plain(setting.name), str(choice).lower()
    if (only := _ONLY.search(setting.help)) and parent in only[1].lower():
        return re.search(rf"\b{re.escape(told)}\b", only[1].lower()) is not None
    if parent in ("optimizer", "optim", "solver") and name in ("momentum", "sgd_momentum"):
        return "sgd" in told or "rmsprop" in told
    if parent == "kernel" and name == "degree":
        return "poly" in told
    if parent == "kernel" and name == "gamma":
        return any(word in told for word in ("rbf", "poly", "sigmoid", "laplac"))
    return False


def budget(
    run_s: float,
    noise: Noise | None,
    trials: int | None = None,
    hours: float | None = None,
    memory_mb: float | None = None,
) -> tuple[Budget, tuple[int, ...], float, float]:
    """The budget, the seeds, and a trial's time limit and stall limit in seconds.

    Args:
        run_s: seconds of a whole run.
        noise: of the metric, and the longest run; a program whose seeds do nothing has one seed.
        trials: as the person set it; default: 20.
        hours: as the person set it; default: what the trials need, with half as much again.
        memory_mb: the most that a run took, MiB.
    """
    alone = noise is not None and noise.deterministic and not noise.seeds_matter
    longest_s = max(run_s, noise.longest_s if noise is not None else 0.0)
    timeout_s = max(_SHORTEST_LIMIT_S, 6 * longest_s)
    room = 2048 if memory_mb is None else max(1024, int(2 * memory_mb / 256 + 1) * 256)
    count = trials or 20
    # Seeds are paid for by the search: at few runs two must do.
    seeds = (0,) if alone or count < 3 else (0, 1) if count < 16 else (0, 1, 2)
    wanted = hours or max(0.5, round(1.5 * count * run_s / 3600 + 0.25, 2))
    made = Budget(trials=max(2, count), hours=wanted, memory_mb=room)
    return made, seeds, timeout_s, min(timeout_s, 600.0)
