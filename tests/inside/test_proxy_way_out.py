"""The proxy's way out over real sockets of this machine: plain, in tunnels, by another proxy."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sandboxes.image.inside.proxy.addresses import Refused, resolve
from sandboxes.image.inside.proxy.forward import Forward, destination
from sandboxes.image.inside.proxy.heads import Head, parse_head
from sandboxes.image.inside.proxy.journal import Journal
from sandboxes.image.inside.proxy.settings import Index, Rule, Settings, read_settings
from sandboxes.image.inside.proxy.upstream import Upstream
from tests.inside.test_proxy import greeting
from tests.servers import gateway, serving

pytestmark = pytest.mark.engine
HOST = "data.example.org"
MB = 1 << 20


@contextmanager
def listening(serve: Callable[[socket.socket], object], address: str) -> Iterator[int]:
    """A server of one connection; its port."""
    with socket.create_server((address, 0)) as listener:

        def take() -> None:
            with suppress(OSError):
                line, _ = listener.accept()
                with line:
                    serve(line)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def read_to(line: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end) and (part := line.recv(1)):
        data += part
    return data


def read_all(line: socket.socket) -> bytes:
    data = b""
    while part := line.recv(1 << 16):
        data += part
    return data


def echo(line: socket.socket) -> None:
    while part := line.recv(1 << 16):
        line.sendall(part)


def forwarding(settings: Settings, cap: int = MB) -> Forward:
    return Forward(settings, Upstream(settings), Journal(9, cap, cap))


def allowed(port: int, address: str) -> Settings:
    """One host that is pinned to an address of this machine."""
    return Settings(rules=(Rule(HOST, port),), private={HOST: address}, idle_s=20)


def asked(head: str, rest: bytes = b"") -> Head:
    return parse_head(head.replace("\n", "\r\n").encode(), rest)


class TestPlain:
    def test_what_was_meant_for_others_is_kept_back(self) -> None:
        with serving(lambda path, fields: (200, "text/plain", b"of " + path.encode())) as served:
            head = asked(
                f"GET http://{HOST}:{served.port}/a?b=c HTTP/1.1\nHost: {HOST}:{served.port}\n"
                "Accept: */*\nCookie: a=b\nAuthorization: Basic YTpi\nProxy-Connection: close"
            )
            client, sandbox = socket.socketpair()
            with client, sandbox:
                down, up, why = forwarding(allowed(served.port, served.address)).plain(
                    client, head, HOST, served.port
                )
                client.close()
                answer = read_all(sandbox)
        assert answer.endswith(b"of /a?b=c")
        assert (down, why) == (len(answer), "")
        assert up > 0
        path, fields = served.asked[0]
        assert path == "/a?b=c"
        assert fields == {
            "host": f"{HOST}:{served.port}",
            "connection": "close",
            "accept": "*/*",
        }

    def test_a_body_goes_on_to_its_stated_length(self) -> None:
        came: list[bytes] = []

        def serve(line: socket.socket) -> None:
            came.append(read_to(line, b"\r\n\r\n"))
            came.append(line.recv(5, socket.MSG_WAITALL))
            line.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        address = gateway()
        with listening(serve, address) as port:
            client, sandbox = socket.socketpair()
            with client, sandbox:
                sandbox.sendall(b"cde")
                head = asked(f"POST http://{HOST}:{port} HTTP/1.1\nContent-Length: 5", b"ab")
                down, up, _ = forwarding(allowed(port, address)).plain(client, head, HOST, port)
                assert sandbox.recv(99).startswith(b"HTTP/1.1 204")
        assert came[0].startswith(b"POST / HTTP/1.1\r\n")
        assert b"\r\nContent-Length: 5\r\n" in came[0]
        assert came[1] == b"abcde"
        assert (down, up) == (27, len(came[0]) + 5)

    def test_a_body_that_ends_early(self) -> None:
        address = gateway()
        with listening(read_all, address) as port:
            client, sandbox = socket.socketpair()
            with client, sandbox:
                sandbox.shutdown(socket.SHUT_WR)
                head = asked(f"POST http://{HOST}:{port}/ HTTP/1.1\nContent-Length: 5", b"ab")
                with pytest.raises(Refused, match="ended early"):
                    forwarding(allowed(port, address)).plain(client, head, HOST, port)

    def test_a_body_past_the_cap(self) -> None:
        address = gateway()
        with listening(read_all, address) as port:
            client, sandbox = socket.socketpair()
            with client, sandbox:
                head = asked(
                    f"POST http://{HOST}:{port}/ HTTP/1.1\nContent-Length: 900", b"a" * 900
                )
                with pytest.raises(Refused, match="cap"):
                    forwarding(allowed(port, address), 800).plain(client, head, HOST, port)

    @pytest.mark.parametrize(
        ("head", "rest", "cap", "why"),
        [
            ("GET http://other.example.org/ HTTP/1.1", b"", MB, "allow-list"),
            (f"POST http://{HOST}/ HTTP/1.1\nContent-Length: +5", b"", MB, "length"),
            (f"POST http://{HOST}/ HTTP/1.1\nContent-Length: 1", b"ab", MB, "length"),
            (f"GET http://{HOST}/ HTTP/1.1", b"GET", MB, "length"),
            (f"GET http://{HOST}/ HTTP/1.1", b"", 10, "cap"),
        ],
    )
    def test_refused_before_anything_is_connected(
        self, head: str, rest: bytes, cap: int, why: str
    ) -> None:
        client, sandbox = socket.socketpair()
        forward = forwarding(allowed(80, "192.0.2.1"), cap)
        request = asked(head, rest)
        with client, sandbox, pytest.raises(Refused, match=why):
            forward.plain(client, request, *destination(request))


class TestTunnel:
    def test_bytes_both_ways(self) -> None:
        address = gateway()
        with listening(echo, address) as port:
            client, sandbox = socket.socketpair()
            with client, sandbox:
                sandbox.sendall(b" more")
                sandbox.shutdown(socket.SHUT_WR)
                head = asked(f"CONNECT {HOST}:{port} HTTP/1.1", b"first")
                forward = forwarding(allowed(port, address))
                assert forward.tunnel(client, head, HOST, port) == (10, 10, "")
                client.close()
                assert read_all(sandbox).partition(b"\r\n\r\n") == (
                    b"HTTP/1.1 200 Connection established",
                    b"\r\n\r\n",
                    b"first more",
                )

    def test_a_host_that_is_on_no_list(self) -> None:
        client, sandbox = socket.socketpair()
        with client, sandbox, pytest.raises(Refused, match="allow-list"):
            forwarding(Settings()).tunnel(client, asked(f"CONNECT {HOST}:1 HTTP/1.1"), HOST, 1)

    @pytest.mark.parametrize("named", [HOST, "other.example.org"])
    def test_a_greeting_must_name_the_host(self, named: str) -> None:
        came: list[bytes] = []

        def proxy(line: socket.socket) -> None:
            read_to(line, b"\r\n\r\n")
            line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            came.append(read_all(line))

        with listening(proxy, "127.0.0.1") as port:
            settings = Settings(
                rules=(Rule(HOST, 443),), upstream={"https": f"127.0.0.1:{port}"}, idle_s=20
            )
            client, sandbox = socket.socketpair()
            with client, sandbox:
                said = greeting(named)
                sandbox.sendall(said)
                sandbox.shutdown(socket.SHUT_WR)
                head = asked(f"CONNECT {HOST}:443 HTTP/1.1")
                if named == HOST:
                    moved = forwarding(settings).tunnel(client, head, HOST, 443)
                    assert moved == (0, len(said), "")
                else:
                    with pytest.raises(Refused, match="another host"):
                        forwarding(settings).tunnel(client, head, HOST, 443)
        assert came == [said if named == HOST else b""]


class TestTheMachinesProxy:
    def through(self, url: str, **more: str) -> Upstream:
        return Upstream(Settings(upstream={"https": url}, **more))  # type: ignore[arg-type]

    def test_it_is_asked_with_its_credentials(self) -> None:
        came: list[bytes] = []

        def proxy(line: socket.socket) -> None:
            came.append(read_to(line, b"\r\n\r\n"))
            line.sendall(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nhello")

        with listening(proxy, "127.0.0.1") as port:
            way = self.through(f"http://us%40er:p%3Aw@127.0.0.1:{port}")
            with way.connect(HOST, 8443) as line:
                assert line.recv(99, socket.MSG_WAITALL) == b"hello", "none of it was taken before"
        assert came[0].decode().splitlines()[:3] == [
            f"CONNECT {HOST}:8443 HTTP/1.1",
            f"Host: {HOST}:8443",
            "Proxy-Authorization: Basic dXNAZXI6cDp3",
        ]

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"", b"a" * 9000])
    def test_it_refuses(self, answer: bytes) -> None:
        def proxy(line: socket.socket) -> None:
            read_to(line, b"\r\n\r\n")
            line.sendall(answer)

        with (
            listening(proxy, "127.0.0.1") as port,
            pytest.raises(OSError, match="own proxy refused"),
        ):
            self.through(f"http://127.0.0.1:{port}").connect(HOST, 443)

    def test_one_without_a_host(self) -> None:
        with pytest.raises(Refused, match="no host"):
            self.through("http://").connect(HOST, 443)

    def test_hosts_that_are_reached_without_it(self) -> None:
        address = gateway()
        with listening(echo, address) as port:
            way = self.through(
                "http://127.0.0.1:9",
                no_proxy=HOST,
                private={HOST: address},  # type: ignore[arg-type]
            )
            with way.connect(HOST, port) as line:
                assert line.getpeername() == (address, port)


class TestDirect:
    def test_only_an_index_may_be_near(self) -> None:
        address = gateway()
        with listening(echo, address) as port:
            with pytest.raises(Refused, match="private"):
                Upstream(Settings()).connect(address, port)
            index = Index(f"http://{address}:{port}/simple/")
            with Upstream(Settings(indexes=(index,))).connect(address, port) as line:
                line.sendall(b"hello")
                assert line.recv(5, socket.MSG_WAITALL) == b"hello"

    def test_files_at_an_indexs_own_address_may_be_near(self) -> None:
        address = gateway()
        with listening(echo, address) as port:
            pinned = {"index.example": address, "files.example": address}
            index = Index("http://index.example/simple/")
            way = Upstream(Settings(indexes=(index,), private={"index.example": address}))
            with pytest.raises(Refused, match="no address"):
                way.connect("files.example", port)
            with pytest.raises(Refused, match="private"):
                resolve("files.example", port, pinned, False)
            with pytest.raises(Refused, match="private"):
                resolve("files.example", port, pinned, False, near=("10.0.0.1",))
            assert resolve("files.example", port, pinned, False, near=(address,)) == [address]
            with way.connect(address, port) as line:  # the same machine under another name
                line.sendall(b"hello")
                assert line.recv(5, socket.MSG_WAITALL) == b"hello"

    def test_nobody_listens(self) -> None:
        address = gateway()
        with socket.create_server((address, 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            Upstream(Settings(private={HOST: address})).connect(HOST, port)


class TestEncrypted:
    @pytest.fixture(scope="class")
    @staticmethod
    def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A key and a certificate of HOST and 127.0.0.1, in one file."""
        folder = tmp_path_factory.mktemp("certificate")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        command += ["-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"]
        command += ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
        subprocess.run(command, check=True, capture_output=True)
        both = folder / "both.pem"
        both.write_text((folder / "key").read_text() + (folder / "certificate").read_text())
        return both

    def speaking(
        self, certificate: Path, serve: Callable[[socket.socket], object]
    ) -> Callable[[socket.socket], None]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

        def speak(line: socket.socket) -> None:
            with suppress(OSError), context.wrap_socket(line, server_side=True) as secure:
                serve(secure)

        return speak

    @pytest.mark.parametrize(
        ("host", "trusted", "unverified", "well"),
        [
            (HOST, True, False, True), (HOST, False, False, False), (HOST, False, True, True),
            ("other.example.org", True, False, False), ("other.example.org", False, True, True),
        ],
    )  # fmt: skip
    def test_whose_certificate_it_is(
        self, certificate: Path, host: str, trusted: bool, unverified: bool, well: bool
    ) -> None:
        way = Upstream(Settings(certificates=certificate.read_text() if trusted else ""))
        with listening(self.speaking(certificate, echo), "127.0.0.1") as port:
            plain = socket.create_connection(("127.0.0.1", port))
            if well:
                with way.encrypted(plain, host, unverified=unverified) as line:
                    line.sendall(b"hello")
                    assert line.recv(5) == b"hello"
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    way.encrypted(plain, host, unverified=unverified)
                assert plain.fileno() == -1, "nothing more can be said"

    def test_a_proxy_that_is_spoken_to_in_tls(self, certificate: Path) -> None:
        def proxy(line: socket.socket) -> None:
            read_to(line, b"\r\n\r\n")
            line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            echo(line)

        with listening(self.speaking(certificate, proxy), "127.0.0.1") as port:
            settings = Settings(
                upstream={"https": f"https://127.0.0.1:{port}"},
                certificates=certificate.read_text(),
            )
            with Upstream(settings).connect(HOST, 443) as line:
                line.sendall(b"hello")
                assert line.recv(5) == b"hello"


class TestJournal:
    def test_a_line_a_request(self, capsys: pytest.CaptureFixture[str]) -> None:
        journal = Journal(1, 9, 9)
        assert journal.admit()
        assert not journal.admit(), "what can't be written down is not done"
        journal.write("GET" * 9, "a" * 300, 80, "")
        journal.write("CONNECT", HOST, 443, "not on the allow-list", 3, 4)
        first, second = map(json.loads, capsys.readouterr().out.splitlines())
        assert (first["verdict"], len(first["host"]), len(first["method"])) == ("allowed", 253, 16)
        assert second | {"at": ""} == {
            "at": "", "method": "CONNECT", "host": HOST, "port": 443, "verdict": "refused",
            "reason": "not on the allow-list", "down_bytes": 3, "up_bytes": 4,
        }  # fmt: skip

    def test_settings_come_as_json(self) -> None:
        said = {"rules": [{"host": HOST, "port": 443, "below": True}],
                "indexes": [{"url": "https://i.org/simple/"}], "head_s": 3.0}  # fmt: skip
        assert read_settings(said) == Settings(
            rules=(Rule(HOST, 443, below=True),),
            indexes=(Index("https://i.org/simple/"),),
            head_s=3.0,
        )
        with pytest.raises(TypeError):
            read_settings({"rule": []})
