"""Knocking past the proxy: what the sandbox's own network reaches, which should be nothing."""

import json
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from knock import Probes, Reached, Targets, query, tcp, udp  # type: ignore[import-not-found]


def probes(to: Targets) -> Probes:
    """Name → what is tried, and the try."""
    made: dict[str, tuple[str, Callable[[str], str]]] = {
        "metadata": ("read the cloud's metadata service", lambda m: tcp(to.metadata, 80, m)),
        "metadata-ipv6": ("the same over IPv6", lambda m: tcp("fd00:ec2::254", 80, m)),
        "gateway": (
            "connect to the bridge's gateway",
            lambda m: tcp(to.gateway, to.gateway_port, m),
        ),
        "gateway-udp": (
            "send the gateway a datagram",
            lambda m: udp(to.gateway, to.gateway_port, m.encode()),
        ),
        "engine-tcp": ("connect to the engine over TCP", lambda m: tcp(to.other, 2375, m)),
        "public-https": ("connect to a public address", lambda m: tcp(to.outside, 443, m)),
        "public-http": ("the same on port 80", lambda m: tcp(to.outside, 80, m)),
        "public-ssh": ("the same on port 22", lambda m: tcp(to.outside, 22, m)),
        "public-dns-tcp": ("ask a public name server over TCP", lambda m: tcp(to.outside, 53, m)),
        "public-dns": ("ask a public name server", lambda m: udp(to.outside, 53, query(_name(m)))),
        "public-udp": (
            "send a public address a datagram",
            lambda m: udp(to.outside, 9999, m.encode()),
        ),
        "public-ntp": ("ask a public clock", lambda m: udp(to.outside, 123, m.encode())),
        "public-ipv6": ("connect to a public IPv6 address", lambda m: tcp(to.outside6, 443, m)),
        "public-ipv6-udp": ("send one a datagram", lambda m: udp(to.outside6, 9999, m.encode())),
        "container-http": ("connect to another container", lambda m: tcp(to.other, 8080, m)),
        "container-database": (
            "connect to another container's database",
            lambda m: tcp(to.other, 5432, m),
        ),
        "container-udp": (
            "send another container a datagram",
            lambda m: udp(to.other, 9999, m.encode()),
        ),
        "container-dns": (
            "ask another container for a name",
            lambda m: udp(to.other, 53, query(_name(m))),
        ),
        "name-lookup": ("carry a secret out in a look-up", lambda m: _look_up(_name(m))),
        "broadcast": ("send everybody a datagram", lambda m: _broadcast(m)),
        "multicast": ("send a group a datagram", lambda m: udp("224.0.0.251", 5353, m.encode())),
        "multicast-ipv6": ("the same over IPv6", lambda m: udp("ff02::1", 9999, m.encode())),
        "raw-socket": (
            "open a raw socket",
            lambda m: _opened(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        ),
        "packet-socket": (
            "open a packet socket",
            lambda m: _opened(socket.AF_PACKET, socket.SOCK_RAW, 3),
        ),
        "interfaces": ("find an interface beside loopback", lambda m: _interfaces()),
        "routes": ("find a route", lambda m: _routes()),
        "engine-socket": ("connect to the engine's socket", lambda m: _engine_socket()),
        "abstract-sockets": ("find another's abstract socket", lambda m: _abstract()),
        "proxy-process": (
            "see the proxy or its holder among the processes",
            lambda m: _processes(),
        ),
    }
    return {name: (tried, partial(run, to.mark(name))) for name, (tried, run) in made.items()}


def _name(mark: str) -> str:
    return f"{mark}.attack.test"


def _look_up(name: str) -> str:
    found = socket.getaddrinfo(name, 80)
    raise Reached(f"it has the address {found[0][4][0]}")


def _broadcast(mark: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        one.sendto(mark.encode(), ("255.255.255.255", 9999))
    raise Reached("it was sent")


def _opened(family: int, kind: int, protocol: int) -> str:
    socket.socket(family, kind, protocol).close()
    raise Reached("the kernel gave one")


def _interfaces() -> str:
    names = sorted(name for _, name in socket.if_nameindex())
    if names != ["lo"]:
        raise Reached(json.dumps(names))
    return "there is loopback alone"


def _routes() -> str:
    lines = Path("/proc/net/route").read_text().splitlines()[1:]
    if lines:
        raise Reached(f"{len(lines)} routes")
    return "there is none"


def _engine_socket() -> str:
    for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock", "/workspace/handover"):
        with socket.socket(socket.AF_UNIX) as one:
            if one.connect_ex(path) == 0:
                raise Reached(f"{path} answers")
    return "none answers"


def _abstract() -> str:
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    names = [line.split()[-1] for line in lines if line.split()[-1].startswith("@")]
    if names:
        raise Reached(", ".join(names)[:200])
    return "there is none"


def _processes() -> str:
    seen = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if (b"serve_proxy" in line or b"hold_network" in line) and folder.name != str(os.getpid()):
            seen.append(folder.name)
    if seen:
        raise Reached(f"processes {', '.join(seen)}")
    return "neither is there"
