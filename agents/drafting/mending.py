"""A candidate that failed in a way that its command can mend, mended; and whether it can resume."""

import re
import shlex
from pathlib import PurePosixPath

from agents.drafting.command_lines import guess, words_of
from labcrew.domain.draft import Candidate, FirstRun, Trouble
from labcrew.domain.running import Run
from labcrew.domain.survey import EntryPoint, Place, Setting, Survey

_HEADLESS = re.compile(r"(?:^|[_-])(?:headless|no[_-]?(?:gui|display|render|show|plots?|vis))$")
_CPU = re.compile(r"^(?:no[_-]?(?:cuda|gpu)|cpu|use[_-]cpu|force[_-]cpu|disable[_-]cuda)$")
_DEVICE = re.compile(r"^(?:device|accelerator)$")
_OFFLINE = re.compile(r"^(?:no[_-]?(?:wandb|log|tracking|download)|offline|disable[_-]wandb)$")
_RESUMES = re.compile(
    r"^(?:resume(?:[_-]from(?:[_-]checkpoint)?)?|checkpoint|ckpt(?:[_-]path)?|load[_-](?:from|"
    r"checkpoint|model)|init[_-]from|restore|warm[_-]start|continue(?:[_-]training)?)$",
    re.IGNORECASE,
)
_METRICS = re.compile(r"(?i)(?:metric|result|score|eval|history|log|report|summary)")


def mended(candidate: Candidate, run: FirstRun, survey: Survey) -> Candidate | None:
    """The candidate as it may get further, after what a run showed; None where nothing helps."""
    trouble = run.trouble
    if trouble is None:
        return None
    entry = next((one for one in survey.entries if one.path == candidate.entry), None)
    text = "\n".join(line.text for line in run.tail)
    made = (
        _as_module(candidate, text)
        or _by_python3(candidate, trouble)
        or _with_path(candidate, trouble, survey)
        or _without_window(candidate, trouble, text, entry)
        or (_with_argument(candidate, trouble, text, entry, survey) if entry else None)
        or _in_its_folder(candidate, trouble, survey)
        or _without_unknown(candidate, trouble)
        or (_by_flag(candidate, trouble, entry) if entry else None)
        or _showing_file(candidate, trouble, run)
    )
    if made is None or (made.run == candidate.run and made.settings == candidate.settings):
        return None
    return made


def kept(candidate: Candidate, path: str) -> Candidate:
    """The candidate with a file that it writes elsewhere copied to where outputs are kept."""
    up = "cd /workspace && " if candidate.run.command.startswith("cd ") else ""
    command = f"{candidate.run.command} && {up}cp {shlex.quote(path)} {{outputs}}/"
    return _changed(candidate, command, f"its numbers stand in {path}, outside the outputs folder")


def resuming(entry: EntryPoint) -> tuple[Place, ...]:
    """Where a program offers to go on from a checkpoint; nothing where it does not."""
    options = [s.place for s in entry.settings if _RESUMES.match(s.name.rpartition(".")[2])]
    return (*options, *(trait.place for trait in entry.traits if trait.kind == "resumes"))[:8]


def _changed(candidate: Candidate, command: str, why: str, **environment: str) -> Candidate:
    run = candidate.run.model_dump() | {
        "command": command,
        "environment": candidate.run.environment | environment,
    }
    because = f"{candidate.because}; {why}"[-600:]
    return candidate.model_copy(update={"run": Run.model_validate(run), "because": because})


def _as_module(candidate: Candidate, text: str) -> Candidate | None:
    """A script of a package that imports relatively runs as a module."""
    if "attempted relative import" not in text or not candidate.entry.endswith(".py"):
        return None
    dotted = candidate.entry.removesuffix(".py").replace("/", ".").removesuffix(".__main__")
    pattern = re.compile(rf"(python\S*(?:\s+-u)?)\s+(?:\./)?{re.escape(candidate.entry)}(?=\s|$)")
    command = pattern.sub(lambda found: f"{found[1]} -m {dotted}", candidate.run.command, count=1)
    return _changed(candidate, command, "it imports relatively, so it runs as a module")


def _by_python3(candidate: Candidate, trouble: Trouble) -> Candidate | None:
    if trouble.kind != "missing_program" or trouble.what != "python":
        return None
    command = re.sub(r"(?<![\w./-])python(?= )", "python3", candidate.run.command)
    return _changed(candidate, command, "its image knows Python as python3")


def _with_path(candidate: Candidate, trouble: Trouble, survey: Survey) -> Candidate | None:
    """A module of the repository that was not found: its folder goes on PYTHONPATH."""
    if trouble.kind != "missing_module":
        return None
    top = trouble.what.partition(".")[0]
    folder = survey.packages.get(top)
    if folder is None:
        rests = {path for entry in survey.entries for path in (entry.path, *entry.rests_on)}
        ends = (f"/{top}.py", f"/{top}/__init__.py")
        fitting = sorted((p for p in rests if f"/{p}".endswith(ends)), key=len)
        if not fitting:
            return None
        place = PurePosixPath(fitting[0])
        above = place.parent.parent if place.name == "__init__.py" else place.parent
    else:
        above = PurePosixPath(folder).parent
    path = f"/workspace/{above}".removesuffix("/.")
    old = candidate.run.environment.get("PYTHONPATH", "")
    if path in old.split(":"):
        return None
    joined = f"{path}:{old}" if old else path
    why = f"{top} is the repository's own: PYTHONPATH names its folder"
    return _changed(candidate, candidate.run.command, why, PYTHONPATH=joined)


def _without_window(
    candidate: Candidate, trouble: Trouble, text: str, entry: EntryPoint | None
) -> Candidate | None:
    shows = trouble.what == "display" or re.search(
        r"TclError|could not connect to display|\$DISPLAY|Qt platform plugin|cannot connect to X",
        text,
    )
    if not shows:
        return None
    flag = _flag(entry, _HEADLESS) if entry else None
    if flag and flag not in words_of(candidate.run.command):
        return _changed(candidate, _with_words(candidate, [flag]), f"{flag}: it opens no window")
    if candidate.run.environment.get("MPLBACKEND") != "Agg":
        why = "runs have no display"
        return _changed(
            candidate, candidate.run.command, why,
            MPLBACKEND="Agg", QT_QPA_PLATFORM="offscreen", SDL_VIDEODRIVER="dummy",
        )  # fmt: skip
    return None


def _with_argument(
    candidate: Candidate, trouble: Trouble, text: str, entry: EntryPoint, survey: Survey
) -> Candidate | None:
    """An argument that must be there, filled by the best guess."""
    if trouble.kind != "arguments":
        return None
    del text
    more: list[str] = []
    for option in re.split(r",\s*|\s+and\s+", trouble.what):
        name = option.strip("'\" ").split("/")[-1].split(" ")[0]
        setting = _setting(entry, name)
        value = guess(setting, survey, entry) if setting else ""
        if not value:
            return None
        spelt = setting.spelling if setting else ""
        more += [spelt, value] if spelt else [value]
    if not more or all(word in words_of(candidate.run.command) for word in more):
        return None
    return _changed(candidate, _with_words(candidate, more), f"guessed: {' '.join(more)}")


def _in_its_folder(candidate: Candidate, trouble: Trouble, survey: Survey) -> Candidate | None:
    """A file that is there from the script's folder, or from one above it."""
    command = candidate.run.command
    if trouble.kind not in ("missing_file", "missing_module") or command.startswith("cd "):
        return None
    what = trouble.what.strip("'\"").removeprefix("./")
    if what.startswith("/workspace/"):
        what = what.removeprefix("/workspace/")
    known = {d.path for d in survey.data} | set(survey.configs)
    known |= {path for entry in survey.entries for path in (entry.path, *entry.rests_on)}
    folders = [p for p in PurePosixPath(candidate.entry).parents if str(p) != "."]
    fitting = next((f for f in folders if _is_there(what, f, known)), None)
    if fitting is None and folders and what and not _is_there(what, PurePosixPath(), known):
        fitting = folders[0] if trouble.kind == "missing_file" else None
    if fitting is None:
        return None
    folder = str(fitting)
    inner = re.sub(rf"(?<![\w/.-])(?:\./)?{re.escape(folder)}/(?=[\w.-])", "", command)
    up = "/".join([".."] * len(fitting.parts))
    inner = inner.replace("{outputs}", f"{up}/{{outputs}}")
    inner = re.sub(
        r"(?<=\s)(?=[\w./-]+/[\w.-]+)([\w.-][\w./-]*)",
        lambda found: f"{up}/{found[1]}" if found[1] in known else found[1],
        inner,
    )
    return _changed(
        candidate, f"cd {shlex.quote(folder)} && {inner}", f"it looks for {what} from {folder}"
    )


def _is_there(what: str, folder: PurePosixPath, known: set[str]) -> bool:
    parts: list[str] = []
    for part in (*folder.parts, *PurePosixPath(what).parts):
        if part == "..":
            if not parts:
                return False
            parts.pop()
        elif part != ".":
            parts.append(part)
    path = "/".join(parts)
    return path in known or any(one.startswith(f"{path}/") for one in known)


def _without_unknown(candidate: Candidate, trouble: Trouble) -> Candidate | None:
    """Options that the program refuses, taken off, with their values."""
    if trouble.kind != "arguments" or "does not know" not in trouble.message:
        return None
    refused = trouble.what.split()
    words = candidate.run.command.split(" ")
    kept = [word for word in words if word not in refused]
    if kept == words:
        return None
    return _changed(candidate, " ".join(kept), f"it does not know {' '.join(refused)}")


def _by_flag(candidate: Candidate, trouble: Trouble, entry: EntryPoint) -> Candidate | None:
    """An option that turns off what is not there: an accelerator, a tracking service."""
    given = words_of(candidate.run.command)
    if trouble.kind == "accelerator":
        flag = _flag(entry, _CPU)
        if flag and flag not in given:
            return _changed(candidate, _with_words(candidate, [flag]), f"{flag}: there is no GPU")
        device = next((s for s in entry.settings if _DEVICE.match(s.name) and s.spelling), None)
        if device and device.spelling not in given:
            words = [device.spelling, "cpu"]
            return _changed(candidate, _with_words(candidate, words), "there is no GPU")
    if trouble.kind in ("secret", "download"):
        flag = _flag(entry, _OFFLINE)
        if flag and flag not in given:
            return _changed(candidate, _with_words(candidate, [flag]), f"{flag}: without network")
        if "wandb" in entry.imports and candidate.run.environment.get("WANDB_MODE") is None:
            return _changed(
                candidate, candidate.run.command, "its tracking is turned off",
                WANDB_MODE="disabled",
            )  # fmt: skip
    return None


def _showing_file(candidate: Candidate, trouble: Trouble, run: FirstRun) -> Candidate | None:
    """A result that stands in a file alone is shown at the end."""
    if trouble.kind != "no_number" or "cat " in candidate.run.command:
        return None
    small = [
        file.path
        for file in run.files
        if PurePosixPath(file.path).suffix in (".json", ".txt", ".log", ".md", ".yaml")
        and file.size_bytes < 200_000
        and re.fullmatch(r"[\w./-]+", file.path)
    ]
    small.sort(key=lambda path: (not _METRICS.search(path), len(path)))
    if not small:
        return None
    up = "cd /workspace && " if candidate.run.command.startswith("cd ") else ""
    command = f"{candidate.run.command} && {up}cat {small[0]}"
    return _changed(candidate, command, f"its result stands in {small[0]}")


def _with_words(candidate: Candidate, more: list[str]) -> str:
    """The command with more words, before what a trial sets or at its end."""
    spelt = " ".join(word if "{outputs}" in word else shlex.quote(word) for word in more)
    command = candidate.run.command
    if "{settings}" in command:
        return command.replace("{settings}", f"{spelt} {{settings}}", 1)
    return f"{command} {spelt}"


def _setting(entry: EntryPoint, name: str) -> Setting | None:
    plain = name.lstrip("-").replace("-", "_").lower()
    return next((s for s in entry.settings if s.name.replace("-", "_").lower() == plain), None)


def _flag(entry: EntryPoint | None, pattern: re.Pattern[str]) -> str | None:
    for setting in entry.settings if entry else ():
        for spelt in (setting.spelling, setting.negation):
            if spelt and setting.flag and pattern.match(spelt.lstrip("-")):
                return spelt
    return None
