"""One pip requirement as its parts, so that its versions can be loosened or bounded."""

import re
from dataclasses import dataclass, replace

from agents.drafting.packages import canonical

_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)\s*"
    r"(?:\[(?P<extras>[A-Za-z0-9._,\s-]{0,200})\])?\s*(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_VERSION = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*([A-Za-z0-9][A-Za-z0-9.*+!_-]{0,58})", re.ASCII)
_MARKER = re.compile(r"[\w <>=!~.,'\"()+*-]{1,199}", re.ASCII)
_ADDRESS = re.compile(r"(^|[\s@])((git|hg|svn|bzr)\+|[a-z]+://|file:)", re.IGNORECASE)
_CONDA = re.compile(r"(?P<name>[\w.-]+)\s*=\s*(?P<version>[\w.*]+)(?:=(?P<build>[\w.*]+))?")


@dataclass(frozen=True)
class Line:
    """A requirement.

    Args:
        versions: operator and version, in the order of the line.
        marker: when it holds, as it was written.
    """

    name: str
    extras: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    marker: str = ""

    @property
    def key(self) -> str:
        """Its name as the index compares it."""
        return canonical(self.name)

    @property
    def pinned(self) -> bool:
        """Whether it names one version."""
        return any(operator in ("==", "===") for operator, _ in self.versions)

    @property
    def bounded(self) -> bool:
        """Whether newer versions than some are shut out."""
        return any(operator in ("==", "===", "<", "<=", "~=") for operator, _ in self.versions)

    def free(self) -> "Line":
        """The same, any version."""
        return replace(self, versions=())

    def below(self, version: str) -> "Line":
        """The same, older than a version."""
        return replace(self, versions=(*self.versions, ("<", version)))

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        versions = ",".join(operator + version for operator, version in self.versions)
        return f"{self.name}{extras}{versions}{f'; {self.marker}' if self.marker else ''}"


def line_of(text: str) -> Line | None:
    """The requirement that a text is; None for options, addresses and folders.

    Args:
        text: one line of a requirements file or project file, comments and hashes taken off.
    """
    text = text.strip()
    if not text or text.startswith(("-", ".", "/")) or _ADDRESS.search(text):
        return None
    text, _, marker = text.partition(";")
    match = _LINE.fullmatch(text.strip())
    if match is None or match["rest"].startswith(("@", "/", "\\", ":")):
        return None
    rest = match["rest"].strip().removeprefix("(").removesuffix(")")
    versions = tuple((m[1], m[2]) for m in _VERSION.finditer(rest))
    extras = tuple(e.strip() for e in (match["extras"] or "").split(",") if e.strip())
    marker = marker.strip()
    return Line(
        name=match["name"],
        extras=extras,
        versions=versions[:8],
        marker=marker if _MARKER.fullmatch(marker) else "",
    )


def conda_line(text: str) -> Line | None:
    """A requirement as conda files spell it: `numpy=1.26` is any 1.26."""
    match = _CONDA.fullmatch(text.strip())
    if match is None:
        return line_of(text)
    version = match["version"]
    exact = match["build"] or version.endswith("*")
    return Line(match["name"], versions=(("==", version if exact else f"{version}.*"),))


def digits(version: str) -> tuple[int, ...]:
    """A version's numbers, to compare releases by."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:4])
