"""A large chunk is read by way of the sieve, and says what the same lines say one by one."""

import random

import pytest

from labcrew.domain.monitoring import Observation
from tools.logs.reader import BACKLOG, LogReader, is_telling

_DULL = ("worker {} took {} s", "fetched {} files", "GET /items/{} {}", "queue is empty", "")
_TELLING = (
    "step={} loss=0.{}",
    "epoch {} val acc {}%",
    "loss nan",
    "{{'loss': '0.{}', 'epoch': {}}}",
    "Traceback (most recent call last):",
    "ValueError: {}",
    "ERROR CUDA out of memory {}",
    "saved checkpoint to out/ck-{}.pt",
    '{{"step": {}, "loss": NaN}}',
    "  45%|████▌     | {}/{} [00:01<00:02, 30.1it/s, loss=0.5]",
    "reading shard {}",
    "Killed",
    "lr: {}",
    "grad norm inf",
)


def log(seed: int, lines: int, end: str = "\n", prefix: bool = False) -> str:
    """Mostly lines without a metric."""
    rng = random.Random(seed)
    made = []
    for number in range(lines):
        form = rng.choice(_TELLING if rng.random() < 0.05 else _DULL)
        text = form.format(rng.randrange(1, 99), rng.randrange(100, 999))
        stamp = f"2026-01-02 03:{number // 60 % 60:02}:{number % 60:02},123 INFO "
        made.append(stamp + text if prefix else text)
    return end.join(made) + end


def read(text: str | bytes, size: int) -> tuple[LogReader, list[Observation]]:
    reader = LogReader()
    found: list[Observation] = []
    for start in range(0, len(text), size):
        found += reader.feed(text[start : start + size], 0.0)
    return reader, [*found, *reader.end(0.0)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("size", [BACKLOG, BACKLOG * 3 + 1, 1 << 22])
def test_a_backlog_says_what_its_lines_say(end: str, prefix: bool, size: int) -> None:
    text = log(size, 20_000, end, prefix)
    slowly, each = read(text, BACKLOG - 1)
    quickly, few = read(text, size)
    as_bytes, again = read(text.encode(), size)
    assert quickly.lines == as_bytes.lines == slowly.lines == len(each)
    assert quickly.passed_over > 10_000
    telling = [repr(found) for found in each if is_telling(found)]
    assert [repr(found) for found in few if is_telling(found)] == telling
    assert [repr(found) for found in again if is_telling(found)] == telling
    everything = {repr(found) for found in each}
    assert {repr(found) for found in few} <= everything


def test_what_looks_dull_at_first_is_read_when_it_tells() -> None:
    dull = "connected to node 3\n" * 9000
    text = dull + "loss 0.5\n" + dull + "OSError: [Errno 28] No space left on device\n" + dull
    reader, found = read(text, len(text))
    told = [f for f in found if is_telling(f)]
    assert [dict(f.numbers) for f in told] == [{"loss": 0.5}, {}]
    assert told[1].trouble == "no_space"
    assert reader.lines == 27_002


def test_rows_under_a_header_are_read() -> None:
    noise = "fetched 3 files\n" * 5000
    text = noise + "  Iter   Train Loss\n" + "     1     0.5\n     2     0.4\n" * 50 + noise
    _, found = read(text, len(text))
    assert sum("Train_Loss" in f.numbers for f in found) == 100


def test_lines_of_any_length_pass() -> None:
    text = "x" * 300_000 + "\nloss 0.5\n" + "y 3 " * 100_000 + "\n" + "loss 0.4" + "\n" * 70_000
    reader, found = read(text, len(text))
    assert [dict(f.numbers) for f in found if is_telling(f)] == [{"loss": 0.5}, {"loss": 0.4}]
    assert reader.lines == 70_003
    assert max(len(f.text) for f in found) <= 20_000


def test_bytes_that_are_no_text_pass() -> None:
    noise = bytes(range(256)) * 1000
    reader, found = read(noise + b"\nloss 0.5\n" + noise, 1 << 20)
    assert {"loss": 0.5} in [dict(f.numbers) for f in found]
    assert reader.lines == noise.count(b"\n") * 2 + noise.count(b"\r") * 2 + 3
