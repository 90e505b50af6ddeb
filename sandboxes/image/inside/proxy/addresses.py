"""Which addresses may be connected to, whatever name led there."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services whose addresses no general rule covers.
_METADATA = {
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
}
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class Refused(Exception):
    """The proxy does not do this; the text says why."""


def resolve(
    host: str, port: int, pinned: dict[str, str], private: bool, near: Collection[str] = ()
) -> list[str]:
    """The checked addresses of a host: those are connected to, so a second look-up changes nothing.

    Args:
        host: a name.
        port: where it will be connected to.
        pinned: host → an address that stands for its look-up.
        private: whether it may lie in a private network.
        near: addresses that may be private, whoever is there.

    Raises Refused where one of its addresses is not allowed, or it has none.
    """
    found = looked_up(host, port, pinned)
    if not found:
        raise Refused(f"{host} has no address")
    for text in found:
        why = fault(text, private or text in near)
        if why:
            raise Refused(f"{host} is at {text}, {why}")
    return found


def looked_up(host: str, port: int, pinned: dict[str, str]) -> list[str]:
    """The addresses of a host, unchecked; none where it has none."""
    if pinned.get(host):
        return [pinned[host]]
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def fault(text: str, private: bool) -> str:
    """Why an address may not be connected to; nothing if it may.

    Args:
        text: an address, as a look-up answers it.
        private: whether a private one is allowed.
    """
    try:
        address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return "which is no address"
    if address in _METADATA:
        return "a metadata service"
    for kind in ("loopback", "link_local", "multicast", "unspecified"):
        if getattr(address, f"is_{kind}"):
            return f"a {kind.replace('_', '-')} address"
    if isinstance(address, ipaddress.IPv4Address) and (
        address in ipaddress.ip_network("0.0.0.0/8")
        or address in ipaddress.ip_network("240.0.0.0/4")
    ):
        return "a reserved address"
    if not address.is_global and not private:
        return "a private address"
    return ""


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one wraps, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if int(address) >> 32 == 0 and int(address) > 1:
        return ipaddress.IPv4Address(int(address))  # the old "compatible" form
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
