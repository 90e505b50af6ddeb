"""Following: chunks, alarms, ends."""

import threading
from collections.abc import Iterator

from agents.monitoring.watch import Watch
from labcrew.domain.monitoring import Alarm, Usage
from labcrew.errors import EngineError
from tests.tickets import make_assigned

ASSIGNED = make_assigned(metric={"name": "val acc", "direction": "maximize", "file": "m.jsonl"})


def followed(*chunks: str) -> Watch:
    watch = Watch(iter(chunks), ASSIGNED, lambda: None)
    watch.join(60)
    return watch


def test_a_run_is_read_across_chunks() -> None:
    found = followed(
        "step 1 loss 0.9\nstep 2 lo", "ss 0.8\nval acc: 0.7\r\nval acc: 0.6\nbye"
    ).reading()
    assert found.ended
    assert found.tail == (
        "step 1 loss 0.9",
        "step 2 loss 0.8",
        "val acc: 0.7",
        "val acc: 0.6",
        "bye",
    )
    assert (found.step, found.reported, found.best, found.alarms) == (2, 0.6, 0.7, ())
    assert found.seconds_silent == 0


def test_an_alarm_is_told_once_and_stays() -> None:
    woken: list[str] = []
    told: list[str] = []

    def opened(alarm: Alarm, at_s: float) -> None:
        assert at_s >= 0
        told.append(alarm.kind)

    watch = Watch(iter(["loss nan\n" * 5]), ASSIGNED, lambda: woken.append("x"), opened)
    watch.join(60)
    found = watch.reading().alarms
    assert [alarm.kind for alarm in found] == told == ["not_finite"]
    assert found[0].lines[-1] == "loss nan"
    assert len(woken) == 2  # the alarm, and the end


def test_an_engine_that_breaks_off_ends_the_following_without_noise() -> None:
    def breaks() -> Iterator[str]:
        yield "step 1\nstep 2"
        raise EngineError("gone")

    watch = Watch(breaks(), ASSIGNED, lambda: None)
    watch.join(60)
    assert watch.reading().ended
    assert watch.reading().tail == ("step 1", "step 2")


def test_a_watch_can_be_let_go_and_woken_elsewhere() -> None:
    go, woken = threading.Event(), threading.Event()

    def chunks() -> Iterator[str]:
        yield "a\n"
        assert go.wait(60)
        yield "b\n"
        yield "c\n"

    watch = Watch(chunks(), ASSIGNED, lambda: None)
    watch.wake_by(woken.set)
    watch.tick(Usage(memory_bytes=1, memory_limit_bytes=2, cpu_s=0.1))
    watch.close()
    go.set()
    assert woken.wait(60)
    watch.join(60)
    assert "c" not in watch.reading().tail


def test_the_numbers_can_be_plotted() -> None:
    points = followed("".join(f"step={n} loss={n / 10}\n" for n in range(5000))).points()
    losses = [p for p in points if p.name == "loss"]
    assert len(losses) <= 258
    assert (losses[0].step, losses[-1].step, losses[-1].value) == (0, 4999, 499.9)


def test_after_a_backlog_the_last_lines_stand_whole() -> None:
    text = "".join(f"step={n} loss={1 / n}\nworker is fine\n" for n in range(1, 4000))
    found = followed(text + "Traceback (most recent call last):\n  body\nValueError: no\n")
    assert found.reading().tail[-3:] == (
        "Traceback (most recent call last):", "  body", "ValueError: no",
    )  # fmt: skip
    assert found.reading().step == 3999


def test_what_json_can_spell_and_no_text_can_hold_blinds_no_watch() -> None:
    healthy = "".join(f'{{"step": {n}, "loss": 0.5, "shard": "s0"}}\n' for n in range(60))
    odd = '{"step": 61, "loss": NaN, "shard": "\\ud800\\u001b[31m", "\\ud801": 1}\n'
    found = followed(healthy, odd * 4).reading()
    assert found.step == 61
    assert {alarm.kind for alarm in found.alarms} & {"not_finite", "corrupt_batch"}
    told = "".join(alarm.subject + alarm.diagnosis for alarm in found.alarms)
    assert told.encode("utf-8")
    assert "\x1b" not in told


def test_nan_is_never_the_best() -> None:
    found = followed("val acc: nan\nval acc: 0.4\nval acc: 0.3\n").reading()
    assert (found.reported, found.best) == (0.3, 0.4)


class Clock:
    """Each look at it takes 10 ms."""

    at = 0.0

    def __call__(self) -> float:
        self.at += 0.01
        return self.at


def test_old_lines_that_are_read_anew_are_no_fast_run_that_slowed_down() -> None:
    clock = Clock()

    def line(n: int) -> str:
        return f"step {n} loss {2 * 0.999**n + 0.01 * (n % 7):.4f} lr 0.01\n"

    def chunks() -> Iterator[str]:
        for begin in range(0, 4000, 20):
            yield "".join(line(n) for n in range(begin, begin + 20))
            clock.at -= 0.01  # nothing is waited for
        for n in range(4000, 4040):
            clock.at += 0.5
            yield line(n)

    watch = Watch(chunks(), ASSIGNED, lambda: None, now=clock)
    watch.join(60)
    assert watch.reading().step == 4039
    assert watch.reading().alarms == ()
