"""Addresses of this machine, which are reached from nowhere else."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its loopback.

    Args:
        host: of an address, e.g. localhost, 127.0.0.1, ::1 or [::1].
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
