"""What the policy table asks of arguments while code is written."""

import re
from typing import Any

from labcrew.code_paths import editing_trouble, reading_trouble
from labcrew.policy_facts import Call
from labcrew.unified_diff import read_diff

_FILES = 20


def for_code(call: Call, value: Any) -> bool:
    """anything, for a ticket of kind implement or fix"""
    return call.facts.assigned.ticket.kind in ("implement", "fix")


def readable_path(call: Call, value: Any) -> bool:
    """a path of a fix or implement ticket's repository, neither git's nor the evaluator's"""
    ticket = call.facts.assigned.ticket
    return for_code(call, value) and reading_trouble(ticket, value) is None


def readable_paths(call: Call, value: Any) -> bool:
    """20 such paths at most"""
    return len(value) <= _FILES and all(readable_path(call, path) for path in value)


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
