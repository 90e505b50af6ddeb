"""A candidate's shell line: a stated command or an entry point's own, made ready for trials."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from agents.drafting.reaching import Reach, is_output, is_seed, is_variable, last_name
from agents.drafting.words import subjects
from labcrew.domain.search_space import Value, Values
from labcrew.domain.survey import EntryPoint, Setting, Survey

_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_OPERATOR = re.compile(r"^(?:\||\|\||&&|;|&|>|>>|2>|2>&1|<|\d?>.*)$")
_DATA_SUFFIXES = {
    ".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".npz", ".npy", ".dat", ".data",
    ".libsvm", ".svm", ".gz", ".zip", ".pkl", ".h5", ".xlsx", ".arff",
}  # fmt: skip


@dataclass
class Line:
    """A command with its placeholders, and what of it could not be filled."""

    command: str
    outputs: bool = False
    seed: bool = False
    guessed: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def words_of(command: str) -> list[str]:
    """A shell line's words, its operators among them; none of a line that no shell would read."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return []


def simple(command: str) -> bool:
    """Whether a command is one program with its arguments, and nothing that a shell fills in."""
    words = words_of(command)
    words = words[_start(words) :]
    odd = re.search(r"[$`*{}]|<[A-Za-z_ -]+>|\.\.\.|^\[|PATH_TO|path/to|/path/", command)
    return bool(words) and not odd and not any(_OPERATOR.match(word) for word in words)


def _start(words: Sequence[str]) -> int:
    """Where the program begins: after a change of folder, if there is one."""
    return 3 if len(words) > 3 and words[0] == "cd" and words[2] == "&&" else 0


def _folder(words: Sequence[str]) -> PurePosixPath:
    """The folder that a command runs in, from the repository's root."""
    return PurePosixPath(words[1] if _start(words) else ".")


def _from(folder: PurePosixPath, path: str) -> str:
    """A path of the repository as it is called from one of its folders."""
    if not folder.parts:
        return path
    try:
        return str(PurePosixPath(path).relative_to(folder))
    except ValueError:
        return "/".join([*[".."] * len(folder.parts), path])


def stated_values(command: str, entry: EntryPoint) -> Values:
    """The settings that a command gives, with their values: they are its defaults."""
    found: Values = {}
    for setting, value, _ in _given(words_of(command), entry.settings):
        if value is None:
            found[setting.name] = setting.default is not True
        elif (read := _typed(setting, value)) is not None:
            found[setting.name] = read
    return found


def line(command: str, entry: EntryPoint, reach: Reach | None, survey: Survey) -> Line:
    """A command as a ticket runs it.

    What it gives stays; a seed and an output folder become placeholders; arguments that must be
    there and have no value are filled by the best guess, or named as missing; {settings} comes
    last, so that what a trial sets comes after what is stated.
    """
    words = words_of(command)
    made = Line("")
    given = _given(words, entry.settings)
    known = {id(setting) for setting, _, _ in given}
    for setting, value, at in given:
        if value is None:
            continue
        if is_seed(setting):
            words[at] = _put(words[at], value, "{seed}")
            made.seed = True
        elif is_output(setting):
            words[at] = _put(words[at], value, _output(value, setting))
            made.outputs = True
    folder = _folder(words)
    more: list[str] = []
    front: list[str] = []
    hydra = any(s.mechanism == "hydra" for s in entry.settings)
    for setting in entry.settings:
        if id(setting) in known or setting.position:
            continue
        if is_variable(setting):
            name = setting.spelling.rstrip("=") or setting.name
            given_already = any(word.startswith(f"{name}=") for word in words)
            if is_seed(setting) and not made.seed and not given_already:
                front.append(f"{name}={{seed}}")
                made.seed = True
            continue
        if setting.mechanism not in _LINED:
            continue
        if not setting.spelling and setting.mechanism not in ("hydra", "fire", "absl", "papermill"):
            continue
        if is_seed(setting) and not made.seed:
            more += _spelt(setting, "{seed}")
            made.seed = True
        elif is_output(setting) and not made.outputs:
            default = setting.default if isinstance(setting.default, str) else ""
            more += _spelt(setting, _output(default, setting))
            made.outputs = True
        elif setting.required:
            value = guess(setting, survey, entry)
            if value:
                value = value if setting.choices else _from(folder, value)
                more += _spelt(setting, value)
                made.guessed.append(f"{setting.name} = {value}")
            else:
                made.missing.append(setting.name)
    if hydra and not made.outputs:
        more.append("hydra.run.dir={outputs}")
        made.outputs = True
    more += _positional(words, entry, survey, made)
    placed = reach is not None and reach.settings.style == "arguments"
    tail = [*more, *(["{settings}"] if placed else [])]
    if folder.parts:
        up = "/".join([".."] * len(folder.parts))
        words = [word.replace("{outputs}", f"{up}/{{outputs}}") for word in words]
        tail = [word.replace("{outputs}", f"{up}/{{outputs}}") for word in tail]
    after = range(_start(words), len(words))
    at = next((i for i in after if _OPERATOR.match(words[i])), len(words))
    begin = _start(words)
    # What a trial sets must not be set again by the command itself.
    while begin < at and (told := _ASSIGNED.fullmatch(words[begin])) and "{" not in told[2]:
        made.variables[told[1]] = told[2]
        del words[begin]
        at -= 1
    words[begin:begin] = front
    at += len(front)
    whole = [*map(_quoted, words[:at]), *map(_quoted, tail), *map(_quoted, words[at:])]
    made.command = " ".join(whole)
    return made


_LINED = ("argparse", "click", "typer", "absl", "fire", "hydra", "dataclass", "pydantic", "help",
          "papermill")  # fmt: skip


def guess(setting: Setting, survey: Survey, entry: EntryPoint) -> str:
    """A value for an argument that must be there: a file, a settings file, a choice; or nothing."""
    if setting.choices:
        wanted = [str(choice) for choice in setting.choices]
        return next((c for c in wanted if c in ("train", "fit", "run")), wanted[0])
    name = last_name(setting.name).lower()
    about = subjects(f"{name} {setting.help}")
    if is_output(setting):
        return _output("", setting)
    if re.search(r"conf(ig)?|cfg|yaml|params?$|hparams|settings", name):
        files = [*entry.configs, *survey.configs]
        return files[0] if files else ""
    if re.search(r"data|csv|file|input|path|train|corpus|text|table|dir|root|folder", name):
        folders = re.search(r"dir|root|folder", name)
        ranked = sorted(
            survey.data,
            key=lambda d: (
                -len(about & subjects(d.path)),
                PurePosixPath(d.path).suffix not in _DATA_SUFFIXES,
                -d.size_bytes,
            ),
        )
        if not ranked:
            return ""
        best = ranked[0].path
        return str(PurePosixPath(best).parent) if folders else best
    return ""


def _positional(words: Sequence[str], entry: EntryPoint, survey: Survey, made: Line) -> list[str]:
    """Positional arguments that are not there yet, in their order, as far as they must be."""
    wanted = sorted((s for s in entry.settings if s.position), key=lambda s: s.position)
    there = len(_positions(words, entry))
    more: list[str] = []
    for setting in wanted[there:]:
        if not setting.required:
            break
        value = guess(setting, survey, entry)
        if not value:
            made.missing.append(setting.name)
            break
        value = value if setting.choices else _from(_folder(words), value)
        more.append(value)
        made.guessed.append(f"{setting.name} = {value}")
    return more


def _positions(words: Sequence[str], entry: EntryPoint) -> list[str]:
    """The words of a command that belong to no option, after the program's own."""
    own = words_of(entry.command)
    begin = _start(words) + len(own) - _start(own)
    flags = {s.spelling for s in entry.settings if s.flag} | {
        s.negation for s in entry.settings if s.negation
    }
    found: list[str] = []
    skip = False
    for word in words[begin:]:
        if _OPERATOR.match(word):
            break
        if skip:
            skip = False
        elif re.match(r"-+[A-Za-z]", word):
            skip = "=" not in word and word not in flags
        else:
            found.append(word)
    return found


def _given(
    words: Sequence[str], settings: Sequence[Setting]
) -> list[tuple[Setting, str | None, int]]:
    """The settings that words set, with the value (None for a flag) and the place of its word."""
    found: list[tuple[Setting, str | None, int]] = []
    by_option: dict[str, Setting] = {}
    for setting in settings:
        for spelt in (setting.spelling, setting.negation, f"--{setting.name}"):
            if spelt and not setting.position:
                by_option.setdefault(spelt, setting)
    keys = {s.name: s for s in settings if s.mechanism in ("hydra", "make", "papermill")}
    for at, word in enumerate(words):
        option, joint, value = word.partition("=")
        known = by_option.get(option) or by_option.get(option.replace("_", "-"))
        if known is not None and option.startswith("-"):
            if joint:
                found.append((known, value, at))
            elif known.flag:
                found.append((known, None, at))
            elif at + 1 < len(words):
                found.append((known, words[at + 1], at + 1))
        elif joint and option.lstrip("+") in keys:
            found.append((keys[option.lstrip("+")], value, at))
        elif word == "-p" and at + 2 < len(words) and words[at + 1] in keys:
            found.append((keys[words[at + 1]], words[at + 2], at + 2))
    return found


def _typed(setting: Setting, value: str) -> Value | None:
    try:
        if setting.type == "int":
            return int(value)
        if setting.type == "float":
            return float(value)
    except ValueError:
        return None
    if setting.type == "bool":
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
            value.lower()
        )
    return value


def _put(word: str, old: str, new: str) -> str:
    return word[: len(word) - len(old)] + new if old and word.endswith(old) else word + new


def _output(value: str, setting: Setting) -> str:
    """The outputs folder, or a file in it where the setting names a file."""
    suffix = PurePosixPath(value).suffix
    named = re.search(r"file$|path$|to$|model$", last_name(setting.name).lower())
    if suffix and (named or re.fullmatch(r"\.[a-z]{1,5}\d?", suffix)):
        return "{outputs}/" + PurePosixPath(value).name
    if re.search(r"file$", last_name(setting.name).lower()):
        return "{outputs}/result"
    return "{outputs}"


def _spelt(setting: Setting, value: str) -> list[str]:
    if setting.mechanism == "hydra":
        return [f"{setting.name}={value}"]
    if setting.mechanism == "papermill":
        return ["-p", setting.name, value]
    option = setting.spelling or f"--{setting.name}"
    if setting.mechanism in ("absl", "fire"):
        return [f"{option}={value}"]
    return [option, value]


def _quoted(word: str) -> str:
    """A word for a shell, with operators and placeholders left as they are."""
    if _OPERATOR.match(word):
        return word
    plain = word.replace("{settings}", "").replace("{seed}", "").replace("{outputs}", "")
    return word if re.fullmatch(r"[\w@%+=:,./-]*", plain, re.ASCII) else shlex.quote(word)
