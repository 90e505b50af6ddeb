"""The tool that writes a training file without some rows; the user's own file never changes."""

import contextlib
import json
import shutil
import time
from pathlib import Path

from pydantic import Field, ValidationError

from labcrew.domain.base import Model, content_hash
from labcrew.domain.data_input import DataInput
from labcrew.domain.research import DatasetCard
from labcrew.domain.sandbox import (
    Limits,
    OutputFile,
    OverlayFile,
    RunResult,
    SandboxSpec,
    SandboxStatus,
    WorkspaceSource,
)
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineError, ToolError
from labcrew.home import Home
from tools.profile_data import PYTHON, check_run, file_source
from tools.toolbox import Tool, Workbench
from tools.trial_spec import WORKSPACE

SCRIPT = "/opt/labcrew/inside/clean_data.py"
_SPEC = ".labcrew-clean.json"
_CAP_MB = 1024
_LIMITS = Limits(cpus=1, memory_mb=3072, pids=128, timeout_s=900, output_mb=4)
_TICK_S = 0.1


class CleanData(Model):
    """Which rows to leave out of which training file."""

    path: str = Field(description="as the ticket names the file")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the file that was profiled")
    rows: tuple[int, ...] = Field(min_length=1, description="positions, the first data row is 0")


class CleanedFile(Model):
    """A training file without the quarantined rows, among the ticket's artefacts."""

    path: str
    sha256: str
    rows: int = Field(ge=0)
    file: Path = Field(description="absolute, on the host")


class _Output(Model):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows_before: int = Field(ge=0)
    rows_after: int = Field(ge=0)


def cleaned_file(home: Home, ticket: str, path: str, sha256: str) -> Path:
    """Where the cleaned copy of a data file lies: named by its content.

    Args:
        path: as the ticket names the original.
        sha256: of the cleaned copy.
    """
    return home.artefacts(ticket) / "data" / sha256 / Path(path).name


def cleaned_files(home: Home, cards: tuple[DatasetCard, ...]) -> dict[str, Path]:
    """The ticket's path of each data file that was cleaned → its cleaned copy."""
    return {
        card.path: cleaned_file(home, card.ticket, card.path, card.cleaned_sha256)
        for card in cards
        if card.cleaned_sha256 is not None
    }


def _run(call: CleanData, assigned: AssignedTicket, bench: Workbench) -> CleanedFile:
    """Cleans in a container whose name rests on the call, so that a re-run picks it up."""
    item = next((d for d in assigned.ticket.data if d.path == call.path), None)
    if item is None:
        raise ToolError(f"The ticket names no data file {call.path}.")
    if item.split != "train" or item.private:
        raise ToolError(f"{call.path} is not a training file: no row of it may be taken out.")
    digest = content_hash(call)[:10]
    name = f"{assigned.id}-clean-{digest}".lower()
    output = f".labcrew-cleaned-{digest}"
    draft = bench.home.artefacts(assigned.id) / "data" / f".draft-{digest}"
    try:
        bench.sandboxes.start(_spec(call, item, assigned, bench, name, output))
        said = _ended(bench, name)
        if draft.exists():
            shutil.rmtree(draft)
        draft.parent.mkdir(parents=True, exist_ok=True)
        files = bench.sandboxes.collect(name, output, draft, _CAP_MB)
        return _keep(call, said, files, draft, assigned, bench)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with contextlib.suppress(EngineError):
            bench.sandboxes.remove(name)


def _spec(
    call: CleanData,
    item: DataInput,
    assigned: AssignedTicket,
    bench: Workbench,
    name: str,
    output: str,
) -> SandboxSpec:
    source, mount = file_source(assigned, item)
    order = {
        "source": source,
        "sha256": call.sha256,
        "rows": sorted(set(call.rows)),
        "output": f"{WORKSPACE}/{output}/{Path(call.path).name}",
    }
    return SandboxSpec(
        name=name,
        purpose="tools",
        ticket=assigned.id,
        image=bench.base_image,
        command=(PYTHON, SCRIPT, f"{WORKSPACE}/{_SPEC}"),
        workspace=WorkspaceSource(
            repository=assigned.id,
            commit=assigned.base_commit,
            overlay=(OverlayFile(path=_SPEC, content=json.dumps(order).encode()),),
        ),
        inputs=(mount,) if mount else (),
        limits=_LIMITS,
    )


def _ended(bench: Workbench, name: str) -> _Output:
    """Waits for the container and reads what it printed. Raises ToolError."""
    deadline = bench.clock.monotonic() + _LIMITS.timeout_s
    status = bench.sandboxes.status(name)
    while status.state in ("created", "running"):
        if bench.clock.monotonic() > deadline:
            bench.sandboxes.stop(name)
            raise ToolError(f"Cleaning the data took more than {_LIMITS.timeout_s:g} s.")
        time.sleep(_TICK_S)
        status = bench.sandboxes.status(name)
    text = "".join(bench.sandboxes.follow(name))
    check_run(_result(status, text), "Cleaning the data", _LIMITS)
    try:
        said = json.loads(text)
        if isinstance(said, dict) and "error" in said:
            raise ToolError(f"The data could not be cleaned: the file {str(said['error'])[:300]}.")
        return _Output.model_validate(said)
    except (ValidationError, ValueError, RecursionError):
        raise ToolError("The data were cleaned, but what came out is not usable.") from None


def _result(status: SandboxStatus, text: str) -> RunResult:
    code = status.exit_code if status.exit_code is not None else -1
    return RunResult(
        exit_code=code, stdout="", stderr=text[-2000:], out_of_memory=status.out_of_memory
    )


def _keep(
    call: CleanData,
    said: _Output,
    files: tuple[OutputFile, ...],
    draft: Path,
    assigned: AssignedTicket,
    bench: Workbench,
) -> CleanedFile:
    """Puts the collected file where its hash says, unless it lies there already."""
    name = Path(call.path).name
    rows = said.rows_before - len(set(call.rows))
    if [file.path for file in files] != [name] or files[0].sha256 != said.sha256:
        raise ToolError(f"The sandbox left another file than the cleaned {name}.")
    if said.rows_after != rows:
        raise ToolError(f"The cleaned {name} has {said.rows_after} rows instead of {rows}.")
    place = cleaned_file(bench.home, assigned.id, call.path, said.sha256)
    place.parent.mkdir(parents=True, exist_ok=True)
    (draft / name).replace(place)
    return CleanedFile(path=call.path, sha256=said.sha256, rows=rows, file=place)


clean_data: Tool[CleanData, CleanedFile] = Tool("clean_data", CleanData, _run)
