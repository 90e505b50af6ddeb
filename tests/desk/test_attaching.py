"""Supervision of runs that labcrew did not start: real children, real files, a real shell."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from desk.attach_wanted import Wanted, meant, offers_of
from desk.attached_run import AttachedRun
from desk.attaching import Attaching
from desk.wiring import Opened, open_home
from labcrew.domain.experiment import Incident
from labcrew.domain.monitoring import Attachment, Expectations
from labcrew.errors import InputError, NotFound
from labcrew.judgement import Judge
from tests.desk.conftest import HandClock
from tests.doubles.chat import ScriptedChat
from tools.followers.source import Ended, Place

LABCREW = [sys.executable, "-c", "from desk.cli import main; main()"]
ROOT = Path(__file__).parents[2]
TRAIN = """
import math, os, sys, time
log, bad, wait = open(sys.argv[1], 'a'), int(sys.argv[2]), float(sys.argv[3])
scale = float(os.environ.get('LABCREW_LEARNING_RATE_SCALE', '1'))
for step in range(60):
    loss = 1 / (step + 1) if step < bad or scale < 1 else math.nan
    print(f'step {step} loss {loss}', file=log, flush=True)
    time.sleep(0.01)
time.sleep(wait)
"""


def train(log: Path, bad: int = 30, wait: float = 0.5) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", TRAIN, str(log), str(bad), str(wait)])


@contextmanager
def attached(
    home: Path, wanted: Wanted, stall_s: float = 600
) -> Iterator[tuple[Opened, Attaching, list[tuple[str, dict[str, Any]]]]]:
    told: list[tuple[str, dict[str, Any]]] = []
    with open_home(home, create=True) as opened:
        expected = Expectations(stall_s=stall_s)
        with Attaching(
            opened, wanted, expected, Judge({}), "ada", lambda *one: told.append(one)
        ) as attaching:
            yield opened, attaching, told


def incidents(home: Path) -> list[Incident]:
    with open_home(home) as opened:
        return opened.ledger.incidents.all()


def test_a_child_that_goes_to_nan_has_its_incident_and_its_end(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    with attached(tmp_path / "home", Wanted(whats=(f"log:{log}",))) as (opened, attaching, told):
        child = train(log)
        attaching.watch()
        assert child.wait(30) == 0
        found = opened.ledger.incidents.of("A-001")
        record = opened.ledger.attachments.get("A-001")
    assert [i.kind for i in found] == ["not_finite"]
    assert found[0].trial == "A-001"
    assert any("nan" in line for line in found[0].evidence)
    done = found[0].intervention
    assert done is not None
    assert (done.action, done.helped) == ("escalate", None)
    assert "only watches" in done.because
    assert (record.status, record.lines, record.exit_code) == ("ended", 60, None)
    assert [word for word, _ in told] == ["attached", "incident", "action", "ended"]


class LargeLog:
    """A source with much in it: each piece takes a quarter of a second to be read."""

    name, announced, whole, place = "large", True, True, Place()

    def __init__(self, clock: HandClock) -> None:
        self.clock, self.pieces = clock, list[str]()
        self.step = 0

    def put(self, pieces: int, steps: int) -> None:
        for _ in range(pieces):
            numbers = range(self.step, self.step + steps)
            self.pieces.append("".join(f"step {n} loss {1 / (n + 1)} lr 0.01\n" for n in numbers))
            self.step += steps

    def read(self) -> Iterator[str]:
        while self.pieces:
            self.clock.pass_(seconds=0.25)
            yield self.pieces.pop(0)

    def unannounced(self) -> None: ...
    def usage(self) -> None: ...
    def ended(self, silent_s: float) -> None: ...
    def again(self) -> None: ...
    def close(self) -> None: ...


@pytest.mark.parametrize("stood_there", [True, False])
def test_old_lines_are_no_fast_run_that_slowed_down(opened: Opened, stood_there: bool) -> None:
    clock = opened.clock
    assert isinstance(clock, HandClock)
    source, now = LargeLog(clock), clock.now()
    lease = opened.ledger.acquire("A-001", "me", 1e6)
    assert lease is not None
    run = AttachedRun(
        Attachment(id="A-001", what="log:/x", by="ada", attached_at=now),
        lease,
        source,
        opened.ledger,
        clock,
        Expectations(),
        Judge({}),
        lambda word, value: None,
        lambda: None,
    )
    for _ in range(40):
        source.put(40 if stood_there else 1, 100)
        while run.take():
            continue
        if stood_there:
            break
    assert run.follower.step == 3999
    for _ in range(40):
        clock.pass_(seconds=0.5)
        source.put(1, 1)
        run.take()
    # The same lines are a slowdown where they came as they were written, and none where not.
    kinds = [incident.kind for incident in opened.ledger.incidents.all()]
    assert kinds == ([] if stood_there else ["slowed"])


class Died:
    """A run that ended badly before its first step, and stays so."""

    name, announced, whole, place = "died", True, True, Place()

    def __init__(self) -> None:
        self.said = ["Traceback (most recent call last):\nValueError: no\n"]

    def read(self) -> Iterator[str]:
        while self.said:
            yield self.said.pop()

    def unannounced(self) -> None: ...
    def usage(self) -> None: ...
    def again(self) -> None: ...
    def close(self) -> None: ...

    def ended(self, silent_s: float) -> Ended:
        return Ended(exit_code=1, reason="exit code 1")


AWAY = ScriptedChat(RuntimeError("the endpoint is gone"))
"""Its endpoint breaks in a way that nobody foresaw."""


@pytest.mark.parametrize(
    ("models", "action", "said"),
    [
        ({}, "give_up", "crashed"),
        (
            {"default": ScriptedChat(RuntimeError("the endpoint is gone"))},
            "escalate",
            "the endpoint is gone",
        ),
    ],
)
def test_a_run_that_died_has_its_incident_once_and_its_end(
    opened: Opened, models: dict[str, Any], action: str, said: str
) -> None:
    lease = opened.ledger.acquire("A-001", "me", 1e6)
    assert lease is not None
    run = AttachedRun(
        Attachment(
            id="A-001", what="log:/x", by="ada", attached_at=opened.clock.now(), restart="true"
        ),
        lease,
        Died(),
        opened.ledger,
        opened.clock,
        Expectations(),
        Judge(models),
        lambda word, value: None,
        lambda: None,
    )
    for _ in range(200):
        if run.over:
            break
        run.tick()
        time.sleep(0.01)
    assert run.over
    incident = opened.ledger.incidents.get("A-001-crashed")
    assert incident.intervention is not None
    assert incident.intervention.action == action
    assert said in incident.intervention.because
    kinds = [event.kind for event in opened.ledger.events.of("A-001")]
    assert kinds.count("incident.opened") == kinds.count("incident.answered") == 1
    assert run.attachment.status == "ended"


def test_a_healthy_run_has_none(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    child = train(log, bad=1000)
    wanted = Wanted(whats=(f"pid:{child.pid}",), log=log)
    with attached(tmp_path / "home", wanted) as (opened, attaching, _):
        waiting = threading.Thread(target=child.wait)
        waiting.start()
        attaching.watch()
        waiting.join()
        assert opened.ledger.incidents.all() == []
        record = opened.ledger.attachments.get("A-001")
    assert record.lines == 60
    assert record.outcome == f"process {child.pid} has ended"
    assert attaching.runs[0].usage is not None


def test_a_process_whose_last_words_are_a_traceback_has_crashed(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    program = "print('step 1 loss 0.5', flush=True); int(input())"
    with log.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=out, stderr=out
        )
    wanted = Wanted(whats=(f"pid:{child.pid}",), log=log)
    with attached(tmp_path / "home", wanted) as (opened, attaching, _):
        child.communicate(b"no number\n", timeout=60)
        attaching.watch()
        (incident,) = opened.ledger.incidents.of("A-001")
    assert (incident.kind, attaching.runs[0].troubled) == ("crashed", True)
    assert "ValueError: invalid literal" in incident.diagnosis


def test_stop_and_restart_are_run_once_and_tell_the_program_what_to_change(tmp_path: Path) -> None:
    log, pid = tmp_path / "train.log", tmp_path / "pid"
    program = tmp_path / "train.py"
    program.write_text(TRAIN)
    begin = f"{sys.executable} {program} {log} 30 1.5 >/dev/null 2>&1 & echo $! | tee {pid}"
    first = subprocess.run(begin, shell=True, check=True, capture_output=True, text=True)
    wanted = Wanted(
        whats=(f"pid:{first.stdout.strip()}",),
        log=log,
        stop=f"kill -9 $(cat {pid}); echo stopped >> {tmp_path / 'did'}",
        restart=f"echo restarted $LABCREW_INCIDENT >> {tmp_path / 'did'}; {begin}",
        offers=("learning_rate",),
    )
    with attached(tmp_path / "home", wanted) as (opened, attaching, _):
        attaching.watch()
        found = opened.ledger.incidents.of("A-001")
        record = opened.ledger.attachments.get("A-001")
        assert opened.ledger.effects.pending("A-001") == []
    (incident,) = found
    assert (tmp_path / "did").read_text().split("\n")[:-1] == ["stopped", "restarted not_finite"]
    assert incident.intervention is not None
    assert incident.intervention.action == "restart_lower_rate"
    assert incident.intervention.new_trial == "A-001-R1"
    assert incident.intervention.helped is None, "nobody knows the new process's exit code"
    assert (record.status, record.restarts) == ("ended", 1)
    assert "nan" not in log.read_text().split("\n")[-2]


def test_at_most_so_many_rescues(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    begin = f"echo x >> {tmp_path / 'did'}; (for i in 1 2 3 4 5 6; do echo loss nan; done) >> {log}"
    wanted = Wanted(
        whats=(f"log:{log}",), stop="true", restart=begin, rescues=2, offers=("learning_rate",)
    )
    log.write_text("loss nan\n" * 6)
    with attached(tmp_path / "home", wanted, stall_s=3) as (opened, attaching, _):
        attaching.watch()
        found = opened.ledger.incidents.of("A-001")
    assert (tmp_path / "did").read_text() == "x\nx\n"
    kinds = [(i.trial, i.kind) for i in found if i.kind == "not_finite"]
    assert kinds == [(f"A-001{r}", "not_finite") for r in ("", "-R1", "-R2")]
    assert found[0].intervention is not None
    assert found[0].intervention.helped is False


@pytest.mark.parametrize(
    ("stop", "restart", "did", "said"),
    [
        ("echo no such job; exit 1", "exit 0", "stop\n", "stop: exit code 1"),
        ("true", "exit 127", "stop\nrestart\n", "stop: done; restart: exit code 127"),
    ],
)
def test_a_command_that_failed_is_for_people_and_no_restart(
    tmp_path: Path, stop: str, restart: str, did: str, said: str
) -> None:
    log, noted = tmp_path / "train.log", tmp_path / "did"
    log.write_text("".join(f"step {n} loss {0.5 if n < 9 else 'nan'}\n" for n in range(20)))
    wanted = Wanted(
        whats=(f"log:{log}",),
        stop=f"echo stop >> {noted}; {stop}",
        restart=f"echo restart >> {noted}; {restart}",
    )
    with attached(tmp_path / "home", wanted) as (opened, attaching, _):
        attaching.once()
        (incident,) = opened.ledger.incidents.of("A-001")
        record = opened.ledger.attachments.get("A-001")
    assert noted.read_text() == did
    assert incident.intervention is not None
    assert (incident.intervention.action, incident.intervention.new_trial) == ("escalate", "")
    assert said in incident.intervention.because
    assert (record.restarts, attaching.runs[0].troubled) == (0, True)


def test_a_loss_that_turns_nan_while_its_spike_is_answered_is_answered_too(tmp_path: Path) -> None:
    log, noted = tmp_path / "train.log", tmp_path / "did"
    losses = [1.0 + 0.01 * (n % 7) for n in range(60)] + [9.0] * 4
    with log.open("w") as file:
        for n, loss in enumerate(losses):
            file.write(f"step {n} loss {loss} lr 0.01\n")
    stop = f"echo stopped >> {noted}"
    with attached(tmp_path / "home", Wanted(whats=(f"log:{log}",), stop=stop)) as (opened, a, _):
        run = a.runs[0]
        run.take()
        assert run._acting is not None
        with log.open("a") as file:
            file.writelines(f"step {n} loss nan lr 0.01\n" for n in range(64, 90))
        a.once()
        found = {i.kind: i.intervention for i in opened.ledger.incidents.of("A-001")}
    actions = {kind: done.action for kind, done in found.items() if done is not None}
    assert actions == {"loss_spike": "continue", "not_finite": "give_up"}
    assert noted.read_text() == "stopped\n"


def test_a_log_can_put_nothing_into_a_command(tmp_path: Path) -> None:
    log, did = tmp_path / "train.log", tmp_path / "did"
    log.write_text(f"$(touch {did}) `touch {did}`; touch {did}; loss nan\n" * 6)
    wanted = Wanted(whats=(f"log:{log}",), stop="env; true", restart="env > " + str(tmp_path / "e"))
    with attached(tmp_path / "home", wanted, stall_s=2) as (_, attaching, _told):
        attaching.watch()
    assert not did.exists()
    assert "touch" not in (tmp_path / "e").read_text()


def test_killed_in_mid_incident_and_again_it_is_there_once(tmp_path: Path) -> None:
    home, log, did = tmp_path / "home", tmp_path / "train.log", tmp_path / "did"
    log.write_text("".join(f"step {n} loss {0.5 if n < 9 else 'nan'}\n" for n in range(20)))
    command = [
        *LABCREW, "watch", "--home", str(home), "--attach", f"log:{log}", "--json",
        "--stop", f"echo stopped >> {did}; sleep 600",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if json.loads(line)["event"] == "incident":
                break
        while not did.exists():
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    assert [i.intervention for i in incidents(home)] == [None]
    done = subprocess.run(
        [*command, "--once"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 4, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["event"] for e in events] == ["attached", "incident", "action", "ended"]
    assert events[0]["again"]
    (incident,) = incidents(home)
    assert incident.intervention is not None
    assert "not run twice" in incident.intervention.because
    assert did.read_text() == "stopped\n"


def test_a_run_is_supervised_by_one_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("")
    with attached(tmp_path / "home", Wanted(whats=(f"log:{log}",))):
        again = attached(tmp_path / "home", Wanted(whats=(f"log:{log}",)))
        with pytest.raises(InputError, match="A-001"), again:
            pass
        with attached(tmp_path / "home", Wanted(whats=(f"log:{tmp_path / 'b.log'}",))) as (o, _, _):
            assert [a.id for a in o.ledger.attachments.all()] == ["A-001", "A-002"]


def test_an_interrupted_watch_leaves_the_run(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    child = train(log, bad=1000, wait=7200)
    command = [*LABCREW, "watch", "--home", str(tmp_path / "home"), "--attach", str(log)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background job ignores the interrupt, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as watch:
        assert watch.stdout is not None
        assert "is supervised; read-only" in watch.stdout.readline()
        time.sleep(1)
        watch.send_signal(signal.SIGINT)
        said = watch.stdout.read()
        assert watch.wait(30) == 0
    assert "the run goes on" in said
    assert child.poll() is None
    child.kill()
    child.wait(30)


def test_a_file_system_that_does_not_tell_is_polled(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    with attached(tmp_path / "home", Wanted(whats=(f"log:{log}",))) as (opened, attaching, _):
        # No watch can be had any longer: as on a file system of another machine.
        attaching._notifier.close()
        attaching._notifier._woken, attaching._notifier._waker = os.pipe2(os.O_NONBLOCK)
        child = train(log)
        attaching.watch()
        child.wait(30)
        assert [i.kind for i in opened.ledger.incidents.all()] == ["not_finite"]
        assert not attaching.runs[0].source.announced


@pytest.mark.parametrize(
    ("what", "full"),
    [
        ("log:{}/a", "log:{}/a"),
        ("{}/a", "log:{}/a"),
        ("{}", "tensorboard:{}"),
        ("container:trainer", "container:trainer"),
        ("pid:12", "pid:12"),
    ],
)
def test_what_is_meant(tmp_path: Path, what: str, full: str) -> None:
    assert meant(what.format(tmp_path)) == full.format(tmp_path)


@pytest.mark.parametrize("what", ["log:", "nothing", "4711", "", "pid: "])
def test_what_means_nothing_is_told(what: str) -> None:
    with pytest.raises(InputError) as told:
        meant(what)
    assert "--attach" in told.value.remedy


def test_what_can_not_be_followed_leaves_no_record(tmp_path: Path) -> None:
    for wanted, error in (
        (Wanted(whats=("pid:1",)), InputError),
        (Wanted(whats=("pid:999999999",), log=tmp_path / "a"), NotFound),
        (Wanted(whats=(f"tensorboard:{tmp_path / 'none'}",)), NotFound),
        (Wanted(whats=("log:/dev/null",)), InputError),
    ):
        with pytest.raises(error), attached(tmp_path / "home", wanted):
            pass
    with open_home(tmp_path / "home") as opened:
        assert opened.ledger.attachments.all() == []
    with pytest.raises(InputError, match="learning_rate"):
        offers_of(["everything"])


@pytest.mark.engine
def test_a_container_is_followed_and_its_exit_is_an_incident(tmp_path: Path) -> None:
    from sandboxes.client import connect
    from sandboxes.images import BaseImage

    client = connect()
    image = BaseImage(client, lambda text: None).ensure()
    script = (
        "import time\nfor n in range(30):\n print('step', n, 'loss', 1 / (n + 1), flush=True)\n"
        " time.sleep(0.02)\nraise ValueError('the shard is gone')"
    )
    made = client.create_container(image, ["/opt/labcrew/bin/python", "-c", script])
    name = made["Id"]
    try:
        client.start(name)
        wanted = Wanted(whats=(f"container:{name}",))
        with attached(tmp_path / "home", wanted) as (opened, attaching, _):
            attaching.watch()
            found = opened.ledger.incidents.of("A-001")
            record = opened.ledger.attachments.get("A-001")
        assert (record.status, record.exit_code) == ("ended", 1)
        assert [i.kind for i in found] == ["crashed"]
        assert "the shard is gone" in found[0].diagnosis
        assert attaching.runs[0].follower.step == 29
        other = attached(tmp_path / "home", Wanted(whats=("container:not-there",)))
        with pytest.raises(NotFound, match="no container"), other:
            pass
    finally:
        client.remove_container(name, force=True)
        client.close()


@pytest.mark.engine
def test_a_container_that_is_restarted_is_followed_on(tmp_path: Path) -> None:
    from sandboxes.client import connect
    from sandboxes.images import BaseImage

    client = connect()
    image = BaseImage(client, lambda text: None).ensure()
    script = (
        "import os, time\nagain = os.path.exists('/tmp/again')\nopen('/tmp/again', 'w')\n"
        "for n in range(30):\n"
        " print('step', n, 'loss', 0.5 if again or n < 9 else 'nan', flush=True)\n"
        " time.sleep(0.02)\ntime.sleep(0 if again else 60)"
    )
    made = client.create_container(image, ["/opt/labcrew/bin/python", "-c", script])
    name = made["Id"]
    try:
        client.start(name)
        restart = (
            f"{sys.executable} -c \"import docker; docker.from_env().api.restart('{name}', 0)\""
        )
        wanted = Wanted(whats=(f"container:{name}",), restart=restart)
        with attached(tmp_path / "home", wanted) as (opened, attaching, _):
            attaching.watch()
            (incident,) = opened.ledger.incidents.of("A-001")
            record = opened.ledger.attachments.get("A-001")
        assert (record.restarts, record.exit_code) == (1, 0)
        assert incident.intervention is not None
        assert (incident.intervention.action, incident.intervention.helped) == (
            "restart_same",
            True,
        )
    finally:
        client.remove_container(name, force=True)
        client.close()
