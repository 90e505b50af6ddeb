"""The tool that profiles data files and looks for faults in them, in a sandbox."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from labcrew.domain.base import Model, content_hash
from labcrew.domain.data_input import DataInput
from labcrew.domain.research import ColumnProfile, DataFault, QuarantinedRow
from labcrew.domain.sandbox import (
    Limits,
    OverlayFile,
    ReadOnlyInput,
    RunResult,
    SandboxSpec,
    WorkspaceSource,
)
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.toolbox import Tool, Workbench
from tools.trial_spec import WORKSPACE, external_target

PYTHON = "/opt/labcrew/bin/python"
SCRIPT = "/opt/labcrew/inside/profile_data.py"
_SPEC = ".labcrew-profile.json"
_FOLDER = "is a folder: its files are neither checked nor hashed"
_LIMITS = Limits(cpus=1, memory_mb=3072, pids=128, timeout_s=900, output_mb=64)


def _printable(text: str) -> str:
    """What a data file says reaches people and models without control characters."""
    return "".join(c if c.isprintable() else "·" for c in text)


_Shown = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
_Check = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class ProfileData(Model):
    """Which of the ticket's data files to profile."""

    paths: tuple[str, ...] | None = Field(default=None, description="default: all of them")


class FileProfile(Model):
    """One data file as the sandbox saw it; every text in it is untrusted."""

    path: str
    split: str
    sha256: str
    size_bytes: int
    rows: int
    columns: tuple[ColumnProfile, ...]
    label: str | None
    label_counts: dict[str, int]
    faults: tuple[DataFault, ...]
    doubtful: tuple[QuarantinedRow, ...] = Field(description="of training files alone")


class FileProblem(Model):
    """Why a file could not be read, or not wholly checked."""

    path: str
    kind: str
    detail: str


class Profile(Model):
    """What became of profiling; a file that can't be read has a problem and perhaps no profile."""

    files: tuple[FileProfile, ...]
    problems: tuple[FileProblem, ...] = ()


class _Fault(Model):
    check: _Check
    rows: int = Field(ge=0)
    detail: _Shown
    severity: str


class _Doubt(Model):
    row: int = Field(ge=0)
    id: _Shown
    check: _Check
    reason: _Shown
    confidence: float = Field(ge=0, le=1)


class _Column(ColumnProfile):
    name: _Shown
    type: _Shown


class _File(Model):
    path: str
    split: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)
    rows: int = Field(ge=0)
    columns: tuple[_Column, ...] = Field(max_length=200_000)
    label: str | None
    label_counts: dict[_Shown, int] = Field(max_length=2000)
    faults: tuple[_Fault, ...] = Field(max_length=2000)
    quarantined: tuple[_Doubt, ...] = Field(max_length=50_000)


class _Problem(Model):
    path: str
    kind: _Check
    detail: _Shown


class _Output(Model):
    files: tuple[_File, ...] = Field(max_length=10_000)
    problems: tuple[_Problem, ...] = Field(max_length=20_000)


def parse_profile(stdout: str, asked: tuple[DataInput, ...]) -> Profile:
    """The script's answer as a profile of the files that were asked for.

    The sandbox read untrusted files, so what it says is held against the question: no other
    files, no doubtful rows outside training files, none beyond the file's end.

    Raises ToolError for any other shape.
    """
    try:
        output = _Output.model_validate(json.loads(stdout))
    except (ValidationError, ValueError, RecursionError) as error:
        raise _unusable(type(error).__name__) from None
    inputs = {item.path: item for item in asked}
    paths = [file.path for file in output.files]
    if not set(paths) <= set(inputs) or len(set(paths)) != len(paths):
        raise _unusable("it speaks of other files")
    return Profile(
        files=tuple(_file_profile(file, inputs[file.path]) for file in output.files),
        problems=tuple(FileProblem(**problem.model_dump()) for problem in output.problems),
    )


def _file_profile(file: _File, item: DataInput) -> FileProfile:
    touchable = item.split == "train" and not item.private
    rows = [doubt.row for doubt in file.quarantined]
    if rows and (not touchable or max(rows) >= file.rows or len(set(rows)) != len(rows)):
        raise _unusable("it doubts rows that are not there")
    try:
        return FileProfile(
            **file.model_dump(include={"path", "sha256", "size_bytes", "rows", "label_counts"}),
            split=item.split,
            label=item.label,
            columns=tuple(ColumnProfile(**column.model_dump()) for column in file.columns),
            faults=tuple(
                DataFault.model_validate({"path": file.path, **fault.model_dump()})
                for fault in file.faults
            ),
            doubtful=tuple(
                QuarantinedRow(path=file.path, **doubt.model_dump()) for doubt in file.quarantined
            ),
        )
    except ValidationError:
        raise _unusable("ValidationError") from None


def _unusable(reason: str) -> ToolError:
    return ToolError(f"The data were profiled, but what came out is not usable ({reason}).")


def file_source(assigned: AssignedTicket, item: DataInput) -> tuple[str, ReadOnlyInput | None]:
    """Where a data file stands in a container, and the mount that it needs.

    Raises ToolError for a file outside the repository that isn't there: an engine that is asked
    to mount nothing would make a folder of that name on the host.
    """
    if not item.external:
        return f"{WORKSPACE}/{item.path}", None
    path = Path(item.path)
    if not path.is_file():
        what = _FOLDER if path.is_dir() else "does not exist"
        raise ToolError(f"{item.path} {what}.", "Correct the data in the ticket.")
    target = external_target(assigned.ticket.data.index(item), item)
    return target, ReadOnlyInput(source=path.resolve(), target=target)


def check_run(result: RunResult, doing: str, limits: Limits) -> None:
    """Raises ToolError, for people, when a script did not end well."""
    if result.timed_out:
        raise ToolError(f"{doing} took more than {limits.timeout_s:g} s.")
    if result.out_of_memory:
        raise ToolError(
            f"{doing} took more than {limits.memory_mb} MiB of memory.",
            "Split the file, or name a part of it in the ticket.",
        )
    if result.exit_code != 0 or result.truncated:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise ToolError(f"{doing} failed (exit code {result.exit_code}): {_printable(last)}")


def _run(call: ProfileData, assigned: AssignedTicket, bench: Workbench) -> Profile:
    """Profiles files together, because overlap and drift lie between them."""
    data = assigned.ticket.data
    unknown = set(call.paths or ()) - {item.path for item in data}
    if unknown:
        raise ToolError(f"The ticket names no data file {sorted(unknown)[0]}.")
    asked = tuple(item for item in data if call.paths is None or item.path in call.paths)
    problems: list[FileProblem] = []
    inputs: list[ReadOnlyInput] = []
    entries = []
    for item in asked:
        try:
            source, mount = file_source(assigned, item)
        except ToolError as error:
            kind = "not_a_file" if Path(item.path).is_dir() else "missing"
            problems.append(FileProblem(path=item.path, kind=kind, detail=error.message))
            continue
        inputs += [mount] if mount else []
        entries.append(item.model_dump(mode="json") | {"source": source})
    if not entries:
        return Profile(files=(), problems=tuple(problems))
    result = bench.sandboxes.run(
        SandboxSpec(
            name=f"{assigned.id}-profile-{content_hash(call)[:10]}".lower(),
            purpose="tools",
            ticket=assigned.id,
            image=bench.base_image,
            command=(PYTHON, SCRIPT, f"{WORKSPACE}/{_SPEC}"),
            workspace=WorkspaceSource(
                repository=assigned.id,
                commit=assigned.base_commit,
                overlay=(OverlayFile(path=_SPEC, content=json.dumps({"files": entries}).encode()),),
            ),
            inputs=tuple(inputs),
            limits=_LIMITS,
        )
    )
    check_run(result, "Profiling the data", _LIMITS)
    profile = parse_profile(result.stdout, asked)
    return Profile(files=profile.files, problems=(*problems, *profile.problems))


profile_data: Tool[ProfileData, Profile] = Tool("profile_data", ProfileData, _run)
