"""Warm tool containers: handed to one ticket, found again after a crash, gone with it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from labcrew.domain.sandbox import Limits, SandboxSpec
from sandboxes.docker_sandboxes import DockerSandboxes
from tests.sandboxes.fixtures import Workshop

pytestmark = pytest.mark.engine
LIMITS = Limits(memory_mb=128, pids=32)


@pytest.fixture
def warm(workshop: Workshop) -> Iterator[DockerSandboxes]:
    shared = workshop.sandboxes
    warm = DockerSandboxes(shared.home_id, workshop.repositories, shared.client, warm=1)
    yield warm
    warm.clean_orphans(set())
    warm.close()


def spec(workshop: Workshop, ticket: str, **changes: object) -> SandboxSpec:
    made = SandboxSpec(
        name=f"{ticket}-tools".lower(),
        purpose="tools",
        ticket=ticket,
        image=workshop.image,
        limits=LIMITS,
    )
    return made.model_copy(update=changes)


def idle(sandboxes: DockerSandboxes) -> list[str]:
    """Engine names of the running containers that no ticket has."""
    found = sandboxes.client.containers(filters={"label": [f"labcrew.home={sandboxes.home_id}"]})
    names = {item["Names"][0].removeprefix("/") for item in found if "warm-" in item["Names"][0]}
    return sorted(names - {sandboxes.container_name(status.name) for status in sandboxes.list()})


def warmed(sandboxes: DockerSandboxes) -> str:
    end = time.monotonic() + 60
    while not idle(sandboxes) or not sandboxes._pool._idle:
        assert time.monotonic() < end, "nothing was warmed"
        time.sleep(0.05)
    (name,) = idle(sandboxes)
    return name


def test_a_ticket_gets_the_warm_one_and_the_next_another(
    workshop: Workshop, warm: DockerSandboxes
) -> None:
    warm.start(spec(workshop, "T-1"))
    first = warmed(warm)
    assert [status.name for status in warm.list()] == ["t-1-tools"]
    warm.start(spec(workshop, "T-2"))
    assert warm.container_name("t-2-tools") == first
    assert warm.exec("t-2-tools", ("sh", "-c", "ls -A; touch mine; pwd")).stdout == "/workspace\n"
    second = warmed(warm)
    assert second != first
    warm.start(spec(workshop, "T-3"))
    assert warm.container_name("t-3-tools") == second
    assert warm.exec("t-3-tools", ("ls", "-A")).stdout == ""
    assert warm.read_file("t-2-tools", "mine") == b""
    warm.start(spec(workshop, "T-2"))
    assert warm.exec("t-2-tools", ("ls", "-A")).stdout == "mine\n"


def test_a_handed_out_container_is_listed_stopped_and_removed_by_its_name(
    workshop: Workshop, warm: DockerSandboxes
) -> None:
    warm.start(spec(workshop, "T-1"))
    inner = warmed(warm)
    warm.start(spec(workshop, "T-2"))
    assert warm.status("t-2-tools").state == "running"
    assert [status.name for status in warm.list("T-2")] == ["t-2-tools"]
    warm.stop("t-2-tools")
    assert warm.status("t-2-tools").state == "exited"
    assert warm.clean_orphans({"t-2-tools"}) == ("t-1-tools",)
    assert warm.status("t-2-tools").state == "exited"
    warm.remove("t-2-tools")
    assert warm.status("t-2-tools").state == "missing"
    assert warm.list() == ()
    volumes = warm.client.volumes(filters={"label": [f"labcrew.home={warm.home_id}"]})["Volumes"]
    assert not [v["Name"] for v in volumes or [] if inner in v["Name"] or "handed" in v["Name"]]


def test_the_next_process_finds_what_was_handed_out(
    workshop: Workshop, warm: DockerSandboxes
) -> None:
    warm.start(spec(workshop, "T-1"))
    warmed(warm)
    warm.start(spec(workshop, "T-2"))
    warm.exec("t-2-tools", ("touch", "kept"))
    inner = warm.container_name("t-2-tools")
    lost = warmed(warm)
    # What a killed process leaves: nobody holds its runners, or knows of what is warm.
    later = DockerSandboxes(warm.home_id, workshop.repositories, warm.client)
    assert later.container_name("t-2-tools") == inner
    assert [status.name for status in later.list("T-2")] == ["t-2-tools"]
    assert later.exec("t-2-tools", ("ls",)).stdout == "kept\n"
    prefix = later.container_name("x").removesuffix("x")
    assert set(later.clean_orphans({"t-2-tools"})) == {"t-1-tools", lost.removeprefix(prefix)}
    assert later.exec("t-2-tools", ("ls",)).stdout == "kept\n"
    assert later.clean_orphans(set()) == ("t-2-tools",)
    assert later.list() == ()
    later.close()


def test_other_limits_and_filled_workspaces_get_none(
    workshop: Workshop, warm: DockerSandboxes
) -> None:
    warm.start(spec(workshop, "T-1"))
    inner = warmed(warm)
    warm.start(spec(workshop, "T-2", limits=Limits(memory_mb=64, pids=32)))
    assert warm.container_name("t-2-tools") != inner
    source = workshop.spec("x", "").workspace
    warm.start(spec(workshop, "T-3", workspace=source))
    assert "train.py" in warm.exec("t-3-tools", ("ls",)).stdout
    warm.start(spec(workshop, "T-4", environment={"A": "1"}))
    assert warm.exec("t-4-tools", ("sh", "-c", "echo $A")).stdout == "1\n"


def test_one_that_waited_long_goes_to_nobody(workshop: Workshop, warm: DockerSandboxes) -> None:
    short = Limits(memory_mb=128, pids=32, timeout_s=10)
    warm.start(spec(workshop, "T-1", limits=short))
    old = warmed(warm)
    time.sleep(1.1)  # more than a tenth of its time
    warm.start(spec(workshop, "T-2", limits=short))
    assert warm.container_name("t-2-tools") != old
    assert warm.exec("t-2-tools", ("pwd",)).stdout == "/workspace\n"
    warm._pool.drain()
    assert warm.client.containers(all=True, filters={"name": [old]}) == []


def test_one_that_was_killed_while_it_waited_serves_all_the_same(
    workshop: Workshop, warm: DockerSandboxes
) -> None:
    warm.start(spec(workshop, "T-1"))
    inner = warmed(warm)
    warm.client.kill(inner)
    warm.start(spec(workshop, "T-2"))
    assert warm.container_name("t-2-tools") == inner
    assert warm.exec("t-2-tools", ("pwd",)).stdout == "/workspace\n"


def test_all_that_are_handed_out_at_once_are_remembered(workshop: Workshop) -> None:
    shared = workshop.sandboxes
    with closing(
        DockerSandboxes(shared.home_id, workshop.repositories, shared.client, warm=4)
    ) as warm:
        warm.start(spec(workshop, "T-0"))
        thread = warm._pool._filling
        assert thread is not None
        thread.join()
        assert len(idle(warm)) == 4
        tickets = [f"T-{number}" for number in range(1, 5)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda ticket: warm.start(spec(workshop, ticket)), tickets))
        names = [f"{ticket}-tools".lower() for ticket in tickets]
        inner = {warm.container_name(name) for name in names}
        assert len(inner) == 4
        assert all("warm-" in name for name in inner)
        assert {status.name for status in warm.list()} == {"t-0-tools", *names}
        warm.clean_orphans(set())


def test_two_tickets_at_once_never_share(workshop: Workshop, warm: DockerSandboxes) -> None:
    warm.start(spec(workshop, "T-0"))
    warmed(warm)
    tickets = [f"T-{number}" for number in range(1, 6)]
    threads = [
        threading.Thread(target=warm.start, args=(spec(workshop, ticket),)) for ticket in tickets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [f"{ticket}-tools".lower() for ticket in tickets]
    for name in names:
        assert warm.exec(name, ("sh", "-c", f"ls; touch {name}")).stdout == ""
    assert len({warm.container_name(name) for name in names}) == len(names)
