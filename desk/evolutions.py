"""What people do with self-evolution: start a loop, and steer it."""

import re
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from desk.acting import actor
from desk.steering import Steering
from labcrew.domain.evolution import Evolution
from labcrew.domain.evolution_spec import Case, Control, EvolutionSpec
from labcrew.domain.repository import Checkout, Repositories
from labcrew.errors import InputError, NotFound
from labcrew.evolution_file import private_paths, read_cases, read_program, refuse_unreachable
from labcrew.given_path import given_path
from labcrew.ledger import Ledger
from labcrew.path_patterns import matches, seen_through
from labcrew.ports import Clock

_NUMBER = re.compile(r"E-(\d+)")
_MOST_CASES_MB = 64


@dataclass(frozen=True)
class Examined:
    """A spec that can be started.

    Args:
        checkout: the user's repository, and what a person should know of it.
        commit: full id of where the loop starts.
        editable: the paths that make up the program.
        cases: of all splits.
    """

    checkout: Checkout
    commit: str
    editable: tuple[str, ...]
    cases: tuple[Case, ...]


class Evolutions(Steering):
    """The actions on a home's loops; each is a line of the ledger with who did it.

    Args:
        ledger: the truth about them.
        clock: when they are started.
        repositories: the git boundary.
        alone: held while a number is given, so that two people get two.
        proposers: the names that a spec may give.
        has_model: whether candidates can ask a language model here.
        unpriced: models that would be asked here and have no price.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        repositories: Repositories,
        alone: Callable[[], AbstractContextManager[None]],
        *,
        proposers: Collection[str],
        has_model: bool,
        unpriced: Collection[str] = (),
    ) -> None:
        super().__init__(ledger)
        self._clock, self._repositories = clock, repositories
        self._alone, self._has_model, self._unpriced = alone, has_model, unpriced
        self.proposers = tuple(proposers)

    def start(
        self,
        spec: EvolutionSpec,
        *,
        beside: Path,
        source: str,
        by: str,
        control: Control = "",
        secret: str | None = None,
        settle: Callable[[Evolution], None] = lambda started: None,
    ) -> Evolution:
        """Takes the commit in and writes down what was asked; nothing runs yet.

        Args:
            spec: what may be changed, and how it is judged.
            beside: the folder that a relative repository path starts from.
            source: the file it came from.
            by: the person's name.
            control: a loop that ours is held against.
            secret: what seeds are drawn from, 32 hexadecimal digits at least; default: drawn now.
            settle: writes to the ledger what follows, in the commit that starts the loop.

        Raises:
            RepositoryError: no such repository, commit or branch.
            InputError: what is wrong with the spec, its cases or its paths.
        """
        person = actor(by)
        with self._alone():
            id = self._next_id()
            found = self.examine(spec, beside=beside, name=id, repositories=self._repositories)
            evolution = Evolution(
                id=id,
                repository=str(found.checkout.repository),
                base_commit=found.commit,
                spec=spec,
                source=source,
                started_by=by,
                started_at=self._clock.now().isoformat(timespec="seconds"),
                target_branch=spec.branch or found.checkout.branch,
                control=control,
                secret=secret or secrets.token_hex(32),
            )
            with self._ledger.transaction():
                self._ledger.evolutions.put(evolution, actor=person, kind="evolution.started")
                settle(evolution)
        return evolution

    def examine(
        self, spec: EvolutionSpec, *, beside: Path, name: str, repositories: Repositories
    ) -> Examined:
        """Takes the commit in and checks all that can be checked before anything runs.

        Args:
            spec: as read.
            beside: the folder that a relative repository path starts from.
            name: of the trusted repository that takes the commit in.
            repositories: the git boundary.

        Raises:
            RepositoryError: no such repository, commit or branch.
            InputError: what is wrong with the spec, its cases or its paths.
        """
        self._check(spec)
        where = str(given_path(spec.repository, beside))
        checkout = repositories.inspect(where, spec.commit)
        if spec.branch is not None:
            repositories.inspect(str(checkout.repository), f"refs/heads/{spec.branch}")
        commit = repositories.take(name, checkout.repository, checkout.commit, snapshot=False)
        files = repositories.files(name, commit)
        program = read_program(spec, files, lambda path: repositories.read(name, commit, path))
        _check_paths(spec, files, repositories.links(name, commit))
        try:
            raw = repositories.read(name, commit, spec.cases, cap_mb=_MOST_CASES_MB)
        except NotFound:
            raise InputError(
                f"cases: {spec.cases} is not in the commit {commit[:12]}.", "Commit it first."
            ) from None
        editable = tuple(file.path for file in program)
        return Examined(checkout, commit, editable, read_cases(raw, spec.cases))

    def unfinished(
        self, spec: EvolutionSpec, source: str, control: Control = ""
    ) -> Evolution | None:
        """The newest loop of the very same spec that has not ended."""
        for found in reversed(self._ledger.evolutions.all()):
            same = found.source == source and found.control == control
            if same and found.spec == spec and found.status not in ("done", "failed", "stopped"):
                return found
        return None

    def _check(self, spec: EvolutionSpec) -> None:
        refuse_unreachable(spec)
        if unknown := [name for name in spec.proposers if name not in self.proposers]:
            raise InputError(
                f"proposers: there is no proposer {unknown[0]!r}.",
                f"Known here: {', '.join(self.proposers)}.",
            )
        if spec.program.model is not None and not self._has_model:
            raise InputError(
                "program.model: candidates ask a language model, and none is set.",
                "Set [models.default] in the home's labcrew.toml: it shows how, and so does the"
                " README.",
            )
        if spec.budget.model_usd is not None and self._unpriced:
            raise InputError(
                f"budget.model_usd: {min(self._unpriced)} has no price, so nobody can count what"
                " it costs.",
                "Set [prices] in labcrew.toml, 0 for one that costs nothing, or leave model_usd"
                " out: model_tokens bounds it too.",
            )

    def _next_id(self) -> str:
        numbers = [
            int(match[1])
            for found in self._ledger.evolutions.all()
            if (match := _NUMBER.fullmatch(found.id))
        ]
        return f"E-{max(numbers, default=0) + 1:03d}"


def _check_paths(
    spec: EvolutionSpec, files: Collection[str], links: Mapping[str, str | None]
) -> None:
    for path in spec.scorer.private:
        if not any(matches(file, (path,)) for file in files):
            raise InputError(
                f"scorer.private: no file of the commit is {path}.",
                "Commit the scorer, or correct the path.",
            )
    for link, end in seen_through(links, files, private_paths(spec)):
        raise InputError(
            f"scorer.private: {link} is a link to {end}, which every candidate would see.",
            "Name that in scorer.private, too.",
        )
    if spec.components and not any(matches(f, (spec.components,)) for f in files):
        raise InputError(f"components: no file of the commit is in {spec.components}.")
