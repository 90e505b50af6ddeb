"""Tricks on the proxy: every way we know to make one go where it may not."""

import socket
import ssl
import struct
import time
from contextlib import suppress
from pathlib import Path

from knock import Probes, Reached, Targets  # type: ignore[import-not-found]

ALLOWED = "allowed.attack.test"
_GOOD = f"http://{ALLOWED}:8080"
OTHER = "http://other.attack.test:8080"
HTTP = " HTTP/1.1\r\nHost: "
_SMUGGLED = "GET /{mark} HTTP/1.1\r\n\r\n"


def probes(to: Targets) -> Probes:
    """Name → what is tried, and the try."""
    address = to.other
    parts = [int(part) for part in address.split(".")]
    number = struct.unpack(">I", socket.inet_aton(address))[0]
    mapped = f"::ffff:{parts[0] * 256 + parts[1]:x}:{parts[2] * 256 + parts[3]:x}"
    made: Probes = {}

    def tunnel(name: str, tried: str, target: str | bytes) -> None:
        made[name] = (tried, lambda: tunnel_to(to, name, target))

    def plain(name: str, tried: str, head: str | bytes, *, behind: str | bytes = b"") -> None:
        made[name] = (tried, lambda: send(to, name, head, behind))

    made["allowed-host"] = (
        "reach the allowed host, to show that the way is open",
        lambda: _open(to),
    )
    tunnel("connect-other-name", "a name that is not on the list", "other.attack.test:8080")
    tunnel("connect-other-port", "an allowed name's other port", f"{ALLOWED}:5432")
    tunnel("connect-ssh", "an allowed name's port 22", f"{ALLOWED}:22")
    tunnel("connect-userinfo", "an allowed name as user of another", f"{ALLOWED}@{address}:8080")
    tunnel("connect-userinfo-port", "the same with a port", f"{ALLOWED}:443@{address}:8080")
    tunnel("connect-address", "an address", f"{address}:8080")
    tunnel("connect-decimal", "an address as one number", f"{number}:8080")
    tunnel("connect-hex", "an address in base 16", f"0x{number:08x}:8080")
    tunnel(
        "connect-hex-parts", "its parts in base 16", ".".join(f"0x{p:x}" for p in parts) + ":8080"
    )
    tunnel("connect-octal", "its parts in base 8", ".".join(f"0{p:o}" for p in parts) + ":8080")
    tunnel(
        "connect-short",
        "an address of three parts",
        f"{parts[0]}.{parts[1]}.{parts[2] * 256 + parts[3]}:8080",
    )
    tunnel("connect-two-parts", "an address of two parts", f"{parts[0]}.{number & 0xFFFFFF}:8080")
    tunnel("connect-mapped", "an IPv4 address in IPv6", f"[::ffff:{address}]:8080")
    tunnel("connect-mapped-hex", "the same in base 16", f"[{mapped}]:8080")
    tunnel("connect-nat64", "an IPv4 address behind NAT64", f"[64:ff9b::{mapped[7:]}]:8080")
    for name, own in (
        ("connect-loopback", "127.0.0.1"),
        ("connect-localhost", "localhost"),
        ("connect-loopback-other", "127.9.9.9"),
        ("connect-zero", "0.0.0.0"),
        ("connect-loopback-ipv6", "[::1]"),
    ):
        made[name] = (f"the proxy by way of itself, {own}", lambda n=name, o=own: _chain(to, n, o))
    tunnel("connect-trailing-dot", "a name with a dot behind", "other.attack.test.:8080")
    tunnel(
        "connect-allowed-dot",
        "an allowed name with a dot behind, its other port",
        f"{ALLOWED}.:5432",
    )
    tunnel("connect-upper-case", "a name in capitals", "OTHER.Attack.TEST:8080")
    tunnel("connect-prefix", "a name that ends like an allowed one", f"evil{ALLOWED}:8080")
    tunnel(
        "connect-suffix",
        "a name that begins like an allowed one",
        f"{ALLOWED}.other.attack.test:8080",
    )
    tunnel("connect-apex", "the name that a wildcard stands below", "wild.attack.test:8080")
    tunnel("connect-no-dot", "a name that ends like a wildcard's", "xwild.attack.test:8080")
    tunnel(
        "connect-look-alike",
        "a name with a Cyrillic letter",
        "\u0430llowed.attack.test:8080".encode(),
    )
    tunnel("connect-punycode", "the same in ASCII", "xn--llowed-6ve.attack.test:8080")
    tunnel("connect-percent", "a name with percent signs", "other%2eattack%2etest:8080")
    tunnel("connect-nul", "a name with NUL", b"other.attack.test\0.allowed.attack.test:8080")
    tunnel("connect-no-port", "a name without a port", "other.attack.test")
    tunnel("connect-port-twice", "two ports", f"{ALLOWED}:443:8080")
    tunnel("connect-slash", "a path behind a name", f"other.attack.test:8080/.{ALLOWED}:443")
    tunnel("name-private", "an allowed name with a private address", "inner.attack.test:8080")
    tunnel("name-loopback", "an allowed name with a loopback address", "loop.attack.test:8080")
    tunnel(
        "name-link-local", "an allowed name with a link-local address", "linklocal.attack.test:8080"
    )
    tunnel("name-mapped", "an allowed name with an IPv4 address in IPv6", "mapped.attack.test:8080")
    tunnel("name-mixed", "an allowed name with a good and a bad address", "mixed.attack.test:8080")
    made["name-rebinding"] = ("a name whose address changes between two looks", lambda: _again(to))
    plain(
        "absolute-other",
        "another host over plain HTTP",
        f"GET {OTHER}/{{mark}}{HTTP}other.attack.test:8080",
    )
    plain(
        "absolute-address",
        "an address over plain HTTP",
        f"GET http://{address}:8080/{{mark}}{HTTP}{ALLOWED}",
    )
    plain(
        "absolute-userinfo",
        "an allowed name as user of another",
        f"GET http://{ALLOWED}:8080@{address}:8080/{{mark}}{HTTP}{ALLOWED}:8080",
    )
    plain(
        "absolute-backslash",
        "a backslash behind an allowed name",
        f"GET http://{address}:8080\\@{ALLOWED}:8080/{{mark}}{HTTP}{ALLOWED}:8080",
    )
    plain(
        "absolute-no-port",
        "an allowed name's port 80, which was not named",
        f"GET http://{ALLOWED}/{{mark}}{HTTP}{ALLOWED}",
    )
    plain(
        "absolute-https",
        "https:// to the proxy itself",
        f"GET https://{ALLOWED}:8080/{{mark}}{HTTP}{ALLOWED}:8080",
    )
    plain(
        "absolute-ftp",
        "ftp:// through the proxy",
        f"GET ftp://{ALLOWED}:8080/{{mark}}{HTTP}{ALLOWED}:8080",
    )
    plain(
        "host-mismatch",
        "another name in the Host field",
        f"GET {_GOOD}/{{mark}}{HTTP}other.attack.test:8080",
    )
    plain(
        "host-twice",
        "two Host fields",
        f"GET {_GOOD}/{{mark}}{HTTP}{ALLOWED}:8080\r\nHost: other.attack.test",
    )
    plain(
        "origin-form",
        "a request as to a server",
        f"GET /{{mark}}{HTTP}other.attack.test:8080",
    )
    plain("no-version", "a request of HTTP 0.9", "GET http://other.attack.test:8080/{mark}")
    good = f"POST http://{ALLOWED}:8080/{HTTP}{ALLOWED}:8080\r\n"
    plain(
        "length-twice",
        "two lengths",
        good + "Content-Length: 4\r\nContent-Length: 99",
        behind=_SMUGGLED,
    )
    plain(
        "length-and-chunks",
        "a length and chunks",
        good + "Content-Length: 4\r\nTransfer-Encoding: chunked",
        behind="0\r\n\r\n" + _SMUGGLED,
    )
    plain(
        "chunks-spelt-oddly",
        "chunks behind a space",
        good + "Transfer-Encoding : chunked",
        behind="0\r\n\r\n" + _SMUGGLED,
    )
    plain(
        "length-signed",
        "a length with a sign",
        good + "Content-Length: +4",
        behind="abcd" + _SMUGGLED,
    )
    plain("folded-header", "a header on two lines", good + "X-A: b\r\n {mark}")
    plain("bare-line-feed", "a header behind a bare line feed", good + "X-A: b\nX-B: {mark}")
    plain("bare-return", "a header behind a bare return", good + "X-A: b\rX-B: {mark}")
    plain(
        "second-request",
        "a second request behind the first",
        good + "Content-Length: 0",
        behind=f"GET {OTHER}/{{mark}}{HTTP}other.attack.test:8080\r\n\r\n",
    )
    made["second-request-later"] = (
        "a second request once the first was answered",
        lambda: _later(to, "second-request-later"),
    )
    plain("upgrade", "a change of protocol", good + "Connection: Upgrade\r\nUpgrade: {mark}")
    plain(
        "password-to-host", "a password in clear to the host", good + "Authorization: Basic {mark}"
    )
    plain(
        "password-to-proxy",
        "the proxy's password to the host",
        good + "Proxy-Authorization: Basic {mark}",
    )
    plain("cookie", "a cookie in clear to the host", good + "Cookie: a={mark}")
    plain("huge-header", "a header of 200 kB", good + "X-A: " + "a" * 200_000 + "{mark}")
    plain(
        "many-headers",
        "5,000 headers",
        good + "".join(f"X-{n}: a\r\n" for n in range(5000)) + "X-A: {mark}",
    )
    plain(
        "huge-line",
        "a request line of 100 kB",
        f"GET {_GOOD}/{'a' * 100_000}{{mark}}{HTTP}{ALLOWED}:8080",
    )
    made["tls-other-name"] = (
        "another name in the TLS greeting",
        lambda: _greeting(to, "tls-other-name", named=True),
    )
    made["tls-no-name"] = (
        "no name in the TLS greeting",
        lambda: _greeting(to, "tls-no-name", named=False),
    )
    made["tls-plain"] = ("no TLS on port 443", lambda: tunnel_to(to, "tls-plain", f"{ALLOWED}:443"))
    made["slow-heads"] = ("80 requests that never end", lambda: _slow(to))
    for path in (
        "/",
        "/admin",
        "/config",
        "/metrics",
        "/index/0/",
        "/file/" + "0" * 32 + "/x",
        "/shutdown",
    ):
        name = "control" + path.rstrip("/").replace("/", "-")[:14]
        made[name] = (f"steer the proxy at {path}", lambda p=path: _control(to, p))
    made["handover"] = ("find the socket by which the proxy was fed", _handover)
    return made


def _to_proxy(to: Targets) -> socket.socket:
    return socket.create_connection(to.proxy, timeout=8)


def _answer(one: socket.socket) -> bytes:
    data = b""
    with suppress(OSError):
        while b"\r\n\r\n" not in data and len(data) < 1 << 16:
            part = one.recv(4096)
            if not part:
                break
            data += part
    return data


def _said(answer: bytes) -> str:
    """The status line and, of a refusal, the reason."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line = head.split(b"\r\n")[0].decode("latin-1")[:100]
    return f"{line}; {body.decode('latin-1').strip()[:150]}".strip("; ") or "it hung up"


def tunnel_to(to: Targets, probe: str, target: str | bytes) -> str:
    """Asks for a tunnel, and sends the mark through whatever is opened."""
    place = target if isinstance(target, bytes) else target.encode()
    with _to_proxy(to) as one:
        one.sendall(b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n\r\n")
        answer = _answer(one)
        if b" 200 " in answer[:16]:
            with suppress(OSError):
                one.sendall(f"GET /{to.mark(probe)}{HTTP}x\r\n\r\n".encode())
                if b"canary" in one.recv(4096):
                    raise Reached("the tunnel stands, and the other side answers")
    return _said(answer)


def _open(to: Targets) -> str:
    with _to_proxy(to) as one:
        one.sendall(f"GET {_GOOD}/{HTTP}{ALLOWED}:8080\r\n\r\n".encode())
        answer = _answer(one) + one.recv(4096)
    if b"canary" not in answer:
        raise RuntimeError(f"the allowed host does not answer: {_said(answer)}")
    return "it answers"


def _again(to: Targets) -> str:
    told = [tunnel_to(to, "name-rebinding", "rebind.attack.test:8080") for _ in range(6)]
    return "; ".join(dict.fromkeys(told))


def _chain(to: Targets, probe: str, own: str) -> str:
    """Asks the proxy for itself, and through that for another."""
    with _to_proxy(to) as one:
        place = f"{own}:{to.proxy[1]}".encode()
        one.sendall(b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n\r\n")
        answer = _answer(one)
        if b" 200 " in answer[:16]:
            there = f"{to.other}:8080"
            one.sendall(f"GET http://{there}/{to.mark(probe)}{HTTP}{there}\r\n\r\n".encode())
            _answer(one)
    return _said(answer)


def send(to: Targets, probe: str, head: str | bytes, behind: str | bytes) -> str:
    """Sends a request; the mark stands in what must not arrive."""
    mark = to.mark(probe)
    with _to_proxy(to) as one:
        text = head if isinstance(head, bytes) else head.encode("latin-1")
        rest = behind if isinstance(behind, bytes) else behind.encode("latin-1")
        data = (text + b"\r\n\r\n" + rest).replace(b"{mark}", mark.encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            one.sendall(data)
        return _said(_answer(one))


def _later(to: Targets, probe: str) -> str:
    """Sends a request, waits for its answer, and sends one for another host behind it."""
    with _to_proxy(to) as one:
        one.sendall(f"GET {_GOOD}/{HTTP}{ALLOWED}:8080\r\n\r\n".encode())
        answer = _answer(one)
        with suppress(BrokenPipeError, ConnectionResetError):
            one.sendall(f"GET /{to.mark(probe)}{HTTP}other.attack.test:8080\r\n\r\n".encode())
            one.settimeout(3)
            _answer(one)
    return _said(answer)


def _greeting(to: Targets, probe: str, *, named: bool) -> str:
    """Greets over an allowed tunnel with the mark as another host's name, or as a protocol's."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([to.mark(probe)])
    with _to_proxy(to) as one:
        one.sendall(f"CONNECT {ALLOWED}:443{HTTP}{ALLOWED}:443\r\n\r\n".encode())
        answer = _said(_answer(one))
        name = f"{to.mark(probe)}.attack.test" if named else None
        try:
            context.wrap_socket(one, server_hostname=name).close()
        except OSError as error:
            return f"{answer}, then {type(error).__name__}"
    return answer


def _slow(to: Targets) -> str:
    """Holds 80 half requests open: the proxy must let go of them, and serve on."""
    held = []
    with suppress(OSError):
        for _ in range(80):
            one = _to_proxy(to)
            one.sendall(b"GET http://")
            held.append(one)
    time.sleep(13)
    gone = 0
    for one in held:
        one.settimeout(0.2)
        with suppress(TimeoutError):
            try:
                gone += bool(one.recv(1) or True)
            except OSError:
                gone += 1
        one.close()
    if gone < 60:
        raise Reached(f"{len(held) - gone} of {len(held)} stand after 13 s")
    return f"{gone} of {len(held)} were let go"


def _control(to: Targets, path: str) -> str:
    with _to_proxy(to) as one:
        one.sendall(f"GET {path}{HTTP}127.0.0.1\r\n\r\n".encode())
        answer = _answer(one)
    if b" 200 " in answer[:16]:
        raise Reached(f"it answers {_said(answer)}")
    return _said(answer)


def _handover() -> str:
    for path in ("/workspace/handover", "/run/handover"):
        if Path(path).exists():
            raise Reached(f"{path} is there")
    return "it is not here"
