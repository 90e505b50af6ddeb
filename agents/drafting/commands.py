"""Which of a repository's programs a person means, and how its parameters reach it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from agents.drafting.command_lines import Line, line, simple, words_of
from agents.drafting.mending import mended, resuming
from agents.drafting.reaching import Reach, reached
from agents.drafting.words import shared, subjects, words
from labcrew.domain.draft import Candidate
from labcrew.domain.running import Run, Settings
from labcrew.domain.search_space import Values
from labcrew.domain.survey import EntryPoint, Place, Stated, Survey, Trait
from tools.trial_spec import command_line, run_variables, setting_variables, values_in_file

__all__ = ["candidates", "mended", "resuming", "run_line"]

_MOST = 24
_ENTRIES = 400
_TRAINS = re.compile(r"(?:^|[_\-/])(?:train|fit|finetune|learn|pretrain)(?:$|[_\-.\d])|trainer")
_RUNS = re.compile(r"^(?:main|run|experiment|exp|cli|app|__main__|demo|start|search|benchmark)$")
_OTHER = re.compile(
    r"(?:^|[_\-/.])(?:tests?|conftest|plot|plots|visuali[sz]e|viz|preprocess|prepare|serve|server"
    r"|app|api|download|get_data|fetch|setup|install|util|utils|helpers?|convert|export|deploy"
    r"|lint|format|docs?|clean|make_data|generate|infer|inference|predict|sample|upload|release"
    r"|version|build|publish|coverage)(?:$|[_\-/.\d])"
)
_ASIDE = re.compile(r"^(?:tests?|docs?|doc|build_tools|tools|ci|\.github|\.circleci|packaging)/")
_TRAINING = re.compile(
    r"(?:^|[._\-])(?:lr|learning_?rate(?:_init)?|epochs?|batch_?size|momentum|weight_?decay|dropout"
    r"|hidden\w*|n_estimators|max_depth|max_iter|alpha|gamma|c|l2|reg\w*|num_leaves|eta|steps|"
    r"optimi[sz]er|n_neighbors|kernel|tol|penalty|layers|subsample|num_boost_round)(?:/\d+)?$",
    re.IGNORECASE,
)
_LEARNS = frozenset(
    ("sklearn", "torch", "tensorflow", "keras", "xgboost", "lightgbm", "catboost", "jax", "flax",
     "numpy", "scipy", "statsmodels", "transformers", "pytorch_lightning", "lightning", "gym",
     "gymnasium", "stable_baselines3", "river", "gensim", "spacy", "pandas")
)  # fmt: skip
_FIRST_CLASS = re.compile(r"(?i)readme|^docs?/")


def candidates(survey: Survey, sentence: str, variables: dict[str, str]) -> tuple[Candidate, ...]:
    """The ways to run what a person means, the likeliest first; scores are log-odds.

    Args:
        sentence: what the person wants.
        variables: what every run needs set.
    """
    wanted = subjects(sentence)
    found: list[Candidate] = []
    entries = survey.entries[:_ENTRIES]
    rare = _rare(entries, wanted)
    for entry in entries:
        score, reasons, evidence = _entry_score(entry, sentence, wanted, rare)
        for command, stated, more in _commands(entry):
            made = _candidate(entry, command, survey, variables)
            own = [*reasons]
            if stated is not None:
                own.insert(0, f"{stated.place} states the command")
            total = score + more - 1.5 * bool(made[1].missing)
            if made[1].missing:
                own.append(f"it needs {', '.join(made[1].missing)}, which nothing says")
            if made[1].guessed:
                own.append(f"guessed: {', '.join(made[1].guessed)}")
            places = ([stated.place] if stated is not None else []) + evidence
            found.append(
                made[0].model_copy(
                    update={
                        "score": round(total, 3),
                        "because": ("; ".join(own) or "it can be run")[:600],
                        "evidence": tuple(places[:6]),
                    }
                )
            )
    best: dict[str, Candidate] = {}
    for candidate in sorted(found, key=lambda one: -one.score):
        best.setdefault(candidate.run.command, candidate)
    return tuple(best.values())[:_MOST]


def run_line(
    candidate: Candidate, values: Values, seed: int, cpus: float = 1
) -> tuple[str, dict[str, str], Values]:
    """The shell line, variables and values to write into the settings file, as trials have them.

    Args:
        values: of the parameters that are set.
        cpus: cores.
    """
    settings = candidate.settings
    command = command_line(candidate.run.command, settings, values, seed, candidate.outputs)
    environment = (
        run_variables(seed, candidate.outputs, cpus)
        | candidate.run.environment
        | setting_variables(settings, values)
    )
    return command, environment, values_in_file(settings, values, seed)


def _commands(entry: EntryPoint) -> Iterator[tuple[str, Stated | None, float]]:
    """The lines that run an entry point, with what each adds to its score."""
    bare = entry.command
    if entry.kind == "notebook" and "papermill" not in bare:
        bare = f"papermill --log-output {entry.path} {{outputs}}/{PurePosixPath(entry.path).name}"
    own = words_of(bare)
    extended: list[tuple[Stated, float]] = []
    for stated in entry.stated:
        weight = 0.3 if _FIRST_CLASS.search(stated.place.path) else 0.0
        if simple(stated.command) and len(stated.command) < 600:
            extended.append((stated, weight))
    # The shortest of the first: later ones are variants of it.
    extended.sort(key=lambda pair: (-pair[1], _variant(pair[0].command)))
    for rank, (stated, weight) in enumerate(extended[:4]):
        yield _spaced(stated.command), stated, weight - 0.8 * rank
    if not any(words_of(stated.command) == own for stated, _ in extended):
        needs = any(s.required for s in entry.settings)
        yield bare, None, -1.5 - 1.0 * needs if extended else 0.0


def _variant(command: str) -> bool:
    """Whether a stated command looks like another use than training: a test, a resumption."""
    return bool(re.search(r"--(?:eval|test|resume|evaluate|predict|help|version)\b| -h\b", command))


def _spaced(command: str) -> str:
    return " ".join(command.split()) if "'" not in command and '"' not in command else command


def _candidate(
    entry: EntryPoint, command: str, survey: Survey, variables: dict[str, str]
) -> tuple[Candidate, Line]:
    config = next((word for word in words_of(command) if word in survey.configs), "")
    if not config:
        after = (word.partition("=")[2] for word in words_of(command) if "=" in word)
        config = next((word for word in after if word in survey.configs), "")
    ways = reached(entry, survey, config)
    reach: Reach | None = ways[0] if ways else None
    made = line(command, entry, reach, survey)
    environment = variables | made.variables
    draws = {"matplotlib", "pylab", "seaborn"} & set(entry.imports)
    if draws or any(trait.kind == "shows" for trait in entry.traits):
        environment.setdefault("MPLBACKEND", "Agg")
    return (
        Candidate(
            entry=entry.path,
            run=Run(command=made.command, environment=environment),
            settings=_seeded(reach.settings, made) if reach is not None else Settings(),
            outputs="outputs" if made.outputs else written_folder(entry),
            short=reach.short() if reach is not None else {},
            because="",
        ),
        made,
    )


def _seeded(settings: Settings, made: Line) -> Settings:
    """Without seeds in its file where the command sets the seed."""
    return settings.model_copy(update={"seeds": ()}) if made.seed else settings


def written_folder(entry: EntryPoint) -> str:
    """The folder that a program writes by itself, as its code shows; else "outputs".

    Never one with files that the program needs: a run begins with that folder empty.
    """
    own = [PurePosixPath(path) for path in (entry.path, *entry.rests_on, *entry.configs)]
    own += [_path(trait) for trait in entry.traits if trait.kind == "reads"]
    counts: dict[str, int] = {}
    for trait in entry.traits:
        if trait.kind not in ("writes", "checkpoints", "predictions", "logs"):
            continue
        for folder in reversed(_path(trait).parents[:-1]):
            plain = re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", str(folder))
            if plain is None or folder.name in ("..", "tmp"):
                break
            if not any(path.is_relative_to(folder) for path in own):
                counts[str(folder)] = counts.get(str(folder), 0) + 1
                break
    return max(counts, key=lambda name: counts[name], default="outputs")


def _path(trait: Trait) -> PurePosixPath:
    return PurePosixPath(trait.what.strip("'\""))


def _entry_score(
    entry: EntryPoint, sentence: str, wanted: frozenset[str], rare: Mapping[str, float]
) -> tuple[float, list[str], list[Place]]:
    path = PurePosixPath(entry.path)
    name, folders = path.stem.lower(), str(path.parent).lower()
    score, reasons, evidence = -1.0, [], []

    def add(points: float, reason: str = "") -> None:
        nonlocal score
        score += points
        if reason:
            reasons.append(reason)

    if _named(entry, sentence):
        add(5.0, "it is named in what you want")
    if entry.stated:
        readme = any(_FIRST_CLASS.search(stated.place.path) for stated in entry.stated)
        add(2.0 if readme else 1.0)
    if _TRAINS.search(name) or _TRAINS.search(entry.command.lower()):
        add(1.6, "its name says that it trains")
    elif _RUNS.match(name) or (name == "__main__"):
        add(0.8)
    if _OTHER.search(f"/{name}") and not _TRAINS.search(name):
        # Examples that plot are named so, and may train all the same.
        add(-0.3 if name.startswith("plot_") else -2.0)
    if _ASIDE.search(str(path)) or "/tests/" in f"/{path}":
        add(-2.5)
    kinds = {trait.kind for trait in entry.traits}
    if shown := [t for t in entry.traits if t.kind in ("prints", "logs")]:
        add(1.0, f"it prints {shown[0].what[:60]}")
        evidence.append(shown[0].place)
        if about := shared(wanted, [t.what for t in shown]):
            add(min(1.2, 0.7 * len(about)), f"what it prints speaks of {', '.join(sorted(about))}")
    training = [s for s in entry.settings if _TRAINING.search(s.name)]
    if training:
        add(0.8 if len(training) < 3 else 1.2, f"it has settings such as {training[0].name}")
        evidence.append(training[0].place)
    elif not entry.settings and not entry.configs:
        add(-0.5)
    texts = [
        str(path),
        entry.summary,
        " ".join(s.owner for s in entry.settings if "split" not in s.owner),
    ]
    if about := shared(wanted, texts):
        weight = sum(rare[one] for one in about)
        add(min(3.0, weight), f"its name or text speaks of {', '.join(sorted(about)[:4])}")
    if within := _within(name, sentence):
        add(2.2, f"its name holds {within}")
    for kind, points in (("serves", -3.0), ("asks", -1.5), ("downloads", -1.0),
                         ("accelerator", -0.4), ("secret", -1.5)):  # fmt: skip
        if kind in kinds:
            add(points)
    if "checkpoints" in kinds or "seeds" in kinds:
        add(0.3)
    if _LEARNS & set(entry.imports):
        add(0.4)
    for kind, points in (("notebook", -0.4), ("shell", -0.6), ("make", -0.8), ("module", -0.3)):
        if entry.kind == kind:
            add(points)
    if folders != ".":
        add(-0.1 * min(4, len(path.parts) - 1))
    return score, reasons, evidence


def _within(stem: str, sentence: str) -> str:
    """A word of the sentence that a file's name holds, or its whole name run together."""
    squashed = re.sub(r"[^a-z0-9]", "", sentence.lower())
    plain = re.sub(r"[^a-z0-9]", "", stem)
    if len(plain) >= 5 and plain in squashed and not (_TRAINS.search(stem) or _RUNS.match(stem)):
        return plain
    parts = re.split(r"[^a-z0-9]+", stem)
    # Whole parts of a name are compared elsewhere, by their stems.
    told = [word for word in words(sentence) if len(word) >= 4 and word not in parts]
    return next((word for word in told if any(word in part for part in parts)), "")


def _named(entry: EntryPoint, sentence: str) -> bool:
    path = PurePosixPath(entry.path)
    told = re.findall(r"[\w./-]+\.\w+", sentence)
    if any(word.strip("./") in (str(path), path.name) or entry.path.endswith(f"/{word}")
           for word in told):  # fmt: skip
        return True
    plain = path.stem.lower()
    return "_" in plain and plain in sentence.lower()


def _rare(entries: Sequence[EntryPoint], wanted: frozenset[str]) -> dict[str, float]:
    """What each wanted word counts where it is met: little where every entry point has it."""
    have = Counter(
        one for entry in entries for one in wanted & subjects(f"{entry.path} {entry.summary}")
    )
    return {one: 1.2 if have[one] * 4 <= len(entries) + 3 else 0.3 for one in wanted}
