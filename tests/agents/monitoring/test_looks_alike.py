"""What a run prints while nothing is wrong, and what looks the same where something is."""

import math
from collections.abc import Callable, Iterator

import pytest

from agents.monitoring.follower import Follower
from agents.monitoring.history import history_of
from agents.monitoring.named import contending
from labcrew.domain.monitoring import Alarm, Expectations, Usage
from tools.metric_names import is_loss

IDLE = Usage(memory_bytes=1, memory_limit_bytes=0, cpu_s=1.0)


def alarms(lines: list[str], *, every_s: float = 0.1, quiet_s: float = 0.0) -> dict[str, Alarm]:
    """What is found in lines that come one after the other, and in the silence after them."""
    follower = Follower(Expectations(stall_s=60))
    found = list(_told(follower, lines, every_s, quiet_s))
    return {alarm.kind: alarm for alarm in reversed(found)}


def _told(follower: Follower, lines: list[str], every_s: float, quiet_s: float) -> Iterator[Alarm]:
    ticked, now = 0.0, 0.0
    for number, line in enumerate([*lines, ""]):
        now = number * every_s if line else now + quiet_s
        while ticked + 1 <= now:
            ticked += 1
            yield from follower.tick(ticked, IDLE)
        yield from follower.feed(f"{line}\n" if line else "", now)


def falling(upto: int, more: str = "") -> list[str]:
    return [f"step {n} loss={2 / (n + 1) + 0.1:.4f}{more}" for n in range(upto)]


@pytest.mark.parametrize("name", ["best_loss", "best_val_loss", "min_loss"])
def test_a_best_that_is_not_there_yet_is_no_infinity(name: str) -> None:
    assert "not_finite" not in alarms(falling(150, f" {name}=inf"))
    assert "not_finite" in alarms(falling(150, f" {name}=nan"))


def test_a_zero_before_there_is_a_loss_is_not_its_best() -> None:
    bar = "{0}%|#  | {0}/100 [00:{0:02d}<00:10, 9.5it/s, loss={1:.3f}]"
    bars = [bar.format(n, 2.3 * 0.99**n if n else 0) for n in range(60)]
    assert "diverged" not in alarms(bars)
    for zeros in (1, 5, 300):
        begun = [f"step {n} loss=0.0" for n in range(zeros)]
        learning = [f"step {zeros + n} loss={2.3 * 0.99**n:.4f}" for n in range(60)]
        assert alarms(begun + learning) == {}
        grown = [f"step {zeros + 60 + n} loss={60 + n}" for n in range(10)]
        assert set(alarms(begun + learning + grown)) >= {"diverged"}


def test_a_loss_that_becomes_null_is_nan() -> None:
    rows = [f'{{"step": {n}, "loss": 0.{99 - n}, "val_loss": null}}' for n in range(40)]
    rows[10::10] = [f'{{"step": {n}, "loss": null, "val_loss": 0.5}}' for n in (10, 20, 30)]
    assert alarms(rows) == {}
    gone = [f'{{"step": {n}, "loss": null, "val_loss": null}}' for n in range(40, 50)]
    assert alarms([*rows, *gone])["not_finite"].step == 41


@pytest.mark.parametrize("name", ["eval speed", "step_time", "grad_norm", "snr"])
def test_what_is_no_loss_may_be_infinite_beside_a_healthy_one(name: str) -> None:
    lines = [f"{name}: 100", *(f"step {n} loss=0.{99 - n}\n{name}: inf" for n in range(50))]
    assert alarms(lines) == {}


@pytest.mark.parametrize("name", ["val precision", "val_acc", "snr"])
def test_what_is_no_loss_tells_where_the_loss_is_none_or_not_there(name: str) -> None:
    now_and_then = [f"step {n} loss=0.{99 - n}\n{name}: nan" for n in range(8)]
    assert alarms([f"{name}: 0.5", *now_and_then]) == {}
    assert "not_finite" in alarms([f"{name}: 0.5", f"{name}: nan", f"{name}: nan"])
    assert ("not_finite" in alarms([f"{name}: 0.5", *now_and_then * 3])) is ("val" in name)


OOM = "CUDA out of memory. Tried to allocate 2.00 GiB; trying again with batch size 32"
FULL = "could not write the compile cache: [Errno 28] No space left on device; going on without it"
SAID = pytest.mark.parametrize(("line", "kind"), [(OOM, "out_of_memory"), (FULL, "storage_full")])


@SAID
@pytest.mark.parametrize(
    "life",
    [
        "step {0} loss=0.5{0}",
        "step {0} of 90",
        "{0}%|#  | {0}/90 [00:{0:02d}<01:30, 1.0it/s]",
    ],
)
def test_a_run_that_ran_out_and_goes_on_is_left_alone(line: str, kind: str, life: str) -> None:
    lines = [life.format(n) for n in range(40)]
    assert alarms([*lines[:5], line, *lines[5:]], every_s=1.0) == {}
    assert kind in alarms([*lines[:5], line], quiet_s=30)
    assert kind in alarms([line, "Traceback (most recent call last):"], quiet_s=30)


@SAID
def test_a_bar_that_stands_is_no_sign_of_life(line: str, kind: str) -> None:
    bar = "5%|#  | 5/90 [00:{:02d}<01:30, 1.0it/s]"
    lines = [bar.format(0), line, *(bar.format(n) for n in range(40))]
    assert kind in alarms(lines, every_s=1.0)


def test_both_kinds_of_words_are_told() -> None:
    assert set(alarms([OOM, FULL], quiet_s=30)) == {"out_of_memory", "storage_full"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("d_loss", True),
        ("generator_loss", True),
        ("value_loss", True),
        ("policy/loss", True),
        ("entropy", True),
        ("kl_loss", True),
        ("reg_loss", True),
        ("vq/commitment_loss", True),
        ("aux_loss", True),
        ("valid_0's l2", False),
        ("cross_entropy", False),
        ("train_binary_crossentropy", False),
        ("loss value", False),
        ("general_loss", False),
        ("discounted_loss", False),
    ],
)
def test_who_contends(name: str, expected: bool) -> None:
    assert contending(name) is expected


def test_a_cross_entropy_that_explodes_has_diverged() -> None:
    lines = [f"step {n} cross_entropy={0.38 if n < 200 else 5000 + n}" for n in range(260)]
    assert is_loss("cross_entropy")
    assert "diverged" in alarms(lines)


@pytest.mark.parametrize(
    ("whole", "diverges"),
    [
        (lambda n: 2 / (n + 1) + 0.1, False),
        (lambda n: 2.0, False),
        # The whole goes with it, or is gone.
        (lambda n: 0.5 if n < 20 else 3.0, True),
        (lambda n: 0.5 if n < 20 else math.nan, True),
    ],
)
@pytest.mark.parametrize("order", ["loss={0:.4f} mse={1:.4f}", "mse={1:.4f} total_loss={0:.4f}"])
def test_a_part_may_rise_while_the_whole_loss_is_near_its_best(
    order: str, whole: Callable[[int], float], diverges: bool
) -> None:
    lines = [f"step {n} " + order.format(whole(n), 0.01 if n < 20 else n) for n in range(40)]
    assert ("diverged" in alarms(lines)) is diverges


@pytest.mark.parametrize("constant", [" gamma=0.99", " learn_rate=0.001", " l2=0.0001"])
def test_a_constant_is_no_loss_that_stands_still(constant: str) -> None:
    assert alarms(falling(100, constant)) == {}


@pytest.mark.parametrize(
    "heartbeat",
    [
        "2026-01-02 03:04:{:02d} WARNING waiting for a worker",
        "[03:{:02d}:00] still waiting, {} s so far",
        "\\ waiting since 00:{:02d}",
        "10%|█         | 10/100 [00:{:02d}<09:00, 1.0it/s, loss=0.5]",
    ],
)
def test_a_clock_that_moves_is_no_life(heartbeat: str) -> None:
    lines = [*falling(10), *(heartbeat.format(n % 60, n) for n in range(400))]
    assert "stalled" in alarms(lines, every_s=1.0)


def test_a_bar_that_moves_slowly_is_life() -> None:
    bar = "{}%|█   | {}/400 [0{}:00<09:00, 0.1it/s, loss=0.5]"
    lines = [bar.format(n // 4, n, n % 10) for n in range(400)]
    assert "stalled" not in alarms(lines, every_s=1.0)


def test_a_checkpoint_that_is_written_over_is_another_one() -> None:
    def epochs(name: str, again: str = "") -> list[str]:
        lines = []
        for epoch, value in enumerate((0.50, 0.56)):
            lines += [f"epoch {epoch} step {epoch * 10 + n} loss=0.{9 - n}" for n in range(5)]
            lines.append(f"{again if epoch else ''}Evaluating {name}: val_acc={value}")
        return lines

    assert "evaluation_disagrees" not in alarms(epochs("checkpoints/last.pt"))
    assert "evaluation_disagrees" in alarms(epochs("checkpoints/last.pt", "again: "))
    assert "evaluation_disagrees" in alarms(epochs("checkpoints/epoch-1.pt"))


def test_a_whole_log_keeps_every_number() -> None:
    text = "".join(f"step {n} loss={1 / (n + 1):.5f} val_acc=0.{n:04d}\n" for n in range(2000))
    text += "final val_acc=0.93"
    history = history_of([text[:999].encode(), text[999:].encode()])
    assert set(history.names) == {"loss", "val_acc", "final_val_acc"}
    points = history.points()
    assert {p.step for p in points if p.name == "val_acc"} >= {0, 1999}
    assert [(p.step, p.value) for p in points if p.name == "final_val_acc"] == [(1999, 0.93)]


def test_many_other_numbers_hide_no_loss() -> None:
    others = [f"layer{n}.weight: {n}" for n in range(500)]
    gone = [f"step {n} loss=nan" for n in range(20, 24)]
    assert "not_finite" in alarms([*others, *falling(20), *gone])
    text = "\n".join((*others, *falling(20)))
    assert history_of([text.encode()]).last("loss") == 0.2


@pytest.mark.parametrize("other", ["layer{}.weight", "acc_{}"])
def test_many_other_numbers_do_not_hide_the_metric_of_a_ticket(other: str) -> None:
    lines = [*(f"{other.format(n)}={n}" for n in range(500)), *["it found=0.5"] * 9]
    follower = Follower(Expectations(metric="it found"))
    for line in (*lines, "it found=nan", "it found=nan"):
        found = follower.feed(f"{line}\n", 0.0)
    assert [alarm.kind for alarm in found] == ["not_finite"]
    assert "it_found" in follower.history.names
    text = "\n".join(lines).encode()
    assert history_of([text], "it found").last("it_found") == 0.5
    assert history_of([text]).last("it_found") == (0.5 if "acc" in other else None)


def test_a_number_stands_at_its_epoch_or_its_line() -> None:
    epochs = history_of([b"Epoch 1/3\nloss: 0.5\nEpoch 2/3\nloss: 0.4\n"]).points()
    assert [(p.step, p.value) for p in epochs] == [(1, 0.5), (2, 0.4)]
    lines = history_of([b"{'loss': 0.5, 'epoch': 0.31}\n{'loss': 0.4, 'epoch': 0.62}\n"]).points()
    assert [(p.name, p.step) for p in lines] == [("loss", 1), ("loss", 2)]


def test_the_gaps_between_lines_that_were_there_already_are_not_known() -> None:
    follower, found = Follower(Expectations(stall_s=600)), list[Alarm]()
    for epoch in range(6):  # as they are read after a restart of labcrew
        found += follower.feed(f"epoch {epoch} loss {2 * 0.9**epoch:.3f}\n", 0.0)
    for second in range(1, 1200):
        if second < 600 and second % 90 == 0:
            epoch = 5 + second // 90
            found += follower.feed(f"epoch {epoch} loss {2 * 0.9**epoch:.3f}\n", second)
        found += follower.tick(second, IDLE)
        assert found == [] or second > 800
    assert [alarm.kind for alarm in found] == ["stalled"]
    assert "the longest gap before was 90 s" in found[0].diagnosis
