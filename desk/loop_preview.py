"""What a loop would work on, shown before anything runs."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import get_args

from desk.evolutions import Evolutions
from labcrew.domain.base import Model
from labcrew.domain.evolution_spec import EvolutionBudget, EvolutionSpec, Split


class LoopPreview(Model):
    """A dry run: what may change, what it is judged by, what may be spent."""

    title: str
    repository: str
    commit: str
    branch: str | None
    editable: tuple[str, ...]
    program: str
    scorer: str
    metric: str
    cases: dict[Split, int]
    protected_cases: int
    proposers: tuple[str, ...]
    budget: EvolutionBudget
    warnings: tuple[str, ...]


def loop_preview(spec: EvolutionSpec, beside: Path, evolutions: Evolutions) -> LoopPreview:
    """Checks a spec as starting it would, in a folder that is thrown away.

    Args:
        spec: as read.
        beside: the folder that a relative repository path starts from.
        evolutions: the home's.

    Raises:
        InputError: what starting it would refuse.
    """
    from sandboxes.git.repositories import GitRepositories

    with tempfile.TemporaryDirectory(prefix="labcrew-check-") as folder:
        found = evolutions.examine(
            spec, beside=beside, name="check", repositories=GitRepositories(Path(folder))
        )
    splits = Counter(case.split for case in found.cases)
    scale = spec.metric
    return LoopPreview(
        title=spec.title,
        repository=str(found.checkout.repository),
        commit=found.commit,
        branch=spec.branch or found.checkout.branch,
        editable=found.editable,
        program=spec.program.command,
        scorer=spec.scorer.command,
        metric=f"{scale.name} ({scale.direction}), from {scale.low:g} to {scale.high:g}",
        cases={split: splits[split] for split in get_args(Split)},
        protected_cases=sum(case.protected for case in found.cases),
        proposers=spec.proposers or evolutions.proposers,
        budget=spec.budget,
        warnings=found.checkout.warnings,
    )
