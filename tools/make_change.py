"""Tools that make a change: edit settings files, commit in a sandbox, land, publish, merge."""

import json
from pathlib import Path

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.repository import Change, MergeOutcome
from labcrew.domain.sandbox import Limits, OverlayFile, SandboxSpec, WorkspaceSource
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import NotFound, ToolError
from tools.toolbox import Tool, Workbench

_EDIT = "/opt/labcrew/bin/python /opt/labcrew/inside/apply_settings.py"
_REQUEST = ".labcrew-request.json"
_COMMIT = """
set -eu
rm -rf /workspace/clone
git init --quiet /workspace/clone
cd /workspace/clone
git bundle unbundle /workspace/in.bundle > /dev/null
# History ends at the base here: the bundle of a shallow repository lacks what lies before.
echo "$BASE" > .git/shallow
git checkout --quiet --detach "$BASE"
cp -R /workspace/change/. .
git add --all --force
git -c user.name=labcrew -c user.email=labcrew@localhost commit --quiet --message "$MESSAGE"
git update-ref refs/heads/change HEAD
git bundle create --quiet /workspace/out.bundle "$BASE..refs/heads/change"
"""


class RenderSettings(Model):
    """Sets parameters in one file of the base commit."""

    file: str
    values: Values
    container: str = Field(description="unique name of the container it happens in")


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
    container: str


class Landed(Model):
    """A commit that came through the boundary."""

    commit: str
    change: Change


class PublishBranch(Model):
    """Makes the branch in the user's repository."""

    commit: str
    branch: str


class MergeBranch(Model):
    """Fast-forwards the target branch."""

    target: str
    commit: str
    merge_request: str


def _render(call: RenderSettings, assigned: AssignedTicket, bench: Workbench) -> Rendered:
    try:
        content = bench.repositories.read(assigned.id, assigned.base_commit, call.file)
    except NotFound as error:
        raise ToolError(error.message, error.remedy) from error
    request = {
        "file": call.file,
        "content": content.decode("utf-8", errors="surrogateescape"),
        "values": call.values,
    }
    result = bench.sandboxes.run(
        SandboxSpec(
            name=call.container,
            purpose="tools",
            ticket=assigned.id,
            image=bench.base_image,
            command=("sh", "-c", f"{_EDIT} < /workspace/{_REQUEST}"),
            workspace=WorkspaceSource(
                repository=assigned.id,
                commit=assigned.base_commit,
                without=("**",),
                overlay=(OverlayFile(path=_REQUEST, content=json.dumps(request).encode()),),
            ),
            limits=Limits(memory_mb=512, timeout_s=60),
        )
    )
    try:
        answer = json.loads(result.stdout)
        if "error" in answer:
            raise ToolError(f"{call.file}: {answer['error']}")
        return Rendered(
            file=OverlayFile(
                path=call.file,
                content=answer["content"].encode("utf-8", errors="surrogateescape"),
            ),
            missing=tuple(answer.get("missing", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        told = (result.stderr or result.stdout)[-300:]
        raise ToolError(f"{call.file} could not be edited: {told}") from None


def _make(call: MakeChange, assigned: AssignedTicket, bench: Workbench) -> Landed:
    box = bench.sandboxes
    box.start(
        SandboxSpec(
            name=call.container,
            purpose="tools",
            ticket=assigned.id,
            image=bench.base_image,
            command=("sleep", "600"),
            limits=Limits(memory_mb=1024, timeout_s=600),
        )
    )
    try:
        inside = tuple(
            OverlayFile(path=f"change/{file.path}", content=file.content) for file in call.files
        )
        bundle = bench.repositories.bundle(assigned.id, assigned.base_commit)
        box.write_files(call.container, (OverlayFile(path="in.bundle", content=bundle), *inside))
        variables = (
            f"BASE={assigned.base_commit}",
            f"MESSAGE={call.message}",
            # Fixed dates: made again after a crash, the commit has the same id.
            f"GIT_AUTHOR_DATE={assigned.assigned_at}",
            f"GIT_COMMITTER_DATE={assigned.assigned_at}",
        )
        result = box.exec(call.container, ("env", *variables, "sh", "-c", _COMMIT), timeout_s=120)
        if result.exit_code != 0:
            raise ToolError(f"the change could not be committed: {result.stderr[-400:]}")
        made = box.read_file(call.container, "out.bundle", cap_mb=64)
    finally:
        box.remove(call.container)
    commit = bench.repositories.land(
        assigned.id, made, base=assigned.base_commit, ref=call.ref, editable=call.editable
    )
    return Landed(
        commit=commit, change=bench.repositories.change(assigned.id, assigned.base_commit, commit)
    )


def _publish(call: PublishBranch, assigned: AssignedTicket, bench: Workbench) -> None:
    bench.repositories.publish(assigned.id, call.commit, Path(assigned.repository), call.branch)


def _merge(call: MergeBranch, assigned: AssignedTicket, bench: Workbench) -> MergeOutcome:
    return bench.repositories.merge(Path(assigned.repository), call.target, call.commit)


render_settings = Tool("render_settings", RenderSettings, _render)
make_change = Tool("make_change", MakeChange, _make)
publish_branch = Tool("publish_branch", PublishBranch, _publish)
merge_branch = Tool("merge_branch", MergeBranch, _merge)
