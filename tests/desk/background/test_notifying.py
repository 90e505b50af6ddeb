"""People are told once, signed, in order, and never by a way that leads to other places."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from desk.background import background
from desk.notifying.notifier import Notifier
from desk.notifying.sending import forbidden, signature
from desk.schedules import Schedules
from desk.wiring import Opened
from labcrew.domain.background import NotifySettings, QuietHours
from labcrew.errors import SettingsError
from labcrew.settings import Settings
from tests.desk.background.loopback import Postman, Receiver, postman, receiver
from tests.desk.conftest import HandClock
from tests.desk.records import fail, plan_gate
from tests.tickets import make_assigned

ROOT = Path(__file__).parents[3]
SECRET = "the-key-that-signs-in-tests"
PASSWORD = "the-password-of-the-tests"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCREW_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("LABCREW_MAIL_PASSWORD", PASSWORD)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


@pytest.fixture
def post() -> Iterator[Postman]:
    with postman() as kept:
        yield kept


def notifier(opened: Opened, quiet: dict[str, Any] | None = None, **fields: Any) -> Notifier:
    settings = NotifySettings.model_validate({"timeout_s": 0.4, **fields})
    hours = QuietHours.model_validate(quiet or {})
    return Notifier(opened.home, opened.ledger, opened.clock, settings, hours)


def mailing(post: Postman, **fields: Any) -> dict[str, Any]:
    return {
        "mail_host": "127.0.0.1", "mail_port": post.port, "mail_security": "none",
        "mail_to": ("lab@example.org",), **fields,
    }  # fmt: skip


def gate(opened: Opened, number: int = 1) -> None:
    made = make_assigned(title="Better \u00e9 accuracy").model_copy(
        update={"id": f"T-{number:03d}"}
    )
    opened.ledger.tickets.put(made, actor="person:ada", kind="ticket.assigned")
    plan_gate(opened, made.id)


def outcomes(opened: Opened) -> list[str]:
    return [str(e.result and e.result["state"]) for e in opened.ledger.effects.of("notify")]


def test_a_gate_is_told_once_and_signed(opened: Opened, hook: Receiver) -> None:
    made = notifier(opened, webhook=hook.url)
    gate(opened, 1)
    made.send_new()
    assert hook.got == [], "what was before is not told"
    gate(opened, 2)
    made.send_new()
    made.send_new()
    notifier(opened, webhook=hook.url).send_new()
    ((headers, body),) = hook.got
    told = json.loads(body)
    assert (told["kind"], told["event"], told["ticket"]) == ("gate", "gate.opened", "T-002")
    assert told["id"] == headers["Labcrew-Delivery"]
    stamp = headers["Labcrew-Timestamp"]
    assert stamp == str(int(opened.clock.now().timestamp()))
    assert headers["Labcrew-Signature"] == signature(SECRET, stamp, body)
    assert signature(SECRET, stamp, body + b" ") != headers["Labcrew-Signature"]
    assert outcomes(opened) == ["sent"]


def test_a_receiver_that_fails_gets_it_again_with_longer_waits(
    opened: Opened, clock: HandClock, hook: Receiver
) -> None:
    made = notifier(opened, webhook=hook.url)
    made.send_new()
    gate(opened)
    hook.answers = [500, 503]
    for seconds, tries in ((0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (60, 3)):
        clock.pass_(seconds=seconds)
        made.send_new()
        assert len(hook.got) == tries
    assert len({headers["Labcrew-Delivery"] for headers, _ in hook.got}) == 1
    assert outcomes(opened) == ["sent"]


def test_what_was_refused_goes_out_after_a_restart(
    opened: Opened, clock: HandClock, hook: Receiver
) -> None:
    notifier(opened, webhook=hook.url).send_new()
    gate(opened)
    hook.answers = [500, 503]
    for tries in (1, 2, 3, 3):
        notifier(opened, webhook=hook.url).send_new()
        assert len(hook.got) == tries
    assert len({headers["Labcrew-Delivery"] for headers, _ in hook.got}) == 1
    (effect,) = opened.ledger.effects.of("notify")
    assert effect.result is not None
    assert (effect.result["state"], effect.result["tries"]) == ("sent", 3)


def test_what_may_be_out_after_a_refusal_is_not_sent_again(opened: Opened, hook: Receiver) -> None:
    notifier(opened, webhook=hook.url).send_new()
    gate(opened)
    hook.answers = [500]
    notifier(opened, webhook=hook.url).send_new()
    killed = notifier(opened, webhook=hook.url)

    def during(message: object) -> Any:
        raise KeyboardInterrupt

    killed._channels["webhook"] = during
    with pytest.raises(KeyboardInterrupt):
        killed.send_new()
    notifier(opened, webhook=hook.url).send_new()
    assert len(hook.got) == 1
    assert outcomes(opened) == ["None"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [("slow", "unknown"), (400, "never"), (404, "never"), ("http://127.0.0.1:1/", "never")],
)
def test_what_may_have_arrived_or_never_will_is_not_sent_again(
    opened: Opened, clock: HandClock, hook: Receiver, answer: int | str, state: str
) -> None:
    made = notifier(opened, webhook=hook.url)
    made.send_new()
    gate(opened)
    hook.answers = [answer]
    for _ in range(3):
        made.send_new()
        clock.pass_(hours=1)
    assert len(hook.got) == 1
    assert outcomes(opened) == [state]


def test_a_receiver_that_is_down_is_given_up_after_so_many_tries(
    opened: Opened, clock: HandClock
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/hook?token=hidden-in-the-address"
    made = notifier(opened, webhook=url, attempts=3)
    made.send_new()
    gate(opened)
    for _ in range(5):
        made.send_new()
        clock.pass_(hours=1)
    (effect,) = opened.ledger.effects.of("notify")
    assert effect.result is not None
    assert (effect.result["state"], effect.result["tries"]) == ("refused", 3)
    assert "hidden" not in effect.model_dump_json()


def test_quiet_hours_keep_it_back(opened: Opened, clock: HandClock, hook: Receiver) -> None:
    made = notifier(opened, {"start": "22:00", "end": "07:00"}, webhook=hook.url)
    made.send_new()
    clock.pass_(hours=11)  # 23:00
    gate(opened)
    made.send_new()
    assert hook.got == []
    clock.pass_(hours=8)
    made.send_new()
    assert len(hook.got) == 1


def test_a_ticket_that_failed_is_told_once(opened: Opened, hook: Receiver) -> None:
    made = notifier(opened, webhook=hook.url, kinds=("ticket",))
    made.send_new()
    gate(opened)
    fail(opened, "T-001", "no such file \u202e\n in commit 1234")
    made.send_new()
    made.send_new()
    ((_, body),) = hook.got
    told = json.loads(body)
    assert (told["kind"], told["event"]) == ("ticket", "ticket.failed")
    assert (told["ticket"], told["title"]) == ("T-001", "Better \u00e9 accuracy")
    assert told["text"] == "The ticket is failed: no such file in commit 1234"


def test_a_failure_is_told_in_words_that_are_still_true(
    opened: Opened, clock: HandClock, hook: Receiver
) -> None:
    made = notifier(opened, {"start": "22:00", "end": "07:00"}, webhook=hook.url, kinds=("ticket",))
    made.send_new()
    clock.pass_(hours=11)  # 23:00
    gate(opened)
    fail(opened, "T-001")
    opened.office().retry("T-001", "ada")
    clock.pass_(hours=8)
    made.send_new()
    ((_, body),) = hook.got
    assert json.loads(body)["text"] == "The ticket had failed; it is assigned now"


@pytest.mark.parametrize("end", ["stopped", "done", "paused"])
def test_a_ticket_that_ended_otherwise_is_not_told_as_failed(
    opened: Opened, hook: Receiver, end: str
) -> None:
    made = notifier(opened, webhook=hook.url, kinds=("ticket",))
    made.send_new()
    gate(opened)
    if end == "done":
        done = opened.ledger.tickets.get("T-001").model_copy(update={"status": "done"})
        opened.ledger.tickets.put(done, actor="worker")
    else:
        getattr(opened.office(), {"stopped": "stop", "paused": "pause"}[end])("T-001", "ada")
    made.send_new()
    assert hook.got == []


def test_who_wants_gates_alone_is_told_of_no_failure(opened: Opened, hook: Receiver) -> None:
    made = notifier(opened, webhook=hook.url, kinds=("gate", "incident", "merge_request"))
    made.send_new()
    gate(opened)
    fail(opened, "T-001")
    made.send_new()
    assert [json.loads(body)["kind"] for _, body in hook.got] == ["gate"]


def test_only_what_was_asked_for_is_told(opened: Opened, hook: Receiver) -> None:
    made = notifier(opened, webhook=hook.url, kinds=("incident",))
    made.send_new()
    gate(opened)
    made.send_new()
    assert hook.got == []


def test_mail_is_sent_once_with_a_login(opened: Opened, post: Postman) -> None:
    made = notifier(opened, **mailing(post, mail_user="lab"))
    made.send_new()
    gate(opened)
    made.send_new()
    made.send_new()
    (letter,) = post.letters
    assert "Subject: [labcrew] T-001" in letter
    assert "To: lab@example.org" in letter
    assert post.logins == 1
    assert outcomes(opened) == ["sent"]


@pytest.mark.parametrize(("code", "letters"), [(451, 1), (554, 0)])
def test_a_mail_server_that_says_later_is_asked_later(
    opened: Opened, clock: HandClock, post: Postman, code: int, letters: int
) -> None:
    made = notifier(opened, **mailing(post))
    made.send_new()
    gate(opened)
    post.refuses, post.code = 1, code
    for _ in range(3):
        made.send_new()
        clock.pass_(hours=1)
    assert len(post.letters) == letters
    assert outcomes(opened) == ["sent" if letters else "never"]


def test_a_mail_server_without_tls_gets_no_password(opened: Opened, post: Postman) -> None:
    made = notifier(opened, **mailing(post, mail_user="lab", mail_security="starttls", attempts=1))
    made.send_new()
    gate(opened)
    made.send_new()
    assert (post.logins, post.letters) == (0, [])


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "100.100.100.200", "2852039166"],
)
def test_addresses_of_the_machines_metadata_are_refused(opened: Opened, host: str) -> None:
    assert "metadata" in forbidden(host, 80, ())
    assert forbidden(host, 80, (host,)) == ""
    shown = f"[{host}]" if ":" in host else host
    made = notifier(opened, webhook=f"http://{shown}/latest/meta-data")
    made.send_new()
    gate(opened)
    made.send_new()
    assert outcomes(opened) == ["never"]


def test_no_secret_is_kept(opened: Opened, hook: Receiver, post: Postman) -> None:
    made = notifier(
        opened, webhook=hook.url + "?key=secret-of-the-hook", **mailing(post, mail_user="x")
    )
    made.send_new()
    gate(opened)
    made.send_new()
    opened.ledger.events.of(None)
    for path in opened.home.root.rglob("*"):
        if path.is_file():
            for secret in (SECRET, PASSWORD, "secret-of-the-hook"):
                assert secret.encode() not in path.read_bytes()


def test_without_a_key_to_sign_with_it_says_so(
    opened: Opened, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABCREW_WEBHOOK_SECRET")
    with pytest.raises(SettingsError, match="LABCREW_WEBHOOK_SECRET"):
        notifier(opened, webhook=hook.url)


@pytest.mark.parametrize(
    "address",
    [
        "https://a..b/hook", "https://" + "a" * 70 + ".example/hook", "https://a:99999/hook",
        "https://[::1/hook", "https://127.0.0.1:9/hook\0", "https:///hook",
    ],
)  # fmt: skip
def test_a_webhook_that_is_no_address_is_said_when_settings_are_read(address: str) -> None:
    with pytest.raises(ValidationError, match="no address of a host"):
        NotifySettings.model_validate({"webhook": address})


def test_a_name_that_cannot_be_looked_up_is_given_up(opened: Opened) -> None:
    made = notifier(opened, mail_host="smtp..example.org", mail_to=("lab@example.org",))
    made.send_new()
    gate(opened)
    made.send_new()
    made.send_new()
    assert outcomes(opened) == ["never"]


DRIVER = """
import os, signal, sys
from pathlib import Path
from desk.notifying import notifier as it
from labcrew.domain.background import NotifySettings, QuietHours
from labcrew.home import Home
from labcrew.ledger import Ledger
from tests.desk.conftest import HandClock
home, clock = Home(Path(sys.argv[1])), HandClock()
if sys.argv[3] == "dies":
    real = it.post
    def post(*given):
        real(*given)
        os.kill(os.getpid(), signal.SIGKILL)
    it.post = post
with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
    settings = NotifySettings(webhook=sys.argv[2])
    it.Notifier(home, ledger, clock, settings, QuietHours()).send_new()
"""


def driver(opened: Opened, url: str, how: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", DRIVER, str(opened.home.root), url, how]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_process_that_is_killed_while_sending_does_not_send_twice(
    opened: Opened, hook: Receiver
) -> None:
    notifier(opened, webhook=hook.url).send_new()
    gate(opened)
    assert driver(opened, hook.url, "dies").wait() == -signal.SIGKILL
    assert driver(opened, hook.url, "lives").wait() == 0
    assert len(hook.got) == 1
    gate(opened, 2)
    notifier(opened, webhook=hook.url).send_new()
    assert len(hook.got) == 2


def test_two_processes_at_once_send_one(opened: Opened, hook: Receiver) -> None:
    notifier(opened, webhook=hook.url).send_new()
    gate(opened)
    running = [driver(opened, hook.url, "lives") for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(hook.got) == 1


def test_it_runs_beside_the_work(opened: Opened, hook: Receiver) -> None:
    import time

    settings = Settings.model_validate({"notify": {"webhook": hook.url}})
    here = Opened(opened.home, settings, opened.ledger, opened.clock)
    said: list[str] = []
    with background(here, said.append, every_s=0.02):
        time.sleep(0.2)
        gate(opened)
        for _ in range(200):
            if hook.got:
                break
            time.sleep(0.02)
    assert (len(hook.got), said) == (1, [])


def test_a_step_that_breaks_is_told_once_and_the_other_goes_on(
    opened: Opened, toy: Path, hook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    import time

    schedules = Schedules(opened.office(), QuietHours())
    made = schedules.add(toy / "ticket.md", "* * * * *", "UTC", "ada")
    broken = made.model_copy(update={"timezone": "No/Where"})
    opened.ledger.schedules.put(broken, actor="person:ada")
    settings = Settings.model_validate({"notify": {"webhook": hook.url}})
    here = Opened(opened.home, settings, opened.ledger, opened.clock)
    said: list[str] = []
    with background(here, said.append, every_s=0.02):
        time.sleep(0.2)
        gate(opened)
        for _ in range(200):
            if hook.got:
                break
            time.sleep(0.02)
    assert len(hook.got) == 1
    [told] = said
    assert told.startswith("In the background: ZoneInfoNotFoundError")
    assert [record.name for record in caplog.records] == ["desk.background"]
