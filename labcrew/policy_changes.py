"""What the policy table asks of the arguments of a change and its merge request."""

from pathlib import PurePosixPath
from typing import Any

from labcrew.domain.ticket import AssignedTicket
from labcrew.policy_facts import Call
from labcrew.policy_preparing import training_file


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
