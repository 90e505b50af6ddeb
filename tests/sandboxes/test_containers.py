"""What the adapter promises beyond the port: hardening, homes, deadlines, cut-off starts."""

import io
import json
import re
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from labcrew.domain.sandbox import Limits, OverlayFile
from labcrew.errors import EngineError, EngineUnavailable
from sandboxes import hardening
from sandboxes.client import connect
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.volumes import orphans
from tests.sandboxes.fixtures import Workshop

PROBES = r"""
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
held = {}
def probe(name, action):
    try:
        action()
    except (OSError, PermissionError) as error:
        held[name] = True
    else:
        held[name] = False
def call(number, *arguments):
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")
x86 = os.uname().machine == "x86_64"
def sys_(a, b):
    return a if x86 else b
probe("root file system", lambda: open("/probe", "w"))
probe("proc sys", lambda: open("/proc/sys/kernel/core_pattern", "w"))
probe("engine socket", lambda: os.stat("/var/run/docker.sock"))
for name, domain, kind, protocol in (
    ("vsock", 40, 1, 0), ("af_alg", 38, 5, 0), ("packet", 17, 3, 768), ("raw", 2, 3, 1),
    ("netlink audit", 16, 3, 9), ("bluetooth", 31, 3, 0),
):
    probe(name, lambda d=domain, k=kind, p=protocol: socket.socket(d, k, p))
probe("network", lambda: socket.create_connection(("1.1.1.1", 53), 1))
probe("ptrace", lambda: call(sys_(101, 117), 16, 1, 0, 0))
probe("unshare user", lambda: call(sys_(272, 97), 0x10000000))
probe("clone user", lambda: call(sys_(56, 220), 0x10000000 | 17, 0, 0, 0, 0))
probe("mount", lambda: call(sys_(165, 40), b"none", b"/tmp", b"tmpfs", 0, None))
probe("bpf", lambda: call(sys_(321, 280), 0, None, 0))
probe("perf", lambda: call(sys_(298, 241), None, 0, -1, -1, 0))
probe("userfaultfd", lambda: call(sys_(323, 282), 1))
probe("io_uring", lambda: call(425, 8, None))
probe("keyctl", lambda: call(sys_(250, 219), 0, -3, 0))
probe("add_key", lambda: call(sys_(248, 217), b"user", b"x", b"y", 1, -3))
probe("process_vm_readv", lambda: call(sys_(310, 270), 1, None, 0, None, 0, 0))
probe("open_by_handle_at", lambda: call(sys_(304, 265), -100, None, 0))
probe("personality", lambda: call(sys_(135, 92), 0x0040000))
probe("setuid", lambda: os.setuid(0))
probe("mknod", lambda: os.mknod("/tmp/null", 0o20666, os.makedev(1, 3)))
probe("chroot", lambda: os.chroot("/tmp"))
held["capabilities"] = "CapEff:\t0000000000000000" in open("/proc/self/status").read()
held["no new privileges"] = "NoNewPrivs:\t1" in open("/proc/self/status").read()
held["seccomp"] = "Seccomp:\t2" in open("/proc/self/status").read()
held["user"] = os.getuid() == 10001 == os.getgid()
import subprocess, threading, multiprocessing  # what ordinary programs need goes on working
subprocess.run(["true"], check=True)
thread = threading.Thread(target=print); thread.start(); thread.join()
multiprocessing.Queue().put(1)
os.mkfifo("/tmp/fifo"); socket.socketpair(); socket.if_nameindex()
with open("/dev/shm/x", "w") as f: f.write("x")
print(json.dumps(held))
"""


def test_hardening_holds_and_ordinary_programs_work(workshop: Workshop) -> None:
    spec = workshop.spec("probe", "", command=("python3", "-c", PROBES))
    result = workshop.sandboxes.run(spec)
    assert result.exit_code == 0, result.stderr
    held = json.loads(result.stdout.strip().splitlines()[-1])
    assert [name for name, ok in held.items() if not ok] == []
    assert len(held) >= 30


def test_a_fork_bomb_and_a_full_scratch_stay_inside(workshop: Workshop) -> None:
    script = (
        "head -c 500000000 /dev/zero > /tmp/fill 2>/dev/null; wc -c < /tmp/fill; rm /tmp/fill;"
        " for i in $(seq 200); do sleep 5 & done 2>/dev/null; echo end"
    )
    limits = Limits(memory_mb=128, pids=32, timeout_s=20)
    result = workshop.sandboxes.run(workshop.spec("bomb", script, limits=limits))
    assert int(result.stdout.split()[0]) <= 64 << 20
    assert not result.timed_out


def test_the_filter_is_well_formed() -> None:
    profile = json.loads(hardening.seccomp())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    allowed = {
        name
        for rule in profile["syscalls"]
        for name in rule["names"]
        if rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule
    }
    told = (
        (Path(__file__).parents[2] / "docs/seccomp.md")
        .read_text("utf-8")
        .partition("## What training")[0]
    )
    assert not allowed & set(re.findall(r"`([a-z0-9_]+)`", told)) - {"clone"}
    forbidden = {"ptrace", "unshare", "setns", "mount", "bpf", "io_uring_setup", "keyctl", "clone"}
    assert not allowed & forbidden
    assert {"read", "openat", "futex", "epoll_pwait", "rseq"} <= allowed


@pytest.mark.parametrize("filled", [False, True])
def test_a_start_that_was_cut_off_is_finished(workshop: Workshop, filled: bool) -> None:
    sandboxes = workshop.sandboxes
    spec = workshop.spec("cut", "cat train.py; test ! -e stale && echo clean")
    assert sandboxes._create(spec, attached=False)
    if filled:
        sandboxes._fill(sandboxes.container_name(spec.name), spec)
    assert sandboxes.status(spec.name).state == "created"
    sandboxes.start(spec)
    assert "".join(sandboxes.follow(spec.name)) == "print('trained')\nclean\n"


def test_a_run_that_was_cut_off_is_done_again(workshop: Workshop) -> None:
    spec = workshop.spec("again", "test -e old && echo old; touch old; echo ran")
    workshop.sandboxes.start(spec)
    assert workshop.sandboxes.run(spec).stdout == "ran\n"


def test_homes_keep_apart(workshop: Workshop) -> None:
    mine = workshop.spec("mine", "sleep 60")
    workshop.sandboxes.start(mine)
    other = DockerSandboxes("othertesthome", workshop.repositories, workshop.sandboxes.client)
    assert other.list() == ()
    assert other.clean_orphans(set()) == ()
    other.remove(mine.name)
    assert workshop.sandboxes.clean_orphans({mine.name}) == ()
    assert workshop.sandboxes.status(mine.name).state == "running"
    assert workshop.sandboxes.clean_orphans(set()) == (mine.name,)
    marks = {"label": [f"{hardening.NAME}={mine.name}"]}
    assert not workshop.sandboxes.client.volumes(filters=marks)["Volumes"]
    other.close()


def test_a_name_of_another_home_is_not_taken(workshop: Workshop) -> None:
    home = workshop.sandboxes.home_id
    spec = workshop.spec("x", "sleep 60")
    workshop.sandboxes.start(spec.model_copy(update={"name": "a-b"}))
    other = DockerSandboxes(f"{home}-a", workshop.repositories, workshop.sandboxes.client)
    with pytest.raises(EngineError, match="another home"):
        other.start(spec.model_copy(update={"name": "b"}))
    other.clean_orphans(set())
    other.close()
    for bad in ("../x", "", "-x", "a/b"):
        with pytest.raises(ValueError, match="can't be"):
            workshop.sandboxes.status(bad)


def test_no_engine_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(EngineUnavailable, match="make engine"):
        connect()


def test_a_planted_link_does_not_lead_a_write_elsewhere(workshop: Workshop, lab: str) -> None:
    workshop.sandboxes.exec(lab, ("ln", "-s", "/opt/labcrew/inside", "notes"))
    with suppress(EngineError):
        workshop.sandboxes.write_files(lab, (OverlayFile(path="notes/x.py", content=b"x"),))
    listing = workshop.sandboxes.exec(lab, ("ls", "/opt/labcrew/inside")).stdout
    assert "x.py" not in listing


def test_an_image_that_knows_nothing_of_labcrew(workshop: Workshop) -> None:
    client = workshop.sandboxes.client
    tag = f"labcrew/test:{uuid.uuid4().hex[:8]}"
    dockerfile = f'FROM {workshop.image}\nUSER root\nENTRYPOINT ["false"]\nLABEL labcrew.crew=\n'
    dockerfile += "RUN chown root:root /workspace && touch /workspace/theirs\n"
    list(client.build(fileobj=io.BytesIO(dockerfile.encode()), tag=tag, rm=True, decode=True))
    try:
        spec = workshop.spec("foreign", "id -u; echo own > mine && ls", image=tag)
        result = workshop.sandboxes.run(spec)
        assert result.stdout == "10001\ndata\nevaluate.py\nmine\ntrain.py\n"
    finally:
        client.remove_image(tag, force=True)
    assert workshop.sandboxes.list() == ()


def test_an_image_s_own_volumes_are_capped_and_its_marks_are_not_taken(workshop: Workshop) -> None:
    client = workshop.sandboxes.client
    tag = f"labcrew/test:{uuid.uuid4().hex[:8]}"
    dockerfile = f"FROM {workshop.image}\nUSER root\nRUN mkdir -m 777 /big\n"
    dockerfile += 'VOLUME ["/big", "/big/", "/workspace", "/tmp", "/workspace/below"]\n'
    dockerfile += f"LABEL {hardening.KEEPER}={workshop.sandboxes.home_id}\n"
    list(client.build(fileobj=io.BytesIO(dockerfile.encode()), tag=tag, rm=True, decode=True))
    try:
        fill = "head -c 1G /dev/zero > $d/all; stat -c %s $d/all; rm $d/all"
        script = f"for d in /big /workspace/below; do {fill}; done; stat -f -c %T /workspace"
        said = workshop.sandboxes.run(workshop.spec("volumes", script, image=tag)).stdout.split()
        assert all(int(size) < 1 << 29 for size in said[:2])
        assert said[2:] == ["ext2/ext3"]
        marked = workshop.spec("marked", "sleep 60", image=tag)
        workshop.sandboxes.start(marked)
        orphans.remove_keepers(client, workshop.sandboxes.home_id, but="")
        assert workshop.sandboxes.status(marked.name).state == "running"
        workshop.sandboxes.remove(marked.name)
    finally:
        client.remove_image(tag, force=True)
