"""What a repository itself says that a program of it needs, nearest file first."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from agents.drafting.packages import CONDA_ALONE, CONDA_NAMES, canonical, family, on_the_cpu
from agents.drafting.requirement_lines import Line, conda_line, line_of
from labcrew.domain.survey import EntryPoint, EnvironmentFile, Place, Requirement, Survey

_KINDS = ("requirements", "pyproject", "setup", "pipfile", "lock", "conda")
_ASIDE = re.compile(
    r"(?i)(?:^|[-_./])(?:dev|develop\w*|tests?|docs?|lint\w*|style|ci|build|gpu|cuda\w*|colab|"
    r"optional|extras?|mypy|typing|min\w*|lowest)(?:[-_.]|$)"
)
_VARIANT = re.compile(r"\+(?:cu|gpu|rocm).*")
_INCLUDE = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
_HARMLESS = re.compile(r"(?:-c|--constraint|-e|--editable)\b|\.{1,2}(?:$|[/\[])")


@dataclass(frozen=True)
class Statement:
    """One file's word.

    Args:
        path: the file.
        as_file: it can be handed to pip as it is: what is read from it says the same.
        lines: the requirements, translated and without what can't be installed.
        left_out: what was taken out or changed, in words.
        place: its first line that counts.
    """

    path: str
    as_file: bool
    lines: tuple[Line, ...]
    left_out: tuple[str, ...]
    place: Place


def statement(survey: Survey, entry: EntryPoint | None, wanted: frozenset[str]) -> Statement | None:
    """The statement that counts for a program; None where nothing is said.

    Args:
        survey: what was read.
        entry: the program; None: the repository's root counts.
        wanted: families of the packages whose modules it imports.
    """
    folder = posixpath.dirname(entry.path) if entry is not None else ""
    while True:
        for kind in _KINDS:
            for file in sorted(_files(survey, folder, kind), key=_order):
                found = _statement(survey, file, wanted)
                if found.lines or (found.as_file and kind == "requirements"):
                    return found
        if not folder:
            return None
        folder = posixpath.dirname(folder)


def stated_anywhere(survey: Survey) -> dict[str, Line]:
    """How packages are asked for in any file and group; of several, the nearest to the root."""
    found: dict[str, Line] = {}
    for requirement in survey.requirements:
        if requirement.kind not in ("dockerfile", "system", "conda", "lock"):
            line = line_of(requirement.text)
            plain = _on_the_cpu(line) if line is not None else None
            if plain is not None:
                found.setdefault(plain.key, plain)
    return found


def _files(survey: Survey, folder: str, kind: str) -> Iterator[EnvironmentFile]:
    for file in survey.environments:
        at = posixpath.dirname(file.path)
        inner = posixpath.join(folder, "requirements")
        near = at == folder or (kind == "requirements" and at == inner)
        if file.kind == kind and near and not _ASIDE.search(posixpath.basename(file.path)):
            yield file


def _order(file: EnvironmentFile) -> tuple[bool, int, str]:
    return (posixpath.basename(file.path) != "requirements.txt", len(file.path), file.path)


def _statement(survey: Survey, file: EnvironmentFile, wanted: frozenset[str]) -> Statement:
    asked = list(_asked(survey, file.path, set()))
    own = {canonical(name) for name in survey.packages} - wanted
    as_file, lines, left_out = file.kind == "requirements", dict[str, Line](), list[str]()
    for requirement in asked:
        text = requirement.text
        if _HARMLESS.match(text) and "://" not in text:
            continue  # the installer leaves these out itself, or keeps to them
        line = _translated(requirement)
        if line is None:
            if requirement.kind != "conda":
                as_file = False
                left_out.append(f"{text[:80]} is left out: it is no package of the index")
            continue
        if line.key in own:
            as_file = False
            continue
        plain = _on_the_cpu(line)
        if plain != line:
            as_file = False
            left_out.append(f"{text[:80]} becomes {plain}" if plain else f"{text[:80]} is left out")
        if plain is None or (
            requirement.kind == "lock" and wanted and family(plain.name) not in wanted
        ):
            continue
        lines.setdefault(plain.key, plain)
    first = asked[0].place if asked else Place(path=file.path)
    return Statement(file.path, as_file, tuple(lines.values()), tuple(left_out[:5]), first)


def _asked(survey: Survey, path: str, seen: set[str]) -> Iterator[Requirement]:
    """The lines of a file that always hold, those of the files that it includes among them."""
    seen.add(path)
    for requirement in survey.requirements:
        if requirement.place.path != path or requirement.group:
            continue
        if match := _INCLUDE.match(requirement.text):
            inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
            if inner not in seen:
                yield from _asked(survey, inner, seen)
        elif requirement.kind not in ("system", "dockerfile"):
            yield requirement


def _translated(requirement: Requirement) -> Line | None:
    if requirement.kind != "conda":
        return line_of(requirement.text)
    line = conda_line(requirement.text)
    if line is None or line.key in CONDA_ALONE or line.name.startswith(("_", "lib", "ld_")):
        return None
    return replace(line, name=CONDA_NAMES.get(line.key, line.name))


def _on_the_cpu(line: Line) -> Line | None:
    """The same for a machine without a GPU, in the name of today; None: nothing is needed."""
    name = on_the_cpu(line.name)
    if name is None:
        return None
    versions = tuple((sign, _VARIANT.sub("", version)) for sign, version in line.versions)
    extras = tuple(extra for extra in line.extras if not re.match(r"cuda|gpu|rocm", extra))
    return Line(name, extras, versions, line.marker)
