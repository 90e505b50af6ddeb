"""What failed installs and first runs teach of an environment."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agents.drafting.packages import (
    WITH_WHEELS,
    WITHOUT_A_SCREEN,
    canonical,
    family,
    package_of,
)
from agents.drafting.releases import LARGE, too_old
from agents.drafting.requirement_lines import Line, line_of
from labcrew.domain.draft import FirstRun, InstallTry
from tools.install_failures import Failure, failures

_OF_A_SCREEN = ("libGL", "libgthread", "libglib", "libSM", "libXext", "libXrender", "libX11")
# After so many pins that can't be had, one at a time would take too long.
_MOST_NAMED = 2
_HOPELESS = ("unreachable", "storage", "memory")


# Words that a message may have where another has a module's name.
_NO_MODULES = frozenset({"a", "an", "the", "at", "to", "that", "you", "it", "one", "python", "pip"})


@dataclass
class Lessons:
    """What is known of an environment, beside what the repository states.

    Args:
        as_list: the file can't be handed to pip; its lines can.
        free: every version goes.
        alone: nothing counts but the program's imports.
        of_the_time: versions of the time of the last commit.
        relaxed: packages whose own versions go.
        named: those of them that failures named.
        dropped: packages that go.
        swapped: package → the one in its place.
        added: requirements that were missing.
        large: large packages that were named by a failure.
        told: in words, what the last failure taught.
        hopeless: no other environment would help.
    """

    as_list: bool = False
    free: bool = False
    alone: bool = False
    of_the_time: bool = False
    relaxed: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    swapped: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    large: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    hopeless: bool = False

    def of_install(
        self, attempt: InstallTry, lines: Mapping[str, Line], imported: Collection[str]
    ) -> None:
        """Takes in an install that failed.

        Args:
            attempt: without an image.
            lines: what it asked for, by canonical name.
            imported: families that the program imports.
        """
        self.told = []
        found = failures(attempt.log)
        if not found:
            self._whole(attempt)
        for failure in found:
            self._of_failure(failure, lines, imported)

    def of_run(self, run: FirstRun, lines: Mapping[str, Line], own: Collection[str]) -> None:
        """Takes in a first run that failed.

        Args:
            run: with its trouble.
            lines: what its environment asked for.
            own: the repository's own modules.
        """
        trouble = run.trouble
        if trouble is None or trouble.kind not in ("missing_module", "missing_library", "version"):
            return
        self.told = []
        if trouble.kind == "missing_library":
            if trouble.what.startswith(_OF_A_SCREEN):
                self._without_a_screen(lines)
            return
        top = trouble.what.partition(".")[0]
        package = package_of(trouble.what) if top.lower() not in _NO_MODULES else None
        there = {family(name) for name in lines}
        if trouble.kind == "version" or (package is not None and family(package) in there):
            self._old(package)
        elif package is not None and top not in own:
            # Newer versions of setuptools have it no more.
            wanted = "setuptools<81" if top == "pkg_resources" else package
            if wanted not in self.added:
                self.added.append(wanted)
                self.told.append(f"The first run missed the module {trouble.what[:100]}: {wanted}")

    def _whole(self, attempt: InstallTry) -> None:
        """A failure that names no package."""
        trouble = attempt.trouble
        if trouble is not None and trouble.kind in ("storage", "memory", "download"):
            self.hopeless = True
        elif attempt.environment.alone or self.as_list:
            self.alone = True
            self.told.append("The program's imports alone are tried")
        else:
            self.as_list = True
            self.told.append("The file can't be installed as it is: its packages are taken")

    def _of_failure(
        self, failure: Failure, lines: Mapping[str, Line], imported: Collection[str]
    ) -> None:
        self.as_list = True
        if failure.reason in _HOPELESS:
            self.hopeless = True
        elif failure.reason == "conflict":
            if self.free:
                self.alone = True
                self.told.append("Packages exclude one another: the program's imports alone")
            else:
                self.free = True
                self.told.append("Versions exclude one another: any version of each package")
        elif failure.reason == "time":
            self.alone = True
            self.told.append("The install took too long: the program's imports alone")
        elif failure.reason in ("hashes", "other"):
            self.told.append("The file can't be installed as it is: its packages are taken")
        for name in failure.packages if failure.reason != "conflict" else ():
            self._of_package(canonical(name), failure, lines, imported)

    def _of_package(
        self, name: str, failure: Failure, lines: Mapping[str, Line], imported: Collection[str]
    ) -> None:
        why = {
            "build": f"{name} could not be built",
            "other_python": f"{name} in that version is not for Python 3.11",
        }.get(failure.reason, f"There is no such version of {name}")
        line = lines.get(name)
        if name in WITH_WHEELS:
            self.swapped[name] = WITH_WHEELS[name]
            self.told.append(f"{why}: {WITH_WHEELS[name]} in its place")
        elif name in {added.key for text in self.added if (added := line_of(text))}:
            self.hopeless = True  # the program can't do without it
        elif line is None:
            # Something that the packages need themselves, in a version that theirs ask for.
            self.alone, self.free = self.alone or self.free, True
            self.told.append(f"{why}: any version of each package")
        elif line.versions and name not in self.relaxed:
            old = {key for key, other in lines.items() if too_old(other)} - {name}
            if len(self.named) >= _MOST_NAMED:
                self.free = self.of_the_time = True
                self.told.append(f"{why} either: any version of each package, of its time")
            else:
                others = f", and of {', '.join(sorted(old))}" if old else ""
                self.told.append(f"{why}: another version of it{others}")
            self.named.add(name)
            self.relaxed |= {name, *old}
        else:
            self.dropped.add(name)
            needed = ", though the program imports it" if family(name) in imported else ""
            self.told.append(f"{why}: it is left out{needed}")

    def _without_a_screen(self, lines: Mapping[str, Line]) -> None:
        for name, other in WITHOUT_A_SCREEN.items():
            if name in lines:
                self.swapped[name] = other
                self.told.append(f"{name} needs a system library: {other} in its place")

    def _old(self, package: str | None) -> None:
        self.of_the_time = True
        if package is not None and canonical(package) in LARGE:
            self.large |= (
                {"tensorflow", "keras"} if package in ("tensorflow", "keras") else {"torch"}
            )
        self.told.append(
            "The program was written for older versions: such as there were at the last commit"
        )
