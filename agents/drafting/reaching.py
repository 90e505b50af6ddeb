"""How parameters, seeds and outputs reach a program: from its settings' mechanisms."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from labcrew.domain.running import SUFFIXES, Settings
from labcrew.domain.search_space import Value, Values
from labcrew.domain.survey import EntryPoint, Mechanism, Setting, Survey

OPTIONS: frozenset[Mechanism] = frozenset(
    ("argparse", "click", "typer", "absl", "fire", "hydra", "gin", "dataclass", "pydantic",
     "make", "papermill", "help")
)  # fmt: skip
"""Mechanisms whose settings stand on the command line."""
LITERALS: frozenset[Mechanism] = frozenset(("constant", "keyword"))
SEED_WORDS = re.compile(
    r"(?:^|[._\-\s])(?:(?:random|rng|np|numpy|torch|manual|global|base|init|train|model)?[_-]?seed"
    r"|random[_-]?state|rng)(?:/\d+)?$",
    re.IGNORECASE,
)
OUTPUT_WORDS = re.compile(
    r"^(?:(?:hydra\.run\.dir)|(?:.*[._-])?(?:out(?:put)?s?|out[_-]?(?:dir|path|folder|file)"
    r"|output[_-]?(?:dir|path|folder|file|directory)|save[_-]?(?:dir|path|folder|to|model)?"
    r"|(?:log|logs|run|runs|work|exp|experiment|ckpt|checkpoint|checkpoints|results?|save|model)"
    r"[_-]?(?:dir|path|folder|directory)|logdir|results|checkpoint[_-]?out))$",
    re.IGNORECASE,
)
_FIXED = re.compile(
    r"(?:^|[._-])(?:dir|path|paths|file|files|folder|data|dataset|root|device|gpu|gpus|cuda|seed|"
    r"output|out|save|log|logs|verbose|debug|workers|jobs|threads|port|host|url|name|resume|"
    r"checkpoint|ckpt|eval|test|wandb|project|download|version|config|help|quiet|interval|"
    r"every|print|plot|show|title|id|tag|user|token|key|split|size of test|test_size|figsize|"
    r"random_state|rank|world|local|dist|label|target|column)(?:$|[._-])",
    re.IGNORECASE,
)
_SHORT: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(rf"(?:^|[._-])(?:{words})(?:/\d+)?$", re.IGNORECASE), most)
    for words, most in (
        (r"(?:num[_-]?|n[_-]?|max[_-]?|total[_-]?)?(?:train[_-]?)?epochs?|nb[_-]?epochs?", 2),
        (r"(?:num[_-]?|n[_-]?|max[_-]?)?episodes", 10),
        (r"(?:num[_-]?|n[_-]?|max[_-]?|total[_-]?|train[_-]?)(?:steps|iters?|iterations?|updates)"
         r"|iterations|steps|iters", 50),
        (r"(?:num[_-]?boost[_-]?)?rounds|num[_-]?boost[_-]?round|n[_-]?estimators|num[_-]?trees"
         r"|n[_-]?trees", 20),
        (r"(?:total[_-]?)?time[_-]?steps", 2000),
        (r"n[_-]?(?:trials|restarts|repeats|init)", 2),
    )
)  # fmt: skip


def last_name(name: str) -> str:
    """A setting's own name, without its owner, section or number."""
    return re.sub(r"/\d+$", "", name).rpartition(".")[2]


def is_seed(setting: Setting) -> bool:
    """Whether a setting fixes random numbers."""
    number = setting.type in ("int", "unknown") or setting.default is None
    return bool(SEED_WORDS.search(setting.name)) and number and not setting.flag


def is_output(setting: Setting) -> bool:
    """Whether a setting says where results go."""
    return bool(OUTPUT_WORDS.match(last_name(setting.name))) and setting.type in ("text", "unknown")


def is_variable(setting: Setting) -> bool:
    """Whether a setting is an environment variable, put before the command."""
    named = setting.spelling.endswith("=") and setting.mechanism != "make"
    return setting.mechanism in ("environment", "shell") or (
        setting.mechanism == "pydantic" and named
    )


def is_tunable(setting: Setting) -> bool:
    """Whether a setting looks like one that people tune; the search space judges again."""
    if setting.type in ("list", "unknown") and not setting.choices and setting.default is None:
        return False
    if setting.type == "text" and not setting.choices and setting.mechanism not in LITERALS:
        return False
    return not _FIXED.search(last_name(setting.name))


def reached(entry: EntryPoint, survey: Survey, config: str = "") -> list["Reach"]:
    """The ways in which an entry point's settings can be set, the one that reaches most first.

    Args:
        config: the settings file that its command names, if any.
    """
    ways: list[Reach] = []
    by_kind: dict[Mechanism, list[Setting]] = {}
    for setting in entry.settings:
        by_kind.setdefault(setting.mechanism, []).append(setting)
    for mechanism in OPTIONS & by_kind.keys():
        found = [s for s in by_kind[mechanism] if not s.position and not is_variable(s)]
        if not found:
            continue
        spelt = any(s.spelling for s in found)
        if spelt or mechanism in ("hydra", "gin", "make", "papermill", "fire", "absl"):
            ways.append(Reach(_arguments(mechanism, found), tuple(found)))
    named: tuple[Mechanism, ...] = ("environment", "shell", "pydantic")
    for mechanism in named:
        if variables := [s for s in by_kind.get(mechanism, ()) if is_variable(s)]:
            ways.append(Reach(_environment(variables), tuple(variables)))
    files = dict.fromkeys(
        (*([config] if config else ()), *entry.configs, *_files_of(by_kind.get("file", ())))
    )
    for path in files:
        keys = survey.configs.get(path) or tuple(
            s for s in by_kind.get("file", ()) if s.place.path == path
        )
        if keys and PurePosixPath(f"_{PurePosixPath(path).name}").suffix in SUFFIXES["file"]:
            seeds = tuple(s.name for s in keys if is_seed(s))[:20]
            ways.append(Reach(Settings(style="file", file=path, seeds=seeds), tuple(keys)))
    literals = [s for s in entry.settings if _in_code(s) and s.place.path == entry.path]
    if literals and PurePosixPath(entry.path).suffix in (".py", ".ipynb"):
        seeds = tuple(s.name for s in literals if is_seed(s) and not makes_data(s))[:20]
        settings = Settings(style="source", file=entry.path, seeds=seeds)
        ways.append(Reach(settings, tuple(literals)))
    order = {"arguments": 0, "file": 1, "environment": 2, "source": 3}
    # Options come first where there are any worth tuning: nothing of the code is edited then.
    ways.sort(key=lambda way: (not way.tunable, order[way.settings.style], -len(way.tunable)))
    return ways


class Reach:
    """One way in which parameters reach a program.

    Args:
        settings: as a ticket has it.
        found: what can be set so.
    """

    def __init__(self, settings: Settings, found: Sequence[Setting]) -> None:
        self.settings = settings
        self.found = tuple(found)
        self.tunable = tuple(s for s in self.found if is_tunable(s))

    def short(self) -> Values:
        """Values that make a run end sooner."""
        values: Values = {}
        for setting in self.found:
            default: Value | None = setting.default
            if isinstance(default, bool) or not isinstance(default, int | float):
                continue
            for pattern, most in _SHORT:
                if pattern.search(setting.name) and default > most:
                    values[setting.name] = most
                    break
        return dict(list(values.items())[:6])


def _arguments(mechanism: Mechanism, found: Sequence[Setting]) -> Settings:
    if mechanism in ("hydra", "make"):
        return Settings(argument="{name}={value}", dashes=False)
    if mechanism == "papermill":
        return Settings(argument="-p {name} {value}", dashes=False)
    if mechanism == "gin":
        return Settings(argument="--gin_param={name}={value}", dashes=False)
    spelt = [(s.name, s.spelling) for s in found if s.spelling and not s.flag]
    dashes = bool(spelt) and all(
        spelling == f"--{name.replace('_', '-')}" for name, spelling in spelt
    )
    exact = all(spelling == f"--{name}" for name, spelling in spelt)
    single = bool(spelt) and all(re.match(r"-[^-]", spelling) for _, spelling in spelt)
    prefix = "-" if single else "--"
    joint = "=" if mechanism in ("absl", "fire") else " "
    return Settings(
        argument=f"{prefix}{{name}}{joint}{{value}}",
        dashes=dashes and not exact,
        flags={s.name: _flag(s, mechanism) for s in found if s.flag or _absl_flag(s, mechanism)},
    )


def _absl_flag(setting: Setting, mechanism: Mechanism) -> bool:
    return mechanism == "absl" and setting.type == "bool"


def _flag(setting: Setting, mechanism: Mechanism) -> str:
    spelling = setting.spelling or f"--{setting.name}"
    if setting.negation:
        return f"{spelling}|{setting.negation}"
    if mechanism == "absl":
        return f"{spelling}|--no{spelling.lstrip('-')}"
    # An option that only turns something off: its presence is false.
    return f"|{spelling}" if setting.default is True else spelling


def _environment(found: Iterable[Setting]) -> Settings:
    prefixes = {
        s.spelling.rstrip("=")[: -len(s.name)]
        for s in found
        if s.spelling and s.spelling.rstrip("=").upper().endswith(s.name.upper())
    }
    return Settings(style="environment", prefix=prefixes.pop() if len(prefixes) == 1 else "")


def _in_code(setting: Setting) -> bool:
    """Whether a setting is a literal of a program's code."""
    fields = setting.mechanism in ("dataclass", "pydantic") and not setting.spelling
    return setting.mechanism in LITERALS or fields


def _files_of(settings: Iterable[Setting]) -> list[str]:
    return [s.place.path for s in settings if s.place.path]


def makes_data(setting: Setting) -> bool:
    """Whether a seed belongs to a call that makes up data: another seed, another task."""
    return bool(re.match(r"(?:make|load|fetch|generate|sample|create)_?", setting.owner))
