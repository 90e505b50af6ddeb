"""The tool that reads a repository it has never seen, in a sandbox: nothing of it is run."""

import json
from typing import Any

from pydantic import ValidationError

from labcrew.domain.base import Model
from labcrew.domain.draft import Draft
from labcrew.domain.sandbox import Limits, RunResult, SandboxSpec, WorkspaceSource
from labcrew.domain.survey import Survey
from labcrew.errors import ToolError
from labcrew.plain_text import HALVES, ODD
from tools.toolbox import Tool, Workbench

SCRIPT = "/opt/labcrew/inside/survey_repository.py"
_PYTHON = "/opt/labcrew/bin/python"
_LIMITS = Limits(
    cpus=2,
    memory_mb=2048,
    pids=64,
    timeout_s=180,
    output_mb=16,
    workspace_mb=16_384,
    workspace_files=1_000_000,
)
_READING_S = 60
"""Seconds after which the program inside tells what it has."""


class SurveyRepository(Model):
    """The draft's repository at its commit; there is nothing to choose."""


def parse_output(stdout: str) -> Survey:
    """The program's answer as a survey, its texts cleaned. Raises ToolError for any other shape."""
    try:
        return Survey.model_validate(_cleaned(json.loads(stdout)))
    except (ValidationError, ValueError, RecursionError) as error:
        reason = (
            f"{error.error_count()} wrong fields, the first at {_first_place(error)}"
            if isinstance(error, ValidationError)
            else type(error).__name__
        )
        raise ToolError(
            f"The repository was read, but what came out is not usable ({reason}).",
            "Write the ticket by hand: see `labcrew ticket --help`.",
        ) from None


def _first_place(error: ValidationError) -> str:
    shown = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
    return ODD.sub("", HALVES.sub("", shown))[:100]


def _cleaned(value: Any) -> Any:
    """JSON whose texts hold nothing that can't be shown."""
    if isinstance(value, str):
        return HALVES.sub("\ufffd", ODD.sub("", value))
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(item) for name, item in value.items()}
    return value


def _run(call: SurveyRepository, draft: Draft, bench: Workbench) -> Survey:
    """Reads the draft's commit in a fresh sandbox without a network."""
    result = bench.sandboxes.run(
        SandboxSpec(
            name=f"{draft.id}-survey",
            purpose="tools",
            ticket=draft.id,
            image=bench.base_image,
            command=(_PYTHON, SCRIPT, "/workspace", "--seconds", str(_READING_S)),
            workspace=WorkspaceSource(repository=draft.id, commit=draft.base_commit),
            limits=_LIMITS,
        )
    )
    _refuse_failure(result)
    return parse_output(result.stdout)


def _refuse_failure(result: RunResult) -> None:
    if result.timed_out:
        raise ToolError(f"Reading the repository took more than {_LIMITS.timeout_s:g} s.")
    if result.out_of_memory:
        raise ToolError(f"Reading the repository took more than {_LIMITS.memory_mb} MiB.")
    if result.truncated:
        raise ToolError(f"What was read fills more than {_LIMITS.output_mb} MiB.")
    if result.exit_code != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise ToolError(f"Reading the repository failed: {last}")


survey_repository: Tool[SurveyRepository, Survey, Draft] = Tool(
    "survey_repository", SurveyRepository, _run
)
