"""What the policy table asks of arguments before trials: reading, data and software."""

from typing import Any

from labcrew.policy_facts import Call

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


def paths_of_the_data(call: Call, value: Any) -> bool:
    """data files of the ticket, or none for all"""
    known = {item.path for item in call.facts.assigned.ticket.data}
    return value is None or set(value) <= known


# Data


def training_file(call: Call, value: Any) -> bool:
    """a training file of the ticket that is not private"""
    data = call.facts.assigned.ticket.data
    return any(d.path == value and d.split == "train" and not d.private for d in data)


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
