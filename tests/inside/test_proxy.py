"""The proxy's own judgement: heads, addresses, greetings, pages; nothing here has a network."""

import ipaddress
import json
import socket
import ssl
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.image.inside.proxy.addresses import Refused, fault, resolve
from sandboxes.image.inside.proxy.forward import destination
from sandboxes.image.inside.proxy.heads import Head, authority, parse_head, read_head
from sandboxes.image.inside.proxy.hello import greeted, read_greeting
from sandboxes.image.inside.proxy.journal import Journal
from sandboxes.image.inside.proxy.pages import JSON_PAGE, rewritten
from sandboxes.image.inside.proxy.relay import relay
from sandboxes.image.inside.proxy.settings import Rule


class TestHeads:
    def test_a_plain_head(self) -> None:
        head = parse_head(b"GET http://a.b/c HTTP/1.1\r\nHost: a.b\r\nX-A:  b \t")
        assert (head.method, head.target, head.field("x-a")) == ("GET", "http://a.b/c", "b")

    @pytest.mark.parametrize(
        "lines",
        [
            b"GET  http://a.b HTTP/1.1", b"get http://a.b HTTP/1.1", b"GET http://a.b HTTP/2.0",
            b"GET http://a.b HTTP/1.1\nX: y", b"GET http://a.b HTTP/1.1\r\nX : y",
            b"GET http://a.b HTTP/1.1\r\n x", b"GET http://a.b HTTP/1.1\r\nX: a\rY: b",
            b"GET http://a.b HTTP/1.1\r\nX: \0", b"GET http://a\x80.b HTTP/1.1",
            b"GET http://a.b HTTP/1.1\r\nTransfer-Encoding: chunked",
            b"GET http://a.b HTTP/1.1\r\nHost: a\r\nhost: b",
            b"GET http://a.b HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1",
            b"GET http://a.b HTTP/1.1\r\nX: " + b"a" * 9000,
            b"GET http://a.b HTTP/1.1" + b"\r\nX: a" * 70,
        ],
    )  # fmt: skip
    def test_what_could_be_read_in_two_ways(self, lines: bytes) -> None:
        with pytest.raises(Refused):
            parse_head(lines)

    @given(st.binary(max_size=300))
    def test_any_bytes_are_refused_or_taken(self, lines: bytes) -> None:
        try:
            head = parse_head(lines)
        except Refused:
            return
        assert head.target.isascii()
        assert all("\r" not in value and "\n" not in value for _, value in head.fields)

    def test_a_head_that_never_ends(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(b"GET ")
            with pytest.raises(Refused, match="too long"):
                read_head(ours, 0.2)
            sender = threading.Thread(target=theirs.sendall, args=(b"a" * 40_000,))
            sender.start()
            with pytest.raises(Refused, match="too long"):
                read_head(ours, 20)
            sender.join()
            theirs.close()
            with pytest.raises((EOFError, Refused)):
                read_head(ours, 1)

    @pytest.mark.parametrize(
        "text",
        ["1.2.3.4:80", "0x1.0x2:80", "a.b:0", "a.b:99999", "a.b", "a.b.:80", "a@b.c:80", "[::1]:80",
         "a:80", "a..b:80", "a.b:80:80", "2130706433:80", "a.b:+80", "a.0x7f:80"],
    )  # fmt: skip
    def test_what_is_no_name_with_a_port(self, text: str) -> None:
        with pytest.raises(Refused):
            authority(text)

    @pytest.mark.parametrize(
        ("method", "target", "host"),
        [
            ("CONNECT", "a.b:443", ""), ("CONNECT", "A.b:443", "a.b"),
            ("CONNECT", "a.b:443", "a.B:443"), ("GET", "http://a.b:443/x", "a.b:443"),
        ],
    )  # fmt: skip
    def test_where_a_request_goes(self, method: str, target: str, host: str) -> None:
        fields = (("host", host),) if host else ()
        assert destination(Head(method, target, fields, b"")) == ("a.b", 443)

    @pytest.mark.parametrize(
        ("method", "target", "host"),
        [
            ("GET", "https://a.b/", "a.b"), ("GET", "http://u@a.b/", "a.b"),
            ("GET", "http://a.b\\@c.d/", "a.b"), ("GET", "http://a.b/", "c.d"),
            ("GET", "http://a.b:8080/", "a.b"), ("CONNECT", "a.b:443", "a.b:80"),
            ("TRACE", "http://a.b/", "a.b"), ("GET", "*", "a.b"),
        ],
    )  # fmt: skip
    def test_where_none_goes(self, method: str, target: str, host: str) -> None:
        with pytest.raises(Refused):
            destination(Head(method, target, (("host", host),), b""))


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1",
         "224.0.0.1", "255.255.255.255", "240.0.0.1", "100.100.100.200", "168.63.129.16", "::",
         "::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1",
         "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::ffff:169.254.169.254", "x"],
    )  # fmt: skip
    def test_never(self, address: str) -> None:
        assert fault(address, private=True)
        assert fault(address, private=False)

    @pytest.mark.parametrize(
        "address", ["10.0.0.1", "172.17.0.1", "192.168.1.1", "100.64.0.1", "fd12::1",
                    "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "192.0.2.1"],
    )  # fmt: skip
    def test_only_where_a_setting_says_so(self, address: str) -> None:
        assert fault(address, private=False)
        assert fault(address, private=True) == ""

    @given(st.ip_addresses())
    def test_whatever_is_let_through_is_public(self, address: object) -> None:
        text = str(address)
        if not fault(text, private=False):
            assert ipaddress.ip_address(text).is_global

    def test_a_pinned_address_is_checked_too(self) -> None:
        assert resolve("a.b", 80, {"a.b": "10.0.0.1"}, True) == ["10.0.0.1"]
        with pytest.raises(Refused, match="private"):
            resolve("a.b", 80, {"a.b": "10.0.0.1"}, False)
        with pytest.raises(Refused, match="loopback"):
            resolve("localhost", 80, {}, True)

    def test_rules(self) -> None:
        below = Rule("a.org", 443, below=True)
        assert below.fits("x.a.org", 443)
        assert not below.fits("a.org", 443)
        assert not below.fits("xa.org", 443)
        assert not Rule("a.org", 443).fits("a.org", 80)


def greeting(name: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


class TestGreetings:
    def test_the_name_is_found(self) -> None:
        assert greeted(greeting("data.example.org")) == "data.example.org"

    @pytest.mark.parametrize("record", [b"", b"\x16", b"GET / HTTP/1.1\r\n\r\n", greeting(None)])
    def test_what_names_nobody(self, record: bytes) -> None:
        with pytest.raises(Refused):
            greeted(record)

    @given(st.binary(max_size=200), st.integers(0, 500))
    def test_any_bytes(self, noise: bytes, cut: int) -> None:
        whole = greeting("data.example.org")
        for record in (noise, b"\x16" + noise, whole[:cut] + noise):
            try:
                greeted(record)
            except Refused:
                continue

    def test_it_comes_in_pieces(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            whole = greeting("data.example.org")
            theirs.sendall(whole[5:])
            assert read_greeting(ours, whole[:5], 5) == whole
            theirs.close()
            with pytest.raises(Refused):
                read_greeting(ours, b"\x16", 1)


class TestPages:
    def test_links_are_led_and_marks_kept(self) -> None:
        page = (
            b'<a href="../../f/a-1.whl#sha256=1" data-requires-python="&gt;=3.8" onclick="x">a</a>'
            b'<a href="javascript:x">b</a><script>x</script>'
        )
        led: list[str] = []

        def lead(address: str) -> str:
            led.append(address)
            return f"/file/{len(led)}" if address.startswith("https:") else ""

        made = rewritten(page, "text/html", "https://i.org/simple/a/", lead).decode()
        assert led[0] == "https://i.org/f/a-1.whl#sha256=1"
        assert '<a href="/file/1" data-requires-python="&gt;=3.8">a</a>' in made
        assert "script" not in made
        assert "onclick" not in made

    def test_json(self) -> None:
        page = json.dumps({"name": "a", "files": [{"url": "a.whl", "hashes": {"sha256": "1"}}]})
        made = rewritten(page.encode(), JSON_PAGE, "https://i.org/s/a/", lambda a: a + "!")
        assert json.loads(made)["files"][0] == {
            "url": "https://i.org/s/a/a.whl!",
            "hashes": {"sha256": "1"},
        }

    @given(st.text(max_size=300))
    def test_any_text_is_a_page_without_other_links(self, text: str) -> None:
        made = rewritten(text.encode(), "text/html", "https://i.org/", lambda a: "")
        assert b"href" not in made


class TestRelay:
    def test_bytes_both_ways_and_their_cap(self) -> None:
        for cap, why in ((1 << 20, ""), (10, "the cap on bytes is reached")):
            client, sandbox = socket.socketpair()
            server, host = socket.socketpair()
            with client, sandbox, server, host:
                sandbox.sendall(b"ask")
                sandbox.shutdown(socket.SHUT_WR)
                host.sendall(b"a" * 1000)
                host.shutdown(socket.SHUT_WR)
                down, up, told = relay(client, server, b"first", Journal(9, cap, cap), 5)
                assert told == why
                if not why:
                    assert (down, up) == (1000, 8)
                    assert host.recv(99) == b"firstask"

    def test_an_answer_is_passed_on_and_no_second_request(self) -> None:
        client, sandbox = socket.socketpair()
        server, host = socket.socketpair()
        with client, sandbox, server, host:
            sandbox.sendall(b"GET /other HTTP/1.1")
            host.sendall(b"answer")
            host.shutdown(socket.SHUT_WR)
            moved = relay(client, server, b"asked", Journal(9, 99, 99), 5, answer_only=True)
            assert moved == (6, 5, "")
            server.close()
            assert sandbox.recv(99) == b"answer"
            assert host.recv(99) == b"asked"
            assert host.recv(99) == b""

    def test_silence_ends_it(self) -> None:
        client, sandbox = socket.socketpair()
        server, host = socket.socketpair()
        with client, sandbox, server, host:
            assert relay(client, server, b"", Journal(9, 99, 99), 0.1)[2].startswith("nothing")
