"""Installs from an index with a password, through the proxy that keeps it."""

import base64
import hashlib
import io
import select
import socket
import threading
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labcrew.domain.sandbox import EnvironmentPlan, Limits
from labcrew.errors import EnvironmentBroken
from sandboxes.environments.environments import Environments
from sandboxes.environments.host_pip import HostPip
from tests.sandboxes.fixtures import Workshop
from tests.sandboxes.test_environments import planned as drawn
from tests.sandboxes.test_environments import repository, ticket
from tests.servers import Served, gateway, serving

pytestmark = pytest.mark.engine
PASSWORD = "pass word/1"
GIVEN = "Basic " + base64.b64encode(f"crew:{PASSWORD}".encode()).decode()


def wheel(version: str) -> bytes:
    info, data = f"tinything-{version}.dist-info", io.BytesIO()
    with zipfile.ZipFile(data, "w") as out:
        for name, text in (
            ("tinything.py", f"VERSION = {version!r}\n"),
            (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tinything\nVersion: {version}\n"),
            (f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (f"{info}/RECORD", ""),
        ):
            # A fixed date, so that the same version is the same bytes.
            out.writestr(zipfile.ZipInfo(name), text)
    return data.getvalue()


WHEELS = {f"tinything-{version}-py3-none-any.whl": wheel(version) for version in ("1.0", "2.0")}


def answer(path: str, fields: dict[str, str]) -> tuple[int, str, bytes]:
    """An index that wants its password everywhere."""
    if fields.get("authorization") != GIVEN:
        return 401, "text/plain", b""
    if path == "/team/simple/tinything/":
        links = "".join(f'<a href="/team/files/{name}">{name}</a>' for name in WHEELS)
        return 200, "text/html", links.encode()
    body = WHEELS.get(path.rpartition("/")[2])
    return (200, "application/zip", body) if body else (404, "text/plain", b"")


@pytest.fixture
def index() -> Iterator[Served]:
    with serving(answer) as served:
        yield served


def environments(workshop: Workshop, index: Served, **proxies: str) -> Environments:
    place = f"http://crew:pass%20word%2F1@{index.address}:{index.port}/team/simple"
    pip = HostPip({"index-url": place}, (), b"", proxies)
    limits = Limits(cpus=1, memory_mb=512, timeout_s=120)
    return Environments(workshop.sandboxes, workshop.repositories, limits=limits, pip=lambda: pip)


def planned(workshop: Workshop, made: Environments, folder: Path, **files: str) -> EnvironmentPlan:
    # A requirement of its own keeps the image from being there already.
    files["requirements__txt"] += f"# {uuid.uuid4().hex}\n"
    return drawn(made, ticket(), *repository(workshop, folder, **files))


def installed(workshop: Workshop, tag: str) -> str:
    script = "python -c 'import tinything; print(tinything.VERSION)'; env; cat /opt/env/*.cfg"
    try:
        return workshop.sandboxes.run(workshop.spec("look", script, image=tag)).stdout
    finally:
        workshop.sandboxes.client.remove_image(tag, force=True)


def fresh(line: str) -> str:
    """A requirement that says the same and reads differently every time."""
    return f"{line}; python_version != '0.{uuid.uuid4().int % 10**9}'"


def test_the_password_is_added_on_the_way(
    workshop: Workshop, index: Served, tmp_path: Path
) -> None:
    made = environments(workshop, index)
    files = {
        "requirements__txt": fresh("tinything") + "\n-c limits.txt\n",
        "limits__txt": "tinything<2\n",
    }
    plan = planned(workshop, made, tmp_path, **files)
    said = installed(workshop, made.ensure(plan))
    assert said.startswith("1.0\n")
    assert "pass" not in said
    assert {fields.get("authorization") for _, fields in index.asked} == {GIVEN}
    requests = made.requests(plan.key)
    assert {request.verdict for request in requests} == {"allowed"}
    assert {request.host for request in requests} == {index.address}
    assert "word" not in str(requests)


def test_hashes_are_checked(workshop: Workshop, index: Served, tmp_path: Path) -> None:
    made = environments(workshop, index)
    digest = hashlib.sha256(WHEELS["tinything-2.0-py3-none-any.whl"]).hexdigest()
    line = fresh("tinything==2.0")
    good = planned(
        workshop, made, tmp_path / "a", requirements__txt=f"{line} --hash=sha256:{digest}\n"
    )
    assert installed(workshop, made.ensure(good)).startswith("2.0\n")
    wrong = planned(
        workshop, made, tmp_path / "b", requirements__txt=f"{line} --hash=sha256:{'0' * 64}\n"
    )
    with pytest.raises(EnvironmentBroken, match="HASHES"):
        made.ensure(wrong)


def test_what_asks_for_another_host_is_told_at_the_end(
    workshop: Workshop, index: Served, tmp_path: Path
) -> None:
    made = environments(workshop, index)
    lines = "tinything @ https://files.example.org/tinything-2.0-py3-none-any.whl\n"
    plan = planned(workshop, made, tmp_path, requirements__txt=lines)
    assert plan.needs_gate
    assert plan.hosts == ("files.example.org:443",)
    assert "the install may reach files.example.org:443" in plan.description
    elsewhere = plan.model_copy(update={"hosts": ()})
    with pytest.raises(EnvironmentBroken, match=r"may not reach: files\.example\.org"):
        made.ensure(elsewhere, approved=True)
    with pytest.raises(EnvironmentBroken, match="address"):
        planned(workshop, made, tmp_path / "b", requirements__txt="x @ https://10.0.0.1/x.whl\n")


def test_a_dockerfile_s_pip_finds_the_index_and_leaves_no_trace_of_it(
    workshop: Workshop, index: Served, tmp_path: Path
) -> None:
    made = environments(workshop, index)
    dockerfile = f"FROM {workshop.image}\nENV M={uuid.uuid4().hex}\nRUN pip install tinything\n"
    where = repository(workshop, tmp_path, Dockerfile=dockerfile)
    plan = drawn(made, ticket(dockerfile="Dockerfile"), *where)
    said = installed(workshop, made.ensure(plan, approved=True))
    assert said.startswith("2.0\n")
    assert "3128" not in said
    assert "pass" not in said
    assert workshop.sandboxes.list() == ()


def test_the_machine_s_own_proxy_is_used_with_its_password(
    workshop: Workshop, index: Served, tmp_path: Path
) -> None:
    with own_proxy() as (port, asked):
        way = f"http://us:er@{gateway()}:{port}"
        made = environments(workshop, index, http_proxy=way)
        plan = planned(workshop, made, tmp_path, requirements__txt=fresh("tinything") + "\n")
        said = installed(workshop, made.ensure(plan))
    assert said.startswith("2.0\n")
    assert asked
    begin = f"CONNECT {index.address}:{index.port} HTTP/1.1\r\n".encode()
    assert all(head.startswith(begin) for head in asked)
    assert all(base64.b64encode(b"us:er") in head for head in asked)


@contextmanager
def own_proxy() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy as a company has one: tunnels, with a password."""
    asked: list[bytes] = []
    over = threading.Event()

    def tunnel(client: socket.socket) -> None:
        with client:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            asked.append(head)
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    for one in select.select([client, server], [], [])[0]:
                        data = one.recv(65536)
                        if not data:
                            return
                        (server if one is client else client).sendall(data)

    def accept() -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            client.settimeout(30)
            threads.append(threading.Thread(target=tunnel, args=(client,)))
            threads[-1].start()

    with socket.create_server((gateway(), 0)) as listener:
        listener.settimeout(0.3)
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            over.set()
            for thread in threads:
                thread.join()
