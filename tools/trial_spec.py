"""How a trial becomes a container: one place, so that a rerun is the same run."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from labcrew import beneath
from labcrew.domain.data_input import DataInput
from labcrew.domain.experiment import Trial
from labcrew.domain.running import Settings
from labcrew.domain.sandbox import (
    EnvironmentPlan,
    Environments,
    Limits,
    OverlayFile,
    Purpose,
    ReadOnlyInput,
    SandboxSpec,
    WorkspaceSource,
)
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket

WORKSPACE = "/workspace"
CHECKPOINTS = "checkpoints"
"""Where checkpoints go beneath the outputs folder, unless a ticket says otherwise."""


@dataclass(frozen=True)
class Beginning:
    """What a run is given beside its ticket's command, parameters and data.

    Args:
        arguments: what {resume} in the command stands for.
        environment: variables that are set last.
        inputs: the checkpoint that it starts from.
        overlay: the list of what to leave out.
        checkpoints: whether its folder for checkpoints is made before it starts.
    """

    arguments: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    inputs: tuple[ReadOnlyInput, ...] = ()
    overlay: tuple[OverlayFile, ...] = ()
    checkpoints: bool = False


ANEW = Beginning()


def checkpoint_folder(assigned: AssignedTicket) -> str:
    """Where a ticket's runs save checkpoints, beneath the workspace."""
    ticket = assigned.ticket
    return f"{ticket.outputs}/{ticket.supervision.checkpoints or CHECKPOINTS}"


def spelt_value(value: object) -> str:
    """A parameter's value as a program reads it on a command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def arguments(settings: Settings, values: Values) -> str:
    """The command-line arguments that set `values`, quoted for a shell."""
    if settings.style != "arguments":
        return ""
    spelt: list[str] = []
    for name, value in values.items():
        if name in settings.flags:
            present, _, absent = settings.flags[name].partition("|")
            spelt += [shlex.quote(word) for word in (present if value else absent).split()]
            continue
        option = name.replace("_", "-") if settings.dashes else name
        known = {"name": option, "value": spelt_value(value)}
        spelt += [shlex.quote(_filled(word, known)) for word in settings.argument.split(" ")]
    return " ".join(spelt)


def setting_variables(settings: Settings, values: Values) -> dict[str, str]:
    """The environment variables that set `values`; none where they are set otherwise."""
    if settings.style != "environment":
        return {}
    # A shell hands on only names of letters, digits and underscores.
    return {
        re.sub(r"\W", "_", settings.prefix + name, flags=re.ASCII).upper(): spelt_value(value)
        for name, value in values.items()
    }


def values_in_file(settings: Settings, values: Values, seed: int) -> Values:
    """What is written into the settings file of one run; nothing where they are set otherwise."""
    if settings.style not in ("file", "source"):
        return {}
    return {**values, **dict.fromkeys(settings.seeds, seed)}


def command_line(
    template: str, settings: Settings, values: Values, seed: int, outputs: str, resume: str = ""
) -> str:
    """The shell line of one run: a command with its placeholders filled in.

    Args:
        resume: the arguments that start from a checkpoint; none for a run that begins anew.
    """
    known = {
        "settings": arguments(settings, values),
        "seed": str(seed),
        "outputs": outputs,
        "resume": resume,
    }
    return _filled(template, known)


def run_variables(
    seed: int, outputs: str, cpus: float, checkpoints: str = CHECKPOINTS
) -> dict[str, str]:
    """The environment variables that every run has.

    Args:
        outputs: the folder for what it leaves, beneath the workspace.
        cpus: cores.
        checkpoints: the folder for its checkpoints, beneath `outputs`.
    """
    return {
        "PYTHONUNBUFFERED": "1",
        "LABCREW_SEED": str(seed),
        "LABCREW_OUTPUTS": f"{WORKSPACE}/{outputs}",
        "LABCREW_CHECKPOINTS": f"{WORKSPACE}/{outputs}/{checkpoints}",
        "OMP_NUM_THREADS": str(max(1, int(cpus))),
    }


def run_command(
    assigned: AssignedTicket, template: str, values: Values, seed: int, resume: str = ""
) -> str:
    """The shell line of one run: the ticket's command with its placeholders filled in."""
    ticket = assigned.ticket
    return command_line(template, ticket.settings, values, seed, ticket.outputs, resume)


def _filled(template: str, known: dict[str, str]) -> str:
    """A template with its placeholders filled in one pass: a value that reads "{seed}" stays so."""
    placeholder = re.compile("{(" + "|".join(map(re.escape, known)) + ")}")
    return placeholder.sub(lambda found: known[found[1]], template)


def run_environment(assigned: AssignedTicket, values: Values, seed: int) -> dict[str, str]:
    """The environment variables of one run."""
    ticket = assigned.ticket
    return (
        run_variables(
            seed,
            ticket.outputs,
            assigned.budget.cpus,
            ticket.supervision.checkpoints or CHECKPOINTS,
        )
        | data_variables(assigned)
        | ticket.run.environment
        | setting_variables(ticket.settings, values)
    )


def external_target(index: int, item: DataInput) -> str:
    """Where a data file outside the repository stands in a container."""
    return f"/data/{index}/{Path(item.path).name}"


def data_variables(assigned: AssignedTicket) -> dict[str, str]:
    """LABCREW_DATA_<n> for the n-th data file, where that lies outside the repository."""
    return {
        f"LABCREW_DATA_{index}": external_target(index, item)
        for index, item in enumerate(assigned.ticket.data)
        if item.external
    }


def hidden_paths(assigned: AssignedTicket) -> tuple[str, ...]:
    """Repository paths that no trial sees: the evaluator's private ones and private data."""
    ticket = assigned.ticket
    private = ticket.evaluator.private if ticket.evaluator else ()
    return (*private, *(d.path for d in ticket.data if d.private and not d.external))


def environment_plan(environments: Environments, assigned: AssignedTicket) -> EnvironmentPlan:
    """The software that the ticket's runs need, without a sight of what no trial may see."""
    return environments.plan(
        assigned.ticket.environment,
        assigned.id,
        assigned.base_commit,
        tuple(sorted(set(hidden_paths(assigned)))),
    )


def data_inputs(
    assigned: AssignedTicket, cleaned: dict[str, Path], *, private: bool = False
) -> tuple[tuple[ReadOnlyInput, ...], tuple[OverlayFile, ...]]:
    """Data for a container: files outside as read-only inputs, cleaned files laid over originals.

    Args:
        cleaned: the ticket's path of a data file → its cleaned copy on the host.
        private: whether the container may see private data (the evaluator's may).
    """
    inputs: list[ReadOnlyInput] = []
    overlay: list[OverlayFile] = []
    for index, item in enumerate(assigned.ticket.data):
        if item.private and not private:
            continue
        copy = cleaned.get(item.path)
        if item.external:
            source = copy or Path(item.path)
            inputs.append(ReadOnlyInput(source=source, target=external_target(index, item)))
        elif copy is not None:
            overlay.append(
                OverlayFile(path=item.path, content=beneath.read(copy.parent, copy.name))
            )
    return tuple(inputs), tuple(overlay)


def trial_container(trial_id: str, purpose: Purpose = "trial") -> str:
    """The container's name in its home."""
    return f"{trial_id}-{purpose}".lower()


def run_spec(
    assigned: AssignedTicket,
    *,
    name: str,
    purpose: Purpose,
    image: str,
    commit: str,
    template: str,
    values: Values,
    seed: int,
    memory_mb: int,
    cleaned: dict[str, Path],
    overlay: tuple[OverlayFile, ...] = (),
    trial: str = "",
    beginning: Beginning = ANEW,
) -> SandboxSpec:
    """The container of one run of the ticket's program, without anything private."""
    inputs, laid_over = data_inputs(assigned, cleaned)
    command = run_command(assigned, template, values, seed, beginning.arguments)
    made = [assigned.ticket.outputs, checkpoint_folder(assigned)][: 1 + beginning.checkpoints]
    return SandboxSpec(
        name=name,
        purpose=purpose,
        ticket=assigned.id,
        trial=trial,
        image=image,
        command=("sh", "-c", f"mkdir -p {shlex.join(made)} && {command}"),
        environment=run_environment(assigned, values, seed) | beginning.environment,
        workspace=WorkspaceSource(
            repository=assigned.id,
            commit=commit,
            without=hidden_paths(assigned),
            # What the commit holds of outputs is no result of this run.
            emptied=assigned.ticket.outputs,
            overlay=(*laid_over, *overlay, *beginning.overlay),
        ),
        inputs=(*inputs, *beginning.inputs),
        limits=Limits(
            cpus=assigned.budget.cpus,
            memory_mb=memory_mb,
            timeout_s=assigned.ticket.run.timeout_s,
            gpus=assigned.budget.gpus,
            workspace_mb=assigned.budget.disk_mb,
        ),
    )


def trial_spec(
    assigned: AssignedTicket,
    trial: Trial,
    *,
    image: str,
    cleaned: dict[str, Path],
    overlay: tuple[OverlayFile, ...] = (),
    hosts: tuple[str, ...] = (),
    name: str | None = None,
    purpose: Purpose = "trial",
    beginning: Beginning = ANEW,
) -> SandboxSpec:
    """The container of a trial: the base commit, its parameters, its data version and seed."""
    spec = run_spec(
        assigned,
        name=name or trial_container(trial.id),
        purpose=purpose,
        image=image,
        commit=assigned.base_commit,
        template=assigned.ticket.run.command,
        values=trial.values,
        seed=trial.seed,
        memory_mb=trial.memory_mb,
        cleaned=cleaned if trial.data == "cleaned" else {},
        overlay=overlay,
        trial=trial.id,
        beginning=beginning,
    )
    return spec.model_copy(update={"hosts": hosts})
