"""How a run begins: anew, or at a checkpoint of the trial that it starts again."""

import re
import shlex
from pathlib import PurePosixPath

from labcrew.domain.experiment import Rescue, Trial
from labcrew.domain.repository import Repositories
from labcrew.domain.sandbox import OverlayFile, ReadOnlyInput
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, EvidenceError, NotFound
from labcrew.home import Home
from tools.offers import VARIABLES, offers
from tools.stored_outputs import checkpoint_hash
from tools.trial_spec import WORKSPACE, Beginning

_QUARANTINE = ".labcrew-quarantine"
_RESUME = "/resume"


def beginning(
    home: Home, repositories: Repositories, assigned: AssignedTicket, trial: Trial
) -> Beginning:
    """How a trial begins.

    Args:
        home: where the outputs of the trial that it starts again are stored.
        repositories: where the ticket's program is.

    Raises:
        EvidenceError: its checkpoint is missing, or is not the one that was chosen.
    """
    rescue = trial.rescue
    environment = overrides(rescue)
    overlay: tuple[OverlayFile, ...] = ()
    if rescue.without_batches:
        environment[VARIABLES["quarantine"]] = f"{WORKSPACE}/{_QUARANTINE}"
        names = "".join(" ".join(name.splitlines()) + "\n" for name in rescue.without_batches)
        overlay = (OverlayFile(path=_QUARANTINE, content=names.encode()),)
    arguments = ""
    inputs: tuple[ReadOnlyInput, ...] = ()
    if rescue.checkpoint:
        checkpoint = _checkpoint(home, assigned, trial)
        inputs = (checkpoint,)
        environment[VARIABLES["resume"]] = checkpoint.target
        arguments = resume_arguments(assigned, checkpoint.target)
    return Beginning(
        arguments=arguments,
        environment=environment,
        inputs=inputs,
        overlay=overlay,
        checkpoints=makes_checkpoints(repositories, assigned),
    )


def makes_checkpoints(repositories: Repositories, assigned: AssignedTicket) -> bool:
    """Whether a folder for checkpoints is made before a run starts.

    Not for a program that knows nothing of it: some refuse to start where their outputs folder is
    not empty.
    """
    supervision = assigned.ticket.supervision
    return supervision.checkpoints is not None or "checkpoints" in offers(assigned, repositories)


def resume_arguments(assigned: AssignedTicket, checkpoint: str) -> str:
    """The ticket's own arguments that start from a checkpoint; none where it names none."""
    return assigned.ticket.supervision.resume.replace("{checkpoint}", shlex.quote(checkpoint))


def resume_target(path: str) -> str:
    """Where a checkpoint stands in the container that starts from it.

    Its name is kept, since programs read the step and the format from it; whatever a shell could
    take for something else becomes an underscore.
    """
    name = re.sub(r"[^\w.=+@,-]", "_", PurePosixPath(path).name, flags=re.ASCII)
    return f"{_RESUME}/{name}"


def overrides(rescue: Rescue) -> dict[str, str]:
    """The variables that tell a program what is set otherwise than in the run before."""
    found: dict[str, str] = {}
    if rescue.learning_rate_scale != 1:
        found[VARIABLES["learning_rate"]] = repr(rescue.learning_rate_scale)
    if rescue.gradient_clip is not None:
        found[VARIABLES["gradient_clip"]] = repr(rescue.gradient_clip)
    if rescue.batch_scale != 1:
        found[VARIABLES["batch_size"]] = repr(rescue.batch_scale)
    return found


def _checkpoint(home: Home, assigned: AssignedTicket, trial: Trial) -> ReadOnlyInput:
    rescue = trial.rescue
    before = rescue.checkpoint_of or trial.restarts
    if not before:
        raise EvidenceError(f"{trial.id} begins at a checkpoint, but restarts no trial.")
    folder = home.outputs(assigned.id, before)
    try:
        found = checkpoint_hash(folder, rescue.checkpoint)
    except (NotFound, BoundaryError) as error:
        raise EvidenceError(
            f"{trial.id} can't begin at a checkpoint of {before}: {error.message}.",
            "Restore that trial's outputs from a backup, or start the trial anew.",
        ) from error
    if found != rescue.checkpoint_sha256:
        raise EvidenceError(
            f"The checkpoint {rescue.checkpoint} of {before} changed since it was chosen.",
            "Restore that trial's outputs from a backup, or start the trial anew.",
        )
    return ReadOnlyInput(source=folder / rescue.checkpoint, target=resume_target(rescue.checkpoint))
