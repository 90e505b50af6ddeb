"""Tools that make a change: edit settings files, commit in a sandbox, land, publish, merge."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.commission import Commission
from labcrew.domain.repository import Change, MergeOutcome
from labcrew.domain.running import Settings
from labcrew.domain.sandbox import OverlayFile, RunResult
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, EngineError, NotFound, ToolError
from labcrew.git_attributes import AS_STORED
from tools.forge_requests import forge_of
from tools.tool_container import tool_container
from tools.toolbox import Tool, Workbench
from tools.trial_spec import values_in_file

_EDIT = ("/opt/labcrew/bin/python", "/opt/labcrew/inside/apply_settings.py")
_COMMIT = """
set -eu
cd "$FOLDER"
rm -rf clone
git init --quiet --template= clone
cd clone
mkdir .git/info
echo "$ATTRIBUTES" > .git/info/attributes
git bundle unbundle ../in.bundle > /dev/null
# History ends at the base here: the bundle of a shallow repository lacks what lies before.
echo "$BASE" > .git/shallow
git checkout --quiet --detach "$BASE"
cp -R ../change/. .
git add --all --force
git -c user.name=labcrew -c user.email=labcrew@localhost commit --quiet --message "$MESSAGE"
git update-ref refs/heads/change HEAD
git bundle create --quiet ../out.bundle "$BASE..refs/heads/change"
"""


class RenderSettings(Model):
    """Sets parameters in one file of the base commit."""

    file: str
    values: Values
    style: Literal["file", "source"] = Field(
        default="file", description="source: values are literals of the code, by their address"
    )


class Rendered(Model):
    """The edited file, and the parameters that it has no place for."""

    file: OverlayFile
    missing: tuple[str, ...] = ()


class MakeChange(Model):
    """Commits files onto the base commit."""

    files: tuple[OverlayFile, ...] = Field(min_length=1)
    message: str
    editable: tuple[str, ...]
    ref: str


class Landed(Model):
    """A commit that came through the boundary."""

    commit: str
    change: Change


class PublishBranch(Model):
    """Makes the branch in the user's repository."""

    commit: str
    branch: str


class MergeBranch(Model):
    """Merges where the request stands: at the forge, else by a fast-forward of the target."""

    target: str
    commit: str
    merge_request: str


def _render(call: RenderSettings, assigned: Commission, bench: Workbench) -> Rendered:
    try:
        content = bench.repositories.read(assigned.id, assigned.base_commit, call.file)
    except NotFound as error:
        raise ToolError(error.message, error.remedy) from error
    request = {
        "file": call.file,
        "content": content.decode("utf-8", errors="surrogateescape"),
        "values": call.values,
        "style": call.style,
    }
    result = bench.sandboxes.exec(
        tool_container(assigned, bench), _EDIT, stdin=json.dumps(request).encode()
    )
    return rendered(call.file, result)


def rendered(file: str, result: RunResult) -> Rendered:
    """What the editing program answers from its container. Raises ToolError."""
    try:
        answer = json.loads(result.stdout)
        if "error" in answer:
            raise ToolError(f"{file}: {answer['error']}")
        return Rendered(
            file=OverlayFile(
                path=file,
                content=answer["content"].encode("utf-8", errors="surrogateescape"),
            ),
            missing=tuple(answer.get("missing", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        told = (result.stderr or result.stdout)[-300:]
        raise ToolError(f"{file} could not be edited: {told}") from None


def settings_overlay(settings: Settings, values: Values, seed: int) -> RenderSettings | None:
    """What is written into the settings file of one run; None where nothing is."""
    written = values_in_file(settings, values, seed)
    if not written or settings.file is None:
        return None
    return RenderSettings(file=settings.file, values=written, style=file_style(settings))


def file_style(settings: Settings) -> Literal["file", "source"]:
    """How a ticket's settings file is edited."""
    return "source" if settings.style == "source" else "file"


def _make(call: MakeChange, assigned: AssignedTicket, bench: Workbench) -> Landed:
    box, container = bench.sandboxes, tool_container(assigned, bench)
    folder = f"change-{content_hash(call)[:16]}"
    bundle = bench.repositories.bundle(assigned.id, assigned.base_commit)
    given = [OverlayFile(path=f"{folder}/in.bundle", content=bundle)]
    for file in call.files:
        given.append(OverlayFile(path=f"{folder}/change/{file.path}", content=file.content))
    box.write_files(container, tuple(given))
    variables = (
        f"FOLDER={folder}",
        f"BASE={assigned.base_commit}",
        f"MESSAGE={call.message}",
        f"ATTRIBUTES={AS_STORED}",
        # Fixed dates: made again after a crash, the commit has the same id.
        f"GIT_AUTHOR_DATE={assigned.assigned_at}",
        f"GIT_COMMITTER_DATE={assigned.assigned_at}",
        "GIT_CONFIG_GLOBAL=/dev/null",
    )
    try:
        result = box.exec(container, ("env", *variables, "sh", "-c", _COMMIT), timeout_s=120)
        if result.exit_code != 0:
            raise ToolError(f"the change could not be committed: {result.stderr[-400:]}")
        made = box.read_file(container, f"{folder}/out.bundle", cap_mb=64)
    finally:
        with suppress(EngineError):
            box.exec(container, ("rm", "-rf", folder))
    commit = bench.repositories.land(
        assigned.id, made, base=assigned.base_commit, ref=call.ref, editable=call.editable
    )
    change = bench.repositories.change(assigned.id, assigned.base_commit, commit)
    written = {file.path: file.content for file in call.files}
    # The container was used before: what came out of it is compared with what was put in.
    if not written.keys() >= set(change.files) or any(
        bench.repositories.read(assigned.id, commit, path) != content
        for path, content in written.items()
    ):
        raise BoundaryError(f"commit {commit} does not hold what was written into it")
    return Landed(commit=commit, change=change)


def _publish(call: PublishBranch, assigned: AssignedTicket, bench: Workbench) -> None:
    bench.repositories.publish(assigned.id, call.commit, Path(assigned.repository), call.branch)


def _merge(call: MergeBranch, assigned: AssignedTicket, bench: Workbench) -> MergeOutcome:
    forge, number = forge_of(call.merge_request, assigned, bench)
    request = bench.ledger.merge_requests.find(call.merge_request)
    branch = request.branch if request is not None else ""
    return forge.merge(number, branch, call.target, call.commit)


render_settings: Tool[RenderSettings, Rendered, Commission] = Tool(
    "render_settings", RenderSettings, _render
)
make_change = Tool("make_change", MakeChange, _make)
publish_branch = Tool("publish_branch", PublishBranch, _publish)
merge_branch = Tool("merge_branch", MergeBranch, _merge)
