"""What a sandbox is asked for and what it answers; the port that sandboxes/ implements."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.monitoring import Usage
from labcrew.domain.running import Environment

OUTPUT_CUT = "[labcrew: the middle of the output is not shown"
"""How the line begins that stands for what was left out of an output longer than its cap."""


class Limits(Model):
    """The bounds of one container, kept from outside it."""

    cpus: float = Field(default=1.0, gt=0, le=512, description="CPU cores")
    memory_mb: int = Field(default=2048, ge=16, description="memory, MiB; swap is off")
    pids: int = Field(default=512, ge=8, description="processes and threads")
    timeout_s: float = Field(default=3600, gt=0, description="wall-clock seconds from start")
    output_mb: int = Field(default=64, ge=1, description="most of the log that is kept, MiB")
    gpus: int = Field(default=0, ge=0, description="GPUs to pass through")
    workspace_mb: int = Field(default=4096, ge=16, description="most that /workspace holds, MiB")
    workspace_files: int = Field(
        default=500_000, ge=64, description="most files and folders that /workspace holds"
    )


class ReadOnlyInput(Model):
    """A file or folder of the host, copied or mounted read-only into a container."""

    source: Path = Field(description="absolute path on the host")
    target: str = Field(description="absolute path in the container")


class OverlayFile(Model):
    """A file written over the workspace before the command starts."""

    path: str = Field(description="relative to the workspace")
    content: bytes


class WorkspaceSource(Model):
    """What a container finds in its workspace (/workspace), as a private, writable copy."""

    repository: str = Field(description="name of the trusted bare repository in the home")
    commit: str = Field(description="full commit id")
    without: tuple[str, ...] = Field(default=(), description="path patterns left out of the copy")
    emptied: str = Field(
        default="", description="a folder that begins with the folders in it, and none of its files"
    )
    overlay: tuple[OverlayFile, ...] = ()


Purpose = Literal[
    "tools",
    "first_run",
    "trial",
    "smoke",
    "evaluate",
    "environment",
    "rerun",
    "network",
    "candidate",
    "scorer",
]


class SandboxSpec(Model):
    """One container to run: the same spec always means the same container name."""

    name: str = Field(description="unique in the home; starting it twice starts it once")
    purpose: Purpose
    ticket: str
    trial: str = ""
    image: str
    command: tuple[str, ...] = Field(
        default=(),
        description="none: what waits for calls when started; purposes tools, candidate, scorer",
    )
    environment: dict[str, str] = Field(default_factory=dict)
    workspace: WorkspaceSource | None = None
    in_memory: bool = Field(
        default=False,
        description="for what waits for calls and ends soon: its workspace lies in its memory, of"
        " which it may take half; quicker to make; `read_file` reads files at its root alone",
    )
    inputs: tuple[ReadOnlyInput, ...] = ()
    limits: Limits = Limits()
    hosts: tuple[str, ...] = Field(
        default=(), description="the only hosts it may reach, through a proxy; none: no network"
    )


class SandboxStatus(Model):
    """What the engine knows of a container."""

    name: str
    state: Literal["created", "running", "exited", "missing"]
    exit_code: int | None = None
    out_of_memory: bool = False
    workspace_full: bool = Field(default=False, description="it failed with no room left")
    started_at: datetime | None = None
    finished_at: datetime | None = None


class RunResult(Model):
    """A command that has ended."""

    exit_code: int
    stdout: str = Field(description="cleaned of escape sequences, capped")
    stderr: str
    timed_out: bool = False
    truncated: bool = False
    out_of_memory: bool = False
    workspace_full: bool = Field(default=False, description="it failed with no room left")
    duration_s: float = 0.0
    answered_s: float = Field(default=0.0, description="of it, in which the host answered")


class OutputFile(Model):
    """A regular file that left a sandbox through the one function that reads them."""

    path: str = Field(description="relative to the folder that was read")
    size_bytes: int
    sha256: str


class NetworkRequest(Model):
    """What a sandbox asked its proxy for, and what became of it; times that are alike counted."""

    host: str = Field(description="as it was asked for, cleaned; may be no host at all")
    port: int
    verdict: Literal["allowed", "refused"]
    reason: str = Field(default="", description="why it was refused, or ended early")
    times: int = Field(default=1, ge=1)
    down_bytes: int = Field(default=0, ge=0)
    up_bytes: int = Field(default=0, ge=0)
    first_at: str = Field(default="", description="ISO 8601, UTC, by the proxy's clock")


class Capacity(Model):
    """What the engine's machine has for all its containers together."""

    cpus: int = Field(ge=1)
    memory_mb: int = Field(ge=1)


class Sandboxes(Protocol):
    """Containers for one home. Every method blocks; callers run it in a thread."""

    def start(self, spec: SandboxSpec) -> None:
        """Starts a detached container; does nothing if one of that name exists.

        Raises EngineUnavailable, EngineError, OutcomeUnknown, StorageFull.
        """

    def status(self, name: str) -> SandboxStatus:
        """The container's state; "missing" when there is none."""

    def follow(self, name: str) -> Iterator[str]:
        """The container's output from its first byte, as cleaned text chunks, until it ends.

        Of more than its cap the middle is left out, behind a line that begins with `OUTPUT_CUT`.
        """

    def watch(self, name: str) -> Iterator[str]:
        """As `follow`, for who judges a run: it goes on past the cap, with fewer lines."""

    def usage(self, name: str) -> Usage | None:
        """What a running container uses now; None for one that does not run.

        Costs well under a millisecond where the engine is this machine's, else up to a second.
        Raises EngineUnavailable, OutcomeUnknown.
        """

    def stop(self, name: str, grace_s: float = 2.0) -> None:
        """Ends a container and everything in it; nothing if it has ended."""

    def remove(self, name: str) -> None:
        """Removes a container and its workspace; nothing if there is none."""

    def collect(
        self, name: str, path: str, destination: Path, cap_mb: int
    ) -> tuple[OutputFile, ...]:
        """Copies the regular files beneath a workspace folder to `destination`.

        Follows no links, takes no special files. Raises BoundaryError past the cap.
        """

    def run(self, spec: SandboxSpec) -> RunResult:
        """Runs a short command to its end in a fresh container and removes it."""

    def exec(
        self, name: str, command: tuple[str, ...], *, stdin: bytes = b"", timeout_s: float = 60
    ) -> RunResult:
        """Runs a short command in a started tool container."""

    def converse(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        answer: Callable[[str], str | None],
        stdin: bytes = b"",
        timeout_s: float = 60,
        overall_s: float = 3600,
        cap_mb: int = 4,
    ) -> RunResult:
        """Runs a command in a started tool container and answers what it asks while it runs.

        Args:
            name: the container.
            command: its words.
            answer: called in this thread with each line of standard output that isn't blank, one
                after another; what it returns goes back as a line of standard input, nothing for
                None, 10,000 times at most. Lines come cut at 256 KiB. What it raises is raised
                here, once the command is ended.
            stdin: what it may read before any answer.
            timeout_s: seconds, those spent in `answer` not counted; then it is killed.
            overall_s: seconds, all counted; then it is killed.
            cap_mb: MiB of each output stream; it is killed once standard output has as many.

        Raises EngineError if the container takes no calls, RunnerLost if how it ended isn't known,
        OutputExceeded once it is killed for having printed or asked too much.
        """

    def exec_beside(self, name: str, command: tuple[str, ...], *, timeout_s: float) -> RunResult:
        """Runs a short command in a running container, as its user, beside what runs there.

        What it prints is the container's word. A late one is left to run. Raises EngineError where
        the container does not run.
        """

    def read_file(self, name: str, path: str, cap_mb: int = 8) -> bytes:
        """One regular file of a container's workspace. Raises BoundaryError, ToolError."""

    def write_files(self, name: str, files: tuple[OverlayFile, ...]) -> None:
        """Writes files beneath a container's workspace, as its user."""

    def image_digest(self, image: str) -> str:
        """The image's content id (sha256:…). Raises NotFound."""

    def capacity(self) -> Capacity:
        """The processors and memory of the engine's machine. Raises EngineUnavailable."""

    def requests(self, name: str) -> tuple[NetworkRequest, ...]:
        """What a container asked the network for; nothing for one without hosts."""

    def list(self, ticket: str | None = None) -> tuple[SandboxStatus, ...]:
        """This home's containers."""

    def clean_orphans(self, living: set[str]) -> tuple[str, ...]:
        """Removes this home's containers and workspaces whose names are not among the living."""


class EnvironmentPlan(Model):
    """The software environment a ticket will run in, before anything is installed."""

    kind: Literal["base", "requirements", "dockerfile", "image"]
    description: str = Field(description="one line for the plan gate")
    needs_gate: bool = Field(description="a Dockerfile runs as root while it is built")
    key: str = Field(description="content hash; the same key is the same image")
    hosts: tuple[str, ...] = Field(
        default=(), description="hosts beside the package index that an install may reach"
    )
    requirements: str = Field(default="", description="text of the requirements file")
    source: str = Field(
        default="", description="Dockerfile path, or the image: its id, or its name if unknown"
    )
    without: tuple[str, ...] = Field(
        default=(), description="path patterns that a Dockerfile's build does not see"
    )
    repository: str
    commit: str


class Environments(Protocol):
    """Images with a ticket's software, made once for each content hash. Methods block."""

    def plan(
        self, wanted: Environment, repository: str, commit: str, without: tuple[str, ...] = ()
    ) -> EnvironmentPlan:
        """Reads the commit's files; installs nothing.

        Args:
            wanted: what a ticket or a draft names; nothing: what the repository says.
            without: path patterns that a Dockerfile's build must not see.

        Raises EnvironmentBroken, NotFound.
        """

    def ensure(self, plan: EnvironmentPlan, *, approved: bool) -> str:
        """The image's tag, made now if it is not there yet.

        Raises EnvironmentBroken with the installer's last lines, EngineUnavailable, StorageFull.
        """

    def requests(self, key: str) -> tuple[NetworkRequest, ...]:
        """What the install of a plan asked the network for; nothing if none ran here."""
