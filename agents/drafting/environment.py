"""The software a draft's runs need: what the repository says, then what a failure teaches."""

import re
from collections.abc import Sequence

from pydantic import Field

from agents.drafting.packages import canonical, package_of
from labcrew.domain.base import Model
from labcrew.domain.draft import FirstRun, InstallTry, Knowledge
from labcrew.domain.survey import EntryPoint, Place, Survey
from labcrew.domain.ticket import Environment

MOST_TRIES = 6
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_FILES = ("requirements", "pyproject")


class EnvironmentStep(Model):
    """The next environment to try."""

    environment: Environment
    because: str
    evidence: tuple[Place, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    needs_approval: bool = False


def first_environment(
    survey: Survey, committed_at: str, entry: EntryPoint | None
) -> EnvironmentStep | None:
    """What the repository states, with the entry's imports that it forgot."""
    return next_environment(survey, committed_at, entry, (), ())


def next_environment(
    survey: Survey,
    committed_at: str,
    entry: EntryPoint | None,
    tries: Sequence[InstallTry],
    runs: Sequence[FirstRun],
) -> EnvironmentStep | None:
    """The first environment of the ladder that was not tried; None where there is none left.

    Args:
        committed_at: of the last commit, ISO 8601.
        entry: the program that is to run; None: all imports count.
        tries: the installs so far.
        runs: the first runs so far.
    """
    tried = [attempt.environment for attempt in tries]
    if len(tries) >= MOST_TRIES:
        return None
    wanted = _imported(survey, entry)
    missing = [
        package
        for run in runs
        if run.trouble is not None and run.trouble.kind == "missing_module"
        for package in [package_of(run.trouble.what)]
        if package is not None
    ]
    for step in _ladder(survey, [*wanted, *missing]):
        if step.environment not in tried:
            return step
    return None


def _ladder(survey: Survey, wanted: list[str]) -> list[EnvironmentStep]:
    variables = _variables(survey)
    steps = []
    for file in survey.environments:
        if file.kind not in _FILES:
            continue
        stated = [r for r in survey.requirements if r.place.path == file.path and not r.group]
        named = {canonical(m[1]) for r in stated if (m := _NAME.match(r.text))}
        forgotten = tuple(p for p in dict.fromkeys(wanted) if canonical(p) not in named)
        more = f", and what it forgot: {', '.join(forgotten)}" if forgotten else ""
        steps.append(
            EnvironmentStep(
                environment=Environment(requirements=file.path, packages=forgotten),
                because=f"{file.path} says what it needs{more}.",
                evidence=(Place(path=file.path),),
                variables=variables,
            )
        )
    if wanted:
        steps.append(
            EnvironmentStep(
                environment=Environment(packages=tuple(dict.fromkeys(wanted)), alone=True),
                because="The program imports these packages; their newest versions are taken.",
                evidence=tuple(survey.imports.values())[:5],
                variables=variables,
            )
        )
    if not steps:
        steps.append(
            EnvironmentStep(
                environment=Environment(alone=True),
                because="Nothing says that it needs more than the sandbox's own image.",
                variables=variables,
            )
        )
    return steps


def _imported(survey: Survey, entry: EntryPoint | None) -> list[str]:
    """The packages of the modules that are imported, the repository's own left out."""
    modules = entry.imports if entry is not None else tuple(survey.imports)
    own = set(survey.packages)
    found = (package_of(module) for module in modules if module not in own)
    return [package for package in found if package is not None]


def _variables(survey: Survey) -> dict[str, str]:
    roots = {folder.rpartition("/")[0] for folder in survey.packages.values()}
    paths = sorted(root for root in roots if root in {"src", "lib", "python"})
    return {"MPLBACKEND": "Agg"} | ({"PYTHONPATH": ":".join(paths)} if paths else {})


def known_environment(known: Knowledge) -> EnvironmentStep:
    """The environment in which an earlier draft ran the program."""
    return EnvironmentStep(
        environment=known.environment.environment,
        because=f"{known.draft} ran it in this one, at {known.commit[:12]}.",
        variables=known.environment.variables,
    )
