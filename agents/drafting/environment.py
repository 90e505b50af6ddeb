"""The software a draft's runs need: what the repository says, then what a failure teaches."""

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from agents.drafting.lessons import Lessons
from agents.drafting.packages import canonical, family, package_of
from agents.drafting.releases import LARGE, bound_of, rests_on_numpy
from agents.drafting.requirement_lines import Line, digits, line_of
from agents.drafting.statement import Statement, stated_anywhere, statement
from labcrew.domain.base import Model
from labcrew.domain.draft import FirstRun, InstallTry, Knowledge
from labcrew.domain.running import Environment
from labcrew.domain.survey import EntryPoint, Place, Survey

MOST_TRIES = 6
_WORKSPACE = "/workspace"


class EnvironmentStep(Model):
    """The next environment to try."""

    environment: Environment
    because: str = Field(max_length=2000)
    evidence: tuple[Place, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict, description="what runs need set")
    needs_approval: bool = Field(default=False, description="a person decides whether it is built")


def first_environment(
    survey: Survey, committed_at: str, entry: EntryPoint | None
) -> EnvironmentStep | None:
    """What the repository states, with the entry's imports that it forgot; see next_environment."""
    return next_environment(survey, committed_at, entry, (), ())


def known_environment(known: Knowledge) -> EnvironmentStep:
    """The environment that served an earlier draft of the repository."""
    return EnvironmentStep(
        environment=known.environment.environment,
        because=f"It served {known.draft}, at {known.commit[:12]}.",
        variables=known.environment.variables,
    )


def next_environment(
    survey: Survey,
    committed_at: str,
    entry: EntryPoint | None,
    tries: Sequence[InstallTry],
    runs: Sequence[FirstRun],
) -> EnvironmentStep | None:
    """The next environment that may serve; none that was tried; None where nothing is left.

    Args:
        survey: what was read.
        committed_at: of the last commit, ISO 8601.
        entry: the program that is to run; None: all imports count.
        tries: the installs so far.
        runs: the first runs so far, in the environments that stood.
    """
    if len(tries) >= MOST_TRIES:
        return None
    ladder = _Ladder(survey, committed_at, entry)
    lessons = Lessons()
    images = {attempt.image for attempt in tries if attempt.image}
    for attempt in tries:
        # What was tried beyond the lessons counts as learnt.
        lessons = next(
            (
                bolder
                for bolder in ladder.further(lessons)
                if ladder.step(bolder).environment == attempt.environment
            ),
            lessons,
        )
        if not attempt.image and not attempt.environment.dockerfile:
            lessons.of_install(attempt, ladder.lines(lessons), ladder.imported)
        for run in runs if attempt.image else ():
            if run.image == attempt.image or run.image not in images:
                lessons.of_run(run, ladder.lines(lessons), ladder.own)
    failed = bool(tries) and not tries[-1].image
    if not lessons.hopeless:
        tried = [attempt.environment for attempt in tries]
        for changed in ladder.further(lessons) if failed else (lessons,):
            step = ladder.step(changed)
            if step.environment not in tried:
                return step
    return ladder.dockerfile([attempt.environment for attempt in tries])


_NOTEBOOK = ("papermill", "ipykernel")
"""What runs a notebook from the command line."""


class _Ladder:
    """What can be asked for, for one program of one repository."""

    def __init__(self, survey: Survey, committed_at: str, entry: EntryPoint | None) -> None:
        self._survey, self._day, self._entry = survey, committed_at, entry
        self.own = frozenset(survey.packages) | _own_modules(survey)
        modules = entry.imports if entry is not None else tuple(survey.imports)
        # Newer versions of setuptools have that module no more.
        self._old_setuptools = "pkg_resources" in modules
        found = (package_of(module) for module in modules if module not in survey.packages)
        wanted = [package for package in found if package is not None]
        if entry is not None and entry.kind == "notebook":
            wanted += _NOTEBOOK
        self._wanted = tuple(dict.fromkeys(wanted))
        self.imported = frozenset(family(package) for package in self._wanted)
        self._stated: Statement | None = statement(survey, entry, self.imported)
        self._anywhere = stated_anywhere(survey)

    def lines(self, lessons: Lessons) -> dict[str, Line]:
        """What is asked for, as lessons have it."""
        stated = self._stated.lines if self._stated is not None and not lessons.alone else ()
        named = {family(line.name) for line in stated}
        lines = [*stated, *(self._forgotten(p) for p in self._wanted if family(p) not in named)]
        lines += [line for text in lessons.added if (line := line_of(text)) is not None]
        found: dict[str, Line] = {}
        for line in lines:
            changed = self._changed(line, lessons)
            if changed is not None:
                found.setdefault(changed.key, changed)
        if lessons.of_the_time and "numpy" not in found and rests_on_numpy(frozenset(found)):
            numpy = self._bounded(Line("numpy"), lessons)
            if numpy.versions:
                found["numpy"] = numpy
        return found

    def step(self, lessons: Lessons) -> EnvironmentStep:
        """The environment, with why."""
        lines = self.lines(lessons)
        stated = None if lessons.alone else self._stated
        asked = {str(line) for line in stated.lines} if stated is not None else set()
        packages = [str(line) for line in lines.values()]
        kept = stated is not None and asked <= set(packages)
        if stated is not None and stated.as_file and not lessons.as_list and kept:
            rest = tuple(text for text in packages if text not in asked)
            environment = Environment(requirements=stated.path, packages=rest)
        elif packages:
            environment = Environment(packages=tuple(packages), alone=True)
        else:
            environment = Environment(alone=bool(self._survey.environments))
        evidence = (stated.place,) if stated is not None else self._places()
        return EnvironmentStep(
            environment=environment,
            because=(_sentence(lessons.told) or self._why(stated, lines))[:2000],
            evidence=evidence,
            variables=self._variables(),
        )

    def further(self, lessons: Lessons) -> list[Lessons]:
        """After a failed install: the lessons, then what is bolder and bolder."""
        free = "Nothing else is left of what it states: any version of each package"
        alone = "What it states can't be installed: its imports alone, the newest versions"
        return [
            lessons,
            replace(lessons, as_list=True),
            replace(lessons, as_list=True, free=True, told=[free]),
            replace(lessons, as_list=True, free=True, alone=True, told=[alone]),
            replace(lessons, as_list=True, free=True, alone=True, of_the_time=False, told=[alone]),
        ]

    def dockerfile(self, tried: Sequence[Environment]) -> EnvironmentStep | None:
        """The repository's own image, which a person must allow."""
        folder = posixpath.dirname(self._entry.path) if self._entry is not None else ""
        paths = [f.path for f in self._survey.environments if f.kind == "dockerfile"]
        near = [p for p in paths if f"{folder}/".startswith(f"{posixpath.dirname(p)}/".lstrip("/"))]
        for path in sorted(near, key=lambda p: (-p.count("/"), len(p), p))[:1]:
            environment = Environment(dockerfile=path)
            if environment not in tried:
                return EnvironmentStep(
                    environment=environment,
                    because=f"{path} says how its image is made; a person must allow that.",
                    evidence=(Place(path=path),),
                    variables=self._variables(),
                    needs_approval=True,
                )
        return None

    def _forgotten(self, package: str) -> Line:
        """A package that is imported but not stated: as another file or group asks for it."""
        if package == "setuptools" and self._old_setuptools:
            return Line(package, versions=(("<", "81"),))
        return self._anywhere.get(canonical(package)) or Line(package)

    def _changed(self, line: Line, lessons: Lessons) -> Line | None:
        if line.key in lessons.swapped:
            line = replace(line, name=lessons.swapped[line.key])
        if line.key in lessons.dropped:
            return None
        if lessons.free:
            line = line.free()
        elif line.key in lessons.relaxed:
            # A pin that can't be had still says of what time the program is.
            return self._bounded(line.free(), replace(lessons, of_the_time=True))
        return self._bounded(line, lessons)

    def _bounded(self, line: Line, lessons: Lessons) -> Line:
        if not lessons.of_the_time or line.bounded or line.key in LARGE - lessons.large:
            return line
        bound = bound_of(line.key, self._day)
        newer = any(
            operator in (">=", ">") and bound is not None and digits(version) >= digits(bound)
            for operator, version in line.versions
        )
        return line if bound is None or newer else line.below(bound)

    def _why(self, stated: Statement | None, lines: dict[str, Line]) -> str:
        if stated is None:
            if not lines:
                return "The program imports nothing but Python's own modules."
            return "Nothing is stated: the program's imports, in their newest versions."
        named = {line.key for line in stated.lines}
        forgotten = [line.name for line in lines.values() if line.key not in named]
        parts = [f"{stated.path} says what it needs"]
        if forgotten:
            parts.append(f"the program imports {', '.join(forgotten)} as well")
        parts += stated.left_out
        python = next((f.python for f in self._survey.environments if f.path == stated.path), "")
        if python and not _may_be_3_11(python):
            parts.append(f"it asks for Python {python}, and sandboxes have 3.11")
        return _sentence(parts)

    def _places(self) -> tuple[Place, ...]:
        modules = self._entry.imports if self._entry is not None else tuple(self._survey.imports)
        return tuple(self._survey.imports[m] for m in modules if m in self._survey.imports)[:5]

    def _variables(self) -> dict[str, str]:
        """PYTHONPATH, where the program imports modules that Python would not find by itself."""
        entry = self._entry
        if entry is None or not entry.rests_on:
            return {}
        roots = [_import_root(path, self._survey.packages) for path in entry.rests_on]
        found = {posixpath.dirname(entry.path)} if entry.kind == "script" else {""}
        missing = [root for root in dict.fromkeys(roots) if root not in found]
        # A folder beneath a package that is found already is found through it.
        inside = tuple(f"{folder}/" for folder in self._survey.packages.values())
        paths = [root for root in missing if not f"{root}/".startswith(inside)]
        joined = [posixpath.join(_WORKSPACE, root).rstrip("/") for root in paths[:8]]
        return {"PYTHONPATH": ":".join(joined)} if joined else {}


def _import_root(path: str, packages: dict[str, str]) -> str:
    """The folder that must be on Python's path for a module to be found."""
    for folder in packages.values():
        if path.startswith(f"{folder}/"):
            return posixpath.dirname(folder)
    return posixpath.dirname(path)


def _own_modules(survey: Survey) -> frozenset[str]:
    paths = {path for entry in survey.entries for path in (entry.path, *entry.rests_on)}
    return frozenset(posixpath.basename(path).removesuffix(".py") for path in paths)


def _may_be_3_11(python: str) -> bool:
    """Whether 3.11 fits what a file says of Python; what is not understood fits."""
    for part in python.replace(" ", "").split(","):
        operator = part[: len(part) - len(part.lstrip("<>=!~"))]
        wanted = digits(part.removeprefix(operator).replace(".*", ""))[:2]
        if len(wanted) < 2:
            continue
        if (operator == "==" and wanted != (3, 11)) or (operator == "~=" and wanted > (3, 11)):
            return False
        if (operator == "<" and wanted <= (3, 11)) or (operator == "<=" and wanted < (3, 11)):
            return False
        if operator in (">", ">=") and wanted > (3, 11):
            return False
    return True


def _sentence(parts: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(parts)) + "." if parts else ""
