"""What the policy table asks of arguments that fit or not whatever they are used for."""

import re
from typing import Any

from labcrew.policy_facts import Call

CHECKSUM = re.compile(r"[0-9a-f]{64}")


def anything(call: Call, value: Any) -> bool:
    """anything: it steers nothing outside the lab"""
    return True


def true(call: Call, value: Any) -> bool:
    """true"""
    return value is True


def checksum(call: Call, value: Any) -> bool:
    """a SHA-256"""
    return CHECKSUM.fullmatch(value) is not None


def checksum_or_nothing(call: Call, value: Any) -> bool:
    """a SHA-256, or empty without data"""
    return value == "" or CHECKSUM.fullmatch(value) is not None
