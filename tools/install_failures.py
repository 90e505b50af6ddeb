"""What pip's last lines say of an install that failed: a typed reason, and words for a person."""

import re
from dataclasses import dataclass
from typing import Literal

from labcrew.domain.draft import Trouble, TroubleKind
from labcrew.domain.survey import Place

Reason = Literal[
    "no_version",
    "other_python",
    "conflict",
    "build",
    "not_a_requirement",
    "hashes",
    "unreachable",
    "storage",
    "memory",
    "time",
    "other",
]


@dataclass(frozen=True)
class Failure:
    """One reason why pip gave up.

    Args:
        reason: other_python: there are versions, but for other Pythons.
        packages: the names it concerns, as pip spelt them.
        line: the line of the log that says so.
    """

    reason: Reason
    packages: tuple[str, ...]
    line: str


_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_WORDS: dict[Reason, tuple[TroubleKind, str, str]] = {
    "no_version": (
        "version", "The package index has no version of {what} that was asked for.",
        "Name a version of {what} that there is.",
    ),
    "other_python": (
        "version", "{what} in the version asked for does not run with the sandbox's Python.",
        "Name a version of {what} for Python 3.11, or a Dockerfile with another Python.",
    ),
    "conflict": (
        "version", "The versions that were asked for exclude one another: {what}.",
        "Name versions of {what} that go together.",
    ),
    "build": (
        "crash", "{what} has no ready-made wheel and could not be built from its source.",
        "Name a version of {what} that has a wheel, or a Dockerfile with what its build needs.",
    ),
    "not_a_requirement": (
        "version", "This is no requirement that pip understands: {what}.", "Correct the line.",
    ),
    "hashes": (
        "version", "Some lines have hashes and others have none ({what}).",
        "Give every line a hash, or none.",
    ),
    "unreachable": (
        "download", "The package index could not be reached ({what}).",
        "See that this machine reaches its package index, then try again.",
    ),
    "storage": (
        "storage", "There is no room left for the packages.",
        "Free disk space, or ask for fewer packages.",
    ),
    "memory": (
        "memory", "The install ran out of memory.", "Ask for packages that have wheels.",
    ),
    "time": (
        "time", "The install took too long and was stopped.",
        "Ask for fewer packages, or for such as have wheels.",
    ),
    "other": ("crash", "The install failed: {what}", "Correct the requirements."),
}  # fmt: skip
_UNREACHABLE = re.compile(
    r"Failed to establish a new connection|Temporary failure in name resolution|ProxyError|"
    r"ReadTimeoutError|Max retries exceeded|SSLError|Connection refused"
)


def failures(log: str) -> tuple[Failure, ...]:
    """The reasons in a log of pip, the weightiest first; empty where none is understood.

    Args:
        log: its last lines, cleaned.
    """
    lines = [line.strip() for line in log.splitlines()]
    found = [
        *_of_one_line(lines),
        *_conflicts(lines),
        *_builds(lines),
    ]
    if not any(f.reason in ("conflict", "build") for f in found):
        unreachable = next((line for line in lines if _UNREACHABLE.search(line)), None)
        if unreachable is not None:  # a name that was not found was never looked for
            return (Failure("unreachable", (), unreachable[:300]),)
    return tuple({(f.reason, f.packages): f for f in found}.values())


def install_trouble(message: str, log: str) -> Trouble:
    """Why an install failed, for a person.

    Args:
        message: what the environment's maker said; it counts where the log says nothing.
        log: pip's last lines.
    """
    found = failures(log)
    if found:
        first, same = found[0], [f for f in found if f.reason == found[0].reason]
        names = [name for failure in same for name in failure.packages]
        what = ", ".join(dict.fromkeys(names)) or first.line
        return _trouble(first.reason, what[:200], first.line)
    if "took too long" in message:
        return _trouble("time", "the time that an install has", message)
    if "memory ran out" in message:
        return _trouble("memory", "memory", message)
    error = next((line for line in log.splitlines() if line.startswith("ERROR:")), "")
    said = error.removeprefix("ERROR:").strip() or " ".join(message.split())
    return _trouble("other", said[:300] or "nothing was said", error)


def _trouble(reason: Reason, what: str, line: str) -> Trouble:
    kind, message, supply = _WORDS[reason]
    shown = " ".join(line.split())[:300]
    return Trouble(
        kind=kind,
        what=what,
        message=message.format(what=what)[:600],
        supply=supply.format(what=what)[:600],
        evidence=(Place(path="", text=shown),) if shown else (),
    )


def _of_one_line(lines: list[str]) -> list[Failure]:
    other_python = any(line.startswith("ERROR: Ignored the following versions that require a "
                                       "different python version") for line in lines)  # fmt: skip
    found: list[Failure] = []
    for line in lines:
        if match := re.match(r"ERROR: No matching distribution found for (.+)", line):
            reason: Reason = "other_python" if other_python else "no_version"
            found.append(Failure(reason, _names(match[1]), line))
        elif match := re.match(r"ERROR: Package '([^']+)' requires a different Python", line):
            found.append(Failure("other_python", _names(match[1]), line))
        elif match := re.match(
            r"ERROR: Invalid requirement: ['\"]?([^'\"]+)|ERROR: Could not find an activated", line
        ):
            found.append(Failure("not_a_requirement", _names(match[1] or ""), line))
        elif "--require-hashes mode" in line or "THESE PACKAGES DO NOT MATCH THE HASHES" in line:
            found.append(Failure("hashes", (), line))
        elif "No space left on device" in line:
            found.append(Failure("storage", (), line))
    return found


def _conflicts(lines: list[str]) -> list[Failure]:
    for line in lines:
        if match := re.match(r"ERROR: Cannot install (.+?) because these package versions", line):
            named = re.split(r",\s*|\s+and\s+", match[1])
            return [Failure("conflict", tuple(n for part in named for n in _names(part)), line)]
    for line in lines:
        if "ResolutionImpossible" in line or "Double requirement given" in line:
            return [Failure("conflict", (), line)]
        if "dependency conflicts" in line and "resolver" in line:
            return [Failure("conflict", (), line)]
    return []


_BUILD = (
    re.compile(r"Failed building (?:wheel|editable) for ([\w.-]+)"),
    re.compile(r"ERROR: Failed to build '([\w.-]+)"),
    re.compile(r"Could not build wheels for ([\w., -]+?)(?:,? which |$)"),
    re.compile(r"ERROR: Failed to build installable wheels for .*\(([\w., -]+)\)"),
)
_UNNAMED_BUILD = re.compile(
    r"\W ?(?:Encountered error while generating package metadata"
    r"|(?:Getting requirements to build wheel|Preparing metadata.*|"
    r"pip subprocess to install build dependencies) did not run success)"
)
# The package that pip is at: `Collecting a-b==1 (from …)`, `Processing ./a_b-1.tar.gz`.
_BEGUN = re.compile(
    r"Collecting ([A-Za-z0-9][\w.-]*)|Processing (?:\S*/)?([A-Za-z0-9][\w.-]*?)(?:-\d\S*)?$"
)


def _builds(lines: list[str]) -> list[Failure]:
    """Each package once, however many lines tell of it."""
    found: dict[str, Failure] = {}
    begun = ""
    for line in lines:
        if match := _BEGUN.match(line):
            begun = match[1] or match[2]
        named = [begun] if begun and _UNNAMED_BUILD.match(line) else []
        for pattern in _BUILD:
            if match := pattern.search(line):
                named += re.split(r",\s*", match[1].strip())
        for name in named:
            found.setdefault(name.lower(), Failure("build", (name,), line))
    return list(found.values())


def _names(requirement: str) -> tuple[str, ...]:
    match = _NAME.match(requirement.strip())
    return (match[1],) if match else ()
