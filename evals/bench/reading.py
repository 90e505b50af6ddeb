"""How long reading a repository of 5,000 files takes, beside `git grep` for one word through it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.bench.figures import Figure, median
from evals.lab import bare_bench
from labcrew.domain.draft import Draft
from labcrew.domain.sandbox import Limits, SandboxSpec, WorkspaceSource
from labcrew.errors import LabcrewError
from tools.survey_repository import SCRIPT, SurveyRepository, survey_repository

FILES = 5000
_LEAST_S = 2.0
_TIMES = 3
_WORD = "dataset"


def reading_figure(rounds: int = 3, files: int = FILES) -> Figure:
    """Seconds of the reading itself, in its sandbox; the bound is the larger of 2 s and 3 greps.

    Args:
        files: of real Python code, taken from the packages that this program runs with.
    """
    with repository(files) as (folder, commit), bare_bench() as bench:
        bench.repositories.take("D-bench", folder, commit, snapshot=False)
        draft = Draft(
            id="D-bench",
            repository=str(folder),
            base_commit=commit,
            sentence="lower the loss",
            asked_by="bench",
            asked_at="2026-01-01T00:00:00+00:00",
        )
        name = "bench-reading"
        bench.sandboxes.start(
            SandboxSpec(
                name=name,
                purpose="tools",
                ticket=draft.id,
                image=bench.base_image,
                workspace=WorkspaceSource(repository=draft.id, commit=commit),
                limits=Limits(cpus=2, memory_mb=2048),
            )
        )
        command = ("/opt/labcrew/bin/python", SCRIPT, "/workspace", "--output", "/tmp/survey")
        reads: list[float] = []
        greps: list[float] = []
        for _ in range(rounds):
            greps.append(_seconds(["git", "-C", str(folder), "grep", "-c", _WORD]))
            began = time.perf_counter()
            if bench.sandboxes.exec(name, command, timeout_s=120).exit_code != 0:
                raise LabcrewError("The reading failed.")
            reads.append(time.perf_counter() - began)
        began = time.perf_counter()
        survey = survey_repository.run(SurveyRepository(), draft, bench)
        whole = time.perf_counter() - began
    parts = {
        "git_grep_s": median(greps),
        "whole_tool_s": whole,
        "files": survey.files,
        "programs": len(survey.entries),
    }
    return Figure(
        name=f"reading a repository of {files} files",
        value=median(reads),
        unit="s",
        bound=max(_LEAST_S, _TIMES * parts["git_grep_s"]),
        parts=parts,
        note="whole_tool_s: with the container and the copy of the commit",
    )


@contextmanager
def repository(files: int) -> Iterator[tuple[Path, str]]:
    """A git repository of real code, and its commit."""
    with TemporaryDirectory(prefix="labcrew-bench-") as made:
        folder = Path(made)
        for path, root in islice(_sources(), files):
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        git = ["git", "-C", made, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        for arguments in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "code"]):
            subprocess.run([*git, *arguments], check=True, capture_output=True)
        told = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True)
        yield folder, told.stdout.decode().strip()


def _sources() -> Iterator[tuple[Path, Path]]:
    """Python files of the installed packages, with the folder they are in."""
    import optuna

    root = Path(optuna.__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        if path.is_file() and not path.is_symlink():
            yield path, root


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.stdout.write(reading_figure().model_dump_json(indent=2) + "\n")
