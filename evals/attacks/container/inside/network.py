"""The network: nothing beyond the container answers, and no unusual socket can be made."""

import os
import socket
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

from evals.attacks.container.inside.harness import TARGETS, Held, Untold, main, probe


def _made(family: int, kind: int, protocol: int = 0) -> object:
    socket.socket(family, kind, protocol).close()
    return "the socket was made"


for _name, (_family, _kind, _protocol) in {
    "vsock stream": (40, 1, 0),
    "vsock datagram": (40, 2, 0),
    "vsock packets": (40, 5, 0),
    "kernel crypto (AF_ALG)": (38, 5, 0),
    "packets (AF_PACKET)": (17, 3, 0x0300),
    "cooked packets": (17, 2, 0x0300),
    "raw IP": (2, 3, 255),
    "raw ICMP": (2, 3, 1),
    "raw TCP": (2, 3, 6),
    "raw IPv6": (10, 3, 58),
    "ping": (2, 2, 1),
    "ping over IPv6": (10, 2, 58),
    "SCTP": (2, 1, 132),
    "MPTCP": (2, 1, 262),
    "DCCP": (2, 6, 33),
    "UDP-Lite": (2, 2, 136),
    "IPsec keys (AF_KEY)": (15, 3, 2),
    "netfilter": (16, 3, 12),
    "audit": (16, 3, 9),
    "device events": (16, 3, 15),
    "IPsec": (16, 3, 6),
    "generic netlink": (16, 3, 16),
    "kernel crypto's netlink": (16, 3, 21),
    "socket diagnosis": (16, 3, 4),
    "Bluetooth": (31, 3, 1),
    "CAN": (29, 3, 1),
    "TIPC": (30, 1, 0),
    "RDS": (21, 5, 0),
    "XDP": (44, 3, 0),
    "SMC": (43, 1, 0),
    "KCM": (41, 2, 0),
    "QIPCRTR": (42, 2, 0),
    "AppleTalk": (5, 2, 0),
    "IPX": (4, 2, 0),
    "AX.25": (3, 5, 0),
    "X.25": (9, 5, 0),
    "IEEE 802.15.4": (36, 2, 0),
    "phones (PF_PHONET)": (35, 2, 0),
    "NFC": (39, 5, 0),
    "PPP over X": (24, 1, 0),
    "LLC": (26, 1, 0),
}.items():
    probe(f"socket: {_name}", f"socket({_family}, {_kind}, {_protocol})")(
        partial(_made, _family, _kind, _protocol)
    )

probe("a pair of strange sockets", "socketpair of AF_TIPC")(lambda: socket.socketpair(30, 1))


def _dial(family: int, address: tuple[str, int]) -> object:
    with socket.socket(family, socket.SOCK_STREAM) as way:
        way.settimeout(2)
        try:
            way.connect(address)
        except ConnectionRefusedError:
            if address[0].startswith("127."):
                raise
            return f"{address[0]} refused, so it was reached"
    return f"connected to {address[0]}"


def _send(family: int, address: tuple[str, int], content: bytes) -> object:
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        way.sendto(content, address)
    return f"sent to {address[0]}"


def _outside(action: Callable[..., object], *arguments: object) -> object:
    """Knocks beyond this machine; only where the host said that there is no network."""
    if TARGETS["outside"] != "yes":
        raise Untold("tried only from a container without a network")
    return action(*arguments)


_QUESTION = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\x07example\x07invalid\0\0\x01\0\x01"

for _address, _port in {
    "1.1.1.1": 443, "8.8.8.8": 53, "169.254.169.254": 80, "100.100.100.200": 80,
    "192.168.0.1": 80, "10.0.0.1": 80, "172.17.0.1": 2375,
}.items():  # fmt: skip
    probe(f"TCP to {_address}", f"connect to port {_port}")(
        partial(_outside, _dial, socket.AF_INET, (_address, _port))
    )

for _address in ("2606:4700:4700::1111", "fd00:ec2::254", "fe80::1"):
    probe(f"TCP to {_address}", "connect to port 80 over IPv6")(
        partial(_outside, _dial, socket.AF_INET6, (_address, 80))
    )

for _name, _family, _address in (
    ("public DNS", socket.AF_INET, "8.8.8.8"),
    ("a public host", socket.AF_INET, "1.1.1.1"),
    ("everybody near", socket.AF_INET, "224.0.0.251"),
    ("public DNS over IPv6", socket.AF_INET6, "2001:4860:4860::8888"),
    ("everybody near over IPv6", socket.AF_INET6, "ff02::1"),
):
    probe(f"UDP to {_name}", f"a question of DNS to {_address}")(
        partial(_outside, _send, _family, (_address, 53), _QUESTION)
    )


@probe("resolve a name", "ask the resolver for example.com")
def _() -> object:
    return _outside(socket.getaddrinfo, "example.com", 80)


@probe("the engine's resolver", "ask 127.0.0.11, where engines answer")
def _() -> object:
    return _dial(socket.AF_INET, ("127.0.0.11", 53))


@probe("the host's door by TCP", "connect to a listener that the battery keeps on the host")
def _() -> object:
    address, _, port = TARGETS["listener"].rpartition(":")
    return _dial(socket.AF_INET, (address, int(port)))


@probe("the host's door by UDP", "send to a listener that the battery keeps on the host")
def _() -> object:
    address, _, port = TARGETS["listener"].rpartition(":")
    return _send(socket.AF_INET, (address, int(port)), b"probe")


@probe("the host's abstract socket", "connect to an abstract socket that the battery keeps")
def _() -> object:
    with socket.socket(socket.AF_UNIX) as way:
        way.connect("\0" + TARGETS["abstract"])
    return "connected"


@probe("other interfaces", "find a network interface besides loopback")
def _() -> object:
    # A kernel's fallback tunnels stand in each namespace, down and without an address.
    names = [n for _, n in socket.if_nameindex() if n != "lo"]
    up = [n for n in names if _flags(n) & 1]
    if up:
        return ", ".join(up)
    raise Held("none is up")


def _flags(name: str) -> int:
    return int(Path(f"/sys/class/net/{name}/flags").read_text(), 16)


@probe("a route out", "find a default route")
def _() -> object:
    lines = Path("/proc/net/route").read_text().splitlines()[1:]
    lines += [
        line
        for line in Path("/proc/net/ipv6_route").read_text().splitlines()
        if line.split()[9] != "lo"
    ]
    if lines:
        return f"{len(lines)} routes"
    raise Held("none")


@probe("name servers", "learn the host's name servers")
def _() -> object:
    text = Path("/etc/resolv.conf").read_text()
    found = [line for line in text.splitlines() if line.startswith("nameserver")]
    if [line for line in found if "127." not in line]:
        return f"{len(found)} are told"
    raise Held("none are told")


def _netlink(kind: int, flags: int, body: bytes) -> object:
    with socket.socket(16, 3, 0) as way:
        way.settimeout(2)
        way.bind((0, 0))
        way.send(struct.pack("=IHHII", 16 + len(body), kind, flags | 5, 1, 0) + body)
        answer = way.recv(4096)
    code = struct.unpack_from("=i", answer, 16)[0]
    if code:
        raise OSError(-code, os.strerror(-code))
    return "the kernel did it"


@probe("take loopback down", "netlink: set lo up, as it is, which needs the same right")
def _() -> object:
    return _netlink(16, 0, struct.pack("=BxHiII", 0, 0, 1, 1, 1))


@probe("give oneself an address", "netlink: add 203.0.113.7 to lo")
def _() -> object:
    address = bytes([203, 0, 113, 7])
    body = struct.pack("=BBBBi", 2, 32, 0, 0, 1) + struct.pack("=HH", 8, 2) + address
    return _netlink(20, 0x600, body)


@probe("make an interface", "netlink: a dummy interface")
def _() -> object:
    kind = struct.pack("=HH", 9, 1) + b"dummy\0\0\0"
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
    return _netlink(16, 0x600, body + struct.pack("=HH", 4 + len(kind), 18) + kind)


main()
