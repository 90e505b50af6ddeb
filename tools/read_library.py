"""The tool that reads the ticket's own library of papers, in a sandbox."""

import json

from pydantic import Field, ValidationError

from labcrew.domain.base import Model
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.research import Citation, Paper
from labcrew.domain.sandbox import Limits, SandboxSpec, WorkspaceSource
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.toolbox import Tool, Workbench

SCRIPT = "/opt/labcrew/inside/read_library.py"
_PYTHON = "/opt/labcrew/bin/python"
_MOST_PASSAGES = 20_000
_LIMITS = Limits(cpus=1, memory_mb=1024, pids=64, timeout_s=300, output_mb=10)


class ReadLibrary(Model):
    """Which folder of the ticket's repository holds the papers."""

    folder: RepositoryPath


class Library(Model):
    """Passages of the library's documents, each with its place, and what could not be read."""

    papers: tuple[Paper, ...]
    problems: tuple[str, ...] = ()


class _Document(Model):
    key: str = Field(max_length=300)
    title: str = Field(max_length=2000)
    authors: tuple[str, ...] = Field(max_length=1000)
    year: int | None
    venue: str = Field(max_length=2000)
    locator: str = Field(max_length=2000)
    text: str


class _Output(Model):
    documents: tuple[_Document, ...] = Field(max_length=_MOST_PASSAGES)
    problems: tuple[str, ...] = Field(max_length=2000)
    error: str = Field(default="", max_length=2000)


def parse_output(stdout: str, folder: str) -> Library:
    """The script's answer as papers. Raises ToolError for any other shape."""
    try:
        output = _Output.model_validate(json.loads(stdout))
    except (ValidationError, ValueError, RecursionError) as error:
        reason = (
            f"{error.error_count()} wrong fields"
            if isinstance(error, ValidationError)
            else type(error).__name__
        )
        raise ToolError(
            f"The library {folder} was read, but what came out is not usable ({reason})."
        ) from None
    if output.error:
        raise ToolError(
            f"The library {folder} can't be read: {output.error}.",
            "Correct literature.library in the ticket.",
        )
    papers = tuple(
        Paper(
            citation=Citation(**document.model_dump(exclude={"text"}), verification="local_file"),
            text=document.text,
        )
        for document in output.documents
        if document.text.strip()
    )
    return Library(papers=papers, problems=output.problems)


def _run(call: ReadLibrary, assigned: AssignedTicket, bench: Workbench) -> Library:
    """Reads the folder at the base commit in a fresh sandbox without a network."""
    result = bench.sandboxes.run(
        SandboxSpec(
            name=f"{assigned.id}-read-library",
            purpose="tools",
            ticket=assigned.id,
            image=bench.base_image,
            command=(_PYTHON, SCRIPT, call.folder),
            workspace=WorkspaceSource(repository=assigned.id, commit=assigned.base_commit),
            limits=_LIMITS,
        )
    )
    if result.timed_out:
        raise ToolError(
            f"Reading the library {call.folder} took more than {_LIMITS.timeout_s:g} s."
        )
    if result.out_of_memory:
        raise ToolError(
            f"Reading the library {call.folder} took more than {_LIMITS.memory_mb} MiB.",
            "Take the largest document out of it.",
        )
    if result.exit_code != 0 or result.truncated:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise ToolError(f"Reading the library {call.folder} failed: {last}")
    return parse_output(result.stdout, call.folder)


read_library: Tool[ReadLibrary, Library] = Tool("read_library", ReadLibrary, _run)
