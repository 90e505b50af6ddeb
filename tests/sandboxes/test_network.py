"""Sandboxes that may reach hosts: through their proxy, and no other way."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from labcrew.domain.sandbox import Limits, SandboxSpec
from labcrew.errors import EngineError, EnvironmentBroken
from labcrew.settings import SandboxSettings
from sandboxes import hardening
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.environments.host_pip import HostPip
from sandboxes.network.dockerfile import refuse_fetching, with_arguments
from sandboxes.network.journal import read_journal
from sandboxes.network.rules import ProxySettings, Rule, for_hosts, hosts_of
from sandboxes.network.uplink import check_runtime
from tests.sandboxes.fixtures import Workshop
from tests.servers import Served, serving

pytestmark = pytest.mark.engine
NO_PIP = HostPip({}, (), b"", {})
FETCH = """
import sys, urllib.request
for address in sys.argv[1:]:
    try:
        print(urllib.request.urlopen(address, timeout=20).read().decode())
    except OSError as error:
        print(error)
"""


@pytest.fixture
def server() -> Iterator[Served]:
    with serving(lambda path, fields: (200, "text/plain", f"served {path}".encode())) as served:
        yield served


@pytest.fixture
def reaching(workshop: Workshop, server: Served) -> Iterator[DockerSandboxes]:
    """Sandboxes of a home whose settings give the server a name."""
    settings = SandboxSettings(private_hosts=(f"data.example.org={server.address}",))
    made = DockerSandboxes(
        f"net{uuid.uuid4().hex[:10]}",
        workshop.repositories,
        workshop.sandboxes.client,
        settings=settings,
    )
    yield made
    made.clean_orphans(set())
    made.close()


def fetching(image: str, *addresses: str, **changes: Any) -> SandboxSpec:
    spec = SandboxSpec(
        name="fetch",
        purpose="trial",
        ticket="T-1",
        image=image,
        command=("python3", "-c", FETCH, *addresses),
        limits=Limits(memory_mb=256, pids=64, timeout_s=60, output_mb=1),
    )
    return spec.model_copy(update=changes)


def labelled(sandboxes: DockerSandboxes) -> set[str]:
    """Names of what the engine has of a home, but for the keeper of its workspaces."""
    marks = {"label": [f"{hardening.HOME}={sandboxes.home_id}"]}
    found: Any = sandboxes.client.containers(all=True, filters=marks)
    volumes = sandboxes.client.volumes(filters=marks)["Volumes"] or []
    names = {c["Names"][0] for c in found if hardening.KEEPER not in c["Labels"]}
    return names | {v["Name"] for v in volumes if hardening.KEEPER not in (v["Labels"] or {})}


def test_the_allowed_host_and_no_other(
    workshop: Workshop, reaching: DockerSandboxes, server: Served
) -> None:
    allowed = f"http://data.example.org:{server.port}"
    spec = fetching(
        workshop.image, f"{allowed}/a", "http://other.example.org/b", f"http://{server.address}/c",
        hosts=(f"data.example.org:{server.port}",),
    )  # fmt: skip
    reaching.start(spec)
    reaching.start(spec)  # once more: it is there
    said = "".join(reaching.follow(spec.name)).splitlines()
    assert said[0] == "served /a"
    assert all("403" in line for line in said[1:])
    assert [path for path, _ in server.asked] == ["/a"]
    told = {(r.host, r.port, r.verdict, r.times) for r in reaching.requests(spec.name)}
    assert ("data.example.org", server.port, "allowed", 1) in told
    assert ("other.example.org", 80, "refused", 1) in told
    assert len(told) == 3
    assert [status.name for status in reaching.list()] == ["fetch"]
    reaching.remove(spec.name)
    assert labelled(reaching) == set()
    assert reaching.requests(spec.name) == ()


def test_without_hosts_there_is_no_proxy_and_localhost_is_known(
    workshop: Workshop, reaching: DockerSandboxes
) -> None:
    script = "import os, socket; print(socket.gethostbyname('localhost'), 'no_proxy' in os.environ)"
    spec = fetching(workshop.image, command=("python3", "-c", script))
    assert reaching.run(spec).stdout == "127.0.0.1 False\n"
    assert labelled(reaching) == set()


def test_what_a_dead_process_left_is_removed_and_half_a_way_is_made_anew(
    workshop: Workshop, reaching: DockerSandboxes, server: Served
) -> None:
    spec = fetching(
        workshop.image, f"http://data.example.org:{server.port}/again",
        hosts=(f"data.example.org:{server.port}",),
    )  # fmt: skip
    container = reaching.container_name(spec.name)
    settings = for_hosts(spec.hosts, (), NO_PIP)
    reaching.uplinks.open(container, spec.name, "T-1", settings)
    reaching.client.remove_container(f"{container}.holder", force=True)
    assert reaching.run(spec).stdout == "served /again\n"
    reaching.uplinks.open(container, spec.name, "T-1", settings)
    assert reaching.clean_orphans({spec.name}) == ()
    assert reaching.clean_orphans(set()) == (spec.name,)
    assert labelled(reaching) == set()


def test_caps_on_requests_and_bytes(
    workshop: Workshop, reaching: DockerSandboxes, server: Served
) -> None:
    place = f"http://data.example.org:{server.port}"
    settings = ProxySettings(
        rules=(Rule(host="data.example.org", port=server.port),),
        private={"data.example.org": server.address},
        requests=2,
        up_bytes=1000,
    )
    long = f"{place}/{'a' * 2000}"
    spec = fetching(workshop.image, f"{place}/1", long, f"{place}/3", hosts=("data.example.org",))
    container = reaching.container_name(spec.name)
    reaching.uplinks.open(container, spec.name, "T-1", settings)  # the one that is used
    reaching.start(spec)
    said = "".join(reaching.follow(spec.name)).splitlines()
    assert said[0] == "served /1"
    assert "429" in said[2]
    assert [path for path, _ in server.asked] == ["/1"]
    assert sum(request.times for request in reaching.requests(spec.name)) == 2


def test_a_runtime_with_a_network_of_its_own_is_refused_in_words(
    workshop: Workshop, reaching: DockerSandboxes
) -> None:
    settings = SandboxSettings(runtime="runsc")
    apart = DockerSandboxes(
        reaching.home_id, workshop.repositories, reaching.client, settings=settings
    )
    with pytest.raises(EngineError, match=r"runsc.*network stack") as caught:
        apart.run(fetching(workshop.image, hosts=("data.example.org",)))
    assert "sandbox.runtime" in caught.value.remedy
    apart.close()
    check_runtime("runc")
    check_runtime("")


def test_a_journal_is_read_as_text_from_a_container() -> None:
    line = {
        "host": "a\x1b[31m.org", "port": 443, "verdict": "allowed", "reason": "", "at": "now",
        "down_bytes": 5, "up_bytes": 1, "method": "CONNECT",
    }  # fmt: skip
    good = json.dumps(line).encode()
    wrong = [b'{"ready": true}', b"\xff", b"[" * 9000, json.dumps(line | {"port": "x"}).encode()]
    (request,) = read_journal(b"\n".join([*wrong, good, good]))
    assert (request.host, request.times, request.down_bytes) == ("a.org", 2, 10)
    many = b"\n".join(json.dumps(line | {"host": f"h{n}"}).encode() for n in range(300))
    kinds = read_journal(many)
    assert len(kinds) == 201
    assert (kinds[-1].host, kinds[-1].times) == ("(others)", 100)


def test_arguments_reach_every_stage_of_a_dockerfile() -> None:
    text = "# FROM x\nARG B=1\nFROM a \\\n  AS one\nRUN echo \\\n  FROM b\nfrom c\nRUN d\n"
    assert with_arguments(text, ["P"]) == (
        "# FROM x\nARG B=1\nFROM a \\\n  AS one\nARG P\nRUN echo \\\n  FROM b\n"
        "from c\nARG P\nRUN d\n"
    )


@pytest.mark.parametrize("odd", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_a_comment_stays_one_whatever_stands_in_it(odd: str) -> None:
    text = f"FROM a\n# note{odd}ADD http://127.0.0.1/ /x\r\nRUN b\n\n"
    refuse_fetching("Dockerfile", text)
    assert with_arguments(text, ["P"]) == text.replace("FROM a\n", "FROM a\nARG P\n")


def test_hosts_of_requirements() -> None:
    lines = ("x @ git+https://u:p@example.org/x", "-f http://a.example.org:8080/w", "file:///x")
    assert hosts_of(lines) == ("example.org:443", "a.example.org:8080")
    with pytest.raises(ValueError, match="address"):
        hosts_of(("https://10.0.0.1/x.whl",))


@pytest.mark.parametrize(
    "added",
    [
        "ADD http://127.0.0.1/ /x",
        "  add --chown=1 https://host.example/a /x",
        'ADD ["\\u0068ttp://127.0.0.1/","/x"]',
        "ARG U=http://127.0.0.1/\nADD $U /x",
        "AD\\\n# no end\n\nD htt\\ \np://127.0.0.1/ /x",
        "# escape=`\nAD`\nD http://127.0.0.1/ /x",
        "RUN echo `\nADD http://127.0.0.1/ /x",
        "RUN echo \\\\\nADD http://127.0.0.1/ /x",
        "ADD\x0chttp://127.0.0.1/ /x",
        "ONBUILD ADD http://127.0.0.1/ /x",
        "ADD a \\\n" * 201 + "b",
        "\\\n" * 201 + "ADD http://127.0.0.1/ /x",
        "A\\\n" + "# a long comment\n" * 201 + "DD http://127.0.0.1/ /x",
        "ADD a \\\n\x1c# http://127.0.0.1/ /x",
    ],
)
def test_an_address_that_the_engine_would_fetch_is_found(added: str) -> None:
    with pytest.raises(EnvironmentBroken, match="the engine itself would fetch"):
        refuse_fetching("Dockerfile", f"FROM scratch\n{added}\n")


def test_a_dockerfile_that_adds_files_is_taken() -> None:
    text = "FROM a:1\nADD data.tar.gz /data\nCOPY --chown=1:1 a b\n# ADD http://x /y\n"
    refuse_fetching("Dockerfile", text + "RUN pip install \\\n  'a @ https://x.example' \\\n" * 300)
