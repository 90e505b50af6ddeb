"""Network hosts as a ticket and the settings name them."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator

from labcrew.domain.base import Model

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_HTTPS = 443


class HostRule(Model):
    """One entry of an allow-list, taken apart.

    Args:
        host: lower case, without port; for `below`, what follows the "*.".
        port: the one port.
        below: every name below `host`, not `host` itself.
    """

    host: str
    port: int = _HTTPS
    below: bool = False


def host_rule(text: str) -> HostRule:
    """The rule that "data.example.org", "*.example.org" or "data.example.org:80" means.

    Raises ValueError for an address, another spelling, or a wildcard over names of many owners.
    """
    name, colon, port = text.strip().lower().partition(":")
    if colon and not (re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) and 0 < int(port) < 65536):
        raise ValueError(f"{text!r}: the port must be a number from 1 to 65535")
    below = name.startswith("*.")
    host = name.removeprefix("*.")
    if not host.isascii():
        raise ValueError(f"{text!r}: write the name in its ASCII form (xn--…)")
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(part) for part in labels):
        raise ValueError(f"{text!r} is not a host name such as data.example.org or *.example.org")
    if labels[-1][0].isdigit() or labels[-1] == "localhost":
        raise ValueError(f"{text!r} is an address, not a host name")
    if below and _public(host):
        raise ValueError(f"{text!r} would let in names of many owners; name the hosts")
    return HostRule(host=host, port=int(port) if colon else _HTTPS, below=below)


def _public(host: str) -> bool:
    """Whether anybody may register a name right below (publicsuffix.org, its private part too)."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=True).privatesuffix(host) is None


def _spelt(text: str) -> str:
    rule = host_rule(text)
    port = "" if rule.port == _HTTPS else f":{rule.port}"
    return f"{'*.' if rule.below else ''}{rule.host}{port}"


def _private(text: str) -> str:
    name, mark, address = text.strip().lower().partition("=")
    rule = host_rule(name)
    if rule.below or ":" in name:
        raise ValueError(f"{text!r}: name one host, without '*' and port")
    if mark:
        ipaddress.ip_address(address)
    return f"{rule.host}{mark}{address}"


Host = Annotated[str, AfterValidator(_spelt)]
"""A host that a run may ask for."""

PrivateHost = Annotated[str, AfterValidator(_private)]
"""A host that may have a private address; "models.example.org=10.0.0.5" says which one."""
