"""What the policy table asks of arguments where a draft of a ticket is tried."""

import re
from typing import Any

from labcrew.domain.ticket import Environment
from labcrew.policy_facts import Call

# A name with extras, versions and a marker: nothing that pip takes for an address or an option.
_PACKAGE = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,99}[A-Za-z0-9])? ?(?:\[[A-Za-z0-9._, -]{0,200}\])?"
    r" ?(?:\(?(?:[<>=!~]{1,3} ?[A-Za-z0-9.*+!_-]{1,60} ?,? ?){0,8}\)?)?"
    r" ?(?:;[\w <>=!~.,'\"()+*-]{1,200})?",
    re.ASCII,
)


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
