"""Why there can be no ticket, in one message: what was found, what is missing, what to supply."""

from collections.abc import Sequence

from labcrew.domain.draft import Candidate, InstallTry, Trouble, TroubleKind
from labcrew.domain.survey import EntryPoint, Place, Survey, Trait, TraitKind
from labcrew.plain_text import HALVES, ODD

_MOST_NAMED, _MOST_TRIED, _MOST_EVIDENCE, _MOST_LOG = 5, 4, 5, 4
_TRAITS: dict[TroubleKind, TraitKind] = {
    "download": "downloads",
    "accelerator": "accelerator",
    "secret": "secret",
    "asks": "asks",
}
"""What reading shows of the same trouble: a run stops at the first of several."""
_TRAIT_WORDS: dict[TroubleKind, str] = {
    "download": "Its code downloads",
    "accelerator": "Its code asks for an accelerator",
    "secret": "Its code reads the secret",
    "asks": "Its code waits for input",
}
_SUPPLY: dict[TroubleKind, str] = {
    "download": "A first run has no network. Commit what it downloads, or name a command that needs"
    " none; a ticket written by hand can let its trials reach a host with `hosts`.",
    "accelerator": "A first run has no accelerator. Say how it runs on a CPU, by an option or a"
    " smaller model; a ticket written by hand can ask for one with `budget.gpus`.",
    "secret": "Sandboxes are given no secrets. Name a command, option or setting that needs none.",
    "missing_file": "Commit the file, or name a command that needs none.",
    "time": "Name a command that ends, or an option that makes it shorter, such as fewer epochs.",
    "no_number": "Let it print a line such as val_loss=0.5 or write one JSON object a line to a"
    " file, or name the command that reports the number.",
    "asks": "Name a command that asks nothing, with the answers as its arguments.",
    "memory": "Name an option that makes it smaller; a ticket written by hand can give more with"
    " `budget.memory_mb`.",
    "arguments": "State the whole command in the README, or name a file that runs without more.",
    "missing_module": "Add the package that it comes from to the requirements.",
    "missing_library": "Give a Dockerfile that installs it, or a requirement that brings it.",
    "missing_program": "Give a Dockerfile that installs it.",
    "version": "State the versions that it was written for in the requirements.",
    "storage": "Name an option that makes it write less, and only in its own folder.",
    "crash": "Mend it so that the command ends well, or name another command.",
}
_FULLER = frozenset({"download", "accelerator", "secret", "asks", "memory", "time", "no_number"})
"""Kinds of which more can be said than a single line of output tells."""


def refusal(
    survey: Survey,
    failures: Sequence[tuple[Candidate, Trouble]],
    tries: Sequence[InstallTry],
) -> Trouble:
    """The one message for a repository of which no ticket can be made.

    The trouble of the command that was most likely meant leads; the others are told behind it.

    Args:
        survey: what reading showed.
        failures: each command that was tried and what became of it, the likeliest first.
        tries: the attempts at environments, oldest first.
    """
    if failures:
        return _of_commands(survey, failures, tries)
    failed = [one for one in tries if one.trouble is not None]
    if failed and not any(one.image for one in tries):
        return _of_install(survey, failed)
    return _nothing_to_run(survey)


def _of_commands(
    survey: Survey, failures: Sequence[tuple[Candidate, Trouble]], tries: Sequence[InstallTry]
) -> Trouble:
    candidate, main = failures[0]
    entry = next((one for one in survey.entries if one.path == candidate.entry), None)
    install = next((one for one in reversed(tries) if one.trouble == main and not one.image), None)
    traits = _alike(entry, main.kind)
    parts = [_found(survey)]
    if install is not None:
        parts.append(f"Its environment could not be installed. {_sentence(main.message)}")
        parts += _log(install)
    else:
        parts.append(f"`{_one_line(candidate.run.command, 160)}`: {_sentence(main.message)}")
        parts += _failed_installs(main.kind, tries)
    if traits:
        parts.append(f"{_TRAIT_WORDS[main.kind]}: {_named([t.what for t in traits])}.")
    if main.kind == "missing_file" and survey.data:
        parts.append(f"Data that is there: {_named([one.path for one in survey.data])}.")
    others = failures[1:]
    if others:
        parts.append(_tried(others))
    parts += _unread(survey)
    return _trouble(
        main.kind,
        main.what,
        parts,
        [main.supply if install and main.supply else _supply(main), _which_project(survey)],
        [*main.evidence, *(trait.place for trait in traits)],
    )


def _of_install(survey: Survey, failed: Sequence[InstallTry]) -> Trouble:
    main = failed[-1].trouble
    assert main is not None
    number = "One attempt" if len(failed) == 1 else f"{len(failed)} attempts"
    parts = [
        _found(survey),
        f"No environment could be installed. {number}; the last: {_sentence(main.message)}",
        *_log(failed[-1]),
        *_unread(survey),
    ]
    supply = [main.supply, "A requirements.txt or Dockerfile that installs will do."]
    return _trouble(main.kind, main.what, parts, [*supply, _which_project(survey)], main.evidence)


def _nothing_to_run(survey: Survey) -> Trouble:
    parts = [_found(survey)]
    if survey.projects and _which_project(survey):
        parts.append("None of its programs could be taken for the one that is meant.")
    else:
        parts.append(
            "Nothing that can be run as a trial is among them: no program, notebook or command."
        )
    if survey.packages and not survey.entries:
        parts.append(f"It has packages to import: {_named(list(survey.packages))}.")
    if survey.stated:
        commands = [one.command for one in survey.stated]
        parts.append(f"Commands that fit no file of it: {_named(commands)}.")
    parts += _unread(survey)
    supply = (
        "Name the file to run in the sentence, or state its command in the README; a library needs"
        " a script that uses it and prints a number."
    )
    return _trouble(
        "arguments",
        "no entry point",
        parts,
        [supply, _which_project(survey)],
        [one.place for one in survey.stated],
    )


def _found(survey: Survey) -> str:
    """What there is."""
    files = f"{survey.files:,} file{'s' * (survey.files != 1)}"
    most = sorted(survey.languages.items(), key=lambda item: (-item[1], item[0]))
    kinds = ", ".join(f"{count:,} {_one_line(suffix, 20)}" for suffix, count in most[:3])
    programs = [entry.path for entry in survey.entries]
    runs = f"{len(programs)} that can be run: {_named(programs)}" if programs else "none to run"
    return f"Found {files}{f' ({kinds})' * bool(kinds)}, {runs}."


def _alike(entry: EntryPoint | None, kind: TroubleKind) -> list[Trait]:
    wanted = _TRAITS.get(kind)
    found = [trait for trait in entry.traits if trait.kind == wanted] if entry else []
    once = {trait.what: trait for trait in reversed(found)}
    return list(reversed(once.values()))


def _tried(others: Sequence[tuple[Candidate, Trouble]]) -> str:
    lines = [
        f"\n  `{_one_line(candidate.run.command, 120)}`: {_one_line(trouble.message, 160)}"
        for candidate, trouble in others[:_MOST_TRIED]
    ]
    more = len(others) - _MOST_TRIED
    return "Tried as well:" + "".join(lines) + (f"\n  and {more} more." if more > 0 else "")


def _failed_installs(kind: TroubleKind, tries: Sequence[InstallTry]) -> list[str]:
    """What could not be installed, where the run then lacked something."""
    if kind not in ("missing_module", "missing_library", "missing_program", "version"):
        return []
    said = [_sentence(one.trouble.message) for one in tries if one.trouble is not None]
    return [f"Not installed: {one}" for one in list(dict.fromkeys(said))[:_MOST_TRIED]]


def _supply(trouble: Trouble) -> str:
    """What a person can supply: the trouble's own words, unless its kind has fuller ones."""
    if trouble.supply and trouble.kind not in _FULLER:
        return trouble.supply
    return _SUPPLY[trouble.kind]


def _log(install: InstallTry) -> list[str]:
    lines = [line for line in install.log.splitlines() if line.strip()][-_MOST_LOG:]
    if not lines:
        return []
    shown = "".join(f"\n  {_one_line(line, 200)}" for line in lines)
    return [f"The installer's last lines:{shown}"]


def _unread(survey: Survey) -> list[str]:
    parts = []
    if survey.cut:
        parts.append(f"Not all was read: {_named(survey.cut, '; ')}.")
    if survey.unread:
        files = [f"{one.path} ({one.reason})" for one in survey.unread]
        parts.append(f"Not understood: {_named(files, '; ')}.")
    return parts


def _which_project(survey: Survey) -> str:
    """What to say where several projects lie in one repository."""
    folders = [folder for folder in survey.projects if folder not in ("", ".")]
    if len(folders) < 2:
        return ""
    named = _named(folders)
    return f"The repository holds {len(folders)} projects ({named}): name one in the sentence."


def _trouble(
    kind: TroubleKind,
    what: str,
    parts: Sequence[str],
    supply: Sequence[str],
    evidence: Sequence[Place],
) -> Trouble:
    return Trouble(
        kind=kind,
        what=_one_line(what, 300),
        message=_cut("\n".join(part for part in parts if part), 2000),
        supply=_cut(" ".join(dict.fromkeys(_sentence(one) for one in supply if one)), 600),
        evidence=tuple(dict.fromkeys(evidence))[:_MOST_EVIDENCE],
    )


def _named(names: Sequence[str], between: str = ", ") -> str:
    shown = between.join(_one_line(name, 120) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _sentence(text: str) -> str:
    line = _one_line(text, 600)
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


def _one_line(text: str, most: int) -> str:
    """Untrusted text on one line: no breaks, nothing that is not seen."""
    return _cut(" ".join(HALVES.sub("\ufffd", ODD.sub(" ", text)).split()), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
