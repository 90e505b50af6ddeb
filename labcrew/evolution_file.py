"""Reads what self-evolution rests on: the spec, and the cases with their splits."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from labcrew.domain.base import canonical_json
from labcrew.domain.evolution import CodeFile, Evolution
from labcrew.domain.evolution_spec import Case, EvolutionSpec
from labcrew.domain.repository_path import relative
from labcrew.errors import InputError
from labcrew.git_names import is_gits
from labcrew.path_patterns import matches
from labcrew.plain_text import HALVES, is_plain
from labcrew.ticket_file import read_front_matter, shown_value

MOST_PROGRAM_BYTES = 2 * 1024 * 1024
MOST_FILES = 200
_NARROWER = "Name in editable only what a change may touch; a program may read other files too."
_MOST_BYTES = 64 << 20
_MOST_CASES = 100_000


def read_spec(source: Path | str, *, name: str = "SPEC.md") -> EvolutionSpec:
    """Reads a spec. Raises TicketError with all that is wrong, a line each."""
    return read_front_matter(
        source, EvolutionSpec, name=name, remedy="`labcrew evolution fields` lists every field."
    )


def refuse_unreachable(spec: EvolutionSpec) -> None:
    """Raises InputError where no score on the spec's scale could do what the spec asks of it.

    It is for specs that are new: loops of an earlier labcrew, which let them through, stay legible.
    """
    least, scale = spec.keep.least_gain, spec.metric
    whole = scale.high - scale.low
    if least > whole:
        raise InputError(
            f"keep.least_gain: no change can gain {least:g} on a scale from {scale.low:g} to"
            f" {scale.high:g}.",
            f"It is a difference of two means, {whole:g} at most.",
        )
    if scale.target is not None and not scale.low <= scale.target <= scale.high:
        beyond = scale.gain(scale.target, scale.worst) > 0
        raise InputError(
            f"metric.target: {scale.target:g} lies outside the scale, {scale.low:g} to"
            f" {scale.high:g}, so that {'no' if beyond else 'every'} mean reaches it.",
            f"metric.direction is {scale.direction}: is that right? Set a target within the scale,"
            " or none.",
        )


def private_paths(spec: EvolutionSpec) -> tuple[str, ...]:
    """Path patterns that no candidate sees."""
    return (*spec.scorer.private, spec.cases)


def may_edit(spec: EvolutionSpec, path: str) -> bool:
    """Whether a path is editable, and neither protected nor private to the judge."""
    if not _plain(path) or any(map(is_gits, PurePosixPath(path).parts)):
        return False
    closed = (*spec.protected, *private_paths(spec))
    return matches(path, spec.editable) and not matches(path, closed)


def _plain(path: str) -> bool:
    try:
        return relative(path) == path and is_plain(path)
    except ValueError:
        return False


def widened(evolution: Evolution) -> EvolutionSpec:
    """The spec of a loop, with the paths that a person let it change too."""
    editable = (*evolution.spec.editable, *evolution.widened)
    return evolution.spec.model_copy(update={"editable": editable})


def editable_files(spec: EvolutionSpec, files: Sequence[str]) -> tuple[str, ...]:
    """The paths of a commit that make up the program.

    Raises InputError: there are none, or the scorer or the cases would be among them.
    """
    covered = [path for path in files if matches(path, spec.editable)]
    judged = [path for path in covered if matches(path, private_paths(spec))]
    if judged:
        raise InputError(
            f"editable covers {judged[0]}, which judges the candidates"
            f" ({'cases' if judged[0] == spec.cases else 'scorer.private'}).",
            "Name narrower paths in editable: what is judged may not change its judge.",
        )
    found = tuple(path for path in covered if not matches(path, spec.protected))
    if not found:
        raise InputError(
            f"No file of the commit is editable: {', '.join(spec.editable)} without"
            f" {', '.join(spec.protected) or 'anything protected'} names none.",
            "Name the files that a change may touch, as paths from the repository's root.",
        )
    return found


def read_program(
    spec: EvolutionSpec, files: Sequence[str], read: Callable[[str], bytes]
) -> tuple[CodeFile, ...]:
    """The program: every editable file of a commit.

    Args:
        spec: names what is editable.
        files: all paths of the commit.
        read: the bytes of one.

    Raises:
        InputError: there are none, too many or too large ones, no text, or they hold the judge.
    """
    paths = editable_files(spec, files)
    if len(paths) > MOST_FILES:
        raise InputError(
            f"editable covers {len(paths):,} files, {paths[0]} and others; a program has"
            f" {MOST_FILES} at most.",
            _NARROWER,
        )
    found: list[CodeFile] = []
    size = 0
    for path in paths:
        raw = read(path)
        size += len(raw)
        if size > MOST_PROGRAM_BYTES:
            raise InputError(
                f"editable covers more than {MOST_PROGRAM_BYTES >> 20} MiB, up to {path} with"
                f" {len(raw):,} bytes; a program is kept whole in every round.",
                _NARROWER,
            )
        try:
            found.append(CodeFile(path=path, text=raw.decode("utf-8")))
        except UnicodeDecodeError:
            raise InputError(
                f"{path} is editable but not UTF-8 text.", "Take it out of editable."
            ) from None
    return tuple(found)


def read_cases(raw: bytes, name: str) -> tuple[Case, ...]:
    """Reads the cases' file.

    Args:
        raw: its bytes: JSON lines, at most 64 MiB.
        name: how messages call it.

    Raises InputError: a line, a split that is missing, or splits that overlap.
    """
    if len(raw) > _MOST_BYTES:
        raise InputError(f"{name} is larger than {_MOST_BYTES >> 20} MiB.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: byte {error.start} is not UTF-8 text.") from None
    cases: list[Case] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            cases.append(_case(line, f"{name}:{number}"))
    if len(cases) > _MOST_CASES:
        raise InputError(f"{name} holds {len(cases)} cases; {_MOST_CASES} are the most.")
    _check(cases, name)
    return tuple(cases)


def _case(line: str, where: str) -> Case:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON ({str(error)[:120]}).") from None
    try:
        spelt = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise InputError(f"{where}: NaN and infinity are no JSON numbers.") from None
    except RecursionError:
        raise InputError(f"{where}: it is nested too deeply.") from None
    if HALVES.search(spelt):
        raise InputError(f"{where}: half a character (a lone surrogate) can't be stored.")
    if not isinstance(fields, dict):
        raise InputError(f"{where}: {shown_value(fields)} is no table of id, split, input, answer.")
    try:
        case = Case.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the line"
        raise InputError(f"{where}, field {field}: {first['msg']}.") from None
    if case.protected and case.split != "gate":
        raise InputError(
            f"{where}, field protected: case {case.id} is of split {case.split}, which no change is"
            " held against.",
            "Only cases of split gate can be protected: move it there, or leave protected out.",
        )
    return case


def _check(cases: Sequence[Case], name: str) -> None:
    twice = [id for id, count in Counter(case.id for case in cases).items() if count > 1]
    if twice:
        raise InputError(f"{name}: two cases have the id {twice[0]!r}.")
    for split in ("analysis", "gate", "sealed"):
        if not any(case.split == split for case in cases):
            raise InputError(
                f"{name}: no case is of split {split}.",
                "Three splits are needed: analysis is looked at, gate decides, sealed is opened"
                " once, at the end.",
            )
    seen: dict[str, Case] = {}
    for case in cases:
        spelt = canonical_json(case.input)
        other = seen.setdefault(spelt, case)
        if other is not case:
            across = f" (splits {other.split} and {case.split} overlap)"
            raise InputError(
                f"{name}: cases {other.id} and {case.id} have the same input"
                f"{across if other.split != case.split else ''}.",
                "A program would be judged on what it was shown: give every case an input of its"
                " own.",
            )
