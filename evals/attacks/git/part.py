"""What a sandbox hands over, by labcrew's whole way in; then a person's own git on what came."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.attacks.boxes import PYTHON, done, kit, sandbox, writer
from evals.attacks.git.inside import worktrees
from evals.attacks.git.inside.__main__ import slug
from evals.attacks.git.inside.bundles import LANDS, REFUSED
from evals.attacks.git.inside.worktrees import WORKTREES
from evals.attacks.git.yours import Lab, yours
from evals.attacks.probe import Finding, Part
from labcrew.domain.sandbox import OverlayFile
from labcrew.errors import BoundaryError, LabcrewError
from tools.toolbox import Workbench

_MODULES = Path(worktrees.__file__).parent
_PROGRAM = "evals.attacks.git.inside"
_EDITABLE = {"a path that may not change": ("train.py", "data/**")}
_NAME = "attack"


@dataclass
class _Try:
    """One probe on its way."""

    probe: str
    tried: str
    lands: bool
    happened: str = ""
    wrong: str = ""
    published: bool = False


@dataclass
class _Stage:
    """A throw-away folder of the host: a person's repository, markers, what was collected."""

    folder: Path
    tries: dict[str, _Try] = field(default_factory=dict)
    landed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lab = Lab(self.folder / "lab")
        self.markers = self.folder / "markers"
        self.collected = self.folder / "collected"
        self.markers.mkdir()
        self.collected.mkdir()

    def ran(self) -> bool:
        """Whether any program of the agent's ran on the host."""
        return any(self.markers.iterdir())


def run(bench: Workbench) -> Iterator[Finding]:
    """Every probe against labcrew's own way, and what a person then does with what came out."""
    with TemporaryDirectory(prefix="labcrew-attack-") as name:
        stage = _Stage(Path(name))
        stage.tries = {slug(one.probe): one for one in _tries()}
        base = bench.repositories.take(_NAME, stage.lab.path, "HEAD", snapshot=False)
        bundle = OverlayFile(path="in.bundle", content=bench.repositories.bundle(_NAME, base))
        with sandbox(bench, "git", (*kit(_MODULES), bundle), memory_mb=2048) as box:
            made = ("/workspace/made", "/workspace/in.bundle", base, str(stage.markers))
            done(bench, box, (*PYTHON, _PROGRAM, "make", *made), timeout_s=180)
            for one in stage.tries.values():
                _through(bench, stage, box, base, one)
        _used(bench, stage)
        for one in stage.tries.values():
            yield Finding(
                probe=one.probe,
                tried=one.tried,
                happened=(one.wrong or one.happened)[:300],
                verdict="breached" if one.wrong else "held",
            )
        yield from yours(bench, stage.folder / "yours")


def control(bench: Workbench) -> Iterator[Finding]:
    """The same worktrees and bundles under a careless git, inside a container."""
    with sandbox(bench, "naive-git", kit(_MODULES), memory_mb=2048) as box:
        said = done(bench, box, (*PYTHON, _PROGRAM, "naive", "/workspace/naive"), timeout_s=240)
    for line in said.splitlines():
        probe, wrong = json.loads(line)
        yield Finding(
            probe=probe,
            tried="plain git, as a person or a careless tool uses it",
            happened=wrong or "nothing",
            verdict="breached" if wrong else "held",
        )


def _tries() -> Iterator[_Try]:
    for worktree in WORKTREES:
        yield _Try(f"worktree: {worktree.name}", f"planted for `{worktree.command}`", lands=True)
    for name in LANDS:
        yield _Try(f"bundle: {name}", "does no harm, and so must land", lands=True)
    for name in REFUSED:
        yield _Try(f"bundle: {name}", "must not land", lands=False)


def _through(bench: Workbench, stage: _Stage, box: str, base: str, one: _Try) -> None:
    """A bundle lands or is refused, a worktree's files are collected; nothing of either runs."""
    kind, _, name = one.probe.partition(": ")
    before = stage.lab.state()
    try:
        _lands(bench, stage, box, base, one)
        if not one.lands:
            one.wrong = "it landed"
        if kind == "worktree":
            place = stage.collected / slug(one.probe)
            bench.sandboxes.collect(box, f"made/w/{slug(name)}", place, 64)
    except BoundaryError as error:
        one.happened = error.message
        if one.lands:
            one.wrong = f"refused: {error.message}"
    except LabcrewError as error:
        one.wrong = f"an error of another kind: {error.message}"
    if stage.ran():
        one.wrong = "a program of the agent's ran on the host"
    changed = stage.lab.changed(before, _branch(one) if one.published else None)
    one.wrong = one.wrong or (f"your repository changed: {changed}" if changed else "")


def _lands(bench: Workbench, stage: _Stage, box: str, base: str, one: _Try) -> None:
    """Lands a bundle, looks at its change, publishes it and asks for a merge."""
    repositories = bench.repositories
    data = bench.sandboxes.read_file(box, f"made/b/{slug(one.probe)}", cap_mb=64)
    key = hashlib.sha256(data).hexdigest()
    if key in stage.landed:
        one.happened = "its bundle is one that landed"  # what differs is its worktree
        return
    editable = _EDITABLE.get(one.probe.partition(": ")[2], ("**",))
    ref = f"refs/labcrew/{slug(one.probe)}"
    commit = repositories.land(_NAME, data, base=base, ref=ref, editable=editable)
    one.happened = f"landed as {commit[:12]}"
    if "\x1b" in repositories.change(_NAME, base, commit).diff:
        one.wrong = "the difference holds an escape sequence"
    repositories.archive(_NAME, commit)
    repositories.publish(_NAME, commit, stage.lab.path, _branch(one))
    one.published = True
    outcome = repositories.merge(stage.lab.path, "main", commit)
    if outcome.state != "checked_out":
        one.wrong = f"the branch that is checked out was {outcome.state}"
    stage.landed.add(key)


def _branch(one: _Try) -> str:
    return f"labcrew/{slug(one.probe)}"


def _used(bench: Workbench, stage: _Stage) -> None:
    """A person's own git, in a container, on a copy of what they now have."""
    branches = {_branch(one): one for one in stage.tries.values() if one.published}
    command = (
        "python3", "-m", _PROGRAM, "use",
        str(stage.lab.path), str(stage.collected), str(stage.markers), *branches,
    )  # fmt: skip
    with writer(bench, stage.folder, _MODULES, command) as ended:
        code, said = ended(180)
    told = dict(json.loads(line) for line in said.splitlines() if line.startswith("["))
    for branch, one in branches.items():
        wrong = told.get(branch, f"plain git was not tried on it (exit {code}): {said[-200:]}")
        one.wrong = one.wrong or wrong
    for key, one in stage.tries.items():
        if (stage.collected / key).exists():
            one.wrong = one.wrong or told.get(f"collected/{key}", "its files were not looked at")


GIT = Part(
    name="git",
    title="git on what a sandbox wrote",
    run=run,
    control=control,
    least_tried=150,
    least_breached=100,
)
