"""What people do with self-evolution: start a loop, and steer it."""

import re
import secrets
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path

from desk.acting import actor
from desk.steering import Steering
from labcrew.domain.evolution import Evolution
from labcrew.domain.evolution_spec import Control, EvolutionSpec
from labcrew.domain.repository import Repositories
from labcrew.errors import InputError, NotFound
from labcrew.evolution_file import editable_files, read_cases
from labcrew.ledger import Ledger
from labcrew.path_patterns import matches
from labcrew.ports import Clock

_NUMBER = re.compile(r"E-(\d+)")
_MOST_CASES_MB = 64


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
        self._alone, self._proposers, self._has_model = alone, proposers, has_model
        self._unpriced = unpriced

    def start(
        self,
        spec: EvolutionSpec,
        *,
        beside: Path,
        source: str,
        by: str,
        control: Control = "",
        secret: str | None = None,
    ) -> Evolution:
        """Takes the commit in and writes down what was asked; nothing runs yet.

        Args:
            spec: what may be changed, and how it is judged.
            beside: the folder that a relative repository path starts from.
            source: the file it came from.
            by: the person's name.
            control: a loop that ours is held against.
            secret: what seeds are drawn from, 32 hexadecimal digits at least; default: drawn now.

        Raises:
            RepositoryError: no such repository or commit.
            InputError: what is wrong with the spec, its cases or its paths.
        """
        person = actor(by)
        self._check(spec)
        where = beside / Path(spec.repository).expanduser()
        checkout = self._repositories.inspect(str(where), spec.commit)
        with self._alone():
            id = self._next_id()
            base = self._repositories.take(id, checkout.repository, checkout.commit, snapshot=False)
            self._check_commit(id, base, spec)
            evolution = Evolution(
                id=id,
                repository=str(checkout.repository),
                base_commit=base,
                spec=spec,
                source=source,
                started_by=by,
                started_at=self._clock.now().isoformat(timespec="seconds"),
                target_branch=spec.branch or checkout.branch,
                control=control,
                secret=secret or secrets.token_hex(32),
            )
            self._ledger.evolutions.put(evolution, actor=person, kind="evolution.started")
        return evolution

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
        if unknown := [name for name in spec.proposers if name not in self._proposers]:
            raise InputError(
                f"proposers: there is no proposer {unknown[0]!r}.",
                f"Known here: {', '.join(self._proposers)}.",
            )
        if spec.program.model is not None and not self._has_model:
            raise InputError(
                "program.model: candidates ask a language model, and none is set.",
                "Set [models.default] in labcrew.toml: `labcrew settings` shows how.",
            )
        if spec.budget.model_usd is not None and self._unpriced:
            raise InputError(
                f"budget.model_usd: {min(self._unpriced)} has no price, so nobody can count what"
                " it costs.",
                "Set [prices] in labcrew.toml, 0 for one that costs nothing, or leave model_usd"
                " out: model_tokens bounds it too.",
            )

    def _check_commit(self, id: str, base: str, spec: EvolutionSpec) -> None:
        files = self._repositories.files(id, base)
        editable_files(spec, files)
        for path in spec.scorer.private:
            if not any(matches(file, (path,)) for file in files):
                raise InputError(
                    f"scorer.private: no file of the commit is {path}.",
                    "Commit the scorer, or correct the path.",
                )
        if spec.components and not any(matches(f, (spec.components,)) for f in files):
            raise InputError(f"components: no file of the commit is in {spec.components}.")
        try:
            raw = self._repositories.read(id, base, spec.cases, cap_mb=_MOST_CASES_MB)
        except NotFound:
            raise InputError(
                f"cases: {spec.cases} is not in the commit {base[:12]}.", "Commit it first."
            ) from None
        read_cases(raw, spec.cases)

    def _next_id(self) -> str:
        numbers = [
            int(match[1])
            for found in self._ledger.evolutions.all()
            if (match := _NUMBER.fullmatch(found.id))
        ]
        return f"E-{max(numbers, default=0) + 1:03d}"
