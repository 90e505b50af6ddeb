"""What the policy table asks of arguments: one small function a condition, in the table's order.

A condition answers whether a value fits; its docstring is how people read it in the table. One
that can't read the value (it is None, or of another shape) may raise: that is no fit.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from pydantic import Field

from labcrew.code_paths import editing_trouble, reading_trouble
from labcrew.domain.base import Model
from labcrew.domain.draft import Draft
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Trial
from labcrew.domain.mcp import McpServer, McpTool
from labcrew.domain.programming import Patch
from labcrew.domain.research import AgentName
from labcrew.domain.review import GateKind
from labcrew.domain.search_space import legal
from labcrew.domain.ticket import SUFFIXES, AssignedTicket, Environment
from labcrew.unified_diff import read_diff

_CHECKSUM = re.compile(r"[0-9a-f]{64}")
# A name with extras, versions and a marker: nothing that pip takes for an address or an option.
_PACKAGE = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,99}[A-Za-z0-9])? ?(?:\[[A-Za-z0-9._, -]{0,200}\])?"
    r" ?(?:\(?(?:[<>=!~]{1,3} ?[A-Za-z0-9.*+!_-]{1,60} ?,? ?){0,8}\)?)?"
    r" ?(?:;[\w <>=!~.,'\"()+*-]{1,200})?",
    re.ASCII,
)


class Approval(Model):
    """A gate that a person let pass.

    Args:
        shown: what they saw.
        edits: what they changed in it.
        by: who.
    """

    shown: dict[str, Any]
    edits: dict[str, Any] = Field(default_factory=dict)
    by: str


class Facts(Protocol):
    """What conditions may ask about the ticket; read from the ledger when asked."""

    @property
    def assigned(self) -> AssignedTicket:
        """The ticket as it stands; raises LookupError for a draft."""

    @property
    def draft(self) -> Draft:
        """The draft as it stands; raises LookupError for a ticket."""

    @property
    def evolution(self) -> Evolution:
        """The loop of self-evolution as it stands; raises LookupError for anything else."""

    @property
    def artefacts(self) -> Path:
        """The folder of the ticket's artefacts."""

    @property
    def outputs(self) -> Path:
        """The folder of the ticket's outputs, a folder a run."""

    @property
    def tainted(self) -> bool:
        """Whether untrusted text can have steered the ticket."""

    @property
    def image(self) -> str | None:
        """The image of the environment that was prepared as approved."""

    @property
    def patch(self) -> Patch | None:
        """The code of this revision, once it was written and passed its tests."""

    @property
    def change(self) -> str | None:
        """The commit of this revision's change, once it landed."""

    def approval(self, gate: GateKind) -> Approval | None:
        """The newest gate of a kind and this revision, if it was accepted as shown."""

    def trial(self, id: str) -> Trial | None:
        """A trial as the ledger has it."""

    def mcp_server(self, name: str) -> McpServer | None:
        """An outside server as settings name it."""

    def mcp_tool(self, server: str, tool: str) -> McpTool | None:
        """A tool of an outside server, as a person approved it."""


@dataclass(frozen=True)
class Call:
    """Who asks for what.

    Args:
        arguments: as JSON.
        facts: about the ticket that it is done for.
    """

    agent: AgentName
    tool: str
    arguments: Mapping[str, Any]
    facts: Facts


Condition = Callable[[Call, Any], bool]


# Reading


def library(call: Call, value: Any) -> bool:
    """the ticket's own library folder"""
    return value is not None and value == call.facts.assigned.ticket.literature.library


def own_words(call: Call, value: Any) -> bool:
    """the ticket's own words, in full, and no untrusted text was read before"""
    wanted = list(call.facts.assigned.ticket.queries())
    return list(value) == wanted and not call.facts.tainted


def twenty_at_most(call: Call, value: Any) -> bool:
    """twenty or fewer"""
    return type(value) is int and 1 <= value <= 20


def anything(call: Call, value: Any) -> bool:
    """anything: it steers nothing outside the lab"""
    return True


def paths_of_the_data(call: Call, value: Any) -> bool:
    """data files of the ticket, or none for all"""
    known = {item.path for item in call.facts.assigned.ticket.data}
    return value is None or set(value) <= known


# Data


def training_file(call: Call, value: Any) -> bool:
    """a training file of the ticket that is not private"""
    data = call.facts.assigned.ticket.data
    return any(d.path == value and d.split == "train" and not d.private for d in data)


def checksum(call: Call, value: Any) -> bool:
    """a SHA-256"""
    return _CHECKSUM.fullmatch(value) is not None


def checksum_or_nothing(call: Call, value: Any) -> bool:
    """a SHA-256, or empty without data"""
    return value == "" or _CHECKSUM.fullmatch(value) is not None


def approved_rows(call: Call, value: Any) -> bool:
    """rows of that file that the plan gate showed and nobody took back in"""
    approval = call.facts.approval("plan")
    if approval is None or not value:
        return False
    shown = {(row["path"], row["row"]) for row in approval.shown["plan"]["quarantine"]}
    back = {(path, row) for path, row in approval.edits.get("readmit", ())}
    return {(call.arguments["path"], row) for row in value} <= shown - back


# Software


def approved_environment(call: Call, value: Any) -> bool:
    """the environment that the plan gate showed"""
    approval = call.facts.approval("plan")
    return approval is not None and value == approval.shown["plan"]["environment_key"]


def approved_image(call: Call, value: Any) -> bool:
    """the image that was prepared as the plan gate showed"""
    return value is not None and value == call.facts.image


def true(call: Call, value: Any) -> bool:
    """true"""
    return value is True


# Trials


def settings_file(call: Call, value: Any) -> bool:
    """the ticket's settings file"""
    return value is not None and value == call.facts.assigned.ticket.settings.file


def in_the_search_space(call: Call, value: Any) -> bool:
    """parameters of the search space, each within its range"""
    space = call.facts.assigned.ticket.search_space
    return all(name in space and legal(space[name], v) for name, v in value.items())


def values_of_a_run(call: Call, value: Any) -> bool:
    """parameters of the search space, each within its range, and a seed where the ticket names keys
    for it
    """
    seeds = {n: v for n, v in value.items() if n in call.facts.assigned.ticket.settings.seeds}
    others = {n: v for n, v in value.items() if n not in seeds}
    return in_the_search_space(call, others) and all(seed(call, v) for v in seeds.values())


def style_of_the_settings(call: Call, value: Any) -> bool:
    """source where the ticket sets literals of its code, else file"""
    own = call.facts.assigned.ticket.settings.style
    return bool((value or "file") == ("source" if own == "source" else "file"))


def own_planned_trial(call: Call, value: Any) -> bool:
    """a trial as the ledger has it: planned, of this ticket, within the memory that was allowed"""
    known = call.facts.trial(value["id"])
    budget = call.facts.assigned.budget
    return (
        known is not None
        and known.ticket == call.facts.assigned.id
        and known.status == "planned"
        and known.model_dump(mode="json") == value
        and known.memory_mb <= max(budget.memory_mb, budget.memory_limit_mb or 0)
        and (
            not known.rescue.checkpoint
            or own_trial(call, known.rescue.checkpoint_of or known.restarts)
        )
        and in_the_search_space(call, value["values"])
    )


def cleaned_copies(call: Call, value: Any) -> bool:
    """cleaned copies among this ticket's artefacts, each for a training file of the ticket"""
    place = call.facts.artefacts / "data"
    for path, copy in value.items():
        folder, name = Path(copy).parent, Path(copy).name
        fits = folder.parent == place and _CHECKSUM.fullmatch(folder.name)
        if not fits or name != PurePosixPath(path).name or not training_file(call, path):
            return False
    return True


def settings_overlay(call: Call, value: Any) -> bool:
    """nothing, the ticket's settings file where parameters are set in it, or this revision's patch
    for a trial of it
    """
    settings, patch = call.facts.assigned.ticket.settings, call.facts.patch
    if code := call.arguments.get("trial", {}).get("code"):
        return patch is not None and code == patch.code and _is_the_patch(value, patch)
    return not value or (
        settings.style in SUFFIXES and [file["path"] for file in value] == [settings.file]
    )


def _is_the_patch(files: Any, patch: Patch) -> bool:
    return list(files) == [file.model_dump(mode="json") for file in patch.files]


def hosts_shown(call: Call, value: Any) -> bool:
    """none, or hosts that the plan gate showed, while no untrusted text was read"""
    if not value:
        return True
    approval = call.facts.approval("plan")
    shown = approval.shown["plan"].get("hosts", ()) if approval is not None else ()
    return set(value) <= set(shown) and not call.facts.tainted


def own_trial(call: Call, value: Any) -> bool:
    """a trial of this ticket"""
    return re.fullmatch(re.escape(call.facts.assigned.id) + r"-\d{3,9}", value) is not None


def step_or_nothing(call: Call, value: Any) -> bool:
    """a step of a run, or nothing"""
    return value is None or (type(value) is int and value >= 0)


def own_run(call: Call, value: Any) -> bool:
    """a trial of this ticket, or its merge request's smoke test"""
    return own_trial(call, value) or own_smoke_test(call, value)


def outputs_of_the_subject(call: Call, value: Any) -> bool:
    """the folder of that run's collected outputs"""
    return str(value) == str(call.facts.outputs / call.arguments["subject"])


def validation(call: Call, value: Any) -> bool:
    """validation"""
    return bool(value == "validation")


def holdout(call: Call, value: Any) -> bool:
    """holdout"""
    return bool(value == "holdout")


def seed(call: Call, value: Any) -> bool:
    """a seed of the ticket"""
    ticket = call.facts.assigned.ticket
    return type(value) is int and value in (*ticket.seeds, *ticket.holdout_seeds)


def base_commit(call: Call, value: Any) -> bool:
    """the base commit"""
    return bool(value == call.facts.assigned.base_commit)


def commit_of_the_run(call: Call, value: Any) -> bool:
    """the base commit; for a smoke test the change's"""
    if own_smoke_test(call, call.arguments["subject"]):
        return own_change(call, value)
    return base_commit(call, value)


def judge_container(call: Call, value: Any) -> bool:
    """a container named after the run and the split"""
    subject, split = call.arguments["subject"], call.arguments["split"]
    return value in {f"{subject}-{split}".lower(), f"{subject}-score".lower()}


def tracked_run(call: Call, value: Any) -> bool:
    """a trial of this ticket with the settings that the ledger has"""
    trial, assigned = value["trial"], call.facts.assigned
    known = call.facts.trial(trial["id"])
    return (
        known is not None
        and known.ticket == trial["ticket"] == assigned.id
        and known.values == trial["values"]
        and value["title"] == assigned.ticket.title
    )


# First runs of a draft


def file_of_a_draft(call: Call, value: Any) -> bool:
    """a file of a draft's commit, where there is no ticket yet"""
    try:
        return not call.facts.assigned  # a ticket has its own row
    except LookupError:
        return call.facts.draft is not None and bool(value)


def file_or_source(call: Call, value: Any) -> bool:
    """file or source"""
    return value in (None, "file", "source")


def text_of_a_draft(call: Call, value: Any) -> bool:
    """what a program of a draft printed: parsed, never followed"""
    return call.facts.draft is not None and isinstance(value, str)


def number_of_a_try(call: Call, value: Any) -> bool:
    """a number below 100, for a draft"""
    return call.facts.draft is not None and type(value) is int and 0 <= value < 100


def plain_environment(call: Call, value: Any) -> bool:
    """files of the repository and packages of the index: no address, no option, no line break"""
    if call.facts.draft is None or value is None:
        return False
    wanted = Environment.model_validate(value)
    named = all(_PACKAGE.fullmatch(package) for package in wanted.packages)
    return named and wanted.image is None and len(wanted.packages) <= 1000


def few_variables(call: Call, value: Any) -> bool:
    """fifty variables or fewer, short and without line breaks"""
    return len(value) <= 50 and all(
        re.fullmatch(r"[A-Za-z_]\w{0,99}", name) and re.fullmatch(r"[^\0\r\n]{0,2000}", text)
        for name, text in value.items()
    )


def own_first_run(call: Call, value: Any) -> bool:
    """a first run of this draft"""
    return re.fullmatch(re.escape(call.facts.draft.id) + r"-[\w-]{1,60}", value) is not None


def installed_image(call: Call, value: Any) -> bool:
    """the image that was installed last for this draft"""
    return call.facts.draft is not None and value is not None and value == call.facts.image


def few_cpus(call: Call, value: Any) -> bool:
    """64 cores or fewer"""
    return isinstance(value, int | float) and 0 < value <= 64


def modest_memory(call: Call, value: Any) -> bool:
    """64 GiB or less"""
    return isinstance(value, int) and 16 <= value <= 65536


def modest_disk(call: Call, value: Any) -> bool:
    """64 GiB or less"""
    return isinstance(value, int) and 16 <= value <= 65536


def an_hour_at_most(call: Call, value: Any) -> bool:
    """an hour or less"""
    return isinstance(value, int | float) and 0 < value <= 3600


# Code that is written


def for_code(call: Call, value: Any) -> bool:
    """anything, for a ticket of kind implement or fix"""
    return call.facts.assigned.ticket.kind in ("implement", "fix")


def readable_path(call: Call, value: Any) -> bool:
    """a path of a fix or implement ticket's repository, neither git's nor the evaluator's"""
    ticket = call.facts.assigned.ticket
    return for_code(call, value) and reading_trouble(ticket, value) is None


def editable_path(call: Call, value: Any) -> bool:
    """an editable path that is no brought or judging test and, unless named, steers no tests"""
    ticket = call.facts.assigned.ticket
    return for_code(call, value) and editing_trouble(ticket, value) is None


def editable_diff(call: Call, value: Any) -> bool:
    """a unified diff of editable paths alone, as for other edits"""
    paths = [path for file in read_diff(value) for path in (file.old, file.new) if path]
    return bool(paths) and all(editable_path(call, path) for path in paths)


def few_tests(call: Call, value: Any) -> bool:
    """test ids or files of the repository, 2,000 or fewer, for a fix or implement ticket"""
    return (
        for_code(call, value)
        and len(value) <= 2000
        and all(readable_path(call, name.split("::")[0]) and "\0" not in name for name in value)
    )


def commit_id(call: Call, value: Any) -> bool:
    """a full commit id, or nothing"""
    return value == "" or re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", value) is not None


# The merge request


def own_editable(call: Call, value: Any) -> bool:
    """what the ticket names as editable, and its own record's folder"""
    assigned = call.facts.assigned
    return list(value) == [*assigned.ticket.editable, f"experiments/{assigned.id}/**"]


def files_of_the_change(call: Call, value: Any) -> bool:
    """the settings file, training data named as editable, files of this revision's patch as its
    tests saw them, and files of the ticket's own record
    """
    assigned = call.facts.assigned
    ticket, record = assigned.ticket, PurePosixPath("experiments", assigned.id)
    named = {path for path in ticket.editable if training_file(call, path)}
    named |= {ticket.settings.file or ""}
    patch = call.facts.patch
    tested = {f.path: f.model_dump(mode="json") for f in patch.files} if patch is not None else {}
    for file in value:
        if file == tested.get(file["path"]):
            continue
        path = PurePosixPath(file["path"])
        clean = str(path) == file["path"] and ".." not in path.parts and "\0" not in str(path)
        if not clean or not (str(path) in named or record in path.parents):
            return False
    return True


def change_message(call: Call, value: Any) -> bool:
    """the ticket's title, id and revision"""
    assigned = call.facts.assigned
    return bool(value == commit_message(assigned))


def commit_message(assigned: AssignedTicket) -> str:
    """What the change's commit says."""
    return f"{assigned.ticket.title}\n\nlabcrew ticket {assigned.id}, revision {assigned.revision}"


def change_ref(call: Call, value: Any) -> bool:
    """this ticket's and revision's own ref"""
    assigned = call.facts.assigned
    return bool(value == f"refs/labcrew/{assigned.id}/r{assigned.revision}")


def own_smoke_test(call: Call, value: Any) -> bool:
    """this revision's smoke test"""
    assigned = call.facts.assigned
    return bool(value == f"{assigned.id}-MR{assigned.revision}-smoke")


def own_change(call: Call, value: Any) -> bool:
    """the commit of this revision's change, as it came through the boundary"""
    return value is not None and value == call.facts.change


def smoke_command(call: Call, value: Any) -> bool:
    """the ticket's command for smoke tests, else its command"""
    run = call.facts.assigned.ticket.run
    return bool(value == (run.smoke or run.command))


def own_branch(call: Call, value: Any) -> bool:
    """this ticket's and revision's own branch"""
    assigned = call.facts.assigned
    number = f"-r{assigned.revision}" if assigned.revision else ""
    return bool(value == f"labcrew/{assigned.id}{number}")


def shown_target(call: Call, value: Any) -> bool:
    """the branch that the merge gate showed"""
    target = call.facts.assigned.target_branch
    return value is not None and value == target == _shown(call, "target")


def shown_commit(call: Call, value: Any) -> bool:
    """the commit that the merge gate showed"""
    return value is not None and value == _shown(call, "commit")


def shown_request(call: Call, value: Any) -> bool:
    """the merge request that the merge gate showed"""
    return value is not None and value == _shown(call, "merge_request")


def own_request(call: Call, value: Any) -> bool:
    """the merge request of this ticket's present revision"""
    assigned = call.facts.assigned
    return bool(value == f"{assigned.id}-MR{assigned.revision}")


def own_request_of_any_revision(call: Call, value: Any) -> bool:
    """a merge request of this ticket"""
    assigned = call.facts.assigned
    return value in {f"{assigned.id}-MR{number}" for number in range(assigned.revision + 1)}


def shown_forge(call: Call, value: Any) -> bool:
    """the forge that the plan gate showed"""
    approval = call.facts.approval("plan")
    return bool(value) and approval is not None and value == approval.shown.get("forge")


def _shown(call: Call, name: str) -> Any:
    approval = call.facts.approval("merge")
    return approval.shown.get(name) if approval is not None else None
